"""The museum: mutants with a public issue behind them, what happened, and a run that shows it.

``docs/museum.yaml`` says what happened, ``docs/results/museum.json`` what the lab's test says of
the mutant (``exhibiting`` writes it), and the traces of its failures are beside it.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from textwrap import dedent
from typing import Any, NamedTuple

import msgspec

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.kit.mutants import Mutant, mutants_of
from docs.making.asking import Asked
from docs.making.measuring import RESULTS, measured
from docs.making.runs import FOLDER, link_to
from docs.making.staging import DOCS

TRACES = RESULTS / "museum"
_NO_NAME = re.compile(r"[^A-Za-z0-9]+")


class Exhibit(NamedTuple):
    """A mutant on show: its key in the data, what was published, and the bug itself."""

    key: str
    about: dict[str, Any]
    lab: Lab
    mutant: Mutant


@cache
def published() -> list[dict[str, Any]]:
    """What ``docs/museum.yaml`` says."""
    found: list[dict[str, Any]] = msgspec.yaml.decode((DOCS / "museum.yaml").read_bytes())[
        "exhibits"
    ]
    return found


def exhibits(course: Course) -> Iterator[Exhibit]:
    """Every mutant whose name has the reference of something published, lab by lab."""
    keys: Counter[str] = Counter()
    for lab in course.labs:
        for mutant in mutants_of(course, lab):
            about = [each for each in published() if is_about(lab, mutant.name, each)]
            if about:
                longest = max(about, key=lambda each: len(each["ref"]))
                key = f"{lab.id}-{_NO_NAME.sub('-', longest['ref']).lower()}"
                keys[key] += 1
                yield Exhibit(f"{key}-{keys[key]}" if keys[key] > 1 else key, longest, lab, mutant)


def is_about(lab: Lab, name: str, about: dict[str, Any]) -> bool:
    """Whether a mutant's name has the reference of something published, as a whole."""
    before, found, after = name.partition(about["ref"])
    is_whole = bool(found) and not after[:1].isdigit() and before[-1:] in ("", " ", "(", "/")
    return is_whole and about.get("lab", lab.id) == lab.id


def museum(asked: Asked) -> str:
    """All exhibits, lab by lab."""
    course, known = asked.site.course, measured("museum")
    lines: list[str] = []
    shown = ""
    for exhibit in exhibits(course):
        if exhibit.lab.id != shown:
            shown = exhibit.lab.id
            lines += [f"## {shown} {{ #{shown} }}", ""]
        lines += [*_exhibit(asked, exhibit, known.get(exhibit.key)), ""]
    return "\n".join(lines)


def _exhibit(asked: Asked, exhibit: Exhibit, found: dict[str, Any] | None) -> Iterator[str]:
    title = exhibit.mutant.name.rpartition(" (")[0]
    yield f"### {title} {{ #{exhibit.key} }}"
    yield ""
    yield from seen(asked, exhibit, found)


def seen(asked: Asked, exhibit: Exhibit, found: dict[str, Any] | None) -> Iterator[str]:
    """An exhibit without its title: what happened, what it breaks, and the run that shows it."""
    about, mutant = exhibit.about, exhibit.mutant
    happened = asked.said("What happened", "发生了什么")
    source = f"{about['system']}, [{about['ref']}]({about['url']})"
    yield f"**{happened}.** {source}: {about['happened']}"
    yield ""
    yield f"**{asked.said('What it breaks', '它违反了什么')}.** {about['broke']}"
    yield ""
    yield f'```diff title="{exhibit.lab.path(mutant.file)}"'
    yield from _diff(mutant.find, mutant.replace)
    yield "```"
    yield ""
    if found is not None:
        yield from _caught(asked, exhibit, found)


def _diff(find: str, replace: str) -> list[str]:
    """What is taken out and what is put in, without the indentation that all lines have."""
    old, new = (text.strip("\n").splitlines() for text in (find, replace))
    lines = dedent("\n".join([*old, *new])).split("\n")
    signs = ["-"] * len(old) + ["+"] * len(new)
    return [f"{sign} {line}".rstrip() for sign, line in zip(signs, lines, strict=True)]


def _caught(asked: Asked, exhibit: Exhibit, found: dict[str, Any]) -> Iterator[str]:
    """What the test says, and the run that shows it."""
    says = asked.said("The test says", "测试的结论")
    yield f"**{says}** ({found['title']}; {found['requirement']}):"
    yield ""
    yield from _said(found["why"])
    yield ""
    trace = TRACES / f"{exhibit.key}.jsonl"
    if not trace.is_file():  # a new exhibit: tests demand that it gets one
        return
    asked.site.stage.add(f"{FOLDER}museum/{exhibit.key}.jsonl", trace.read_bytes())
    see = link_to(
        asked.page,
        f"museum/{exhibit.key}",
        asked.said("See the run in the viewer", "在查看器中看这次运行"),
    )
    if found["shown"] == "its test":
        yield see
    elif "right" not in found:
        lead = asked.said("The run is of another one:", "这次运行来自另一处：")
        yield from (see, "", lead, "", *_said(found["shown"]))
    else:
        lead = asked.said(
            "**A scene of nodes shows it**, for the test leaves no run to look at:",
            "**一个节点场景展示了它**，因为测试没有留下可看的运行：",
        )
        yield from (lead, "", *_said(found["shown"]), "", see, "")
        lead = asked.said("The same scene without the bug:", "同一个场景，没有这个错误：")
        yield from (lead, "", *_said(found["right"]))


def _said(text: str) -> list[str]:
    """What a test or a scene says, word for word."""
    return ["``` { .text .wrapped }", *text.splitlines(), "```"]
