"""What clients, the coordinator and workers say to each other, and of what they speak.

A *job* has a map task for each split of its input and a reduce task for each part of its output.
Whatever works on a task is an *attempt*: a task may have several, one after the other or at once.
"""

from typing import Literal, TypeAlias

from common.contract import NodeId, delivery, message, operation, record

Phase: TypeAlias = Literal["map", "reduce"]
Counters: TypeAlias = tuple[tuple[str, int], ...]
"""By name, in the order of names."""

# What there is to do.


@record
class Split:
    """A piece of the input.

    Attributes:
        source: where it is, in words that those who do the work know: the text itself in memory, a
            piece of a file with real processes.
        hosts: the workers that have a copy of it; () if it is equally far from all.
    """

    source: str
    hosts: tuple[NodeId, ...] = ()


@record
class Job:
    """What a client wants to be computed.

    Attributes:
        program: the name of the map and reduce functions.
        output: where the result goes; no two jobs have the same. "" lets the client choose.
        splits: the input; each becomes a map task.
        partitions: how many parts the output has; each comes from a reduce task.
        skip_bad_records: whether records on which the program fails twice are left out.
    """

    program: str
    output: str
    splits: tuple[Split, ...]
    partitions: int
    skip_bad_records: bool = False


@record
class Task:
    """One of the tasks of a job: the map of split ``index``, or the reduce of part ``index``."""

    job: int
    phase: Phase
    index: int


@record
class Source:
    """Where a reduce finds the output of the map ``map``: what ``attempt`` left at ``worker``."""

    map: int
    attempt: int
    worker: NodeId


@record
class Work:
    """All that a worker has to know for one attempt.

    Attributes:
        task: what is to be done.
        attempt: names the attempt among all of the cluster: in both phases, in all jobs, and in all
            lives of the coordinator. Files are called by it.
        program, output, partitions: as in the job.
        split: what a map reads; "" for a reduce.
        sources: what a reduce reads, one for each map, in order; () for a map.
        skip: the numbers of records to be left out, in order.
    """

    task: Task
    attempt: int
    program: str
    output: str
    partitions: int
    split: str = ""
    sources: tuple[Source, ...] = ()
    skip: tuple[int, ...] = ()


# How an attempt ended.


@record
class Done:
    """It is done. The output of a map stays at its worker.

    Attributes:
        output: of a reduce, the lines of its part; () where they are in a file.
        counters: what was counted on the way.
    """

    output: tuple[str, ...] = ()
    counters: Counters = ()


@record
class TaskFailed:
    """The program has failed, on the record of this number if that is known (section 4.6)."""

    why: str
    record: int | None = None


@record
class Unreachable:
    """A reduce could not fetch the output of these maps."""

    sources: tuple[Source, ...]


@record
class Gone:
    """The worker has worked on it and does no more; it has said before how that ended."""


Result: TypeAlias = Done | TaskFailed | Unreachable | Gone


@record
class JobResult:
    """What a job has come to: its parts in order, each in lines, and the sums of its counters."""

    parts: tuple[tuple[str, ...], ...]
    counters: Counters


@record
class Span:
    """An attempt that is over, for a picture: who did it, when (in microseconds), how it ended."""

    task: Task
    attempt: int
    worker: NodeId
    begun: int
    ended: int
    how: str


# Between coordinator and workers.


@record
class Running:
    """An attempt that is under way at a worker."""

    task: Task
    attempt: int


@message
class Ping:
    """Are you there? (Section 3.3.) Jobs with numbers below ``below`` not in ``jobs`` are over."""

    jobs: tuple[int, ...]
    below: int


@message
class Pong:
    """A worker is there, in its life ``life``, and this is all that it has under way."""

    life: int
    running: tuple[Running, ...]


@message
class Assign:
    """Do this."""

    work: Work


@message
class Cancel:
    """Nobody needs this attempt any more."""

    attempt: int


@message
class Report:
    """An attempt is over. It is said again until it is settled."""

    life: int
    task: Task
    attempt: int
    result: Result


@message
class Settled:
    """The coordinator has heard how this attempt ended."""

    attempt: int


# Between a client and the coordinator.


@operation
class Compute:
    """Compute this. Ends with Ok(JobResult), or with TaskFailed if it never will be computed."""

    job: Job


@message
class Submit:
    """A client wants ``job``, under a number of its own. It is said again until it is over."""

    number: int
    job: Job


@message
class Progress:
    """The job that was submitted under ``number`` is under way: so many of its tasks are done."""

    number: int
    maps: tuple[int, int]
    reduces: tuple[int, int]


@message
class Finished:
    """The job is done; ``timeline`` has its attempts, as far as the coordinator's life goes."""

    number: int
    result: JobResult
    timeline: tuple[Span, ...]


@message
class Refused:
    """The job is not done, and never will be."""

    number: int
    why: str


# What a coordinator and a worker hand to the machine that they are on.


@delivery
class Reply:
    """Send this to a client."""

    client: NodeId
    answer: Progress | Finished | Refused


@delivery
class Publish:
    """It is decided whose output a part is: make the file of ``attempt`` that of the part.

    The coordinator wants to be told when that is done; after a crash it asks for it again.
    """

    task: Task
    attempt: int
    program: str
    output: str


@delivery
class Execute:
    """Begin to work, and report once."""

    work: Work


@delivery
class Stop:
    """Stop to work on this attempt."""

    attempt: int


@delivery
class Drop:
    """What was kept for this job can go: the job is over."""

    job: int
