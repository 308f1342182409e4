"""One caller or callee, moved by hand, and clusters with bad networks, for the suites."""

from typing import Any

from common.contract.effects import Return, Send, SetTimer
from common.contract.events import Fire, NodeId
from common.course.suites.kit import ByHand, effects_of
from common.sim.host import Factory
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Schedule
from common.values.history import Outcome
from common.values.units import MS, SECOND
from stage1_foundations.failures.checks import some_command
from tests.stage2_communication.rpc.lab import RpcLab

ROUGH = LinkModel(latency=(1 * MS, 60 * MS), loss=0.2, duplicate=0.2)
"""A network that loses messages, doubles them, and lets one overtake another."""

SERVER, CALLER = "n1", "c1"


class Hand(ByHand):
    """A node that is moved by hand."""

    def ask(self, operation: object, after: int = 0) -> int:
        """Let a user ask for something; returns the number of the operation."""
        self.now += after
        self.invoke(operation)
        return self.calls

    def get(self, message: object, sender: NodeId = CALLER, after: int = 0) -> list[Any]:
        """Let a message arrive; returns the messages that the node sends."""
        self.now += after
        return [each.message for each in self.receive(sender, message)]

    def fires(self, timer: SetTimer, at: int | None = None) -> list[Any]:
        """Let a timer fire; returns the messages that the node sends."""
        self.now = max(self.now, at if at is not None else self.now + timer.after)
        return [each.message for each in self.step(Fire(self.now, timer.id, timer.timer))]

    def sent(self) -> list[Any]:
        """The messages of the last step."""
        return [send.message for send in effects_of(Send, self.effects)]

    def timers_set(self, kind: type) -> list[SetTimer]:
        """The timers of a class that the last step has set."""
        return [each for each in effects_of(SetTimer, self.effects) if isinstance(each.timer, kind)]

    def has_ended(self) -> dict[int, Outcome]:
        """The operations that the last step has ended."""
        return {each.call: each.outcome for each in effects_of(Return, self.effects)}


def request(lab: RpcLab, number: int, *arguments: int, **more: Any) -> Any:
    """A request for a deposit, unless said otherwise."""
    fields = {"incarnation": 1, "oldest": 1, "patience": 10**6, "procedure": "deposit", **more}
    return lab.Request(number=number, arguments=arguments, **fields)


def account(
    lab: RpcLab,
    server: Factory,
    caller: Factory,
    seed: int,
    faults: tuple[Any, ...] = (),
    *,
    choose: Any = some_command,
    count: int = 10,
    callers: int = 3,
    patience: int = 1 * SECOND,
    **options: Any,
) -> tuple[Simulation, Workload]:
    """One server and some callers on a bad network, with work to do."""
    names = tuple(f"c{number}" for number in range(1, callers + 1))
    options = {"link": ROUGH, "schedule": Schedule(faults), **options}
    clients = dict.fromkeys(names, caller)
    simulation = lab.simulation({SERVER: server}, clients, seed=seed, **options)
    work = Workload(
        simulation, choose, clients=names, count=count, think=(0, 60 * MS), patience=patience
    )
    return simulation, work
