"""What goes into the sandbox: the student's files, and what they stand on.

Never the references of the lab under test: where a file is missing, its handout goes in. A file
that is word for word the course's own, has no hole, and imports only such files is *trusted*: the
zygote imports it once for all.
"""

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.course.base.course import Course
from common.course.base.holes import handout
from common.course.base.implementation import check_workspace, run_script
from common.course.base.lab import Lab
from common.course.base.sources import imported
from common.values.errors import BadInput

MOST_BYTES = 1024 * 1024
"""The largest file of a submission that is read."""

MOST_FILES = 500


@dataclass(slots=True)
class Submission:
    """The modules that go in.

    Attributes:
        modules: the lab's own modules, in the order of its manifest.
        packages: the names of all stages' folders: code of labs is below them.
        sources: by module: path for people, text, whether it is a package.
        trusted: modules that the zygote may import.
        protocols: those of them that must keep to the contract.
        holed: classes and functions, as ``module:name``, in which a student's code is called.
        run: an executable that speaks the step protocol in another language, or None.
    """

    modules: list[str]
    packages: tuple[str, ...]
    sources: dict[str, tuple[str, str, bool]] = field(default_factory=dict)
    trusted: list[str] = field(default_factory=list)
    protocols: list[str] = field(default_factory=list)
    holed: set[str] = field(default_factory=set)
    run: Path | None = None


def gather(course: Course, lab: Lab, workspace: Path | None) -> Submission:
    """Read a submission.

    Args:
        course: the course.
        lab: the lab under test.
        workspace: the student's folder; None for the references themselves.

    Raises:
        BadInput: there is no such folder, or a file cannot be read as text.
    """
    made = Submission([name for name, _ in lab.modules], course.packages)
    made.protocols = [name for name, file in lab.modules if file.kind == "node"]
    modules = {file.path: name for name, file in lab.modules}
    made.holed = {f"{modules[hole.file]}:{hole.symbol.partition('.')[0]}" for hole in lab.holes}
    if workspace is not None and (script := run_script(workspace)) is not None:
        made.run, workspace = script, None  # its files are not ours to read
    own = _own_files(course, lab)
    if workspace is not None:
        check_workspace(workspace, lab)
        own |= handout(course, lab)
        own |= _texts_in(workspace, course)
    for path, text in own.items():
        _add(made, course.root, path, text)
    for module in list(made.sources):
        _add_imports(made, course.root, module)
    holes = {lab.path(hole.file) for hole in lab.holes}
    for module in list(made.sources):
        _trust(made, course.root, module, holes, set())
    return made


def _own_files(course: Course, lab: Lab) -> dict[str, str]:
    return {path: (course.root / path).read_text(encoding="utf-8") for path in lab.paths}


def _texts_in(workspace: Path, course: Course) -> dict[str, str]:
    """The Python files of the workspace in folders of stages, by path."""
    found: dict[str, str] = {}
    files = sorted(path for path in workspace.glob("*/**/*.py") if path.is_file())
    for path in files[:MOST_FILES]:
        name = path.relative_to(workspace).as_posix()
        if name.partition("/")[0] not in course.packages or path.name == "__init__.py":
            continue
        if path.is_symlink() or not path.resolve().is_relative_to(workspace.resolve()):
            raise BadInput(f"{path} leads out of the workspace: submit the file itself")
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path} has more than {MOST_BYTES:,} bytes: a lab's file needs 30,000")
        try:
            found[name] = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise BadInput(f"{path} is no text in UTF-8 ({error.reason})") from None
    return found


def _add(made: Submission, root: Path, path: str, text: str) -> None:
    module = path.removesuffix(".py").replace("/", ".")
    package = module.endswith(".__init__")
    made.sources[module.removesuffix(".__init__")] = (path, text, package)
    above = Path(path).parent
    while above.name:
        init = above / "__init__.py"
        name = above.as_posix().replace("/", ".")
        if name not in made.sources:
            own = root / init
            held = own.read_text(encoding="utf-8") if own.is_file() else ""
            made.sources[name] = (init.as_posix(), held, True)
        above = above.parent


def _add_imports(made: Submission, root: Path, module: str) -> None:
    """Supply what a file imports of the course, and what that imports, and so on."""
    own = root / made.sources[module][0]
    if not own.is_file():
        return
    for name in _imports(made, own.read_text(encoding="utf-8")):
        file = root / (name.replace(".", "/") + ".py")
        if name not in made.sources and file.is_file():
            held = file.read_text(encoding="utf-8")
            _add(made, root, file.relative_to(root).as_posix(), held)
            _add_imports(made, root, name)


def _imports(made: Submission, text: str) -> list[str]:
    """The modules of labs that a text of our own imports."""
    names = imported(ast.parse(text))
    return [name for name in names if name.partition(".")[0] in made.packages]


def _trust(made: Submission, root: Path, module: str, holes: set[str], asked: set[str]) -> bool:
    if module in made.trusted:
        return True
    path, text, _ = made.sources[module]
    own = root / path
    same = own.is_file() and own.read_text(encoding="utf-8") == text
    if path in holes or not (same or text == "") or module in asked:
        return False
    asked.add(module)
    needed = [name for name in _imports(made, text) if name in made.sources]
    parent = module.rpartition(".")[0]
    needed += [parent] if parent else []
    if not all(_trust(made, root, name, holes, asked) for name in needed):
        return False
    if module not in made.trusted:
        made.trusted.append(module)
    return True


def plain(made: Submission) -> dict[str, Any]:
    """What the zygote is told of it."""
    return {
        "modules": made.modules,
        "packages": list(made.packages),
        "sources": {name: list(source) for name, source in made.sources.items()},
        "trusted": made.trusted,
        "protocols": made.protocols,
    }
