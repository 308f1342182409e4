"""The demonstration of the lab ``cap``: what each register gives up, before, during and after."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from random import Random

from common.check.convergence import check_convergence
from common.check.explorer import explore_instance
from common.check.verdict import Verdict
from common.contract.events import NodeId
from common.sim.workload import Choose
from common.values.faults import Heal, Partition, Schedule
from common.values.history import History, Ok, Operation
from common.values.report import Report
from common.values.units import MS, SECOND, show_time
from common.worlds import Work
from common.worlds.examples import trace_of
from stage1_foundations.cap.checks import linearizable, read_or_write, sessions_kept
from stage1_foundations.cap.client import Read, Write
from stage1_foundations.cap.small import WITHOUT_WRITE_BACK
from stage1_foundations.cap.worlds import WORLDS

REPLICAS, CLIENTS = ("n1", "n2", "n3"), ("c1", "c2", "c3")
CUT, HEALED, END = 500 * MS, 1500 * MS, 2500 * MS
PHASES = {"before": (0, CUT), "during": (CUT, HEALED), "after": (HEALED, END)}
ASKED = {"before": (4, 4), "during": (3, 10), "after": (9, 9)}
"""How much c1, and how much each of the others, asks in a phase: it leaves time to settle, even
where each operation of c1 takes as long as a replica is patient."""

PARTITION = Schedule([Partition(CUT, (("n1", "c1"), ("n2", "n3", "c2", "c3"))), Heal(HEALED)])


@dataclass(frozen=True, slots=True)
class Run:
    """One register under the partition.

    Attributes:
        history: what the clients asked and were told.
        held: what the replicas held at the end of each phase.
        lines: the trace.
    """

    history: History
    held: dict[str, dict[NodeId, object]]
    lines: str


def run(variant: str, seed: int) -> Run:
    """Let the clients work through the three phases."""
    scene = WORLDS.scene(variant, seed=seed, schedule=PARTITION)
    held: dict[str, dict[NodeId, object]] = {}
    for phase, (start, end) in PHASES.items():
        for clients_asked, count in zip((CLIENTS[:1], CLIENTS[1:]), ASKED[phase], strict=True):
            work = Work(_numbered(phase), count, think=(20 * MS, 60 * MS), patience=1 * SECOND)
            scene.begin(work, clients_asked, start + 1 * MS)
        scene.run(end - 1 * MS)
        held[phase] = {id: scene.nodes[id].status()["value"] for id in REPLICAS}
    scene.run(END)
    for name in ("linearizable", "session guarantees"):
        scene.judged(name, scene.checks[name](scene.history))
    return Run(scene.history, held, scene.lines)


def _numbered(phase: str) -> Choose:
    """The clients' workload of one phase, with values that no other phase writes."""
    first = 100 * list(PHASES).index(phase)

    def choose(random: Random, client: str, number: int) -> Read | Write:
        return read_or_write(random, client, first + number)

    return choose


def demo(seed: int) -> Report:
    """Break a read, then cut the network under both registers and say what each gives up."""
    report = Report("One register, three replicas, a partition")
    _show_the_broken_read(report)
    report.say(
        f"Now the two registers of this lab. From {show_time(CUT)} to {show_time(HEALED)} the "
        "replica n1 and its client c1 are cut off from n2 and n3 with c2 and c3."
    )
    runs = {name: run(name, seed) for name in ("consistent", "available")}
    headers = ["property", *(f"{name} {phase}" for name in runs for phase in PHASES)]
    columns = list(chain.from_iterable(map(_columns, runs.values())))
    rows = [[name, *(column[name] for column in columns)] for name in columns[0]]
    report.table("What each gives up", headers, rows)
    for name, made in runs.items():
        verdict = linearizable(made.history)
        report.judged(f"{name}: linearizable", verdict.answer.value, verdict.sentence)
    _show_the_loss(report, seed)
    for name, made in runs.items():
        report.trace(f"cap-{name}", f"the {name} register under a partition", made.lines)
    return report


def _columns(made: Run) -> list[dict[str, str]]:
    """For each phase, what there is to say of each property."""
    return [_column(made, phase, start, end) for phase, (start, end) in PHASES.items()]


