"""What a lab's playground shows before anything runs: its files, its settings, its exercise."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from common.browser.running import LARGEST, Settings, set_up, sized
from common.check.verdict import Answer
from common.course.base.course import Course
from common.course.base.holes import handout
from common.course.base.lab import Lab, Part
from common.course.student.workspace import fingerprint
from common.values.errors import LabError
from common.values.faults import Schedule
from common.values.units import MS, SECOND
from common.worlds import Worlds

USUAL = 2 * SECOND
"""How long the first run of a page takes, in virtual time."""

LONGEST_FIRST = 700
"""So many lines of a trace are a picture that one can read; a busier lab is shown for less time."""

TRIED = range(1, 10)
"""So many members a page offers, if a cluster of that size starts."""

TRY_FOR = 200 * MS

ROUND = 5 * MS

SEED = 7


def described(course: Course, lab: Lab, worlds: Worlds, first: Settings) -> dict[str, Any]:
    """What the page knows of a lab, for JSON; ``first`` is the run that it shows first."""
    size = worlds.simulated or worlds.live
    return {
        "id": lab.id,
        "title": lab.title,
        "folder": lab.folder,
        "files": [
            {"path": lab.path(file.path), "text": (course.root / lab.path(file.path)).read_text()}
            for file in lab.files
        ],
        "variants": [
            {"name": name, "title": variant.title, "clients": list(variant.clients(size))}
            for name, variant in worlds.variants.items()
        ],
        "members": list(size.member_names),
        "sizes": sizes(worlds),
        "bears": list(worlds.bears),
        "first": {
            "seed": first.seed,
            "until": first.until,
            "latency": list(first.latency),
            "operations": first.operations,
            "faults": first.faults.to_plain(),
        },
        "part": exercise(course, lab, lab.parts[0]),
    }


def exercise(course: Course, lab: Lab, part: Part) -> dict[str, Any]:
    """The first part of a lab, as somebody solves it in the page."""
    handed = handout(course, lab, part.id)
    opened = {lab.path(hole.file) for hole in part.holes}
    return {
        "id": part.id,
        "title": part.title,
        "hours": part.hours,
        "points": part.points,
        "exercises": [
            {
                "name": hole.name,
                "symbol": hole.symbol,
                "file": lab.path(hole.file),
                "hints": list(hole.hints),
            }
            for hole in part.holes
        ],
        "tests": [
            {"name": test.name.removeprefix("test_"), "title": test.title, "points": test.points}
            for test in part.tests
        ],
        "suite": list(part.files),
        "hypothesis": _imports_hypothesis(course, part.files),
        "handout": {path: text for path, text in handed.items() if path in opened},
        "fingerprints": {path: fingerprint(text) for path, text in handed.items()},
        "supplied": [hole.name for hole in lab.holes if hole not in part.holes],
    }


def _imports_hypothesis(course: Course, files: Sequence[str]) -> bool:
    return any("hypothesis" in (course.root / file).read_text(encoding="utf-8") for file in files)


def first_run(worlds: Worlds) -> tuple[Settings, str]:
    """What the page shows first, and its trace: the lab's own trouble, as long as one can read.

    A run of a busy lab is half as long, again and again, while it still shows something.
    """
    shown: tuple[Settings, str] | None = None
    until = USUAL
    while until >= USUAL // 8:
        members = (worlds.simulated or worlds.live).member_names
        faults = _borne(worlds, worlds.trouble(members, until))
        settings = Settings(seed=SEED, until=until, faults=faults)
        scene = set_up(worlds, settings)
        scene.run(until)
        lines = scene.lines.count("\n")
        verdicts = [
            scene.judged(name, check(scene.history)) for name, check in scene.checks.items()
        ]
        if shown and any(verdict.answer is Answer.UNKNOWN for verdict in verdicts):
            break
        shown = settings, scene.lines
        if lines <= LONGEST_FIRST:
            break
        until //= 2
    assert shown, "the longest one is taken whatever it shows"
    return shown


def _borne(worlds: Worlds, faults: Schedule) -> Schedule:
    """Without what the lab does not promise to bear, and at times that one can read."""
    kinds = {"restart": "crash", "resume": "pause", "heal": "partition", "block": "partition"}
    named = [(type(fault).__name__.lower(), fault) for fault in faults]
    return Schedule(
        replace(fault, at=fault.at // ROUND * ROUND)
        for name, fault in named
        if name == "link" or kinds.get(name, name) in worlds.bears
    )


def sizes(worlds: Worlds) -> list[int]:
    """How many members a cluster of this lab may have, as far as the page offers it."""
    declared = worlds.simulated or worlds.live
    if not isinstance(declared.members, int):
        return []
    found = []
    for members in sorted({*TRIED, declared.members} - {LARGEST + 1}):
        try:
            scene = set_up(worlds, Settings(members=members))
            scene.run(TRY_FOR)
        except (LabError, LookupError, ValueError, AssertionError):
            continue  # a lab says itself how few are too few
        found.append(members)
    assert sized(worlds, declared.members) == declared, "the declared size is one of them"
    return found


def bare_page(course: Course, only: Collection[str] = ()) -> str:
    """A page with a playground and nothing else; ``?lab=raft`` says of which lab."""
    labs = [lab.id for lab in course.labs if lab.worlds and (not only or lab.id in only)]
    links = " ".join(f'<a href="?lab={id}">{id}</a>' for id in labs)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Playground</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"></head>
<body><main><h1>Playground</h1><p>{links}</p><div class="playground"></div></main>
<script type="module">
const div = document.querySelector(".playground");
div.dataset.lab = new URLSearchParams(location.search).get("lab") || "{labs[0]}";
import("./assets/playground/mount.mjs");
</script></body></html>
"""
