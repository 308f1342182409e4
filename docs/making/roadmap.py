"""The roadmap: the stages as a map, and each idea with its lab, its paper and its state.

The ideas are in ``docs/roadmap.yaml``; which labs are there, and what they are worth, is read from
the course. An idea is *built* if a lab builds it, *read* if a page explains it, *to come* if its
lab is not there yet.
"""

import re
from collections import Counter
from functools import cache
from html import escape
from typing import Any

import msgspec

from common.course.base.lab import Stage
from docs.making.asking import Asked
from docs.making.labs import short, table
from docs.making.nav import page_of
from docs.making.staging import DOCS

STATES = {
    "built": ("built", "已实现"),
    "read": ("to read", "阅读"),
    "coming": ("to come", "待实现"),
}


@cache
def ideas() -> list[dict[str, Any]]:
    """What ``docs/roadmap.yaml`` says."""
    found: list[dict[str, Any]] = msgspec.yaml.decode((DOCS / "roadmap.yaml").read_bytes())["ideas"]
    return found


def in_language(asked: Asked, texts: dict[str, str]) -> str:
    """A text in the page's language, or in English where it has no other."""
    return texts.get(asked.page.language, texts["en"])


def labs_of(asked: Asked, entry: dict[str, Any]) -> list[str]:
    """The labs that an idea or a week names and that are there, also those that were to come."""
    ids = asked.site.course.ids
    return [id for id in (*entry.get("labs", ()), *entry.get("coming", ())) if id in ids]


def state_of(asked: Asked, idea: dict[str, Any]) -> str:
    """``built``, ``read`` or ``coming``."""
    if labs_of(asked, idea):
        return "built"
    return "read" if idea["kind"] == "read" else "coming"


def roadmap(asked: Asked) -> str:
    """The map, then each stage with its ideas."""
    stages = asked.site.course.stages
    return "\n\n".join([_map(asked, stages), *(_stage(asked, stage) for stage in stages)])


def _map(asked: Asked, stages: list[Stage]) -> str:
    """One tile for each stage, with how many of its ideas are in which state."""
    tiles = []
    for stage in stages:
        states = Counter(state_of(asked, i) for i in ideas() if i["stage"] == stage.number)
        bars = "".join(
            f'<i class="{state}" style="flex:{states[state]}"></i>'
            for state in STATES
            if states[state]
        )
        said = ", ".join(
            f"{states[state]} {asked.said(*names)}"
            for state, names in STATES.items()
            if states[state]
        )
        tiles.append(
            f'<li><a href="#stage-{stage.number}"><b>{stage.sign}</b> '
            f"<span>{escape(short(asked, stage))}</span>"
            f'<span class="bars" aria-hidden="true">{bars}</span><small>{said}</small></a></li>'
        )
    label = asked.said("The stages", "各阶段")
    return f'<nav class="map" aria-label="{label}"><ol>{"".join(tiles)}</ol></nav>'


def _stage(asked: Asked, stage: Stage) -> str:
    title = asked.told(stage.title)
    title = f"{stage.sign}. {title}" if stage.sign != "+" else title
    lines = [f"## {title} {{ #stage-{stage.number} }}", "", asked.told(stage.summary), ""]
    if page_of(stage) in asked.site.sources:
        read = asked.said("Read more of this stage", "阅读本阶段的说明")
        lines += [f"[{read}]({asked.page.link(page_of(stage))})", ""]
    headers = asked.said("idea,where,paper,state", "知识点,在哪里,论文,状态").split(",")
    rows = [_row(asked, idea) for idea in ideas() if idea["stage"] == stage.number]
    return "\n".join([*lines, table(headers, rows)])


def title_of(asked: Asked, page: str) -> str:
    """What a page calls itself, in the language of the page that asks where it has that one."""
    ours = page.replace(".md", f".{asked.page.language}.md")
    text = asked.site.sources.get(ours) or asked.site.sources[page]
    found = re.search(r"^# (.+?)(?: \{.*\})?$", text, re.MULTILINE)
    if found is None:
        raise asked.error(f"docs/{page} has no title")
    return re.split("[:：]", found[1])[0]


def _row(asked: Asked, idea: dict[str, Any]) -> tuple[str, ...]:
    words = in_language(asked, idea["idea"])
    if idea.get("practice"):
        words = f"**{words}**"
    there = labs_of(asked, idea)
    where = [f"[{id}]({asked.page.link(f'labs/{id}.md')})" for id in there]
    where += [f"`{id}`" for id in idea.get("coming", ()) if id not in there]
    if idea.get("page") in asked.site.sources:
        where.append(f"[{title_of(asked, idea['page'])}]({asked.page.link(idea['page'])})")
    state = state_of(asked, idea)
    mark = f'<span class="state {state}">{asked.said(*STATES[state])}</span>'
    return words, ", ".join(where), idea.get("paper", ""), mark