def _column(made: Run, phase: str, start: int, end: int) -> dict[str, str]:
    so_far = _until(made.history, end)
    asked = [each for each in made.history if start <= each.invoked_at < end]
    minority = [each for each in asked if each.process.startswith("c1")]
    majority = [each for each in asked if not each.process.startswith("c1")]
    return {
        "answered ok, c1": _answered(minority),
        "answered ok, c2 and c3": _answered(majority),
        "slowest ok": _slowest(asked),
        "linearizable so far": _word(linearizable(so_far)),
        "session guarantees so far": _word(sessions_kept(so_far)),
        "replicas agree at its end": _word(check_convergence(made.held[phase])),
    }


def _until(history: History, end: int) -> History:
    """The history as it was at a time: what had not ended then is still under way."""
    begun = [each for each in history if each.invoked_at < end]
    return History(
        each
        if each.returned_at is not None and each.returned_at < end
        else Operation(each.process, each.function, each.key, each.argument, each.invoked_at)
        for each in begun
    )


def _answered(asked: Sequence[Operation]) -> str:
    return f"{sum(isinstance(each.outcome, Ok) for each in asked)} of {len(asked)}"


def _slowest(asked: Sequence[Operation]) -> str:
    took = [
        each.returned_at - each.invoked_at
        for each in asked
        if isinstance(each.outcome, Ok) and each.returned_at is not None
    ]
    return show_time(max(took)) if took else "none"


def _word(verdict: Verdict) -> str:
    return verdict.answer.value


def _show_the_broken_read(report: Report) -> None:
    """Let the explorer find how a read without write-back goes back in time."""
    found = explore_instance(WITHOUT_WRITE_BACK)
    path, broken = found.counter_example, found.broken
    assert path is not None, "the broken register has a counter-example"
    assert broken is not None, "the broken register has a counter-example"
    world, lines = trace_of("cap", WITHOUT_WRITE_BACK, path, broken, "c2", [linearizable])
    report.say(
        "First a broken one. Its reads ask a majority and answer with the newest value, but do not "
        f"write it back. The explorer looked at {found.states:,} states, and the shortest way to "
        f"trouble takes {len(path)} choices: c2 reads the value of a write that is under way, and "
        "then, asking others, the value before it."
    )
    rows = [
        (each.process, each.function, each.argument or "", _told(each)) for each in world.history
    ]
    report.table("A read that goes back in time", ("client", "asks", "value", "is told"), rows)
    report.judged(
        "broken on purpose, no write-back: linearizable", broken.answer.value, broken.sentence
    )
    report.trace("cap-broken", "broken on purpose: a read without write-back", lines)


def _told(asked: Operation) -> str:
    return str(asked).rpartition(" -> ")[2] if asked.returned_at is not None else "(no answer yet)"


def _show_the_loss(report: Report, seed: int) -> None:
    """Two clients write on two sides of a cut; the one who wrote last in time loses."""
    scene = WORLDS.scene("available", seed=seed, recorded=False, schedule=PARTITION)
    plan = [
        (CUT + 100 * MS, "c1", Write("left, a draft")),
        (CUT + 200 * MS, "c1", Write("left")),
        (CUT + 600 * MS, "c2", Write("right")),
        (CUT + 800 * MS, "c1", Read()),
        (CUT + 800 * MS, "c2", Read()),
        (HEALED + 500 * MS, "c1", Read()),
        (HEALED + 500 * MS, "c2", Read()),
    ]
    for at, client, operation in plan:
        scene.run(at)
        scene.call(client, operation)
    scene.run(END)
    rows = [
        (show_time(each.invoked_at), each.process, each.function, each.argument or "", _told(each))
        for each in scene.history
    ]
    report.table("An acknowledged write, lost", ("at", "client", "asks", "value", "is told"), rows)
    report.say(
        "c2 wrote last, and was told ok. But n1 had taken two writes by then and n2 only one, so "
        "c1's write has the greater tag. Neither side could know of the other; after healing one "
        "of two acknowledged writes has to go, and nobody is told."
    )
