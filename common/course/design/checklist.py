"""The check-list: what a reviewer asks of a design document, one function for each question.

A check looks at one section, or at the whole document, and yields line and sentence for each place
that needs work. The sentence says what is wrong, and what to do. What a program can see is the
form: that a number is there, and not whether it is right. A document that passes is ready to be
read by people.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from common.course.design.document import Block, Document, Section
from common.course.design.words import CONDITION, UNFINISHED, claims, has_number

SECTIONS = (
    "Summary", "Problem", "Goals and non-goals", "Requirements", "Fault model", "Design", "State",
    "Promises", "Failures", "Capacity", "Alternatives", "Tests", "Operation", "Open questions",
    "References",
)  # fmt: skip
WITHOUT_NUMBERS = ("Requirements", "Alternatives", "Open questions", "References")
"""Sections in which a claim may stand without its number; of requirements another check asks it."""

LONGEST_SUMMARY = 150
"""In words."""
LEAST_FAILURES = 4
LEAST_ALTERNATIVES = 2
LEAST_NUMBERS = 3
"""An estimate has a load, what one machine carries, and a result."""

FAULTS = {
    "crashes": r"crash|power|kill|dies|die\b|restart",
    "lost messages": r"lost|lose|loss|drop|duplicat|twice|omission",
    "partitions": r"partition|cut off|is cut\b|split",
    "slowness and wrong clocks": r"slow|clock|delay|pause|late\b|timing",
    "disks": r"disk|fsync|storage|corrupt|torn",
    "nodes that lie": r"\blie\b|\blies\b|lying|liar|byzantine|malicious",
}
"""The kinds of failure, and how a fault model speaks of them."""

LEVELS = (
    r"linearizab|serializab|sequential|causal|eventual|read[- ]your[- ]writes|monotonic"
    r"|snapshot isolation|strongly? consisten|at[- ]most[- ]once"
)
ON_DISK = r"disk|durable|fsync|saved|persist|memory"
ACKNOWLEDGED = r"acknowledg|\b(is|are) told\b|\bok\b"
WAY_BACK = r"\bback\b|revert|undo|(previous|old) version"
ALERTS = r"alert|\bpage[sd]?\b|is called|alarm|notif"

_PROMISE = re.compile(r"\bP\d+\b")
_NEVER = re.compile(r"\b(never|no|not|none|at most|nothing|cannot)\b", re.IGNORECASE)
_IN_THE_END = re.compile(r"\b(within|in the end|eventually|at the latest)\b", re.IGNORECASE)

Places = Iterator[tuple[int, str]]
Looks = Callable[[Document, Section], Places]


class Finding(NamedTuple):
    """One place that needs work: its line, the id of the check, what is wrong and what to do."""

    line: int
    check: str
    sentence: str


class Check(NamedTuple):
    """A question of the check-list.

    Attributes:
        id: its name for programs.
        question: what a reviewer asks.
        section: the title of the section that it is about; empty if about the whole document.
        of: yields line and sentence for each place that needs work.
    """

    id: str
    question: str
    section: str
    of: Looks


class Review(NamedTuple):
    """What came of it: all findings in the order of the lines, and the checks that hold."""

    findings: list[Finding]
    held: list[Check]


CHECKS: list[Check] = []


def check(question: str, section: str = "") -> Callable[[Looks], Looks]:
    """Put a function onto the list; its name is the check's id."""

    def put(function: Looks) -> Looks:
        name = function.__name__.replace("_", "-")
        CHECKS.append(Check(name, question, section, function))
        return function

    return put


def review(document: Document, folder: Path) -> Review:
    """Ask every question. Of a section that is not there or empty, only ``sections`` speaks.

    Args:
        folder: from where the paths of pictures go on.
    """
    findings, held = list(_missing_pictures(document, folder)), []
    for asked in CHECKS:
        section = named(document, asked.section)
        there = not asked.section or _is_written(section)
        places = list(asked.of(document, section)) if there else []
        findings += [Finding(line, asked.id, sentence) for line, sentence in places]
        if there and not places:
            held.append(asked)
    return Review(sorted(findings), held)


