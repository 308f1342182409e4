"""Tables of what proves the course: mutants, attacks, benchmarks, with date and machine."""

from collections import Counter
from typing import Any

import msgspec

from common.course.kit.mutants import Mutant, read_mutants
from docs.making.asking import Asked
from docs.making.labs import table
from docs.making.measuring import measured


def mutants(asked: Asked) -> str:
    """Every named mutant, lab by lab, with the test that catches it."""
    course, known = asked.site.course, measured("named")
    everything = {lab.id: read_mutants(course, lab) for lab in course.labs}
    headers = asked.said("lab,named,generated,answered", "实验,命名的,生成的,已解决").split(",")
    rows = [
        (f"[{id}](#{id})", str(len(file.mutants)), *_generated(id))
        for id, file in everything.items()
    ]
    lines = [table(headers, rows), ""]
    for id, file in everything.items():
        lines += [f"## {id} {{ #{id} }}", "", _when(asked, known.get(id)), ""]
        fates = {each["bug"]: each for each in known.get(id, {}).get("table", ())}
        lines += [
            table(
                asked.said("bug,in,caught by the test,seed", "缺陷,文件,由哪个测试发现,种子").split(
                    ","
                ),
                [_mutant(each, fates.get(each.name)) for each in file.mutants],
            ),
            "",
        ]
    return "\n".join(lines)


def _generated(lab: str) -> tuple[str, str]:
    """How many mutants a machine made of a lab, and how many of them are answered."""
    found = measured("generated").get(lab)
    if found is None:
        return "not measured", ""
    return f"{found['mutants']:,}", f"{found['percent']:g} %"


def _mutant(mutant: Mutant, fate: dict[str, Any] | None) -> tuple[str, ...]:
    sentence = mutant.caught_by.removeprefix("test_").replace("_", " ")
    seed = "" if fate is None or fate["seed"] is None else str(fate["seed"])
    missed = "" if fate is None or fate["fate"] == "caught" else f" **{fate['fate']}**"
    return mutant.name, f"`{mutant.file}`", sentence + missed, seed


def _when(asked: Asked, of: dict[str, Any] | None) -> str:
    """Date and machine of a measurement."""
    if of is None:
        return ""
    return asked.said(
        f"*Measured on {of['date']}: {of['machine']}.*", f"*{of['date']}，{of['machine']}。*"
    )


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
            "`make bench` measures, and `python -m docs.making.measuring benchmarks` writes down "
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
