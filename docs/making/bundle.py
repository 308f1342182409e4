"""What the playground needs beside its own files, below ``assets/playground`` of the site.

* ``course.zip``: the part of the course that runs in the browser, and ``playground.json``, which
  labs there are.
* ``labs/LAB.zip``: the files of a lab, of those that it stands on, and the suite of its first part.
* ``labs/LAB.json``: what the page shows of the lab: texts, variants, the exercise.
* ``labs/LAB.jsonl``: the trace of the run that the page shows before Python is there.
* ``pytest.zip`` and ``hypothesis.zip``: what suites need. Pytest is the one that is installed here.
* ``pyodide/``: Python itself.

The viewer is the one of all pages, ``assets/viewer.js`` and ``assets/viewer.css``.

Archives hold the same bytes whenever they are made of the same files. To look at a playground
without the whole site: ``python -m docs.making.bundle FOLDER [LAB ...]``, then serve the folder.
"""

import io
import json
import sys
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from importlib.metadata import files as files_of
from pathlib import Path

from common.browser.course import FILE
from common.course.base.course import ROOT, Course
from common.course.base.declared import worlds_of
from common.course.base.lab import Lab
from common.course.kit.reach import reach
from common.trace.viewer import page
from docs.making import playground
from docs.making.importing import imports
from docs.making.keeping import kept
from docs.making.vendor import HYPOTHESIS, PYODIDE, PYODIDE_FILES, vendored

PLACE = "assets/playground"
LABS = f"{PLACE}/labs"

PORTABLE = ("values", "contract", "sim", "check", "trace", "worlds", "browser")
"""The rooms of ``common`` that run in the browser."""

FOR_SUITES = ("course/base/limits", "course/base/reasons", "course/base/implementation",
              "course/suites/grading", "course/suites/strays", "course/suites/under_test",
              "course/suites/kit", "course/why/plugin", "course/why/earliest", "course/why/event",
              "course/why/faults", "course/why/steps", "course/why/story")  # fmt: skip
"""What else of ``common`` a graded suite needs; and the packages that these are in."""

PYTEST = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")
FROM_OUTSIDE = ("pytest", "hypothesis")
"""What suites may import that is neither the course's nor Python's."""

LEXERS = ("__init__", "_mapping", "python", "diff")
"""Of the four hundred languages that Pygments knows pytest asks for these."""

COURSE_TOOL = ROOT / "common" / "course"

FIXED = (1980, 1, 1, 0, 0, 0)
"""The date of everything in an archive."""


def made(course: Course, only: Collection[str] = ()) -> Iterator[tuple[str, bytes]]:
    """All files of playgrounds that are made, relative to the site, with their bytes.

    Args:
        course: whose labs.
        only: the ids of some labs; all that run in the simulator unless given.
    """
    labs = [lab for lab in course.labs if lab.worlds and (not only or lab.id in only)]
    archives = {"course": _portable(course, labs), "pytest": _pytest(), "hypothesis": _hypothesis()}
    for name, parts in archives.items():
        yield f"{PLACE}/{name}.zip", _archive(name, parts)
    package = vendored(PYODIDE) / "package"
    for name in PYODIDE_FILES:
        yield f"{PLACE}/pyodide/{name}", (package / name).read_bytes()
    for lab in labs:
        made_of = {**of_lab(course, lab), **_makers(course, lab)}
        files = kept(lab.id, made_of, partial(_shown, course, lab))
        yield from ((f"{LABS}/{name}", content) for name, content in files.items())


def _archive(name: str, files: Mapping[str, bytes]) -> bytes:
    """An archive, kept while its files and this module stay the same."""
    made_of = {**files, __name__: Path(__file__).read_bytes()}
    return kept(f"{name}.zip", made_of, lambda: {name: zipped(files)})[name]


def _shown(course: Course, lab: Lab) -> dict[str, bytes]:
    """The three files of a lab."""
    worlds = worlds_of(lab)
    settings, trace = playground.first_run(worlds)
    return {
        f"{lab.id}.zip": zipped(_room(course, lab)),
        f"{lab.id}.json": _json(playground.described(course, lab, worlds, settings)),
        f"{lab.id}.jsonl": trace.encode(),
    }


