"""Graded suite of the lab ``log``."""

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask, names
from common.sim import LinkModel
from common.values.history import History, Ok
from common.values.units import MS, SECOND
from tests.stage8_real_systems.log.lab import LogLab

LAB = "log"

ROUGH = LinkModel(latency=(1 * MS, 40 * MS), loss=0.3, duplicate=0.3)
"""A network that loses messages, doubles them, and lets one overtake another."""

QUESTIONS = 20


def conversation(lab: LogLab, seed: int) -> History:
    """Two servers and one client with questions; what the client was told."""
    servers = dict.fromkeys(names(2), lab.Server)
    simulation = lab.simulation(servers, {"c1": lab.Client}, seed=seed, link=ROUGH)
    for number in range(QUESTIONS):
        ask(simulation, "c1", lab.Say(f"{seed}/{number}"), within=60 * SECOND)
    return simulation.history


@graded(points=2, title="Its own answer", requirement="an answer has the number of its question")
def test_every_answer_is_to_the_question_that_was_asked(lab: LogLab, sweep: Sweep) -> None:
    for seed in sweep(10):
        answered = [each for each in conversation(lab, seed) if isinstance(each.outcome, Ok)]
        assert answered, "not one question was answered"
        for each in answered:
            assert each.outcome == Ok(each.argument), f"{each} is the answer to another question"


@graded(points=1, title="Every question", requirement="the client asks again until it is answered")
def test_every_question_is_answered_although_messages_are_lost(lab: LogLab, sweep: Sweep) -> None:
    for seed in sweep(10):
        told = [each.outcome for each in conversation(lab, seed)]
        assert len(told) == QUESTIONS
        assert all(isinstance(outcome, Ok) for outcome in told), told
