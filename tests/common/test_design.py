"""``lab design``: each question of the check-list finds what it asks for, and nothing else."""

import json
import re
from pathlib import Path

import pytest

from common.course.base.course import ROOT
from common.course.command import run
from common.course.design.checklist import CHECKS, SECTIONS, review
from common.course.design.document import parse
from common.course.design.words import CLAIMS

CONCEPTS = ROOT / "docs" / "concepts"
EXAMPLE, DRAFT, PAGE = (
    CONCEPTS / f"design-{name}.md" for name in ("example", "draft", "documents")
)
GOOD = EXAMPLE.read_text(encoding="utf-8")


def findings(text: str, folder: Path = CONCEPTS) -> list[tuple[int, str, str]]:
    """What the check-list says of a document."""
    found = review(parse(text), folder).findings
    return [(line, check, sentence) for line, check, sentence in found]


def without(title: str) -> str:
    """The good document without one section."""
    return re.sub(rf"^## {title}\n.*?(?=^## |\Z)", "", GOOD, flags=re.DOTALL | re.MULTILINE)


def with_section(title: str, body: str) -> str:
    """The good document with another text in one section."""
    head = f"## {title}\n\n"
    pattern = rf"^## {title}\n.*?(?=^## |\Z)"
    return re.sub(pattern, lambda _: f"{head}{body}\n\n", GOOD, flags=re.DOTALL | re.MULTILINE)


def test_the_worked_example_answers_every_question() -> None:
    assert findings(GOOD) == []
    assert len(review(parse(GOOD), CONCEPTS).held) == len(CHECKS)


@pytest.mark.parametrize("title", SECTIONS)
def test_a_section_that_is_missing_is_named(title: str) -> None:
    missing = [f for f in findings(without(title)) if f[1] == "sections"]
    assert missing == [
        (1, "sections", f"the section {title!r} is missing: add a line '## {title}' and write it")
    ]


@pytest.mark.parametrize("title", SECTIONS)
def test_a_section_with_a_comment_alone_is_empty(title: str) -> None:
    text = with_section(title, "<!-- advice\nof the template -->")
    line = text.splitlines().index(f"## {title}") + 1
    assert [f[:2] for f in findings(text) if f[1] == "sections"] == [(line, "sections")]


WEAK = {
    "summary": ("Summary", "word " * 151 + "12", "has 152 words"),
    "non-goals": ("Goals and non-goals", "### Goals\n\n* One limit.", "no non-goal"),
    "requirements": ("Requirements", "* It must work for all customers.", "has no number"),
    "fault-model": ("Fault model", "1 of 3 may crash.", "silent on partitions"),
    "picture": ("Design", "Each server asks another one.", "no picture"),
    "state": ("State", "Limits are on 3 servers.", "what is on disk"),
    "promises": ("Promises", "* **P1** No write is lost.", "P1 has no condition"),
    "consistency": (
        "Promises",
        "* **P1** Nothing is lost within 2 s, if one lives.",
        "has no name",
    ),
    "failures": ("Failures", "| a | b |\n|---|---|\n| a crash | |", "has an empty cell"),
    "capacity": ("Capacity", "12 servers are enough.", "not computed"),
    "alternatives": ("Alternatives", "* Do nothing.", "there is 1 alternative"),
    "tests": ("Tests", "**P1** to **P3**, and **P9**.", "P9, and no promise"),
    "operation": ("Operation", "We start it.", "how a change is taken back"),
    "unfinished": ("Capacity", "12 / 3 = 4. TODO: measure.", "'TODO' is left here"),
    "numbers": ("Problem", "The API is slow.", "'slow' has no number: how many milliseconds?"),
}
"""By check: a section, a text in which the check finds something, and a part of what it says."""


@pytest.mark.parametrize("id", WEAK)
def test_each_question_finds_what_it_asks_for(id: str) -> None:
    title, body, said = WEAK[id]
    sentences = [
        sentence for _, check, sentence in findings(with_section(title, body)) if check == id
    ]
    assert any(said in sentence for sentence in sentences), sentences


def test_every_question_has_a_weak_text() -> None:
    assert {asked.id for asked in CHECKS} == {*WEAK, "sections"}


