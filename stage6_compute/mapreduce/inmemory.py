"""The hands of a worker in memory: it computes what is small, and fetches from other workers.

With real data this is done by files, sorting on disk and processes (``data/``). This is for the
simulator, and for jobs that fit into memory. The output of a map stays here, in runs by part, until
the job is over. A reduce fetches its runs from those who have them (section 3.1, step 5).
"""

from common.contract import Node, NodeId, delivery, message, on, timer
from common.values.units import MS
from stage6_compute.mapreduce.messages import Done, Result, Source, TaskFailed, Unreachable, Work
from stage6_compute.mapreduce.words import PROGRAMS, BadRecord, Run, run_map, run_reduce

MOST_ASKED = 5
"""How often a reduce asks for a run before it says that it cannot reach it."""


@message
class Fetch:
    """The reduce ``attempt`` of ``job`` wants what the map ``source`` has for its part."""

    job: int
    attempt: int
    source: Source
    part: int


@message
class Fetched:
    """Here it is; None if it is not here."""

    attempt: int
    source: Source
    run: Run | None


@timer
class Worked:
    """So long the work on an attempt took."""

    attempt: int


@timer
class FetchAgain:
    """What a reduce has asked for ``asked`` times and not fetched by now may have been lost."""

    attempt: int
    asked: int


@delivery
class Ended:
    """The work on an attempt has ended so."""

    attempt: int
    result: Result


class InMemory(Node):
    """Does the work of one worker.

    Args:
        id: the name of this node.
        peers: the other machines.
        work_time: how long an attempt takes at least, in microseconds; up to twice as long.
        fetch_time: how long a reduce waits before it asks again, in microseconds.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        work_time: int = 10 * MS,
        fetch_time: int = 50 * MS,
    ) -> None:
        super().__init__(id, peers)
        self.work_time = work_time
        self.fetch_time = fetch_time
        self.work: dict[int, Work] = {}
        """By attempt, what is under way."""
        self.kept: dict[tuple[int, int], tuple[Run, ...]] = {}
        """By job and attempt, what a map has made: a run for each part."""
        self.fetched: dict[int, dict[Source, Run]] = {}
        """By attempt, what a reduce has fetched so far."""

    # What the machine asks.

    def execute(self, work: Work) -> None:
        """Begin to work: a map takes its time, a reduce fetches first."""
        self.work[work.attempt] = work
        if work.task.phase == "map":
            self.take_time(work.attempt)
            return
        self.fetched[work.attempt] = {}
        self.fetch(work, 1)

    def stop(self, attempt: int) -> None:
        """Stop to work on an attempt."""
        self.work.pop(attempt, None)
        self.fetched.pop(attempt, None)

    def drop(self, job: int) -> None:
        """Keep nothing of a job."""
        self.kept = {key: runs for key, runs in self.kept.items() if key[0] != job}

    # The work.

    def take_time(self, attempt: int) -> None:
        """Let some time pass, then the work is done."""
        extra = self.random.randrange(self.work_time + 1)
        self.set_timer(self.work_time + extra, Worked(attempt))

    @on(Worked)
    def worked(self, timer: Worked) -> None:
        """The work is done: say how it ended."""
        work = self.work.get(timer.attempt)
        if work is not None:
            result = self.mapped(work) if work.task.phase == "map" else self.reduced(work)
            self.end(work.attempt, result)

    def mapped(self, work: Work) -> Result:
        """Map a split, and keep the runs; or say on which record the program has failed."""
        if work.program not in PROGRAMS:
            return TaskFailed(
                f"there is no program {work.program!r}: there are {', '.join(PROGRAMS)}"
            )
        try:
            runs = run_map(work.program, work.split, work.partitions, work.skip)
        except BadRecord as bad:
            return TaskFailed(str(bad), bad.number)
        self.kept[work.task.job, work.attempt] = runs
        records = len(work.split.splitlines()) - len(work.skip)
        return Done(counters=(("records", records), ("skipped", len(work.skip))))

    def reduced(self, work: Work) -> Result:
        """Reduce what was fetched."""
        runs = self.fetched[work.attempt].values()
        output = run_reduce(work.program, runs)
        return Done(output, (("keys", len(output)),))

    def end(self, attempt: int, result: Result) -> None:
        """The work on an attempt has ended."""
        self.stop(attempt)
        self.deliver(Ended(attempt, result))

    # Fetching.

    def missing(self, work: Work) -> tuple[Source, ...]:
        """What a reduce has not fetched so far."""
        runs = self.fetched[work.attempt]
        return tuple(source for source in work.sources if source not in runs)

    def fetch(self, work: Work, asked: int) -> None:
        """Ask for all that is missing, for the ``asked``-th time."""
        for source in self.missing(work):
            wanted = Fetch(work.task.job, work.attempt, source, work.task.index)
            self.send(source.worker, wanted)
        self.set_timer(self.fetch_time, FetchAgain(work.attempt, asked))

    @on(Fetch)
    def asked_for(self, fetch: Fetch, sender: NodeId) -> None:
        """Send a run, or None if it is not here."""
        found = self.kept.get((fetch.job, fetch.source.attempt))
        run = None if found is None else found[fetch.part]
        self.send(sender, Fetched(fetch.attempt, fetch.source, run))

    @on(Fetched)
    def run_received(self, fetched: Fetched, sender: NodeId) -> None:
        """Keep a run; with all of them here, the reduce begins. If it is not there, it is lost."""
        work, runs = self.work.get(fetched.attempt), self.fetched.get(fetched.attempt)
        if work is None or runs is None or fetched.source in runs:
            return
        if fetched.run is None:
            self.end(fetched.attempt, Unreachable((fetched.source,)))
            return
        runs[fetched.source] = fetched.run
        if not self.missing(work):
            self.take_time(fetched.attempt)

    @on(FetchAgain)
    def fetch_again(self, timer: FetchAgain) -> None:
        """Ask again for what is missing; say in the end that it cannot be reached."""
        work = self.work.get(timer.attempt)
        if work is None or not (missing := self.missing(work)):
            return
        if timer.asked < MOST_ASKED:
            self.fetch(work, timer.asked + 1)
        else:
            self.end(timer.attempt, Unreachable(missing))
