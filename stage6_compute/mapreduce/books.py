"""The books of one job: which of its tasks are idle, in progress or completed, and what is next.

OSDI'04, section 3.2: for each task the master keeps its state and who works on it. Here a task is
*completed* once :attr:`Books.finished` has it, *in progress* while an attempt on it is under way,
and *idle* otherwise. A completed map whose output is lost is not completed any more. So there is no
state to mend when a worker dies: take away what it had, and what is left tells what is to be done.

Nothing here sends, or knows of time other than what it is told.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from common.contract import NodeId, record
from common.values.units import MS
from stage6_compute.mapreduce.messages import (
    Done,
    Finished,
    Job,
    JobResult,
    Phase,
    Progress,
    Refused,
    Running,
    Source,
    Span,
    Task,
    TaskFailed,
    Work,
)


@record
class Completion:
    """How a task was completed: by which attempt, at which worker in which of its lives."""

    attempt: int
    worker: NodeId
    life: int
    done: Done


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that is under way: who does it, and since when (in microseconds)."""

    task: Task
    worker: NodeId
    begun: int


@dataclass(frozen=True)
class Rules:
    """How to decide; times in microseconds.

    Attributes:
        locality_wait: how long an idle map waits for a worker that has its split.
        backup_after: an attempt is not called slow before; None for no backups.
        slow: it is, once it takes so many times as long as half of those that are done took.
        most_failures: a task that fails so often makes its job fail.
        skip_after: a record on which a task failed so often may be skipped.
    """

    locality_wait: int = 500 * MS
    backup_after: int | None = 1000 * MS
    slow: int = 2
    most_failures: int = 4
    skip_after: int = 2


