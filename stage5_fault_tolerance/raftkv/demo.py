"""The demonstration of the lab ``raftkv``: kill the leader during appends, then everybody.

Each client appends numbers to a list of its own. At the end there is a table of what was
acknowledged and what is there. Then the same is done to a store without a table of sessions.
"""

from dataclasses import replace
from random import Random

from common.contract import AtMostOnce, NodeId, Numbered
from common.sim import LinkModel
from common.values.faults import Block, Crash, Heal, Restart
from common.values.history import Ok
from common.values.report import Report
from common.values.units import MS, SECOND, show_time
from common.worlds import Scene, Size, Work
from stage4_consensus.raft.messages import Role
from stage5_fault_tolerance.raftkv.commands import Append, Get
from stage5_fault_tolerance.raftkv.server import RaftKeyValue
from stage5_fault_tolerance.raftkv.worlds import WORLDS

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
        "the leader is killed, in the middle of all that; it comes back 400 ms later, and all can "
        f"talk again. At {show_time(DARK)} all five are killed at once, and restarted."
    )
    _tell(report, seed, RaftKeyValue, "raftkv-killed", "with sessions")
    report.say(
        "c1 has asked again for what it got no answer to, so it is in the log twice; but the table "
        "of sessions knows its number, and it was carried out once. Without that table:"
    )
    _tell(report, seed, WithoutSessions, "raftkv-twice", "broken on purpose, without sessions")
    return report


def _tell(report: Report, seed: int, server: type[RaftKeyValue], file: str, title: str) -> None:
    variant = replace(WORLDS.variant("store"), node=server)
    scene = WORLDS.scene(variant, Size(members=5, clients=3), seed=seed, link=NETWORK)
    scene.begin(Work(_next_append, APPENDS, think=(20 * MS, 90 * MS), patience=20 * SECOND))
    _make_trouble(scene)
    scene.work()
    rows = [_compare(scene, client) for client in scene.clients]
    report.table(title, ("client", "acknowledged", "is there", ""), rows)
    scene.check(report, "linearizable", f"{title}: what clients were told is linearizable")
    scene.trace(report, file, f"the leader is killed, then everybody: {title}")


def _next_append(_: Random, client: NodeId, number: int) -> Append:
    """The next number of this client."""
    return Append(f"of {client}", f"{number + 1} ")


def _compare(scene: Scene, client: NodeId) -> tuple[str, str, str, str]:
    """What a client was told, and what it finds."""
    key = f"of {client}"
    asked = [each for each in scene.history if each.key == key]
    told = "".join(str(each.argument) for each in asked if isinstance(each.outcome, Ok))
    read = scene.ask(client, Get(key))
    there = str(read.outcome.value) if isinstance(read.outcome, Ok) else "no answer"
    return (client, told, there, "the same" if told == there else "not the same")


def _make_trouble(scene: Scene) -> None:
    """Let answers to c1 be lost, kill the leader, and later everybody."""
    scene.run(DEAF)
    for server in scene.members:
        scene.inject(Block(scene.now, server, "c1"))
    scene.run(KILLED)
    servers = [each for each in scene.nodes.values() if isinstance(each, RaftKeyValue)]
    leading = [each for each in servers if each.role is Role.LEADER]
    old = max(leading or servers, key=lambda each: each.current_term).id
    scene.inject(Crash(scene.now, old))
    scene.run(KILLED + 400 * MS)
    scene.inject(Restart(scene.now, old))
    scene.inject(Heal(scene.now))
    scene.run(DARK)
    for server in scene.members:
        scene.inject(Crash(scene.now, server))
    scene.run(DARK + 50 * MS)
    for server in scene.members:
        scene.inject(Restart(scene.now, server))
