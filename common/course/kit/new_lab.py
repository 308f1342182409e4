"""Makes a lab: a room with a protocol that runs, and all that belongs to a lab, to be edited.

What is made passes every check as it is. So a new lab begins with something that works,
and sees at each step what has stopped working.
"""

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from common.course.base.course import STAGE_FILE, Course
from common.course.base.lab import Stage
from common.course.base.output import folder, write
from common.course.base.sources import is_beside
from common.course.kit.mutants import FOLDER as MUTANTS
from common.course.kit.readme import README, renewed
from common.course.kit.release_files import filled
from common.values.errors import BadInput, MissingTool

_ID = re.compile(r"[a-z][a-z0-9_]{1,23}")
_LABS = re.compile(r"^labs: \[(.*)\]$", re.MULTILINE)

IN_THE_ROOM = (
    "__init__.py", "lab.yaml", "node.py", "checks.py", "worlds.py", "demo.py",
)  # fmt: skip


def new_lab(course: Course, stage: Stage, id: str) -> list[Path]:
    """Write a new lab, as the last one of its stage; returns what was written.

    Raises:
        BadInput: there is a lab of that name, it cannot be a name, or a file cannot be written.
        MissingTool: what puts its files into the course's format is not installed.
    """
    _check_name(course, id)
    if find_spec("ruff") is None:
        raise MissingTool("lab new needs ruff, for the format of new files: make .venv/.dev")
    root, room = course.root, f"{stage.folder}/{id}"
    view = "".join(word.capitalize() for word in id.split("_")) + "Lab"
    words = {"id": id, "folder": room, "package": room.replace("/", "."), "View": view}
    texts = {f"{room}/{name}": _made(name, words) for name in IN_THE_ROOM}
    texts |= {
        f"tests/{room}/lab.py": _made("lab.py", words),
        f"tests/{room}/test_{id}.py": _made("test.py", words),
        f"{MUTANTS}/{id}.yaml": _made("mutants.yaml", words),
        f"docs/labs/{id}.md": _made("page.md", words),
    }
    if there := [name for name in texts if (root / name).exists()]:
        raise BadInput(f"{there[0]} is there already: remove it, or give the lab another name")
    listed = _listed(root / stage.folder / STAGE_FILE, id)
    written = []
    for name, text in texts.items():
        folder((root / name).parent)
        written.append(write(root / name, text))
    _format([path for path in written if path.suffix == ".py"])
    written.append(write(root / stage.folder / STAGE_FILE, listed))
    readme = root / README
    written.append(write(readme, renewed(readme.read_text(encoding="utf-8"), Course(root))))
    return written


def stage_named(course: Course, name: str) -> Stage:
    """The stage that is meant: by its number, its sign, or how its folder's name begins.

    Raises:
        BadInput: there is none, or more than one; the text lists them.
    """
    numbered = [stage for stage in course.stages if name in (stage.sign, str(stage.number))]
    found = numbered or [stage for stage in course.stages if stage.folder.startswith(name)]
    if len(found) != 1 or not name:
        known = ", ".join(f"{stage.sign} {stage.folder}" for stage in course.stages)
        raise BadInput(f"there is no stage {name!r}; the stages are: {known}")
    return found[0]


def _check_name(course: Course, id: str) -> None:
    if id in course.ids:
        raise BadInput(f"there is a lab {id} already: lab show {id}")
    if not _ID.fullmatch(id) or is_beside(id):
        raise BadInput(
            f"{id!r} cannot be a lab's name: small letters, digits and _ are, at most 24 of them, "
            "such as two_phase_commit"
        )


def _made(name: str, words: Mapping[str, str]) -> str:
    return filled(f"lab/{name}.txt", words)


def _format(paths: Sequence[Path]) -> None:
    """Sort imports and break lines as everywhere: that depends on the names of stage and lab."""
    for words in ("format",), ("check", "--fix"), ("format",):
        command = [sys.executable, "-m", "ruff", *words, "--quiet", "--no-cache", *map(str, paths)]
        subprocess.run(command, check=True)


def _listed(path: Path, id: str) -> str:
    """The stage's manifest with one lab more; whatever else is in it stays as it is."""
    text = path.read_text(encoding="utf-8")
    found = _LABS.search(text)
    if found is None:
        raise BadInput(f"{path} has no line labs: [...], to which {id} could be added")
    labs = ", ".join([*filter(None, [found[1].strip()]), id])
    return f"{text[: found.start()]}labs: [{labs}]{text[found.end() :]}"
