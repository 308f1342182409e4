"""The demonstration of the lab ``raft``: a leader is killed, Figure 8, and a clock too slow."""

from common.check.verdict import Verdict
from common.sim import LinkModel, Simulation
from common.values.faults import Crash, Restart
from common.values.history import Ok
from common.values.report import Report
from common.values.units import MS, SECOND, show_time
from common.worlds import Size, Work
from stage4_consensus.raft import demo_slow_clock
from stage4_consensus.raft.broken import CommitsOldTerms
from stage4_consensus.raft.checks import some_change_or_query
from stage4_consensus.raft.core import Core
from stage4_consensus.raft.demo_figure8 import SERVERS, tell
from stage4_consensus.raft.demo_slow_clock import LEASE
from stage4_consensus.raft.messages import Role
from stage4_consensus.raft.registers import RaftRegisters
from stage4_consensus.raft.worlds import WORLDS

KILLED, BACK, END = 600 * MS, 1200 * MS, 1600 * MS
PHASES = {"before": (0, KILLED), "without it": (KILLED, BACK), "with it as follower": (BACK, END)}
NETWORK = LinkModel(latency=(1 * MS, 5 * MS))


def demo(seed: int) -> Report:
    """Kill a leader under load; show what must not be called committed, and what a lease needs."""
    report = Report("Raft: a log that outlives its leaders")
    _kill_the_leader(report, seed)
    _play_figure_8(report, seed)
    _slow_the_clock(report, seed)
    return report


def _kill_the_leader(report: Report, seed: int) -> None:
    scene = WORLDS.scene("read-index", Size(members=SERVERS, clients=3), seed=seed, link=NETWORK)
    scene.begin(Work(some_change_or_query, count=24, think=(5 * MS, 60 * MS), patience=1 * SECOND))
    scene.run(KILLED)
    old = _leader(scene)
    scene.inject(Crash(scene.now, old.id))
    elected = scene.run_until(lambda: _leads_anew(scene, old.current_term), 5 * SECOND)
    assert elected, "four of five can elect a leader"
    without_leader, new = scene.now - KILLED, _leader(scene)
    scene.run(BACK)
    scene.inject(Restart(scene.now, old.id))
    scene.work()
    report.say(
        f"Five servers, three clients. At {show_time(KILLED)} {old.id}, which leads term "
        f"{old.current_term}, is killed. {new.id} is elected for term {new.current_term} after "
        f"{show_time(without_leader)}. At {show_time(BACK)} {old.id} comes back, follows, and gets "
        "the entries that it missed."
    )
    rows = []
    for phase, (start, end) in PHASES.items():
        asked = [each for each in scene.history if start <= each.invoked_at < end]
        done = [each for each in asked if isinstance(each.outcome, Ok)]
        slowest = max((each.returned_at or 0) - each.invoked_at for each in done) if done else 0
        rows.append((phase, len(asked), len(done), show_time(slowest)))
    report.table("The clients", ("asked", "operations", "ok", "slowest"), rows)
    scene.check(report, "linearizable", "what clients were told is linearizable")
    scene.trace(report, "raft-leader-killed", "the leader is killed, and comes back")


def _leader(simulation: Simulation) -> Core:
    """The leader of the latest term."""
    servers = [each for each in simulation.nodes.values() if isinstance(each, Core)]
    return max(
        (each for each in servers if each.role is Role.LEADER), key=lambda each: each.current_term
    )


def _leads_anew(simulation: Simulation, term: int) -> bool:
    servers = [each for each in simulation.nodes.values() if isinstance(each, Core)]
    return any(each.role is Role.LEADER and each.current_term > term for each in servers)


def _play_figure_8(report: Report, seed: int) -> None:
    report.say(
        "Figure 8 of the paper: a leader must not commit an entry of an earlier term by counting "
        "who stores it. At (c) four of five servers store entry 2, and at (d) it is overwritten, "
        "because n5 holds an entry of a later term. In (e) n1 first spreads an entry of its own "
        "term, and n5 cannot be elected. The tables show the terms of the "
        "entries in each log; a star marks the leader, brackets a server that is down."
    )
    plays = {
        "broken on purpose, counting any entry, (d)": (CommitsOldTerms, "d"),
        "Raft, (d)": (RaftRegisters, "d"),
        "Raft, (e)": (RaftRegisters, "e"),
    }
    for name, (server, ending) in plays.items():
        story = tell(server, seed, ending)
        rows = [
            (f"({moment})", *(logs[id] for id in SERVERS)) for moment, logs in story.logs.items()
        ]
        report.table(f"Figure 8: {name}", ("moment", *SERVERS), rows)
        _judge(report, name, story.verdict)
        file = f"raft-figure8-{ending}" if server is RaftRegisters else "raft-figure8-broken"
        report.trace(file, f"Figure 8: {name}", story.lines)


def _slow_the_clock(report: Report, seed: int) -> None:
    report.say(
        "A leader with a lease answers reads without asking anybody, as long as its clock says "
        "that the others cannot have elected another. Here its clock is ten times too slow, and it "
        "is cut off together with c1; c2, on the other side, writes."
    )
    for name, lease_us in {"lease": LEASE, "ReadIndex": 0}.items():
        story = demo_slow_clock.tell(lease_us, seed)
        about = f"reads by {name}, the clock of {story.leader} too slow: linearizable"
        report.judged(about, story.verdict.answer.value, story.verdict.sentence)
        title = f"A slow clock, reads by {name}"
        report.trace(f"raft-slow-clock-{name.lower()}", title, story.lines)


def _judge(report: Report, name: str, verdict: Verdict | None) -> None:
    assert verdict is not None, "the story was told to its end"
    report.judged(
        f"{name}: the safety properties of Figure 3", verdict.answer.value, verdict.sentence
    )
