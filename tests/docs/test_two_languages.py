"""The two languages of a page say the same: a later change of one of them is noticed here.

A page ``page.zh.md`` stands beside ``page.md``. Prose may be told differently. What must agree is
what can be compared without understanding: headings, code, pictures, tables, names in backquotes,
links and figures, section by section. The words of the course are those of the glossary.
"""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from common.course.base.course import ROOT, Course

DOCS = ROOT / "docs"
CHINESE = sorted(path for path in DOCS.rglob("*.zh.md"))
GLOSSARIES = (DOCS / "glossary.md", DOCS / "glossary.zh.md")
TRANSLATED = [path for path in CHINESE if path not in GLOSSARIES]

FENCE = re.compile(r"^ *(?P<ticks>```+)[^\n]*\n.*?^ *(?P=ticks) *$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`]+)`")
MARK = re.compile(r"^<!-- make .+ -->$", re.MULTILINE)
FIGURE = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?")

OFTEN = 3
"""So often an English page uses a word before the Chinese one must have it, too."""

EVERYDAY = {
    *("backup", "call", "effect", "event", "fault", "hole", "property"),
    *("reference", "safety", "step", "view"),
}
"""Words of the glossary that are also words of everyday English: nothing follows from their use."""

NEVER = {
    "结点": "节点",
    "追随者": "跟随者",
    "候选者": "候选人",
    "大多数派": "多数派",
    "法定数": "法定人数",
    "仲裁": "法定人数",
    "线性化": "线性一致",
    "可序列化": "可串行化",
    "时戳": "时间戳",
    "计时器": "定时器",
    "复本": "副本",
    "快取": "缓存",
    "伺服器": "服务器",
    "流言协议": "Gossip 协议",
}
"""What is not written, and what is written in its place: one Chinese word for each idea."""


def english_of(page: Path) -> Path:
    """The English page beside a Chinese one."""
    return page.with_name(page.name.replace(".zh.md", ".md"))


def sections(page: Path) -> list[str]:
    """A page's text, cut at its headings; code is left out."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    starts = [found.start() for found in HEADING.finditer(text)]
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def code(page: Path) -> list[str]:
    """A page's blocks of code; the words of a diagram may be translated, so its lines count."""
    blocks = [found[0] for found in FENCE.finditer(page.read_text(encoding="utf-8"))]
    return [f"{len(b.splitlines())} lines" if b.startswith("```mermaid") else b for b in blocks]


def shape(section: str) -> dict[str, object]:
    """What both languages of a section must have."""
    heading = HEADING.match(section)
    assert heading
    lines = section.splitlines()
    return {
        "level of the heading": len(heading[1]),
        "pictures": PICTURE.findall(section),
        "links": sorted(set(LINK.findall(section))),
        "names in backquotes": sorted({" ".join(name.split()) for name in CODE.findall(section)}),
        "made parts": MARK.findall(section),
        "rows of tables": [
            line.count("|") - line.count("\\|") for line in lines if line[:1] == "|"
        ],
        "points of lists": len([line for line in lines if re.match(r" *([*-]|\d\d?\.) ", line)]),
    }


def figures(section: str) -> Counter[str]:
    """The numbers of two digits or more in a section: years, measurements, sections of papers."""
    plain = LINK.sub("", CODE.sub("", section))
    return Counter(found for found in FIGURE.findall(plain) if len(found) > 1)


def named(page: Path) -> str:
    """A page's name in a test's name."""
    return page.relative_to(DOCS).as_posix().removesuffix(".zh.md")


@pytest.mark.parametrize("page", TRANSLATED, ids=named)
def test_the_languages_of_a_page_have_the_same_sections_code_and_pictures(page: Path) -> None:
    english = english_of(page)
    assert english.is_file(), f"{page.name} translates a page that is not there: {english.name}"
    assert code(english) == code(page), "blocks of code differ"
    ours, theirs = sections(english), sections(page)
    assert len(ours) == len(theirs), "the numbers of headings differ"
    for one, other in zip(ours, theirs, strict=True):
        where = f"{one.splitlines()[0]} / {other.splitlines()[0]}"
        assert shape(one) == shape(other), where
        missing = set(figures(one)) - set(figures(other))
        assert not missing, f"{where}: figures that the Chinese section has not: {missing}"


def words() -> dict[str, set[str]]:
    """The glossary's words, each with its Chinese ones; remarks in brackets are left out."""
    found: dict[str, set[str]] = {}
    for english, chinese, *_ in rows(GLOSSARIES[0]):
        ours = re.sub(r" ?\(.*?\)", "", english).split(", ")
        theirs = re.sub("\uff08.*?\uff09", "", chinese).split("、")  # brackets of full width
        assert len(ours) == len(theirs), f"{english}: {chinese}"
        for one, other in zip(ours, theirs, strict=True):
            found.setdefault(one, set()).add(other)
    return found


def rows(glossary: Path) -> list[list[str]]:
    """The rows of a glossary's table, without anchors."""
    lines = [re.sub(r"<a .*?></a>", "", line) for line in glossary.read_text("utf-8").splitlines()]
    table = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in table[2:]]


def test_both_glossaries_have_the_same_words() -> None:
    assert [[zh, en, meaning] for en, zh, _, meaning in rows(GLOSSARIES[0])] == rows(GLOSSARIES[1])
    anchors = [re.findall(r'id="(.*?)"', page.read_text("utf-8")) for page in GLOSSARIES]
    assert anchors[0] == anchors[1]
    assert len(set(anchors[0])) == len(rows(GLOSSARIES[0]))


@pytest.mark.parametrize("page", TRANSLATED, ids=named)
def test_a_word_of_the_glossary_is_used_with_its_chinese_word(page: Path) -> None:
    english = CODE.sub("", "".join(sections(english_of(page))))
    english = re.sub(r"\{[^}]*\}|log n", "", english)  # attributes, logarithms
    chinese = "".join(sections(page))
    missing = {
        f"{ours}: {theirs}"
        for ours, theirs in words().items()
        if ours not in EVERYDAY
        and len(re.findall(rf"(?<![\w-]){re.escape(ours)}s?(?![\w-])", english)) >= OFTEN
        and not any(word.lower() in chinese.lower() for word in theirs)
    }
    assert not missing, f"words of docs/glossary.md that {page.name} translates differently"
    wrong = {word: right for word, right in NEVER.items() if word in chinese}
    assert not wrong, f"{page.name} has other words than those of docs/glossary.md"


def test_each_chinese_sentence_of_the_course_belongs_to_a_sentence_of_a_manifest() -> None:
    course = Course()
    said = {text for stage in course.stages for text in (stage.title, stage.summary)}
    said |= {text for lab in course.labs for text in (lab.title, lab.concept)}
    said |= {part.title for lab in course.labs for part in lab.parts}
    entries = yaml.safe_load((DOCS / "course.zh.yaml").read_text("utf-8"))
    old = {entry["en"] for entry in entries} - {" ".join(text.split()) for text in said}
    assert not old, "sentences of docs/course.zh.yaml that no manifest has any more: renew them"
