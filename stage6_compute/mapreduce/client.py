"""A client: wants a job to be computed, and waits until it is over.

Its request is said again until there is an end, under the same number, so it is one job however
often it arrives. As long as the coordinator answers with Progress the client waits on; it gives up
after ``attempts`` of them.
"""

from collections.abc import Mapping
from dataclasses import replace

from common.contract import Asker, CallId, NodeId, on
from common.contract.sizes import wire_size
from common.values.history import Failed, Ok
from common.values.units import MS
from stage6_compute.mapreduce.messages import (
    Compute,
    Finished,
    JobResult,
    Progress,
    Refused,
    Span,
    Submit,
)

MAX_JOB = 1024 * 1024
"""The most bytes of a job, whose text may be in it; its output then fits into a message, too."""


class JobClient(Asker):
    """A client of the cluster.

    Args:
        id: the name of this node; the coordinator knows its jobs by it.
        peers: the machines of the cluster.
        coordinator: where the coordinator is; "" for the machine whose name comes first.
        ask_again_after: how often to ask how the job stands, in microseconds.
        attempts: how often to ask at most.
    """

    carries = (JobResult,)

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        coordinator: NodeId = "",
        ask_again_after: int = 100 * MS,
        attempts: int = 100_000,
    ) -> None:
        servers = (coordinator or min(peers),)
        super().__init__(
            id, peers, servers=servers, ask_again_after=ask_again_after, attempts=attempts
        )
        self.progress: Progress | None = None
        """How the job that is under way stands, as far as was heard."""
        self.timeline: tuple[Span, ...] = ()
        """The attempts of the last job that was done."""

    def status(self) -> Mapping[str, object]:
        """How the job stands: completed tasks of all, in both phases."""
        told = self.progress
        if told is None:
            return {"job": ""}
        (maps, all_maps), (reduces, all_reduces) = told.maps, told.reduces
        return {"job": f"{maps}/{all_maps} maps, {reduces}/{all_reduces} reduces"}

    @on(Compute)
    def compute(self, operation: Compute, call: CallId) -> None:
        """Have a job computed; what is too long for a message is not even sent.

        An output without a name gets one that nobody has: this client's, and the job's number.
        """
        size = wire_size(operation.job)
        if size > MAX_JOB:
            why = f"not sent: the job takes {size} bytes, and {MAX_JOB} is the most; use files"
            self.finish(call, Failed(why))
            return
        self.progress = None
        number = self.new_number()
        output = operation.job.output or f"{self.id}-{number}"
        self.ask(Submit(number, replace(operation.job, output=output)), call)

    @on(Progress)
    def progress_told(self, told: Progress, sender: NodeId) -> None:
        """It is under way."""
        if told.number in self.under_way:
            self.progress = told

    @on(Finished)
    def finished(self, told: Finished, sender: NodeId) -> None:
        """It is done."""
        if told.number in self.under_way:
            self.timeline = told.timeline
            self.end(told.number, Ok(told.result))

    @on(Refused)
    def refused(self, told: Refused, sender: NodeId) -> None:
        """It is not, and never will be."""
        self.end(told.number, Failed(told.why))
