"""A broker that is moved by hand, and queues in the simulator, for the suites of ``queue``."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from common.contract import NodeId
from common.course.suites.kit import ByHand
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Schedule
from common.values.units import MS
from tests.stage2_communication.queue.lab import QueueLab

BROKER = "n1"
CLIENTS = ("c1", "c2", "c3")
ROUGH = LinkModel(latency=(1 * MS, 40 * MS), loss=0.15, duplicate=0.15)
"""A network that loses messages, doubles them, and lets one overtake another."""


class Desk(ByHand):
    """A broker that is moved by hand; requests are numbered unless a test does so.

    Args:
        lab: whose messages these are.
        node: the broker, new.
        saved: what an earlier life has saved.
        now: when this one begins.
    """

    def __init__(
        self, lab: QueueLab, node: Any, saved: Mapping[Any, object] | None = None, now: int = 0
    ) -> None:
        self.lab = lab
        self.number = 0
        super().__init__(node, saved, now=now)

    def get(self, message: object, sender: NodeId = "c1") -> list[Any]:
        """Let a message arrive; returns what is sent."""
        return [each.message for each in self.receive(sender, message)]

    def ask(self, kind: type, *fields: object, client: NodeId = "c1") -> Any:
        """Let a client ask under a new number; returns the one answer."""
        self.number += 1
        [answer] = self.get(kind(self.number, *fields), client)
        assert answer.number == self.number
        return answer

    def publish(self, *texts: str, topic: str = "jobs", key: str = "") -> list[int]:
        """Publish messages; returns their sequences."""
        return [self.ask(self.lab.Publish, topic, key, text, client="p").sequence for text in texts]

    def fetch(self, client: NodeId = "c1", most: int = 1, topic: str = "jobs") -> list[Any]:
        """What a consumer gets: sequence, attempt and text."""
        batch = self.ask(self.lab.Fetch, topic, most, client=client)
        return [(each.sequence, each.attempt, each.text) for each in batch.deliveries]

    def ack(self, sequence: int, attempt: int = 1, client: NodeId = "c1") -> bool:
        """Whether an acknowledgement counts."""
        return bool(self.ask(self.lab.Ack, sequence, attempt, client=client).counts)

    def nack(self, sequence: int, attempt: int = 1, client: NodeId = "c1") -> bool:
        """Whether giving back counts."""
        return bool(self.ask(self.lab.Nack, sequence, attempt, client=client).counts)

    def extend(self, sequence: int, attempt: int = 1, client: NodeId = "c1") -> bool:
        """Whether it counts that somebody needs longer."""
        return bool(self.ask(self.lab.Extend, sequence, attempt, client=client).counts)


def queue(
    lab: QueueLab,
    broker: Any,
    seed: int,
    faults: tuple[Any, ...] = (),
    *,
    choose: Any,
    count: int = 24,
    visibility: int = 400 * MS,
    link: LinkModel = ROUGH,
    **options: Any,
) -> tuple[Simulation, Workload]:
    """One broker and some clients on a bad network, with work to do.

    All of them know the same visibility time: a consumer has to stop before the broker does.
    """
    broker = partial(broker, visibility=visibility)
    client = partial(lab.QueueClient, visibility=visibility)
    clients = dict.fromkeys(CLIENTS, client)
    schedule = Schedule(faults)
    simulation = lab.simulation(
        {BROKER: broker}, clients, seed=seed, link=link, schedule=schedule, **options
    )
    work = Workload(simulation, choose, clients=CLIENTS, count=count, think=(0, 40 * MS))
    return simulation, work