def named(document: Document, title: str) -> Section:
    """A section by its title; an empty one if there is none."""
    for section in document.sections:
        if _plain(section.title) == _plain(title):
            return section
    return Section(title, 1)


def _plain(title: str) -> str:
    return " ".join(re.findall(r"[a-z]+", title.lower().replace("&", "and")))


def _is_written(section: Section) -> bool:
    return bool(section.prose or section.of("code", "picture"))


def _says(section: Section, pattern: str) -> bool:
    return re.search(pattern, section.text, re.IGNORECASE) is not None


@check("Is there a title, and every section, with something in it?")
def sections(document: Document, _: Section) -> Places:
    if not document.title:
        yield 1, "the document has no title: begin with a line '# Name of the system'"
    for title in SECTIONS:
        section = named(document, title)
        if section not in document.sections:
            yield 1, f"the section {title!r} is missing: add a line '## {title}' and write it"
        elif not _is_written(section):
            yield section.line, f"the section {title!r} is empty: write it, or say why not needed"


@check("Is everything written?")
def unfinished(document: Document, _: Section) -> Places:
    for block in document.blocks:
        left = UNFINISHED.search(block.text) if block.kind != "code" else None
        if left:
            yield (
                block.line,
                f"{left[0].strip(' :')!r} is left here: write it, or ask it in the end",
            )


@check("Does each claim (fast, scalable, many, ...) have its number?")
def numbers(document: Document, _: Section) -> Places:
    free = set(map(_plain, WITHOUT_NUMBERS))
    for section in document.sections:
        for block in section.prose if _plain(section.title) not in free else []:
            for word, question in claims(block):
                yield block.line, f"{word!r} has no number: {question}"


@check(f"Is the summary at most {LONGEST_SUMMARY} words long, with a number?", "Summary")
def summary(_: Document, section: Section) -> Places:
    words = len(section.text.split())
    if words > LONGEST_SUMMARY:
        yield section.line, f"the summary has {words} words: shorten it to {LONGEST_SUMMARY}"
    if not has_number(section.text):
        yield section.line, "the summary has no number: give the one that matters most to users"


@check("Does it say what is left out on purpose?", "Goals and non-goals")
def non_goals(_: Document, section: Section) -> Places:
    heads = [b.line for b in section.of("heading") if "non-goal" in b.text.lower()]
    below = [block for head in heads for block in section.prose if block.line > head]
    if not below and not _says(section, r"\bnon-goal"):
        yield section.line, "no non-goal is named: say what a reader could expect and does not get"


@check("Does each requirement have a number, and a way to measure it?", "Requirements")
def requirements(_: Document, section: Section) -> Places:
    entries = section.of("row", "item")
    if not entries:
        yield section.line, "the requirements are no table: make one, each row with its number"
    for entry in entries:
        if entry.cells and not all(entry.cells):
            yield entry.line, f"the requirement {_short(entry)!r} has an empty cell: fill it"
        elif not has_number(entry.text):
            yield entry.line, f"the requirement {_short(entry)!r} has no number: say how much"


@check("Does the fault model speak of each kind of failure, and of how many?", "Fault model")
def fault_model(_: Document, section: Section) -> Places:
    for kind, words in FAULTS.items():
        if not _says(section, words):
            yield section.line, f"the fault model is silent on {kind}: say 'borne' or 'not borne'"
    if not has_number(section.text):
        yield section.line, "the fault model does not say how many may fail at once: say it"


@check("Is there a picture of the design?", "Design")
def picture(_: Document, section: Section) -> Places:
    if not section.of("picture", "code"):
        yield section.line, "the design has no picture: draw parts and messages, in Mermaid say"


@check("Does it say what is on disk, and in how many copies?", "State")
def state(_: Document, section: Section) -> Places:
    if not _says(section, ON_DISK):
        yield section.line, "it is not said what is on disk: name what survives a crash"
    if not has_number(section.text):
        yield section.line, "it is not said how many copies there are: give the number"