def _makers(course: Course, lab: Lab) -> dict[str, bytes]:
    """What else a lab's files are made of: its manifest, and the programs that make them."""
    makers = [path for room in ("base", "student") for path in (COURSE_TOOL / room).glob("*.py")]
    return _read([course.room_of(lab) / "lab.yaml", *makers, *Path(__file__).parent.glob("*.py")])


def zipped(files: Mapping[str, bytes]) -> bytes:
    """An archive that depends on nothing but the names and bytes of its files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, FIXED)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, files[name])
    return buffer.getvalue()


def _portable(course: Course, labs: Iterable[Lab]) -> dict[str, bytes]:
    rooms = [path for room in PORTABLE for path in (ROOT / "common" / room).rglob("*.py")]
    packages = {parent for name in FOR_SUITES for parent in (ROOT / "common" / name).parents}
    wanted = [
        *rooms,
        *((ROOT / "common" / name).with_suffix(".py") for name in FOR_SUITES),
        *(folder / "__init__.py" for folder in packages if folder.is_relative_to(ROOT / "common")),
    ]
    listed = [
        {
            "id": lab.id,
            "folder": lab.folder,
            "files": [[file.path, file.kind] for file in lab.files],
            "worlds": bool(lab.worlds),
        }
        for lab in labs
    ]
    plain = {"packages": course.packages, "labs": listed}
    return {**_read(wanted), FILE: _json(plain)}


def _room(course: Course, lab: Lab) -> dict[str, bytes]:
    """A lab's files, the suite of its first part, and all that these import."""
    room, suite = course.room_of(lab), course.root / lab.suite
    begin = [room / "worlds.py", *(room / file.path for file in lab.files)]
    begin += [course.root / file for file in lab.parts[0].files]
    begin += [path for path in suite.glob("*.py") if not path.name.startswith("test_")]
    begin += (room / "front").glob("tab.py")
    return _read(reach(course, begin, imports().of))


def _pytest() -> dict[str, bytes]:
    """Pytest as it is installed here, and what it needs."""
    found: dict[str, bytes] = {}
    for package in PYTEST:
        for file in files_of(package) or ():
            wanted = file.suffix == ".py" and ".." not in file.parts
            lexer = file.parts[:2] == ("pygments", "lexers") and file.stem not in LEXERS
            if (wanted and not lexer) or file.name in ("METADATA", "entry_points.txt"):
                found[file.as_posix()] = Path(str(file.locate())).read_bytes()
    return found


def _hypothesis() -> dict[str, bytes]:
    folder = vendored(HYPOTHESIS)
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".pyi", ".typed")
    }
    for file in files_of("sortedcontainers") or ():
        if file.suffix == ".py" or file.name == "METADATA":
            found[file.as_posix()] = Path(str(file.locate())).read_bytes()
    return found


def _read(paths: Iterable[Path]) -> dict[str, bytes]:
    return {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def of_lab(course: Course, lab: Lab) -> dict[str, bytes]:
    """All files of the course that the page of a lab has."""
    return {**_portable(course, [lab]), **_room(course, lab)}


def unpacked(course: Course, folder: Path, lab: Lab) -> None:
    """Write the course as the browser has it into a folder, with one of its labs."""
    for name, content in of_lab(course, lab).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def write(into: Path, course: Course, only: Collection[str] = ()) -> None:
    """Write playgrounds into a folder, with a page that shows one of them: ``?lab=raft``."""
    own = ROOT / "docs" / PLACE
    static = [(f"{PLACE}/{path.name}", path.read_bytes()) for path in own.iterdir()]
    static += [("assets/theme.mjs", (ROOT / "docs/assets/theme.mjs").read_bytes())]
    static += [("assets/viewer.js", page.script().encode())]
    static += [("assets/viewer.css", page.style().encode())]
    for name, content in (*static, *made(course, only)):
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (into / "index.html").write_text(playground.bare_page(course, only), encoding="utf-8")


def main() -> int:
    """Write playgrounds into a folder, of all labs, or of those that are named."""
    write(Path(sys.argv[1]), Course(), sys.argv[2:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
