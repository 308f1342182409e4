"""A worker: does what it is assigned, and says how it ended until it was heard.

OSDI'04, sections 3.1 and 3.3. The work itself is done by what is around this node: it is handed
:class:`Execute`, and says how that ended by :meth:`Worker.ended`. So a worker answers pings while
it works.

A worker that crashes has lost everything, also the output of its maps. It saves nothing but the
number of its life, by which the coordinator notices.
"""

from collections.abc import Mapping

from common.contract import Node, NodeId, begin_life, on
from stage6_compute.mapreduce.messages import (
    Assign,
    Cancel,
    Drop,
    Execute,
    Gone,
    Ping,
    Pong,
    Report,
    Result,
    Running,
    Settled,
    Stop,
    Task,
)


class Worker(Node):
    """A worker of one coordinator.

    Args:
        id: the name of this node.
        peers: the coordinator and the other workers.
        coordinator: which of them is the coordinator.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], *, coordinator: NodeId) -> None:
        super().__init__(id, peers)
        self.coordinator = coordinator
        self.life = 0
        """Which of its lives this is: a greater number than that of each before."""
        self.known: dict[int, Task] = {}
        """The attempts that this life has heard of, as long as their jobs are under way."""
        self.running: dict[int, Task] = {}
        """Those that are under way."""
        self.unsettled: dict[int, Report] = {}
        """How others ended, as long as the coordinator has not settled it."""

    def status(self) -> Mapping[str, object]:
        """What is under way."""
        running = [f"{task.phase} {task.index}" for task in self.running.values()]
        return {"running": ", ".join(running), "unsettled": len(self.unsettled)}

    def on_start(self) -> None:
        """Begin a life in which nothing is known."""
        self.life = begin_life(self)

    @on(Ping)
    def pinged(self, ping: Ping, sender: NodeId) -> None:
        """Drop what is for jobs that are over; say what is not settled, and what is under way.

        Reports come first: else it would look as if nobody had worked on their tasks.
        """
        over = {
            task.job: None
            for task in self.known.values()
            if task.job < ping.below and task.job not in ping.jobs
        }
        for job in over:
            self.drop(job)
        for report in self.unsettled.values():
            self.send(sender, report)
        running = tuple(Running(task, attempt) for attempt, task in self.running.items())
        self.send(sender, Pong(self.life, running))

    def drop(self, job: int) -> None:
        """A job is over: stop to work on it, and keep nothing of it."""
        for attempt, task in list(self.known.items()):
            if task.job == job:
                self.stop(attempt)
                del self.known[attempt]
                self.unsettled.pop(attempt, None)
        self.deliver(Drop(job))

    @on(Assign)
    def assigned(self, assign: Assign, sender: NodeId) -> None:
        """Begin an attempt, once in this life.

        It may be assigned again. While it is under way there is nothing to say. Is it over, the
        coordinator has not heard how: the report is said again, or that it is Gone.
        """
        work = assign.work
        if work.attempt not in self.known:
            self.known[work.attempt] = self.running[work.attempt] = work.task
            self.deliver(Execute(work))
        elif work.attempt not in self.running:
            gone = Report(self.life, work.task, work.attempt, Gone())
            self.send(sender, self.unsettled.get(work.attempt, gone))

    @on(Cancel)
    def cancelled(self, cancel: Cancel, sender: NodeId) -> None:
        """Stop to work on an attempt, if it is under way."""
        self.stop(cancel.attempt)

    def stop(self, attempt: int) -> None:
        """Have the work on an attempt stopped, if it is under way."""
        if self.running.pop(attempt, None) is not None:
            self.deliver(Stop(attempt))

    def ended(self, attempt: int, result: Result) -> None:
        """The work on an attempt has ended: report it, unless nobody wants to know any more."""
        task = self.running.pop(attempt, None)
        if task is not None:
            report = self.unsettled[attempt] = Report(self.life, task, attempt, result)
            self.send(self.coordinator, report)

    @on(Settled)
    def settled(self, settled: Settled, sender: NodeId) -> None:
        """The coordinator has heard how an attempt ended."""
        self.unsettled.pop(settled.attempt, None)
