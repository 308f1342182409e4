"""The demonstration of the lab ``raftkv``: kill the leader in the midst of appends, then everybody.

Each client appends numbers to a list of its own. At the end there is a table of what was
acknowledged and what is there. Then the same is done to a store without a table of sessions.
"""

from collections.abc import Callable
from random import Random

from common.contract import AtMostOnce, NodeId, Numbered
from common.sim import LinkModel, Simulation, Workload
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.faults import Block, Crash, Heal, Restart
from common.values.history import Ok
from common.values.report import Report
from common.values.units import MS, SECOND, show_time
from stage4_consensus.raft.messages import Role
from stage5_fault_tolerance.raftkv.checks import linearizable
from stage5_fault_tolerance.raftkv.client import KeyValueClient
from stage5_fault_tolerance.raftkv.commands import Append, Get
from stage5_fault_tolerance.raftkv.server import RaftKeyValue

SERVERS = ("n1", "n2", "n3", "n4", "n5")
CLIENTS = ("c1", "c2", "c3")
APPENDS = 12
DEAF, KILLED, DARK = 600 * MS, 640 * MS, 1500 * MS
"""When answers to c1 begin to be lost, when the leader is killed, and when everybody is."""

NETWORK = LinkModel(latency=(1 * MS, 5 * MS))


class Forgetful(AtMostOnce):
    """A mistake: applies each command that is in the log, also one that was repeated."""

    def apply(self, command: object) -> object:
        """Carry it out, whatever its number."""
        assert isinstance(command, Numbered), "the log holds numbered commands"
        return self.application.apply(command.command)


class WithoutSessions(RaftKeyValue):
    """A server that does not know a repeated command again."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.machine: AtMostOnce = Forgetful(self.new_application())


def demo(seed: int) -> Report:
    """Show what was acknowledged and what is there, with sessions and without."""
    report = Report("A key-value store that survives")
    report.say(
        f"Five servers; each of three clients appends 1, 2, ... {APPENDS} to a key of its own. At "
        f"{show_time(DEAF)} the servers' answers to c1 begin to be lost. At {show_time(KILLED)} "
        "the leader is killed, in the midst of all that; it comes back 400 ms later, and all can "
        f"talk again. At {show_time(DARK)} all five are killed at once, and restarted."
    )
    _tell(report, seed, RaftKeyValue, "raftkv-killed", "with sessions")
    report.say(
        "c1 has asked again for what it got no answer to, so it is in the log twice; but the table "
        "of sessions knows its number, and it was carried out once. Without that table:"
    )
    _tell(report, seed, WithoutSessions, "raftkv-twice", "without sessions")
    return report


def _tell(
    report: Report,
    seed: int,
    server: Callable[[NodeId, tuple[NodeId, ...]], RaftKeyValue],
    file: str,
    title: str,
) -> None:
    lines: list[str] = []
    meta = Meta(lab="raftkv", nodes=SERVERS, clients=CLIENTS, seed=seed)
    recorder = Recorder(lines.append, meta)
    simulation = Simulation(
        dict.fromkeys(SERVERS, server),
        dict.fromkeys(CLIENTS, KeyValueClient),
        seed=seed,
        link=NETWORK,
        observers=[recorder],
    )
    workload = Workload(
        simulation, _next_append, count=APPENDS, think=(20 * MS, 90 * MS), patience=20 * SECOND
    )
    _make_trouble(simulation)
    simulation.run_until(lambda: workload.done, 20 * SECOND)
    rows = [_compare(simulation, client) for client in CLIENTS]
    report.table(title, ("client", "acknowledged", "is there", ""), rows)
    verdict = linearizable(simulation.history)
    answer = verdict.answer.value
    recorder.verdict(simulation.now, None, "linearizable", answer, verdict.sentence)
    report.judged(f"{title}: what clients were told is linearizable", answer, verdict.sentence)
    report.trace(file, f"the leader is killed, then everybody: {title}", "".join(lines))


def _next_append(_: Random, client: NodeId, number: int) -> Append:
    """The next number of this client."""
    return Append(f"of {client}", f"{number + 1} ")


def _compare(simulation: Simulation, client: NodeId) -> tuple[str, str, str, str]:
    """What a client was told, and what it finds."""
    key = f"of {client}"
    asked = [each for each in simulation.history if each.key == key]
    told = "".join(str(each.argument) for each in asked if isinstance(each.outcome, Ok))
    read = simulation.call(client, Get(key))
    simulation.run_until(lambda: read.returned_at is not None, simulation.now + 20 * SECOND)
    there = str(read.outcome.value) if isinstance(read.outcome, Ok) else "no answer"
    return (client, told, there, "the same" if told == there else "not the same")


def _make_trouble(simulation: Simulation) -> None:
    """Let answers to c1 be lost, kill the leader, and later everybody."""
    simulation.run(DEAF)
    for server in SERVERS:
        simulation.inject(Block(simulation.now, server, "c1"))
    simulation.run(KILLED)
    servers = [each for each in simulation.nodes.values() if isinstance(each, RaftKeyValue)]
    leading = [each for each in servers if each.role is Role.LEADER]
    old = max(leading or servers, key=lambda each: each.current_term).id
    simulation.inject(Crash(simulation.now, old))
    simulation.run(KILLED + 400 * MS)
    simulation.inject(Restart(simulation.now, old))
    simulation.inject(Heal(simulation.now))
    simulation.run(DARK)
    for server in SERVERS:
        simulation.inject(Crash(simulation.now, server))
    simulation.run(DARK + 50 * MS)
    for server in SERVERS:
        simulation.inject(Restart(simulation.now, server))
