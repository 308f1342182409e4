"""The site's navigation: that of ``mkdocs.yml``, with stages, labs and decisions put in."""

from collections.abc import Callable, Collection
from typing import Any

import yaml

from common.course.base.course import ROOT, Course
from common.course.base.lab import BONUS, Stage

SITE = ROOT / "mkdocs.yml"

Entry = dict[str, Any] | str
"""A page, or a title with a page or with entries below it."""


class _Reader(yaml.SafeLoader):
    """Reads ``mkdocs.yml`` without a look at what only MkDocs understands (``!ENV`` and such)."""


_Reader.add_multi_constructor("!", lambda loader, suffix, node: None)
_Reader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: None)


def navigation(course: Course, pages: Collection[str]) -> list[Entry]:
    """The whole navigation.

    Args:
        course: its stages and labs.
        pages: what is in the site, relative to it.
    """
    written = yaml.load(SITE.read_text(encoding="utf-8"), _Reader)["nav"]
    places: dict[str, Callable[[], list[Entry]]] = {
        "STAGES": lambda: [_stage(stage, pages) for stage in course.stages],
        "DECISIONS": lambda: [*sorted(page for page in pages if page.startswith("decisions/"))],
    }
    return _filled(written, places)


def _filled(entries: list[Entry], places: dict[str, Callable[[], list[Entry]]]) -> list[Entry]:
    """The entries, with what belongs at each place in capitals."""
    filled: list[Entry] = []
    for entry in entries:
        if isinstance(entry, str):
            filled.append(entry)
            continue
        ((title, below),) = entry.items()
        if isinstance(below, list):
            filled.append({title: _filled(below, places)})
        elif below in places:
            filled.append({title: places[below]()})
        else:
            filled.append(entry)
    return filled


def page_of(stage: Stage) -> str:
    """Where a stage's page is in the site."""
    return f"stages/{name_of(stage)}.md"


def name_of(stage: Stage) -> str:
    """``stage4``, or ``bonus``."""
    return "bonus" if stage.number == BONUS else f"stage{stage.number}"


def _stage(stage: Stage, pages: Collection[str]) -> Entry:
    """A stage: its own page first, if it has one, then its labs."""
    short = stage.title.partition(":")[0]
    title = short if stage.number == BONUS else f"{stage.number}. {short}"
    own: list[Entry] = [page_of(stage)] if page_of(stage) in pages else []
    labs: list[Entry] = [{id: f"labs/{id}.md"} for id in stage.labs if f"labs/{id}.md" in pages]
    return {title: [*own, *labs]}