def test_a_claim_is_a_matter_of_its_sentence() -> None:
    text = with_section("Problem", "It is fast: 3 ms. It is fast. How many? Many.\nToo slow.")
    said = [(check, sentence.partition(" has")[0]) for _, check, sentence in findings(text)]
    assert said == [("numbers", "'Many'"), ("numbers", "'fast'")]


def test_every_claim_has_a_question() -> None:
    for word, question in CLAIMS.items():
        text = with_section("Problem", f"Our system is {word} today.")
        assert f"{word!r} has no number: {question}" in [f[2] for f in findings(text)]


def test_lines_are_those_of_the_file_also_after_a_comment() -> None:
    text = with_section("Problem", "<!-- one\ntwo\nthree -->\n\nThe API is slow.")
    line = text.splitlines().index("The API is slow.") + 1
    assert [f[0] for f in findings(text)] == [line]


def test_a_picture_that_is_not_there_is_named(tmp_path: Path) -> None:
    text = with_section("Design", "![parts](parts.svg) and ![far](https://example.org/a.svg)")
    assert [f[2] for f in findings(text, tmp_path)] == [
        "the picture parts.svg is not there: correct its path"
    ]
    (tmp_path / "parts.svg").touch()
    assert findings(text, tmp_path) == []


def test_headings_may_be_numbered_and_in_another_order() -> None:
    parts = re.split(r"^(?=## )", GOOD, flags=re.MULTILINE)
    turned = [parts[0], *(f"## {n}. {part[3:]}" for n, part in enumerate(parts[:0:-1], 1))]
    assert findings("".join(turned)) == []


@pytest.mark.parametrize("text", ["x", "# a\n", "## Summary", "| a |\n|--|\n| |\n", "<!-- x", "\0"])
def test_every_text_can_be_checked(text: str) -> None:
    assert findings(text)


def test_the_page_has_every_question_and_every_section() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [asked.question for asked in CHECKS if f"| {asked.question} |" not in page] == []
    assert [title for title in SECTIONS if f"| {title} |" not in page] == []


def test_the_page_says_what_the_tool_says_of_the_draft() -> None:
    said = findings(DRAFT.read_text(encoding="utf-8"))
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"The tool finds {len(said)} places" in page
    for quoted in re.findall(r"\| ('[a-z ]+' has no number)", page):
        assert any(quoted in sentence for _, _, sentence in said), quoted


def test_the_command_prints_lines_and_ends_with_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "mine.md"
    file.write_text(with_section("Problem", "It is slow."), encoding="utf-8")
    assert run(["design", str(file)]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(rf"{re.escape(str(file))}:\d+: 'slow' has no number: .*", first)
    assert last == "✗ no  15 of 16 questions: 1 to mend"


def test_programs_get_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["design", str(EXAMPLE), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["answer"], told["findings"], told["questions"]) == ("yes", [], len(CHECKS))
    assert run(["design", str(DRAFT), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["answer"] == "no"
    assert {"line", "check", "sentence"} == set(told["findings"][0])


def test_the_template_is_a_document_in_which_all_is_to_be_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "mine.md"
    assert run(["design", "--new", str(file)]) == 0
    assert run(["design", str(file)]) == 1
    said = capsys.readouterr().out
    assert said.count(" is empty: ") == len(SECTIONS)
    assert " is missing" not in said
    assert run(["design", "--new", str(file)]) == 3
    assert "is there already: give a new name" in capsys.readouterr().err


def test_what_cannot_be_used_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    empty, latin, long = (tmp_path / name for name in ("empty.md", "latin.md", "long.md"))
    empty.write_text(" \n", encoding="utf-8")
    latin.write_bytes(b"# Caf\xe9\n")
    long.write_bytes(b"#" * ((1 << 20) + 1))
    for file, sentence in {
        tmp_path / "none.md": "lab design --new",
        tmp_path: "is a folder: give the document",
        empty: "is empty: delete it",
        latin: "is not UTF-8 (byte 5, 0xe9): save it as UTF-8",
        long: "has 1,048,577 bytes, and a document has at most 1,048,576",
    }.items():
        assert run(["design", str(file)]) == 3
        said = capsys.readouterr().err
        assert sentence in " ".join(said.split()), said
        assert "Traceback" not in said
    assert run(["design", "--new", str(tmp_path / "none" / "mine.md")]) == 3
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_a_document_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.md"
    file.write_text("\ufeff" + GOOD, encoding="utf-8")
    assert run(["design", str(file)]) == 0
