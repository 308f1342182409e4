"""Prints the SHA-256 of the traces of a canonical run, for comparison between Pythons.

It needs nothing but the standard library and the course's floors 0 to 2, so any interpreter can
run it from the repository: ``python3.13 -m tests.support.trace_hash``. The run has everything that
can be drawn: loss, duplication, reordering, bandwidth, partitions, crashes, slow disks, drift.
"""

import hashlib
from random import Random

from common.contract import Node, NodeId, message, on, operation, timer
from common.sim import LinkModel
from common.sim.chaos import random_schedule
from common.values.history import Ok
from common.values.units import MS, SECOND
from common.worlds import Scene, Work

NODES = ("n1", "n2", "n3")


@message
class Rumor:
    """Something heard."""

    words: tuple[str, ...]
    weight: float


@timer
class Chat:
    """Time to talk."""


@operation
class Tell:
    """A client has news."""

    words: str


class Gossip(Node):
    """Tells a peer drawn by chance what it knows, every now and then, and saves it."""

    def on_start(self) -> None:
        """Remember, and begin to talk."""
        self.known: tuple[str, ...] = self.saved.get("known", ())
        self.set_timer(self.random.randrange(10 * MS, 30 * MS), Chat())

    @on(Chat)
    def chat(self, chat: Chat) -> None:
        """Tell one peer."""
        words = list(self.known)
        self.random.shuffle(words)
        self.send(self.random.choice(self.peers), Rumor(tuple(words[:5]), self.random.random()))
        self.set_timer(self.random.randrange(10 * MS, 30 * MS), Chat())

    @on(Rumor)
    def rumor(self, rumor: Rumor, sender: NodeId) -> None:
        """Learn."""
        self.learn(*rumor.words)

    @on(Tell)
    def tell(self, tell: Tell, call: int) -> None:
        """A client of this node told it something."""
        self.learn(tell.words)
        self.finish(call, Ok(len(self.known)))

    def learn(self, *words: str) -> None:
        """Keep what is new, durably, and note it."""
        for word in words:
            if word not in self.known:
                self.known = (*self.known, word)
                self.save("known", self.known)
                self.note("learned", word=word, at=self.now)

    def status(self) -> dict[str, object]:
        """How much it knows."""
        return {"known": len(self.known)}


def trace(seed: int) -> str:
    """The trace of one run."""
    schedule = random_schedule(Random(f"{seed}/schedule"), NODES, 2 * SECOND, troubles=12)
    scene = Scene(
        "hash",
        dict.fromkeys(NODES, Gossip),
        seed=seed,
        link=LinkModel(loss=0.05, duplicate=0.05, reorder=0.1, bandwidth=50_000),
        schedule=schedule,
    )
    scene.begin(Work(some_news, think=(10 * MS, 200 * MS), patience=1 * SECOND), NODES)
    scene.run(3 * SECOND)
    return scene.lines + scene.history.to_jsonl()


def some_news(random: Random, client: NodeId, number: int) -> Tell:
    """What a client tells next."""
    return Tell(f"{client}-{random.randrange(1000)}")


def digest() -> str:
    """The hash of ten runs."""
    return hashlib.sha256("".join(trace(seed) for seed in range(10)).encode()).hexdigest()


if __name__ == "__main__":
    print(digest())