@dataclass(slots=True)
class Books:
    """What the coordinator knows of one job.

    Attributes:
        number: the job's.
        client: who wants it, and under which number of the client's own.
        job: what is wanted.
        rules: how to decide.
        since: when the job came, or came back from the journal.
        finished: how each task was completed, the last time if there were several.
        lost: the finished maps whose output is gone.
        published: the completed reduces whose output is in its place.
        attempts: those under way, by number.
        idle_since: when a task became idle again; ``since`` for those not named.
        failures: how often each task has failed.
        bad: how often a task has failed on a record, by task and number.
        took: how long the attempts of each phase that completed a task took.
        timeline: the attempts that are over.
        result: the result; or why there will be none; None while the job is under way.
    """

    number: int
    client: tuple[NodeId, int]
    job: Job
    rules: Rules
    since: int
    finished: dict[Task, Completion] = field(default_factory=dict)
    lost: set[Task] = field(default_factory=set)
    published: set[Task] = field(default_factory=set)
    attempts: dict[int, Attempt] = field(default_factory=dict)
    idle_since: dict[Task, int] = field(default_factory=dict)
    failures: Counter[Task] = field(default_factory=Counter)
    bad: Counter[tuple[Task, int]] = field(default_factory=Counter)
    took: dict[Phase, list[int]] = field(default_factory=lambda: {"map": [], "reduce": []})
    timeline: list[Span] = field(default_factory=list)
    result: JobResult | str | None = None

    # Which tasks there are.

    def tasks(self, phase: Phase) -> list[Task]:
        """The tasks of a phase, in order."""
        count = len(self.job.splits) if phase == "map" else self.job.partitions
        return [Task(self.number, phase, index) for index in range(count)]

    def is_completed(self, task: Task) -> bool:
        """Whether a task is finished, and what it made is still there."""
        return task in self.finished and task not in self.lost

    def completed(self, phase: Phase) -> int:
        """How many tasks of a phase are completed."""
        return sum(self.is_completed(task) for task in self.tasks(phase))

    def phase(self) -> Phase:
        """The phase in which tasks are handed out: no reduce begins before all maps are done."""
        return "map" if self.completed("map") < len(self.job.splits) else "reduce"

    def at_work(self, task: Task) -> list[Attempt]:
        """The attempts on a task."""
        return [attempt for attempt in self.attempts.values() if attempt.task == task]

    def hosts(self, task: Task) -> tuple[NodeId, ...]:
        """The workers that have the input of a task; () if it is at none, or anywhere."""
        return self.job.splits[task.index].hosts if task.phase == "map" else ()

    # What a worker is told.

    def work(self, task: Task, attempt: int) -> Work:
        """All that a worker has to know for an attempt on a task.

        A reduce is told where the output of each map is now.
        """
        job = self.job
        return Work(
            task,
            attempt,
            job.program,
            job.output,
            job.partitions,
            split=job.splits[task.index].source if task.phase == "map" else "",
            sources=self.sources() if task.phase == "reduce" else (),
            skip=self.bad_records(task) if self.bad else (),
        )

    def bad_records(self, task: Task) -> tuple[int, ...]:
        """The numbers of the records on which a task failed ``skip_after`` times, in order."""
        enough = self.rules.skip_after
        return tuple(sorted(number for (failed, number), times in self.bad.items()
                            if failed == task and times >= enough))  # fmt: skip

    def sources(self) -> tuple[Source, ...]:
        """Where the output of each map is; all maps are completed."""
        done = [self.finished[task] for task in self.tasks("map")]
        return tuple(Source(map, each.attempt, each.worker) for map, each in enumerate(done))

    # What has happened.

    def begin(self, running: Running, worker: NodeId, now: int) -> None:
        """An attempt is under way."""
        self.attempts[running.attempt] = Attempt(running.task, worker, now)

    def end(self, number: int, now: int, how: str) -> Attempt | None:
        """An attempt is over, and its task idle if nobody else works on it; None if it was before.

        Args:
            number: of the attempt.
            now: when.
            how: one word for the picture.
        """
        attempt = self.attempts.pop(number, None)
        if attempt is not None:
            self.idle_since[attempt.task] = now
            span = Span(attempt.task, number, attempt.worker, attempt.begun, now, how)
            self.timeline.append(span)
        return attempt

    def complete(self, task: Task, completion: Completion, now: int) -> list[tuple[int, NodeId]]:
        """A task is completed, perhaps not for the first time: end all attempts on it.

        Returns:
            Those that nobody needs any more, with their workers.
        """
        self.finished[task] = completion
        self.lost.discard(task)
        attempt = self.end(completion.attempt, now, "done")
        if attempt is not None:
            self.took[task.phase].append(now - attempt.begun)
        others = [(n, each.worker) for n, each in self.attempts.items() if each.task == task]
        for number, _ in others:
            self.end(number, now, "not needed")
        return others

    def lose_attempts(self, worker: NodeId, now: int) -> None:
        """All that ``worker`` had under way is over (section 3.3)."""
        for number in [n for n, each in self.attempts.items() if each.worker == worker]:
            self.end(number, now, "lost")

    def lose_outputs(self, worker: NodeId, life: int | None, now: int) -> None:
        """What ``worker`` kept in other lives than ``life`` is gone: its maps are idle again.

        (Section 3.3.) Completed maps are done again, because their output is with the worker.
        Completed reduces are not, because theirs is where the coordinator keeps results.

        Args:
            worker: whose.
            life: the life that it is in; None if it is not there at all.
            now: when.
        """
        for task, done in self.finished.items():
            if task.phase == "map" and done.worker == worker and done.life != life:
                self.lose(task, now)

    def lose_sources(self, sources: Iterable[Source], now: int) -> None:
        """The output of some maps could not be fetched: they are idle again.

        A map that has been done again since, by another attempt, stays as it is.
        """
        maps = self.tasks("map")
        for source in sources:
            if self.finished[maps[source.map]].attempt == source.attempt:
                self.lose(maps[source.map], now)

    def lose(self, task: Task, now: int) -> None:
        """The output of a map is lost: the map is idle again, since now if it was not already."""
        if task not in self.lost:
            self.lost.add(task)
            self.idle_since[task] = now

    def fail(self, task: Task, failed: TaskFailed) -> str:
        """A task has failed; after ``most_failures`` of them its job has.

        If the job skips bad records, those on which the task failed are counted in ``bad``, so that
        its next attempt can leave them out (:meth:`bad_records`). Failures on a record that is left
        out from now on are not held against the task, nor are later ones of attempts that began
        before.

        Returns:
            Why the job has failed; "" if it has not.
        """
        self.failures[task] += 1
        if failed.record is not None and self.job.skip_bad_records:
            self.bad[task, failed.record] += 1
            if self.bad[task, failed.record] == self.rules.skip_after:
                self.failures[task] -= self.rules.skip_after
            elif self.bad[task, failed.record] > self.rules.skip_after:
                self.failures[task] -= 1  # another attempt began before the record was left out
        if self.failures[task] < self.rules.most_failures:
            return ""
        times = f"{task.phase} {task.index} failed {self.failures[task]} times"
        return f"{times}, the last time so: {failed.why}"

    # What comes of it.

    def answer(self) -> Progress | Finished | Refused:
        """What the client is told."""
        _, number = self.client
        match self.result:
            case None:
                maps = (self.completed("map"), len(self.job.splits))
                reduces = (self.completed("reduce"), self.job.partitions)
                return Progress(number, maps, reduces)
            case JobResult() as result:
                return Finished(number, result, tuple(self.timeline))
            case why:
                return Refused(number, why)

    def outcome(self) -> JobResult:
        """The parts in order, and each counter's sum over tasks: once a task (section 4.8)."""
        done = [self.finished[task].done for task in (*self.tasks("map"), *self.tasks("reduce"))]
        counters: Counter[str] = Counter()
        for each in done:
            counters.update(dict(each.counters))
        parts = tuple(self.finished[task].done.output for task in self.tasks("reduce"))
        return JobResult(parts, tuple(sorted(counters.items())))
