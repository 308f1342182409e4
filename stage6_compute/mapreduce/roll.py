"""Who is there: workers are pinged, and those that do not answer are taken for dead.

OSDI'04, section 3.3. Nobody can tell a worker that is dead from one that is slow. The coordinator
need not: it takes a worker for dead, has its work done by others, and believes it again when it
speaks. What matters is what a worker *has*. One that comes back to life after a crash has nothing,
and may do so before anybody has missed it. So each worker numbers its lives and says the number
with every word. A worker that is taken for dead still has a latest life: what it said in an earlier
one, and comes late, is as void as before.
"""

from common.contract import NodeId


class Roll:
    """What is known of the workers.

    Args:
        workers: all there may be.
        most_missed: who misses so many pings in a row is taken for dead.

    Attributes:
        there: the workers that are there.
        lives: of each worker that was ever heard of, the life that it was in last.
        missed: how many pings each worker has missed in a row.
    """

    def __init__(self, workers: tuple[NodeId, ...], most_missed: int) -> None:
        self.most_missed = most_missed
        self.there: set[NodeId] = set()
        self.lives: dict[NodeId, int] = {}
        self.missed: dict[NodeId, int] = dict.fromkeys(workers, 0)

    def is_there(self, worker: NodeId) -> bool:
        """Whether a worker has been heard of, and is not taken for dead."""
        return worker in self.there

    def is_late(self, worker: NodeId, life: int) -> bool:
        """Whether a word was said in an earlier life than the last one that is known of the worker,
        also if it is taken for dead by now."""
        return life < self.lives.get(worker, life)

    def heard(self, worker: NodeId, life: int) -> bool:
        """A worker has said something in this life, and not late: it has missed nothing.

        Returns:
            Whether it has begun a new life: it was in another one, or it was not there.
        """
        self.missed[worker] = 0
        begun = worker not in self.there or self.lives[worker] != life
        self.there.add(worker)
        self.lives[worker] = life
        return begun

    def ping(self) -> list[NodeId]:
        """Everybody is pinged once more, and has missed that ping until it is heard.

        Returns:
            Those who have missed ``most_missed`` pings with the one before. They are taken for dead
            from now on, though their lives are still known. They are named once, not at each ping
            that they miss after it.
        """
        dead = [worker for worker, missed in self.missed.items() if missed == self.most_missed]
        for worker in dead:
            self.there.discard(worker)
        for worker in self.missed:
            self.missed[worker] += 1
        return dead
