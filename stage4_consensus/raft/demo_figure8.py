"""Figure 8 of the paper, played by real servers: may an entry that a majority stores be lost?

Five servers and one latency everywhere; who is elected when, and which message is lost, is decided
by the script. As in the figure, the letters name the moments:

* (a) n1 leads term 1. Its entry 2, a client's command, reaches n2 and nobody else.
* (b) n1 crashes. n5 is elected, by n3 and n4, and has an entry 2 of its own, of term 2, on its own
  disk only.
* (c) n5 crashes, n1 is back and is elected for term 3. It brings its old entry 2 to n3 and n4: four
  of five store it. Its no-op of term 3 is still on its own disk only.
* (d) n1 crashes. n5 is elected once more, for its last entry is of term 2 and theirs are of term 1,
  and overwrites entry 2 everywhere.
* (e) Or: n1 does not crash, its no-op reaches a majority too, and n5 cannot be elected any more.

So what (c) stores on a majority must not be called committed; (e) shows when it may be.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from common.check.invariants import Watch
from common.check.verdict import Verdict
from common.contract import Node, NodeId
from common.contract.observer import Observer
from common.contract.registers import Append
from common.sim import LinkModel, Monitor, Simulation
from common.sim.host import Factory
from common.values.faults import Block, Crash, Heal, Restart
from common.values.units import MS, SECOND
from common.worlds import Scene
from stage4_consensus.raft.checks_safety import safety
from stage4_consensus.raft.core import Core
from stage4_consensus.raft.messages import Role
from stage4_consensus.raft.registers import RegistersClient

SERVERS = ("n1", "n2", "n3", "n4", "n5")
EVEN = LinkModel(latency=(5 * MS, 5 * MS))
SOON = 3 * SECOND
LEAST, CENTURY = 150 * MS, 100 * 365 * 24 * 3600 * SECOND
TIMEOUTS = {"n1": (LEAST, LEAST), "n5": (2 * LEAST, 2 * LEAST)}
"""The election timeouts of those who are to be elected; the others draw from a century, so
that none of them draws a time that ends before the script does."""


@dataclass(slots=True)
class Story:
    """What came of it.

    Attributes:
        logs: by moment, the terms of the entries in each server's log, the leader's with a star.
        verdict: whether Raft's safety properties held.
        lines: the trace.
    """

    logs: dict[str, dict[NodeId, str]] = field(default_factory=dict)
    verdict: Verdict | None = None
    lines: str = ""


class Eyes(Protocol):
    """What the script knows of the servers: what they say of themselves, or what others see."""

    observers: Sequence[Observer]
    monitors: Sequence[Monitor]

    def commit_index(self, simulation: Simulation, id: NodeId) -> int:
        """How far a server's log is committed."""

    def last_index(self, simulation: Simulation, id: NodeId) -> int:
        """The last index of a server's log."""

    def leads(self, simulation: Simulation, id: NodeId) -> bool:
        """Whether a server leads, or thinks so."""

    def verdict(self) -> Verdict:
        """Whether Raft's safety properties held."""


class Inside:
    """Looks into the servers."""

    def __init__(self) -> None:
        self._watch = Watch(tuple(safety().values()))
        self.observers: Sequence[Observer] = ()
        self.monitors: Sequence[Monitor] = (self._watch,)

    def commit_index(self, simulation: Simulation, id: NodeId) -> int:
        """How far a server's log is committed."""
        return _server(simulation, id).commit_index

    def last_index(self, simulation: Simulation, id: NodeId) -> int:
        """The last index of a server's log."""
        return _server(simulation, id).log.last_index

    def leads(self, simulation: Simulation, id: NodeId) -> bool:
        """Whether a server leads, or thinks so."""
        return _server(simulation, id).role is Role.LEADER

    def verdict(self) -> Verdict:
        """Whether Raft's safety properties held."""
        return self._watch.verdict()


def tell(server: Callable[..., Node], seed: int, ending: str, eyes: Eyes | None = None) -> Story:
    """Play the figure up to (c), and then (d) or (e).

    Args:
        server: makes servers.
        seed: of the simulation.
        ending: ``d`` or ``e``.
        eyes: how the script sees the servers; it looks into them unless told otherwise.
    """
    eyes = eyes or Inside()
    scene = Scene(
        "raft",
        {id: _timed(server, TIMEOUTS.get(id, (LEAST, CENTURY))) for id in SERVERS},
        {"c1": _patient_client},
        seed=seed,
        link=EVEN,
        observers=eyes.observers,
        monitors=eyes.monitors,
    )
    scene.run(1 * MS)
    story = Story()
    for moment in (_a, _b, _c, _d if ending == "d" else _e):
        moment(scene, eyes)
        story.logs[moment.__name__[1:]] = _logs(scene, eyes)
    story.verdict = scene.judged("safety", eyes.verdict())
    story.lines = scene.lines
    return story


