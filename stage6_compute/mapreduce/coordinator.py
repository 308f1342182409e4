"""The coordinator: hands out tasks, notices who is gone, decides whose output counts.

OSDI'04, sections 3.1 to 3.6 (there it is the *master*). What it knows of a job is in ``books.py``,
which task is next in ``scheduling.py``. Here is what is said, heard, and written into the journal.

* **Who is there** (``roll.py``). Every worker is pinged. The tasks of a worker that is gone are
  idle again, and so are the maps that it completed.
* **What is certain.** A message may be lost, late or doubled. A Pong says all that is under way at
  a worker, so what should be and is not is assigned once more. A worker says a report again
  until it is settled.
* **Commit.** The first report that a task is done decides. It is in the journal before anybody is
  told; reports of other attempts change nothing. (In the paper a reduce renames its file
  itself. Then a worker that was thought dead may still do so, long after the job's end. Here only
  the one that decides does, and it decides once.)
* **The journal.** Jobs, completed tasks and results are saved, attempts are not. A coordinator that
  comes back asks the workers what is under way, and takes it over before it hands out anything.

It lives in a :class:`~stage6_compute.mapreduce.machine.Machine`, which brings it what clients say.
"""

from collections.abc import Mapping

from common.contract import Node, NodeId, begin_life, on, record, timer
from common.values.units import MS
from stage6_compute.mapreduce.books import Books, Completion, Rules
from stage6_compute.mapreduce.messages import (
    Assign,
    Cancel,
    Done,
    Gone,
    Job,
    JobResult,
    Ping,
    Pong,
    Publish,
    Refused,
    Reply,
    Report,
    Running,
    Settled,
    Submit,
    Task,
    TaskFailed,
    Unreachable,
)
from stage6_compute.mapreduce.roll import Roll
from stage6_compute.mapreduce.scheduling import next_task

MAX_TASKS = 10_000
"""The most tasks of a job. All of them are gone through again and again."""


@record
class Entry:
    """What the journal says of a job: who wants it, under which number, and what it is."""

    client: NodeId
    number: int
    job: Job


@timer
class Tick:
    """Time to ping."""


