"""The page of each lab has what a page of a lab has, and what is in two languages is whole."""

import re
from pathlib import Path

import pytest

from common.course.base.course import Course
from common.course.base.lab import Lab
from docs.making.nav import page_of
from docs.making.staging import DOCS

COURSE = Course()
PAGES = sorted((DOCS / "labs").glob("*.md"))
HEADINGS = ("## The problem", "## Reading order", "## Run it")
FOLDED = re.compile(r'^\?\?\? (?:question|success) "', re.MULTILINE)


@pytest.mark.parametrize("lab", COURSE.labs, ids=lambda lab: lab.id)
def test_a_page_has_its_sections_its_parts_and_questions_with_folded_answers(lab: Lab) -> None:
    page = (DOCS / "labs" / f"{lab.id}.md").read_text(encoding="utf-8")
    assert [heading for heading in HEADINGS if heading not in page] == []
    made = {"parts", "demo", *(["playground"] if lab.worlds else [])}
    assert made <= set(re.findall(r"<!-- make (\w+) -->", page))
    assert FOLDED.search(page), "questions whose answers can be unfolded"
    room = COURSE.room_of(lab)
    if (room / "broken.py").is_file():
        assert "broken.py" in page


def test_what_the_course_has_in_two_languages_is_there_in_both() -> None:
    firsts = [f"labs/{stage.labs[0]}.md" for stage in COURSE.stages]
    plans = ["plans/six-months.md", "plans/twelve-months.md"]
    stages = [page_of(stage) for stage in COURSE.stages]
    wanted = ["index.md", "roadmap.md", "glossary.md", *plans, *stages, *firsts]
    both = [path for page in wanted for path in (page, page.replace(".md", ".zh.md"))]
    assert [path for path in both if not (DOCS / path).is_file()] == []


def test_every_lab_is_named_on_the_page_of_its_stage() -> None:
    for stage in COURSE.stages:
        for path in (page_of(stage), page_of(stage).replace(".md", ".zh.md")):
            page = (DOCS / path).read_text(encoding="utf-8")
            missing = [id for id in stage.labs if not re.search(rf"`{id}`|labs/{id}\.md", page)]
            assert missing == [], path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_needs_no_signs_that_many_computers_have_no_picture_for(page: Path) -> None:
    """Emoji are boxes where no font has them, and two columns wide in a drawing where one has."""
    signs = re.findall("[\U0001f000-\U0001faff\u231a\u231b\u23e9-\u23f3]", page.read_text("utf-8"))
    assert signs == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_said_beside_a_command_fits_a_window(page: Path) -> None:
    said = re.findall(r"^lab .*\S[ ]{2,}\S.*$", page.read_text("utf-8"), re.MULTILINE)
    assert [line for line in said if len(line) > 100] == []