@check("Are the promises numbered, each with its condition, safety and progress?", "Promises")
def promises(document: Document, section: Section) -> Places:
    found = _promises(document)
    if not found:
        yield section.line, "the promises have no numbers: call them P1, P2, ... for the tests"
        return
    for name, block in found.items():
        if not CONDITION.search(block.text):
            yield block.line, f"{name} has no condition: say while, if, or after what it holds"
    texts = [block.text for block in found.values()]
    if not any(map(_NEVER.search, texts)):
        yield section.line, "no promise says what never happens: add one (safety)"
    if not any(map(_IN_THE_END.search, texts)):
        yield section.line, "no promise says what happens within which time: add one (progress)"


@check("Is the consistency named, and what an acknowledgement means?", "Promises")
def consistency(_: Document, section: Section) -> Places:
    if not _says(section, LEVELS):
        yield section.line, "the consistency has no name: linearizable, causal, eventual, ...?"
    if not _says(section, ACKNOWLEDGED):
        yield section.line, "it is not said what an acknowledgement means: what has happened then?"


@check(f"Are {LEAST_FAILURES} failures played through, with what a user sees?", "Failures")
def failures(_: Document, section: Section) -> Places:
    rows = section.of("row")
    if len(rows) < LEAST_FAILURES:
        there = f"the table has {len(rows)} failures"
        yield section.line, f"{there}: play through {LEAST_FAILURES} at least"
    for row in rows:
        if not all(row.cells):
            yield row.line, f"the failure {_short(row)!r} has an empty cell: fill it"
        elif not has_number(row.text):
            yield (
                row.line,
                f"the failure {_short(row)!r} has no time: when does it go on?",
            )


@check("Is the capacity computed?", "Capacity")
def capacity(_: Document, section: Section) -> Places:
    if len(re.findall(r"\d+", section.text)) < LEAST_NUMBERS:
        yield section.line, "the capacity is not computed: load / what one carries = how many"


@check(f"Are {LEAST_ALTERNATIVES} alternatives named, with the reason against?", "Alternatives")
def alternatives(_: Document, section: Section) -> Places:
    count = max(len(section.of(kind)) for kind in ("item", "row", "heading", "paragraph"))
    if count < LEAST_ALTERNATIVES:
        yield section.line, f"there is {count} alternative: name {LEAST_ALTERNATIVES} at least"


@check("Does each promise have a test?", "Tests")
def tests(document: Document, section: Section) -> Places:
    tested, promised = set(_PROMISE.findall(section.text)), _promises(document)
    for name, block in promised.items():
        if name not in tested:
            yield block.line, f"{name} has no test: say in 'Tests' how it is tested"
    for block in section.prose:
        for name in sorted(set(_PROMISE.findall(block.text)) - set(promised)):
            yield block.line, f"this tests {name}, and no promise has that number: correct one"


@check("Can it be watched, and taken back?", "Operation")
def operation(_: Document, section: Section) -> Places:
    if not _says(section, WAY_BACK):
        yield section.line, "it is not said how a change is taken back: describe the way back"
    if not _says(section, ALERTS):
        yield section.line, "it is not said who is called, at which value: name the alerts"


def _promises(document: Document) -> dict[str, Block]:
    """By number, the block that makes the promise."""
    found: dict[str, Block] = {}
    for block in named(document, "Promises").prose:
        for name in _PROMISE.findall(block.text)[:1]:
            found.setdefault(name, block)
    return found


def _missing_pictures(document: Document, folder: Path) -> Iterator[Finding]:
    for block in document.blocks:
        outside = "://" in block.text or block.text.startswith("data:")
        if block.kind == "picture" and not outside and not (folder / block.text).is_file():
            sentence = f"the picture {block.text} is not there: correct its path"
            yield Finding(block.line, "picture", sentence)


def _short(block: Block) -> str:
    """The beginning of a block, to be recognised."""
    text = next(filter(None, block.cells), block.text)
    return text if len(text) <= 40 else text[:39].rstrip() + "…"
