"""A yes about a run in which nothing was done shows nothing, and says so."""

from collections.abc import Callable
from random import Random

import pytest

from common.check.command import MODELS, check_history
from common.check.delivery import check_delivery
from common.check.verdict import EXIT_CODES, Answer, Verdict, weighed, worst
from common.contract import Node, on, operation
from common.contract.calls import describe
from common.course.base.course import Course
from common.course.base.declared import worlds_of
from common.values.history import Failed, History, Ok, Operation, Unknown
from common.values.report import Judged, Report
from common.values.units import SECOND
from common.worlds import Scene, Size, Variant, Work, Worlds
from common.worlds.scene import Check

YES = Verdict(Answer.YES, "All is well.")
OUTCOMES = (Failed("not now"), Unknown("no answer"))


@operation
class Hello:
    """What nobody answers."""


class Mute(Node):
    """Takes everything, and says nothing."""

    @on(Hello)
    def hello(self, asked: Hello, call: object) -> None:
        """Nothing."""


def asked_in_vain(choose: Callable[[Random, str, int], object], count: int = 40) -> History:
    """What clients choose, of which nothing ends ok; some have no end at all."""
    random, history = Random(3), History()
    for number in range(count):
        for client in ("n1", "n2", "n3"):
            at = SECOND * number
            each = history.invoke(client, *describe(choose(random, client, number)), at)
            if number % 3 < 2:
                history.finish(each, OUTCOMES[number % 3], at + 1)
    return history


def checks() -> list[object]:
    """Each check of each variant of each lab, once."""
    found: dict[Check, object] = {}
    for lab in Course().labs:
        worlds = worlds_of(lab) if lab.worlds else None
        for variant in worlds.variants.values() if worlds else ():
            for name, check in variant.checks.items():
                label = f"{lab.id}-{name}"
                found.setdefault(check, pytest.param(check, variant.choose, id=label))
    return list(found.values())


def test_a_yes_that_rests_on_nothing_is_unknown_and_says_why() -> None:
    one = Operation("c1", "read", None, None, 1, 2, Failed("busy"))
    done = Operation("c1", "look", None, None, 3, 4, Ok(5))
    for verdict, history, why in (
        (YES, [], "nobody asked for anything"),
        (YES, [one, one], "none of 2 operations ended ok"),
        (Verdict(Answer.YES, "", rests_on=0), [one, done], "of 1 operations that ended ok it is"),
        (check_delivery(["a"], [], complete=False), None, "nothing was done"),
    ):
        found = weighed(verdict, history)
        assert found.answer is Answer.UNKNOWN
        assert found.exit_code == 2
        assert found.sentence.startswith(f"This shows nothing: {why}")
    assert weighed(YES, [done]) == YES
    assert weighed(YES) == YES, "nothing is known of what it rests on"
    assert weighed(Verdict(Answer.YES, "", rests_on=1)).answer is Answer.YES


def test_a_no_stays_a_no_and_an_unknown_keeps_its_reason() -> None:
    for answer in (Answer.NO, Answer.UNKNOWN):
        verdict = Verdict(answer, "It is as it is.", rests_on=0)
        assert weighed(verdict, []) == verdict


def test_the_worst_of_several_answers_counts() -> None:
    assert worst([]) is worst([Answer.YES, Answer.YES]) is Answer.YES
    assert worst([Answer.YES, Answer.UNKNOWN, Answer.YES]) is Answer.UNKNOWN
    assert worst([Answer.UNKNOWN, Answer.NO, Answer.YES]) is Answer.NO
    assert sorted(EXIT_CODES.values()) == [0, 1, 2]


@pytest.mark.parametrize(("check", "choose"), checks())
def test_each_check_of_each_lab_knows_that_nothing_was_done(
    check: Check, choose: Callable[[Random, str, int], object]
) -> None:
    for history in (History(), asked_in_vain(choose)):
        verdict = check(history)
        assert verdict.answer is not Answer.YES or verdict.rests_on == 0, verdict
        assert weighed(verdict, history).answer is not Answer.YES


@pytest.mark.parametrize("model", MODELS)
def test_check_history_says_so_of_a_file_in_which_everything_failed(model: str) -> None:
    function, value = ("txn", '[["append", "x", 1]]') if "list" in model else ("write", "1")
    function, value = {
        "kv": ("put", "1"),
        "queue": ("enqueue", "1"),
        "lock": ("acquire", "null"),
    }.get(model, (function, value))
    key = '"x"' if model in ("kv", "sessions", "causal", "causal-convergent") else "null"
    ends = "fail", "info"
    lines = [
        f'{{"op": {number}, "process": "c{number}", "type": "{kind}", "f": "{function}", '
        f'"key": {key}, "value": {value.replace("1", str(number + 1))}, "time": {time}}}'
        for number, end in enumerate(ends)
        for time, kind in ((2 * number, "invoke"), (2 * number + 1, end))
    ]
    verdict = check_history("\n".join(lines), "failed.jsonl", model)
    assert verdict.answer is Answer.UNKNOWN
    assert verdict.sentence == "This shows nothing: none of 2 operations ended ok."


def test_a_scene_in_which_nothing_is_done_says_so_everywhere() -> None:
    """In its verdicts, in its report and in its trace."""

    def always(_: History) -> Verdict:
        return YES

    variant = Variant("mute", node=Mute, choose=lambda *_: Hello(), checks={"well": always})
    worlds = Worlds("stage0_tests.mute", variants={"one": variant}, live=Size(members=1))
    scene = worlds.scene()
    scene.begin(Work(variant.choose, count=1), ("n1",))
    scene.run(1 * SECOND)
    said = "This shows nothing: none of 1 operations ended ok."
    assert {each.sentence for each in scene.verdicts().values()} == {said}
    report = Report("mute")
    scene.check(report, "well")
    assert report.parts == [Judged("well", "unknown", said)]
    assert '"result":"unknown"' in scene.lines


def test_what_a_scene_is_told_of_its_own_is_weighed_too() -> None:
    scene = Scene("mute", {"n1": Mute})
    nothing = check_delivery(["a"], [], complete=False)
    assert scene.judged("delivery", nothing).answer is Answer.UNKNOWN
    assert scene.judged("delivery", check_delivery(["a"], ["a"])).answer is Answer.YES
