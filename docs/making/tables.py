"""Tables of what proves the course: mutants, attacks, benchmarks, with date and machine."""

from collections import Counter
from typing import Any

import msgspec

from common.course.kit.mutants import read_mutants
from docs.making.asking import Asked
from docs.making.labs import table
from docs.making.measuring import measured


def mutants(asked: Asked) -> str:
    """How many mutants each lab has, then every named one with the test that catches it."""
    course, figures = asked.site.course, measured("mutants").get("labs", {})
    everything = {lab.id: read_mutants(course, lab).mutants for lab in course.labs}
    headers = asked.said(
        "lab,named,generated,caught,explained,open,measured",
        "实验,命名的,生成的,被发现,已解释,未解决,测量日期",
    ).split(",")
    rows = [
        (f"[{id}](#{id})", str(len(named)), *_generated(figures.get(id)))
        for id, named in everything.items()
    ]
    lines = [table(headers, rows), ""]
    headers = asked.said("bug,in,caught by the test", "缺陷,文件,由哪个测试发现").split(",")
    for id, named in everything.items():
        bugs = [(each.name, f"`{each.file}`", _sentence(each.caught_by)) for each in named]
        lines += [f"## {id} {{ #{id} }}", "", table(headers, bugs), ""]
    return "\n".join(lines)


def _generated(found: dict[str, Any] | None) -> tuple[str, ...]:
    """How many mutants a machine made of a lab, and what became of them."""
    if found is None:
        return ("", "", "", "", "")
    counts = (found["tried"], found["caught"], found["explained"], len(found["survivors"]))
    return (*map(str, counts), found["date"])


def _sentence(test: str) -> str:
    return test.removeprefix("test_").replace("_", " ")


def _when(asked: Asked, of: dict[str, Any]) -> str:
    """Date and machine of a measurement."""
    date, machine = of["date"], of["machine"]
    return asked.said(f"*Measured on {date}: {machine}.*", f"*{date}，{machine}。*")


def attacks(asked: Asked) -> str:
    """Every hostile submission of ``tests/attacks/corpus``: what it tries, and what stops it."""
    root = asked.site.course.root / "tests" / "attacks" / "corpus"
    found: dict[str, list[dict[str, Any]]] = {
        path.stem: msgspec.yaml.decode(path.read_bytes()) for path in sorted(root.glob("*.yaml"))
    }
    walls = Counter(each["wall"] for kind in found.values() for each in kind)
    total = sum(walls.values())
    lines = [
        asked.said(f"There are {total} of them.", f"共 {total} 个。"), "",
        table(
            asked.said("wall,stops", "防线,拦下").split(","),
            [(wall, str(count)) for wall, count in walls.most_common()],
        ), "",
    ]  # fmt: skip
    headers = asked.said("what it tries,what stops it,lab", "企图,被什么拦下,实验").split(",")
    for kind, entries in found.items():
        rows = [(each["tries"], each["wall"], f"`{each['lab']}`") for each in entries]
        lines += [f"## {kind.capitalize()}", "", table(headers, rows), ""]
    return "\n".join(lines)


def benchmarks(asked: Asked) -> str:
    """Every figure and ratio of the benchmarks, with date and machine."""
    found = measured("benchmarks")
    if not found:
        return asked.said(
            "`make bench` measures, and `python -m docs.making.measuring` writes down "
            "what it measured. No figures are written down yet.",
            "用 `make bench` 测量。目前还没有记录的数据。",
        )
    lines = []
    headers = asked.said("what,value", "项目,数值").split(",")
    for name, result in found.items():
        rows = [(key, f"{value:,.4g}") for key, value in result["figures"].items()]
        rows += [(f"**{key}**", f"**{value:.2f}**") for key, value in result["ratios"].items()]
        lines += [f"## {name}", "", _when(asked, result), "", table(headers, rows), ""]
    return "\n".join(lines)
