"""Tables of what proves the course: mutants, attacks, benchmarks, with date and machine."""

import ast
from collections import Counter
from pathlib import Path
from textwrap import indent
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
        "lab,named,generated,caught,explained,open,measured,of",
        "实验,命名的,生成的,被发现,已解释,未解决,测量日期,版本",
    ).split(",")
    rows = [
        (f"[{id}](#{id})", str(len(named)), *_generated(figures.get(id)))
        for id, named in everything.items()
    ]
    machines = sorted({each["machine"] for each in figures.values()})
    tried_on = asked.said("*Tried on: {}.*", "*运行环境：{}。*")
    lines = [table(headers, rows), "", tried_on.format("; ".join(machines)), ""]
    headers = asked.said("bug,in,caught by the test", "缺陷,文件,由哪个测试发现").split(",")
    for id, named in everything.items():
        bugs = [(each.name, f"`{each.file}`", _sentence(each.caught_by)) for each in named]
        lines += [f"## {id} {{ #{id} }}", "", table(headers, bugs), ""]
    return "\n".join(lines)


def _generated(found: dict[str, Any] | None) -> tuple[str, ...]:
    """How many mutants a machine made of a lab, what became of them; the day, and the commit."""
    if found is None:
        return ("", "", "", "", "", "")
    counts = (found["tried"], found["caught"], found["explained"], len(found["survivors"]))
    day = f'<span class="day">{found["date"]}</span>'
    return (*map(str, counts), day, f"`{found['commit'][:7]}`")


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
        *_tried(asked, measured("attacks")),
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


def _tried(asked: Asked, result: dict[str, Any]) -> list[str]:
    """What became of the attacks when they were tried last, with date and machine."""
    if not result:
        return []
    tried, held = result["tried"], result["tried"] - len(result["lost"])
    what = asked.said(
        f"Of {tried} that were tried, {held} got nothing and harmed nobody.",
        f"试过 {tried} 个，其中 {held} 个一无所获，也没有造成损害。",
    )
    lost = [f"* `{name}`" for name in result["lost"]]
    return [what, "", *lost, *([""] if lost else []), _when(asked, result), ""]


def benchmarks(asked: Asked) -> str:
    """Every benchmark: what it compares, its ratios; folded, its figures and how it is done."""
    found = measured("benchmarks")
    lines: list[str] = []
    for name, says in scripts(asked.site.course.root).items():
        first, _, rest = says.partition("\n\n")
        lines += [f"## {name} {{ #{name} }}", "", first, ""]
        if name in found:
            lines += [*_measured(asked, found[name]), ""]
        else:
            command = f'`make bench BENCH="--publish {name}"`'
            lines += [
                asked.said(
                    f"*No figures are written down yet: {command} measures.*",
                    f"*还没有记录的数据：用 {command} 测量。*",
                ),
                "",
            ]
        title = asked.said("How it is measured", "怎样测量")
        lines += [f'??? info "{title}"', "", indent(rest, "    "), ""]
    return "\n".join(lines)


def _ratio(value: float) -> str:
    """A ratio with two decimals, or with two digits where that says nothing."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def scripts(root: Path) -> dict[str, str]:
    """What every benchmark says of itself, as Markdown, by name."""
    folder = root / "tests" / "benchmarks"
    found = {}
    for path in sorted(folder.glob("[a-z]*.py")):
        file = path if path.is_file() else next(folder.glob(f"_{path.stem}_*.py"))
        says = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        found[path.stem] = says.replace("``", "`")
    return found


def _measured(asked: Asked, result: dict[str, Any]) -> list[str]:
    """The ratios, then all figures, folded; date and machine below the ratios."""
    headers = asked.said("ratio,value", "比值,数值").split(",")
    ratios = [(f"`{key}`", f"**{_ratio(value)}**") for key, value in result["ratios"].items()]
    lines = [table(headers, ratios), "", _when(asked, result), ""]
    title, *headers = asked.said("All figures,what,value", "全部数据,项目,数值").split(",")
    figures = [(f"`{key}`", f"{value:,.4g}") for key, value in result["figures"].items()]
    folds = "???" if ratios else "???+"
    return [*lines, f'{folds} abstract "{title}"', "", indent(table(headers, figures), "    ")]
