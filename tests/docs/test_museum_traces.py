"""A trace of the museum shows messages as the lab has them today.

Traces are recorded now and then, and a message that has got a field since would be shown without.
"""

import importlib
import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from common.contract.kinds import kinds
from common.course.base.course import Course
from docs.making.museum import TRACES, Exhibit, exhibits
from docs.making.showing import show_of
from docs.making.shown import SHOWN

COURSE = Course()


@pytest.mark.parametrize("exhibit", [*exhibits(COURSE)], ids=lambda exhibit: exhibit.key)
def test_what_nodes_say_in_a_trace_has_the_fields_that_it_has_now(exhibit: Exhibit) -> None:
    for file in exhibit.lab.files:
        importlib.import_module(exhibit.lab.path(file.path).removesuffix(".py").replace("/", "."))
    if exhibit.key in SHOWN:
        show_of(exhibit.key)  # a scene that was made for the museum may have messages of its own
    known = {(cls.__name__, tuple(each.name for each in fields(cls))) for cls in kinds}
    lines = (TRACES / f"{exhibit.key}.jsonl").read_text("utf-8").splitlines()
    said = {(_bare(name), names) for line in lines for name, names in _said(json.loads(line))}
    assert said, "there is something to look at"
    again = f"record it anew: python -m docs.making.exhibiting {exhibit.key}"
    assert sorted(said - known) == [], again


def _said(event: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The messages, timers and records of an event: the class, and the names of the fields."""
    if event["kind"] in ("send", "timer"):
        yield event["type"], tuple(event["body"])
        yield from _records(event["body"])


def _records(value: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    parts: list[Any] = []
    if isinstance(value, dict):
        parts = list(value.values())
        if "$type" in value:
            yield value["$type"], tuple(name for name in value if name != "$type")
    elif isinstance(value, list):
        parts = value
    for part in parts:
        yield from _records(part)


def _bare(name: str) -> str:
    """The class's own name: not whose subnode it is, nor that its signature is void."""
    return name.partition(" (")[0].rpartition("/")[2].rpartition(".")[2]
