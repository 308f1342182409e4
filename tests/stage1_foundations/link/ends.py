"""What the link suites share: a conversation between two ends, what crossed the wire, faults.

The judge believes what it sees: the messages that nodes send and receive, and how operations end.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from common.check.delivery import check_delivery
from common.contract.events import NodeId
from common.contract.observer import Observer
from common.course.suites.kit import Wire, must_hold
from common.sim import LinkModel
from common.sim.host import Factory
from common.values import faults
from common.values.faults import Fault, Schedule
from common.values.history import Ok, Operation
from common.values.units import MS, SECOND
from tests.stage1_foundations.link.lab import LinkLab

STEADY = LinkModel(latency=(10 * MS, 10 * MS))
"""Nothing goes wrong, nothing overtakes: a round trip takes 20 ms."""

ROUGH = LinkModel(latency=(1 * MS, 20 * MS), loss=0.2, duplicate=0.15, reorder=0.15)
"""All at once."""

ROUGH_UNTIL = 3 * SECOND
"""When the faults of :func:`rough_times` end."""


class Conversation:
    """End ``a`` transfers items to end ``b``, where an application waits for each of them.

    Args:
        lab: the lab under test.
        sender, receiver: the classes of the two ends, or functions that make them.
        seed: of the simulation.
        transfers: the items of each transfer; one begins every 100 ms.
        takes: how many items are asked for at ``b`` from the start; all unless given.
        observers: who watches, besides the wire.
        options: of the simulation.
    """

    def __init__(
        self,
        lab: LinkLab,
        sender: Factory,
        receiver: Factory,
        *,
        seed: int,
        transfers: Sequence[Sequence[str]],
        takes: int | None = None,
        observers: Sequence[Observer] = (),
        **options: Any,
    ) -> None:
        self.lab = lab
        self.wire = Wire()
        self.items = [item for items in transfers for item in items]
        self.taken: list[str] = []
        self.transfers: list[Operation] = []
        options.setdefault("link", STEADY)
        nodes = {"a": sender, "b": receiver}
        told = [self.wire, *observers]
        self.simulation = lab.simulation(nodes, seed=seed, observers=told, **options)
        self.simulation.on_return.append(self._returned)
        for _ in range(len(self.items) if takes is None else takes):
            self.take()
        for number, items in enumerate(transfers):
            self.simulation.later(100 * MS * number, self._transferrer(tuple(items)))

    def take(self) -> None:
        """Ask for one more item at ``b``."""
        self.simulation.call("b", self.lab.Take())

    def run(self, until: int) -> None:
        """Run, and check on the way and at the end that nothing untrue was told or taken."""
        self.simulation.run(until)
        self.check()

    def run_to_the_end(self, limit: int) -> None:
        """Run until all items are taken and all transfers are ended; fail if that takes longer."""
        self.simulation.run_until(lambda: self.complete, limit)
        self.check()
        assert self.complete, (
            f"after {limit // MS} ms {len(self.taken)} of {len(self.items)} items are taken, and "
            f"{sum(t.outcome == Ok() for t in self.transfers)} of {len(self.transfers)} transfers "
            "are Ok, though nothing has gone wrong for long: some end has stopped trying"
        )

    @property
    def complete(self) -> bool:
        """Whether all is taken, and every transfer is told so."""
        ended = [operation for operation in self.transfers if operation.returned_at is not None]
        return len(self.taken) == len(self.items) == sum(len(_items(t)) for t in ended)

    def check(self) -> None:
        """Whatever was taken is what was transferred: in order, once, nothing left out."""
        must_hold(check_delivery(self.items, self.taken, complete=False))

    def _transferrer(self, items: tuple[str, ...]) -> Callable[[], None]:
        def begin() -> None:
            self.transfers.append(self.simulation.call("a", self.lab.Transfer(items)))

        return begin

    def _returned(self, node: NodeId, operation: Operation) -> None:
        if operation.function == "take" and isinstance(operation.outcome, Ok):
            self.taken.append(str(operation.outcome.value))
        elif operation.function == "transfer":
            before = self.transfers[: self.transfers.index(operation) + 1]
            promised = sum(len(_items(transfer)) for transfer in before)
            assert len(self.taken) >= promised, (
                f"a was told that {promised} items have arrived, and b has got {len(self.taken)}"
            )


def _items(transfer: Operation) -> Sequence[str]:
    assert isinstance(transfer.argument, tuple), "a Transfer has one field, its items"
    return transfer.argument


def times_sent(wire: Wire, message: object) -> list[int]:
    """When this very message left, each time."""
    return [each.at for each in wire.sent_messages if each.message == message]


def numbered(count: int, prefix: str = "item ") -> list[str]:
    """Items that all differ."""
    return [f"{prefix}{number}" for number in range(count)]


def rough_times(seed: int) -> Schedule:
    """Faults drawn by ``seed``: cuts, one-way blocks, pauses, other links; then calm."""
    random = Random(f"{seed}/rough times")
    drawn: list[Fault] = []
    for _ in range(random.randrange(2, 7)):
        at = random.randrange(ROUGH_UNTIL)
        end = min(ROUGH_UNTIL, at + random.randrange(50, 800) * MS)
        one, other = random.sample(("a", "b"), 2)
        match random.randrange(4):
            case 0:
                drawn += [faults.Partition(at, (("a",), ("b",))), faults.Heal(end)]
            case 1:
                drawn += [faults.Block(at, one, other), faults.Heal(end)]
            case 2:
                drawn += [faults.Pause(at, one), faults.Resume(end, one)]
            case 3:
                slow = random.randrange(5, 150) * MS
                loss = random.randrange(50) / 100
                drawn.append(faults.Link(at, one, other, latency=(slow // 5, slow), loss=loss))
    calm = faults.Link(ROUGH_UNTIL, latency=(1 * MS, 5 * MS), loss=0.0, duplicate=0.0, reorder=0.0)
    drawn += [faults.Heal(ROUGH_UNTIL), calm]
    drawn += [faults.Resume(ROUGH_UNTIL, "a"), faults.Resume(ROUGH_UNTIL, "b")]
    return Schedule(drawn)
