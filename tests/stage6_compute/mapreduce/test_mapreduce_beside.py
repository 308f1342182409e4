"""What stands beside the protocol of the lab ``mapreduce``: checks, demonstration, bad input."""

from dataclasses import replace

import pytest

from common.check.verdict import Answer
from common.contract.effects import Note
from common.contract.events import Receive, Start
from common.values.errors import BadInput
from common.values.history import Failed, History, Ok, Operation
from common.values.report import Judged
from common.values.units import SECOND
from stage6_compute.mapreduce.checks import (
    as_one_process_would,
    counted,
    expected,
    one_writer,
)
from stage6_compute.mapreduce.demo import demo
from stage6_compute.mapreduce.machine import Machine
from stage6_compute.mapreduce.messages import Compute, Job, JobResult, Split, Submit
from stage6_compute.mapreduce.worlds import WORLDS

JOB = Job("word-count", "out", (Split("a b"), Split("b c")), 2)


def told(*results: tuple[Job, JobResult]) -> History:
    """What clients were told."""
    return History(
        Operation("c1", "compute", None, job, number, number + 1, Ok(result))
        for number, (job, result) in enumerate(results)
    )


def test_the_checks_say_yes_to_what_is_right_and_no_to_each_thing_that_is_wrong() -> None:
    other = replace(JOB, output="other")
    right = JobResult(expected(JOB), tuple(sorted(counted(JOB).items())))
    assert as_one_process_would(told((JOB, right), (other, right))).answer is Answer.YES
    assert one_writer(told((JOB, right), (other, right))).answer is Answer.YES
    twice = replace(right, parts=tuple(part * 2 for part in right.parts))
    assert as_one_process_would(told((JOB, right), (other, twice))).answer is Answer.NO
    more = replace(right, counters=(("keys", 3), ("records", 4), ("skipped", 0)))
    assert as_one_process_would(told((JOB, more))).answer is Answer.NO
    assert one_writer(told((JOB, right), (JOB, right))).answer is Answer.NO


@pytest.mark.parametrize("seed", [7, 8])
def test_the_demonstration_shows_work_that_was_for_nothing_and_right_output(seed: int) -> None:
    report = demo(seed)
    judged = [part for part in report.parts if isinstance(part, Judged)]
    assert [part.result for part in judged] == ["yes", "yes"]
    assert any("lost" in str(part) for part in report.parts)


def test_a_program_that_nobody_knows_fails_its_job_with_a_sentence() -> None:
    scene = WORLDS.scene()
    asked = scene.ask("c1", Compute(replace(JOB, program="word-cuont")), 10 * SECOND)
    assert isinstance(asked.outcome, Failed)
    assert "there is no program 'word-cuont': there are word-count" in str(asked.outcome)


def test_a_job_that_is_too_long_for_a_message_is_not_sent() -> None:
    scene = WORLDS.scene()
    long = replace(JOB, splits=(Split("word " * 300_000),))
    asked = scene.ask("c1", Compute(long))
    assert isinstance(asked.outcome, Failed)
    assert "is the most" in str(asked.outcome)


def test_a_machine_without_the_coordinator_says_who_submits_there() -> None:
    node = Machine("n2", ("n1", "n3"))
    node.step(Start(0, {}))
    (note,) = node.step(Receive(0, "c1", Submit(1, JOB)))
    assert isinstance(note, Note)
    assert "c1 submits a job here" in note.text


def test_hands_of_another_kind_are_refused() -> None:
    with pytest.raises(BadInput, match="say memory or front"):
        Machine("n2", ("n1",), hands="feet")


def test_outputs_without_a_name_get_one_that_nobody_has() -> None:
    scene = WORLDS.scene()
    nameless = replace(JOB, output="")
    for client in ("c1", "c1", "c2"):
        assert isinstance(scene.ask(client, Compute(nameless)).outcome, Ok)
