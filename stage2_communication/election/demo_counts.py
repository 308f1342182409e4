"""How many messages an election costs: measured in the simulator, beside the formulas."""

from collections.abc import Mapping
from functools import partial
from random import Random

from common.contract import NodeId
from common.contract.observer import Observer
from common.sim import LinkModel, Simulation
from common.sim.host import Factory
from common.values.faults import Crash, Restart
from common.values.units import MS
from stage2_communication.election.bully import Answer, Bully, Coordinator, Election
from stage2_communication.election.ring import Candidate, Pass, RingProcess

EVEN = LinkModel(latency=(2 * MS, 2 * MS))
QUIET = 415 * MS
"""Between two heartbeats, long after the first election."""
RINGS = 40
"""So many orders of a ring are drawn for an average."""


class Counter(Observer):
    """Counts the messages of elections: not heartbeats, not acknowledgements."""

    def __init__(self) -> None:
        self.count = 0

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """A message leaves."""
        if isinstance(message, Pass):
            self.count += isinstance(message.word, Candidate)
        else:
            self.count += isinstance(message, (Election, Answer))


class WithCoordinators(Counter):
    """Counts those of a leader that begins, too."""

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """A message leaves."""
        super().sent(at, node, to, message, number)
        self.count += isinstance(message, Coordinator)


def _names(members: int) -> tuple[NodeId, ...]:
    return tuple(f"n{number}" for number in range(1, members + 1))


def _simulation(nodes: Mapping[NodeId, Factory], counter: Counter) -> Simulation:
    return Simulation(nodes, link=EVEN, observers=[counter])


def bully_worst(members: int) -> int:
    """The lowest of all holds an election, and everybody is there: Elections and Answers."""
    counter = Counter()
    names = _names(members)
    simulation = _simulation(dict.fromkeys(names, Bully), counter)
    simulation.run(QUIET)
    counter.count = 0
    simulation.inject(Crash(QUIET, names[0]))
    simulation.inject(Restart(QUIET, names[0]))
    simulation.run(QUIET + 15 * MS)
    return counter.count


def bully_worst_formula(members: int) -> int:
    """Each asks all higher ones, and each of these answers."""
    return members * (members - 1)


def bully_best(members: int) -> int:
    """The highest is dead, and the one below it notices: one Election, and its Coordinators."""
    counter = WithCoordinators()
    names = _names(members)
    nodes: dict[NodeId, Factory] = dict.fromkeys(names, partial(Bully, silence=500 * MS))
    nodes[names[-2]] = partial(Bully, silence=100 * MS)
    simulation = _simulation(nodes, counter)
    simulation.run(QUIET)
    counter.count = 0
    simulation.inject(Crash(QUIET, names[-1]))
    simulation.run(QUIET + 300 * MS)
    return counter.count


def bully_best_formula(members: int) -> int:
    """It asks the dead one, and tells the n - 2 others."""
    return members - 1


def ring_cost(ring: tuple[NodeId, ...]) -> int:
    """All stand at once: how often a name is handed on."""
    counter = Counter()
    slow = partial(RingProcess, ring=ring, silence=10_000 * MS, heartbeat_every=5_000 * MS)
    simulation = _simulation(dict.fromkeys(sorted(ring), slow), counter)
    simulation.run((2 * len(ring) + 10) * 2 * MS)
    return counter.count


def ring_worst(members: int) -> int:
    """Names go from the highest downwards."""
    return ring_cost(_names(members)[::-1])


def ring_worst_formula(members: int) -> int:
    """The lowest name goes one hop, the next one two hops, the highest n."""
    return members * (members + 1) // 2


def ring_average(members: int, seed: int) -> float:
    """The mean over rings in orders by chance."""
    random = Random(f"rings/{seed}")
    names = _names(members)
    costs = [ring_cost(tuple(random.sample(names, members))) for _ in range(RINGS)]
    return sum(costs) / RINGS


def ring_average_formula(members: int) -> float:
    """n * H(n): a name gets as far as the next higher one (Chang and Roberts 1979, theorem 3)."""
    return members * sum(1 / number for number in range(1, members + 1))