def _timed(server: Callable[..., Node], timeout: tuple[int, int]) -> Factory:
    def make(id: NodeId, peers: tuple[NodeId, ...]) -> Node:
        return server(id, peers, election_timeout=timeout, pre_vote=False, max_entries=1)

    return make


def _patient_client(id: NodeId, peers: tuple[NodeId, ...]) -> Node:
    return RegistersClient(id, peers, ask_again_after=CENTURY)


# The moments.


def _a(simulation: Simulation, eyes: Eyes) -> None:
    """n1 leads, everybody has its no-op; its next entry reaches n2 only."""
    _until(simulation, lambda: all(eyes.commit_index(simulation, id) == 1 for id in SERVERS))
    _silence(simulation, "n1", "n3", "n4", "n5")
    simulation.call("c1", Append("x", "a"))
    _until(simulation, lambda: eyes.last_index(simulation, "n2") == 2)
    simulation.run(simulation.now + 1 * MS)


def _b(simulation: Simulation, eyes: Eyes) -> None:
    """n1 crashes; n5 leads, and nobody hears of it."""
    simulation.inject(Crash(simulation.now, "n1"))
    _until(simulation, lambda: eyes.leads(simulation, "n5"))
    _silence(simulation, "n5", "n1", "n2", "n3", "n4")
    simulation.run(simulation.now + 10 * MS)


def _c(simulation: Simulation, eyes: Eyes) -> None:
    """n5 crashes; n1 leads again, and its old entry reaches n3 and n4, but no newer one."""
    simulation.inject(Crash(simulation.now, "n5"))
    simulation.inject(Heal(simulation.now))
    simulation.inject(Restart(simulation.now, "n1"))
    _until(simulation, lambda: eyes.leads(simulation, "n1"))
    _silence(simulation, "n1", "n2", "n5")
    _until(simulation, lambda: all(eyes.last_index(simulation, id) == 2 for id in ("n3", "n4")))
    _silence(simulation, "n1", "n3", "n4")
    simulation.run(simulation.now + 10 * MS)


def _d(simulation: Simulation, eyes: Eyes) -> None:
    """n1 crashes; n5 leads, and everybody gets its log."""
    simulation.inject(Crash(simulation.now, "n1"))
    simulation.inject(Heal(simulation.now))
    simulation.inject(Restart(simulation.now, "n5"))
    _until(simulation, lambda: eyes.commit_index(simulation, "n5") > 2)
    simulation.run(simulation.now + 200 * MS)


def _e(simulation: Simulation, eyes: Eyes) -> None:
    """n1 is heard again before n5 is back; n5 has nothing left to win."""
    simulation.inject(Heal(simulation.now))
    _until(simulation, lambda: eyes.commit_index(simulation, "n1") > 2)
    simulation.inject(Crash(simulation.now, "n1"))
    simulation.inject(Restart(simulation.now, "n5"))
    simulation.run(simulation.now + SOON)


# Helpers.


def _server(simulation: Simulation, id: NodeId) -> Core:
    server = simulation.nodes[id]
    assert isinstance(server, Core), f"{id} is no server"
    return server


def _silence(simulation: Simulation, source: NodeId, *targets: NodeId) -> None:
    """Let nobody of ``targets`` hear ``source`` from now on."""
    for target in targets:
        simulation.inject(Block(simulation.now, source, target))


def _until(simulation: Simulation, goal: Callable[[], bool]) -> None:
    reached = simulation.run_until(goal, simulation.now + SOON)
    assert reached, "the script and the servers have drifted apart"


def _logs(simulation: Simulation, eyes: Eyes) -> dict[NodeId, str]:
    """The terms of all entries, by server; a star marks who leads, and brackets who is down."""
    shown = {}
    for id in SERVERS:
        saved = simulation.on_disk(id)
        terms: list[str] = []
        while entry := saved.get(("log", len(terms) + 1)):
            terms.append(str(getattr(entry, "term", "?")))
        text = " ".join(terms)
        node = simulation.nodes.get(id)
        leads = node is not None and eyes.leads(simulation, id)
        shown[id] = f"({text})" if node is None else f"{text} *" if leads else text
    return shown
