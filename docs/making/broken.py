"""The broken version of a lab, first: what it does, and a run that shows it.

A page says where. What it shows is a run of the lab's own demo, or an exhibit of the museum. A run
in which nothing goes wrong is refused: then the page would claim what nobody sees.
"""

import json
from collections.abc import Iterable, Iterator

from docs.making.asking import Asked
from docs.making.measuring import measured
from docs.making.museum import exhibits, seen
from docs.making.runs import FOLDER, add_trace, link_to


def broken(asked: Asked) -> str:
    """``broken NAME``: a trace of the lab's demo, or the key of an exhibit of the museum."""
    if len(asked.words) != 1:
        raise asked.error("broken needs the NAME of a trace of the demo, or of an exhibit")
    name = asked.words[0]
    by_key = {exhibit.key: exhibit for exhibit in exhibits(asked.site.course)}
    if name in by_key:
        title = asked.said("A broken version", "一个有错误的版本")
        bug = by_key[name].mutant.name.rpartition(" (")[0].replace('"', "'")
        shown = seen(asked, by_key[name], measured("museum").get(name))
        return "\n".join([f'??? bug "{title}: {bug}"', "", *_indented(shown)])
    lab = asked.page.name
    add_trace(asked.site, lab, name)
    wrong = told(asked.site.stage.files[f"{FOLDER}{lab}/{name}.jsonl"])
    if wrong is None:
        raise asked.error(f"in the run {name} nothing is broken: no verdict says no")
    title = asked.said("What the broken version does", "有错误的版本会怎样")
    see = asked.said("See the run in the viewer", "在查看器中看这次运行")
    link = link_to(asked.page, f"{lab}/{name}", see)
    body = ["``` { .text .wrapped }", wrong, "```", "", link]
    return "\n".join([f'!!! bug "{title}"', "", *_indented(body)])


def told(trace: bytes) -> str | None:
    """What the first verdict says that is a no; nothing if none is."""
    for line in trace.splitlines():
        event = json.loads(line)
        if event["kind"] == "verdict" and event["result"] == "no":
            return str(event["sentence"])
    return None


def _indented(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield from (f"    {each}".rstrip() for each in line.split("\n"))
