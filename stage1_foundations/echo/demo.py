"""The demonstration of the lab ``echo``, and how to run it as real processes."""

from collections.abc import Iterable
from random import Random

from common.check.verdict import Answer, Verdict
from common.runtime.live import LiveLab, Variant
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.faults import Crash, Heal, Link, Partition, Restart, Schedule
from common.values.history import History, Ok, Operation
from common.values.report import Report
from common.values.units import MS, SECOND, show_time
from stage1_foundations.echo.node import Caller, Echo, Say

ROUGH = Schedule(
    [
        Link(at=0, latency=(2 * MS, 30 * MS), loss=0.25, duplicate=0.1),
        Partition(at=500 * MS, groups=(("n1", "n2"), ("c1",))),
        Heal(at=1400 * MS),
        Crash(at=1600 * MS, node="n1"),
        Restart(at=1900 * MS, node="n1"),
    ]
)
"""A network as bad as they come: lossy, then parted, then without its first server."""


def demo(seed: int) -> Report:
    """A caller and two servers on a good network, then on a bad one."""
    report = Report("Echo: a question, an answer, and everything in between")
    rows = []
    for name, title, schedule in (
        ("good", "a network that loses nothing", Schedule()),
        ("bad", "loss, a partition, a crash", ROUGH),
    ):
        lines: list[str] = []
        history = converse(seed, schedule, lines)
        rows.append((title, *_count(history)))
        verdict = every_answer_is_its_question(history)
        report.judged(f"every answer has the text of its question ({title})", *_said(verdict))
        report.trace(f"echo-{name}", f"Echo on {title}", "".join(lines))
    report.table(
        "What the caller was told",
        ("on", "questions", "ok", "unknown", "slowest answer"),
        rows,
    )
    report.say(
        "An answer that does not come is not a question that was not heard: the caller says "
        "unknown, never failed. It asks each question up to five times, the servers in turn."
    )
    return report


def converse(seed: int, schedule: Schedule, lines: list[str]) -> History:
    """Let one caller put 25 questions to two servers; the trace is added to ``lines``."""
    meta = Meta(lab="echo", nodes=("n1", "n2"), clients=("c1",), seed=seed)
    simulation = Simulation(
        {"n1": Echo, "n2": Echo},
        {"c1": Caller},
        seed=seed,
        link=LinkModel(),
        schedule=schedule,
        observers=[Recorder(lines.append, meta)],
    )
    workload = Workload(simulation, choose, count=25, think=(20 * MS, 60 * MS))
    simulation.run_until(lambda: workload.done, 60 * SECOND)
    return simulation.history


def choose(random: Random, client: str, number: int) -> Say:
    """The next question of a client."""
    return Say(f"{client} asks {number}: {random.randrange(100)}")


def every_answer_is_its_question(history: Iterable[Operation]) -> Verdict:
    """Whether each operation that ended with Ok got its own text back."""
    answered = [operation for operation in history if isinstance(operation.outcome, Ok)]
    for operation in answered:
        if operation.outcome != Ok(operation.argument):
            return Verdict(Answer.NO, f"{operation} is the answer to something else", (operation,))
    if not answered:
        return Verdict(Answer.UNKNOWN, "nothing was answered, so there is nothing to check")
    return Verdict(Answer.YES, f"all {len(answered)} answers have the text of their questions")


def _count(history: History) -> tuple[int, int, int, str]:
    answered = [each for each in history if isinstance(each.outcome, Ok)]
    times = [each.returned_at - each.invoked_at for each in answered if each.returned_at]
    slowest = show_time(max(times)) if times else "none"
    return len(history), len(answered), len(history) - len(answered), slowest


def _said(verdict: Verdict) -> tuple[str, str]:
    return verdict.answer.value, verdict.sentence


LIVE = LiveLab(
    lab="echo",
    members=3,
    clients=2,
    columns=("waiting",),
    variants={
        "node": Variant(
            title="Echo as a node, asked by callers that ask again",
            node="stage1_foundations.echo.node:Echo",
            client="stage1_foundations.echo.node:Caller",
            choose=choose,
            checks={"every answer has the text of its question": every_answer_is_its_question},
        )
    },
)
"""How ``lab run echo`` runs it."""
