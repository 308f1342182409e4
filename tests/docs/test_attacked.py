"""What became of the attacks is read from pytest's report, and told with date and machine."""

from pathlib import Path

import pytest

from common.course.base.course import Course
from common.values.errors import BadInput
from docs.making import tables
from docs.making.asking import Asked, Page, Site
from docs.making.attacked import TRIED, outcomes
from docs.making.measuring import measured
from docs.making.running import Runner
from docs.making.staging import Stage


def report(folder: Path, *cases: str) -> Path:
    path = folder / "report.xml"
    path.write_text(f"<testsuite>{''.join(cases)}</testsuite>", encoding="utf-8")
    return path


def case(name: str, ended: str = "") -> str:
    return f'<testcase name="{name}">{ended}</testcase>'


def test_an_attack_is_held_if_its_test_passed_and_other_tests_do_not_count(tmp_path: Path) -> None:
    cases = (case(f"{TRIED}[a]"), case(f"{TRIED}[b]", "<failure/>"), case("test_other[c]"))
    assert outcomes(report(tmp_path, *cases)) == {"a": True, "b": False}


@pytest.mark.parametrize("cases", [(), (case(f"{TRIED}[a]", "<skipped/>"),)])
def test_what_tried_no_attack_is_refused(tmp_path: Path, cases: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match=r"tried no attack|no sandbox"):
        outcomes(report(tmp_path, *cases))


def test_the_page_says_how_many_were_held_and_when_and_where(tmp_path: Path) -> None:
    site = Site(Course(), Stage(), Runner(tmp_path), {})
    text = tables.attacks(Asked(Page("tables/attacks.md"), 1, (), site))
    found = measured("attacks")
    held = found["tried"] - len(found["lost"])
    assert f"Of {found['tried']} that were tried, {held} got nothing" in text
    assert f"*Measured on {found['date']}: {found['machine']}.*" in text
