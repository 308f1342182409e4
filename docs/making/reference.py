"""The reference that is made: the ``lab`` command from its help, the floors from the imports."""

from collections import defaultdict
from html import escape
from pathlib import Path

import click

from common.course.base.course import Course
from common.course.base.lazy import load
from common.course.command import VERBS
from docs.making.asking import Asked
from docs.making.importing import imports

WIDTH = 88
"""Columns of the help."""


def verbs(_: Asked) -> str:
    """Every verb under its heading, with its help as the command prints it."""
    lines: list[str] = []
    for heading, entries in VERBS.items():
        lines += [f"## {heading}", ""]
        for name, verb in entries.items():
            command = load(name, verb)
            context = click.Context(command, info_name=f"lab {name}", max_content_width=WIDTH)
            lines += [f"### `lab {name}` {{ #{name} }}", "", "```text"]
            lines += [command.get_help(context), "```", ""]
    return "\n".join(lines)


def floors(asked: Asked) -> str:
    """A picture of the packages, each above all that it imports; lines are imports."""
    imports = package_imports(asked.site.course)
    levels = {name: _level(name, imports) for name in imports}
    rows = defaultdict(list)
    for name, level in sorted(levels.items()):
        rows[level].append(name)
    places: dict[str, tuple[float, float]] = {}
    top = max(rows)
    for level, names in rows.items():
        for number, name in enumerate(names):
            x = _PICTURE * (number + 0.5) / len(names)
            places[name] = x, (top - level) * _ROW + _BOX
    title = asked.said("What imports what, drawn from the imports", "由 import 语句绘出的依赖关系")
    shapes = [_line(places[a], places[b]) for a, below in imports.items() for b in sorted(below)]
    shapes += [_box(name, *place) for name, place in places.items()]
    height = top * _ROW + 2 * _BOX
    return (
        f'<figure class="floors"><svg viewBox="0 0 {_PICTURE} {height}" role="img" '
        f'aria-label="{title}">{"".join(shapes)}</svg><figcaption>{title}</figcaption></figure>'
    )


_PICTURE, _ROW, _BOX = 640, 84, 26
_LABS = "labs"


def package_imports(course: Course) -> dict[str, set[str]]:
    """By package of ``common``, and ``labs``, the others that it imports.

    Of a lab only its protocol files count: what stands beside them, and programs, import more.
    """
    names = [path.parent.name for path in sorted((course.root / "common").glob("*/__init__.py"))]
    found = {name: _imported(course.root / "common" / name, name, names) for name in names}
    protocols = [
        course.root / lab.path(file.path)
        for lab in course.labs
        for file in lab.files
        if file.kind != "program"
    ]
    found[_LABS] = {name for path in protocols for name in _of(path, names)}
    return found


def _imported(folder: Path, own: str, names: list[str]) -> set[str]:
    return {name for path in folder.rglob("*.py") for name in _of(path, names)} - {own}


def _of(path: Path, names: list[str]) -> set[str]:
    """The packages of ``common`` that a file imports."""
    parts = [module.split(".") for module in imports().of(path)]
    return {each[1] for each in parts if each[0] == "common" and each[1:] and each[1] in names}


def _level(name: str, imports: dict[str, set[str]]) -> int:
    """How many floors are below a package: one more than below what it imports."""
    return max((_level(below, imports) + 1 for below in imports[name]), default=0)


def _line(above: tuple[float, float], below: tuple[float, float]) -> str:
    (x, y), (u, v) = above, below
    bend = (y + v) / 2
    return f'<path d="M{x:g} {y:g}C{x:g} {bend:g} {u:g} {bend:g} {u:g} {v:g}"/>'


def _box(name: str, x: float, y: float) -> str:
    wide = 92
    return (
        f'<rect x="{x - wide / 2:g}" y="{y - _BOX / 2:g}" width="{wide}" height="{_BOX}" rx="4"/>'
        f'<text x="{x:g}" y="{y + 5:g}">{escape(name)}</text>'
    )