class Coordinator(Node):
    """Coordinates the workers, who are all its peers.

    Args:
        id: the name of this node.
        peers: the workers.
        slots: how many attempts a worker may have under way at once.
        ping_every: microseconds between two pings.
        most_missed: a worker that misses so many pings in a row is taken for dead.
        rules: how it decides.
    """

    carries = (JobResult, Completion)

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        slots: int = 1,
        ping_every: int = 100 * MS,
        most_missed: int = 10,
        rules: Rules | None = None,
    ) -> None:
        super().__init__(id, peers)
        self.slots = slots
        self.ping_every = ping_every
        self.rules = rules or Rules()
        self.jobs: dict[int, Books] = {}
        """By number, in the order in which they came."""
        self.roll = Roll(self.peers, most_missed)
        """Who is there."""
        self.last_attempt = 0
        """The number of the latest attempt. It only grows, over jobs, phases and lives."""
        self.taking_over = False
        """Whether this life began with jobs under way, and workers still say what they have."""

    def status(self) -> Mapping[str, object]:
        """How many jobs are under way, who is there, and how much is."""
        under_way = self.under_way()
        return {
            "jobs": len(under_way),
            "workers": " ".join(filter(self.roll.is_there, self.peers)),
            "attempts": sum(len(books.attempts) for books in under_way),
        }

    def under_way(self) -> list[Books]:
        """The jobs that are not over."""
        return [books for books in self.jobs.values() if books.result is None]

    # A life begins.

    def on_start(self) -> None:
        """Read the journal, if there was a life before, and ask who is there.

        The attempts of this life have numbers that no earlier life has given.
        """
        self.last_attempt = begin_life(self)
        if self.saved:
            self.recover()
        self.ping()

    def recover(self) -> None:
        """Take up the jobs where the last life left them.

        ``saved`` has under ("job", number) an Entry, under ("done", job, phase, index) a
        Completion, under ("result", number) a JobResult, or a text if the job has failed. It has
        them in any order; jobs go on in the order of their numbers. A completed task may not have
        been published. If jobs are under way, workers may be at work on them: until the first Tick
        this life is ``taking_over``.
        """
        for key, value in self.saved.items():
            match key, value:
                case ("job", int(number)), Entry(client, asked, job):
                    self.jobs[number] = self.books(number, (client, asked), job)
        self.jobs = dict(sorted(self.jobs.items()))
        for key, value in self.saved.items():
            match key, value:
                case ("done", int(number), ("map" | "reduce") as phase, int(index)), Completion():
                    self.jobs[number].finished[Task(number, phase, index)] = value
                case ("result", int(number)), JobResult() | str():
                    self.jobs[number].result = value
        for books in self.under_way():
            self.taking_over = True
            for task in books.tasks("reduce"):
                if task in books.finished:
                    self.publish(books, task)

    def books(self, number: int, client: tuple[NodeId, int], job: Job) -> Books:
        """New books."""
        return Books(number, client, job, self.rules, self.now)

    # What clients want.

    def submit(self, submit: Submit, client: NodeId) -> None:
        """Begin a job, unless it is known; tell the client where it stands.

        A client says the same again under the same number: that is the same job. Another job with
        the same output is refused, also if the first one has failed: so a refusal stays true.

        A new job is saved under ``("job", number)``, as an :class:`Entry`.
        """
        asked = (client, submit.number)
        known = next((books for books in self.jobs.values() if books.client == asked), None)
        if known is not None:
            self.tell(known)
        elif why := self.why_not(submit.job):
            self.deliver(Reply(client, Refused(submit.number, why)))
        else:
            number = len(self.jobs) + 1
            self.jobs[number] = self.books(number, asked, submit.job)
            self.save(("job", number), Entry(client, submit.number, submit.job))
            self.tell(self.jobs[number])
            self.schedule()

    def why_not(self, job: Job) -> str:
        """Why a job is refused; "" if it is not."""
        for books in self.jobs.values():
            if books.job.output == job.output:
                return f"job {books.number} writes to {job.output!r} already: name another output"
        if not job.splits or job.partitions < 1:
            return "a job has one split and one part of its output at least"
        if len(job.splits) + job.partitions > MAX_TASKS:
            return f"a job has at most {MAX_TASKS} tasks, one for each split and each part"
        return ""

    def tell(self, books: Books) -> None:
        """Tell the client how its job stands."""
        client, _ = books.client
        self.deliver(Reply(client, books.answer()))

    # Who is there.

    @on(Tick)
    def tick(self, timer: Tick) -> None:
        """Ping all again, and hand out what was waiting, or was lost with who is gone."""
        self.taking_over = False
        self.ping()
        self.schedule()

    def ping(self) -> None:
        """Ping all workers, tell them which jobs are under way, and ping again before long.

        If one has missed too many pings, its tasks are idle again, and so are its maps.
        """
        for worker in self.roll.ping():
            self.lost(worker, None)
        jobs = tuple(books.number for books in self.under_way())
        self.broadcast(Ping(jobs, below=len(self.jobs) + 1))
        self.set_timer(self.ping_every, Tick())

    def heard(self, worker: NodeId, life: int) -> bool:
        """A worker has said something; what it had in other lives is lost.

        Returns:
            Whether it is to be believed: a word from an earlier life is only late.
        """
        if self.roll.is_late(worker, life):
            return False
        if self.roll.heard(worker, life):
            self.lost(worker, life)
        return True

    def lost(self, worker: NodeId, life: int | None) -> None:
        """All that a worker had under way is lost, and the maps that it completed in other lives.

        Args:
            worker: who.
            life: the life that it is in, None for none.
        """
        for books in self.under_way():
            books.lose_attempts(worker, self.now)
            books.lose_outputs(worker, life, self.now)

    @on(Pong)
    def pong_received(self, pong: Pong, sender: NodeId) -> None:
        """Compare what a worker has under way with the books.

        What is under way and on the books stays. What is not on them is taken over, if its task
        is not completed; else nobody needs it. What should be under way and is not may never have
        arrived: it is assigned once more, under its number, and a worker that has heard of the
        number before does nothing.
        """
        if not self.heard(sender, pong.life):
            return
        for running in pong.running:
            books = self.jobs.get(running.task.job)
            if books is None or books.result is not None or books.is_completed(running.task):
                self.send(sender, Cancel(running.attempt))
            elif running.attempt not in books.attempts:
                books.begin(running, sender, self.now)
        there = [running.attempt for running in pong.running]
        for books in self.under_way():
            for number, attempt in list(books.attempts.items()):
                if attempt.worker == sender and number not in there:
                    self.assign_again(books, Running(attempt.task, number), sender)
        self.schedule()

    def assign_again(self, books: Books, running: Running, worker: NodeId) -> None:
        """Assign an attempt once more; or give it up, if it is a reduce and lacks a map by now."""
        if running.task.phase == books.phase():
            self.assign(books, running, worker)
        else:
            books.end(running.attempt, self.now, "lost")

    # Who does what.

    def schedule(self) -> None:
        """Give each worker that is there and has room a task, if there is one for it.

        Earlier jobs come first. The number of an attempt is new in the whole cluster. Nothing is
        handed out while ``taking_over``: others may have it under way.
        """
        for worker in () if self.taking_over else self.peers:
            while self.has_room(worker) and (found := self.task_for(worker)):
                books, task = found
                self.last_attempt += 1
                running = Running(task, self.last_attempt)
                books.begin(running, worker, self.now)
                self.assign(books, running, worker)

    def has_room(self, worker: NodeId) -> bool:
        """Whether a worker is there, and has fewer attempts under way than it may have."""
        attempts = [each for books in self.under_way() for each in books.attempts.values()]
        busy = sum(each.worker == worker for each in attempts)
        return self.roll.is_there(worker) and busy < self.slots

    def task_for(self, worker: NodeId) -> tuple[Books, Task] | None:
        """The task that is next for a worker, of the earliest job that has one."""
        for books in self.under_way():
            task = next_task(books, worker, self.now)
            if task is not None:
                return books, task
        return None

    def assign(self, books: Books, running: Running, worker: NodeId) -> None:
        """Let a worker have all that it needs for an attempt."""
        self.send(worker, Assign(books.work(running.task, running.attempt)))

    # How attempts end.

    @on(Report)
    def reported(self, report: Report, sender: NodeId) -> None:
        """An attempt is over: settle it, and act on it unless its job or its worker's life is.

        It may come twice. Done counts while the task is not completed, whatever the attempt.
        All other results count while the attempt is on the books.
        """
        self.send(sender, Settled(report.attempt))
        books = self.jobs.get(report.task.job)
        if not self.heard(sender, report.life) or books is None or books.result is not None:
            return
        match report.result:
            case Done() as done:
                if not books.is_completed(report.task):
                    by = Completion(report.attempt, sender, report.life, done)
                    self.commit(books, report.task, by)
            case TaskFailed() as failed if books.end(report.attempt, self.now, "failed"):
                if why := books.fail(report.task, failed):
                    self.finish_job(books, why)
            case Unreachable(sources) if books.end(report.attempt, self.now, "unreachable"):
                books.lose_sources(sources, self.now)
            case Gone():
                books.end(report.attempt, self.now, "gone")
        self.schedule()

    def commit(self, books: Books, task: Task, completion: Completion) -> None:
        """Decide that this attempt has completed its task, once: into the journal it goes.

        It is saved under ``("done", job, phase, index)`` of the task.
        Nobody needs the task's other attempts. The output of a reduce is published.
        """
        self.save(("done", task.job, task.phase, task.index), completion)
        for attempt, worker in books.complete(task, completion, self.now):
            self.send(worker, Cancel(attempt))
        if task.phase == "reduce":
            self.publish(books, task)

    def publish(self, books: Books, task: Task) -> None:
        """Have the output of a completed reduce put in its place."""
        attempt = books.finished[task].attempt
        self.deliver(Publish(task, attempt, books.job.program, books.job.output))

    def published(self, task: Task, why_not: str = "") -> None:
        """The output of a reduce is in its place; with all of them there, the job is done.

        It may be said again. If it cannot be put there, ``why_not`` says why, and the job fails.
        """
        books = self.jobs[task.job]
        if books.result is not None:
            return
        books.published.add(task)
        if why_not:
            self.finish_job(books, why_not)
        elif len(books.published) == books.job.partitions:
            self.finish_job(books, books.outcome())
        self.schedule()

    def finish_job(self, books: Books, result: JobResult | str) -> None:
        """A job is over: save its result in place of its tasks, and tell the client."""
        books.result = result
        self.save(("result", books.number), result)
        for task in books.finished:
            self.forget(("done", task.job, task.phase, task.index))
        for number, attempt in list(books.attempts.items()):
            books.end(number, self.now, "not needed")
            self.send(attempt.worker, Cancel(number))
        self.tell(books)
