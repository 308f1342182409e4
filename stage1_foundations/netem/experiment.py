"""The two experiments of this lab, on any cluster whose nodes can run a command.

*Measure*: round trips without any shape (that is what the machine costs), then with one.
*Part*: who still gets an answer before, during and after a partition.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from common.values.errors import LabError, MissingTool
from common.values.report import Judged
from common.values.units import MS
from stage1_foundations.netem.roundtrips import (
    Summary,
    judge_loss,
    judge_times,
    late_after,
    percentile,
    summarise,
)
from stage1_foundations.netem.shape import Command, Shape, cut_links, islands, tc_commands

PORT = 7007
"""Where the echo server of each node listens."""
CONNECTIONS = 10
"""On how many connections round trips are measured side by side."""
BASELINE_COUNT = 100
"""How many round trips are timed without any shape, one after another."""
PATIENCE_US = 400 * MS
"""How long one of three attempts may take before a node counts as out of reach."""
LEAST_OVERHEAD_US = 5 * MS
"""A machine may always take that long; a baseline on a quiet one says less than it will need."""


class CommandFailed(LabError):
    """A command inside a node failed; the text has its last words."""


class Cluster(AbstractContextManager["Cluster"], ABC):
    """Echo servers, one on each node, each node with a network device of its own.

    A cluster is used in a ``with`` block, and everything that it made is gone at its end.

    Attributes:
        nodes: the names of the nodes.
    """

    nodes: tuple[str, ...]

    @abstractmethod
    def execute(self, node: str, command: Command) -> str:
        """Run a command inside a node and return what it prints.

        Raises:
            CommandFailed: it ended with another exit code than 0.
        """

    @abstractmethod
    def address(self, node: str) -> str:
        """The IPv4 address of a node."""

    @abstractmethod
    def device(self, node: str) -> str:
        """The network device of a node that is plugged in, as it is called inside the node."""

    @abstractmethod
    def disconnect(self, groups: Sequence[Sequence[str]]) -> None:
        """Make a partition by unplugging: nodes of different groups share no network any more."""

    @abstractmethod
    def reconnect(self) -> None:
        """Plug all nodes into one network again."""

    def shape(self, shape: Shape, groups: Sequence[Sequence[str]] | None = None) -> None:
        """Give each node's device a shape, and drop what would leave its group.

        Args:
            shape: what happens to every packet that leaves a node.
            groups: the sides of a partition made by ``tc``, or None for no partition.

        Raises:
            MissingTool: this kernel has no netem.
        """
        cut = cut_links(self.nodes, groups) if groups is not None else {}
        for node in self.nodes:
            addresses = [self.address(other) for other in cut.get(node, ())]
            for command in tc_commands(self.device(node), shape, addresses):
                try:
                    self.execute(node, command)
                except CommandFailed as error:
                    raise explain(error) from None

    def measure(self, source: str, target: str, count: int, connections: int) -> list[int]:
        """Times of round trips from one node to another, in microseconds."""
        many = ("--count", str(count), "--connections", str(connections))
        times: list[int] = self._probe(source, "measure", self.address(target), *many)
        return times

    def ask(self, source: str, targets: Sequence[str]) -> list[str]:
        """How an echo ends that one node asks of each of some others: ``ok`` or ``unknown``."""
        hosts = [self.address(target) for target in targets]
        outcomes: list[str] = self._probe(source, "ask", *hosts, "--patience", str(PATIENCE_US))
        return outcomes

    def _probe(self, node: str, verb: str, *arguments: str) -> Any:
        module = (*self.python, "-m", "stage1_foundations.netem.probe")
        return json.loads(self.execute(node, (*module, verb, "--port", str(PORT), *arguments)))

    @property
    def python(self) -> Command:
        """The Python interpreter inside a node. What runs there needs the standard library only."""
        return ("python", "-S")


def explain(error: CommandFailed) -> LabError:
    """A sentence in place of what ``tc`` says where the kernel has no netem."""
    if "qdisc kind is unknown" not in str(error):
        return error
    return MissingTool(
        "this kernel cannot shape traffic, it has no netem (module sch_netem): the same lesson "
        "runs in user-mode Linux, which brings a kernel of its own (--world uml), or without "
        "the kernel in the runtime's own fault layer (--world links); a partition by unplugging "
        "needs no netem (python -m stage1_foundations.netem part)"
    )


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured; times in microseconds.

    Attributes:
        world: where.
        shape: what each node's device was asked to do to the packets that leave it.
        baseline: round trips without any shape, one after another.
        times: round trips with it.
    """

    world: str
    shape: Shape
    baseline: tuple[int, ...]
    times: tuple[int, ...]

    @property
    def overhead(self) -> int:
        """What the machine adds to a round trip at most (but for one in a hundred)."""
        return max(LEAST_OVERHEAD_US, percentile(self.baseline, 99))

    @property
    def summary(self) -> Summary:
        """The measured round trips in a few numbers.

        Raises:
            LabError: all of them were late.
        """
        threshold = late_after(self.shape, self.shape)
        if min(self.times) > threshold:
            raise LabError(
                f"none of the {len(self.times)} round trips was on time, so there is nothing to "
                "compare: ask for less loss"
            )
        return summarise(self.times, threshold)

    @property
    def judgements(self) -> tuple[Judged, Judged]:
        """Whether what was measured is what was configured: the times, and the loss."""
        threshold = late_after(self.shape, self.shape)
        on_time = [time for time in self.times if time <= threshold]
        return (
            judge_times(self.shape, self.shape, on_time, self.overhead),
            judge_loss(self.shape, self.shape, self.summary),
        )


def measure(cluster: Cluster, world: str, shape: Shape, count: int) -> Findings:
    """Measure round trips from the first node to the second, without a shape and with one."""
    source, target = cluster.nodes[:2]
    cluster.shape(Shape())
    baseline = cluster.measure(source, target, BASELINE_COUNT, 1)
    cluster.shape(shape)
    times = cluster.measure(source, target, count, CONNECTIONS)
    return Findings(world, shape, tuple(baseline), tuple(times))


@dataclass(frozen=True, slots=True)
class Answer:
    """What one node was told when it asked another.

    Attributes:
        when: ``before``, ``during`` or ``after`` the partition.
        source: who asked.
        target: who was asked.
        same_side: whether both are on one side of the partition.
        outcome: ``ok`` or ``unknown``.
    """

    when: str
    source: str
    target: str
    same_side: bool
    outcome: str

    @property
    def expected(self) -> str:
        """Only questions across a partition stay without an answer."""
        return "unknown" if self.when == "during" and not self.same_side else "ok"


def part(cluster: Cluster, groups: Sequence[Sequence[str]], *, by_tc: bool) -> list[Answer]:
    """Make a partition and heal it, and let the first node ask all others, each time.

    Args:
        cluster: where.
        groups: the sides; a node that none names is alone.
        by_tc: drop the packets by ``tc``; otherwise unplug the nodes.

    Raises:
        MissingTool: ``by_tc``, and the kernel has no netem.
    """
    source, *others = cluster.nodes
    (home,) = (island for island in islands(cluster.nodes, groups) if source in island)
    answers = []
    for when in ("before", "during", "after"):
        if when == "during" and by_tc:
            cluster.shape(Shape(), groups)
        elif when == "during":
            cluster.disconnect(groups)
        elif when == "after" and by_tc:
            cluster.shape(Shape())
        elif when == "after":
            cluster.reconnect()
        outcomes = cluster.ask(source, others)
        for target, outcome in zip(others, outcomes, strict=True):
            answers.append(Answer(when, source, target, target in home, outcome))
    return answers
