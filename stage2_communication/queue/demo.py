"""The demonstration of the lab ``queue``: a network that loses messages."""

from common.values.faults import Link, Schedule
from common.values.history import Ok
from common.values.report import Report
from common.values.units import MS
from common.worlds import Work
from stage2_communication.queue.checks import some_question
from stage2_communication.queue.worlds import WORLDS

ROUGH = Schedule([Link(at=0, latency=(2 * MS, 30 * MS), loss=0.2, duplicate=0.1)])


def demo(seed: int) -> Report:
    """Three servers and two clients on a network that loses a fifth of all messages."""
    report = Report("queue: every question is answered")
    scene = WORLDS.scene(seed=seed, schedule=ROUGH)
    scene.begin(Work(some_question, count=10))
    scene.work()
    answered = sum(isinstance(each.outcome, Ok) for each in scene.history)
    report.say(f"{answered} of {len(scene.history)} questions were answered.")
    scene.check(report, "answers", "every answer is to its question")
    scene.trace(report, "queue", "Messages are lost, and asked for again")
    return report
