"""Which code a suite runs on: the reference, or a student's workspace laid over it.

A workspace has the same folders as the course (``stage1_foundations/link/ends.py``). The files
that are there take the place of the references; whatever else they import comes from the course,
so that any lab can be started first.
"""

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Collection, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from common.contract.rules import check_protocol_source, check_shares_nothing
from common.course.base.reasons import shown
from common.values.errors import BadInput, LabError

if TYPE_CHECKING:  # the browser has a course and labs of its own
    from common.course.base.course import Course
    from common.course.base.lab import Lab


class Overlay:
    """An import finder that takes the modules of labs from a workspace where it has them.

    Args:
        workspace: the student's folder.
        course: where the labs belong.
        tested: the modules that are taken from it; whatever else the course has comes from the
            course, so that a lab does not fail for the holes of another that it stands on. None
            takes all from the workspace.
    """

    def __init__(
        self, workspace: Path, course: "Course", tested: Collection[str] | None = None
    ) -> None:
        self.workspace = workspace
        self.course = course
        self._tested = tested

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where ``name`` is found in the workspace, or None to look in the course."""
        del path, target
        if not self.course.is_of_lab(name):
            return None
        relative = name.replace(".", "/") + ".py"
        supplied = self._tested is not None and name not in self._tested
        if supplied and (self.course.root / relative).is_file():
            return None
        file = self.workspace / relative
        if not file.is_file():
            return None
        loader = _Forgiving(name, str(file))
        return importlib.util.spec_from_file_location(name, file, loader=loader)


class _Forgiving(SourceFileLoader):
    """Imports a student's file. A warning in it is shown, even where warnings are errors: else a
    backslash too many in one text would cost every point of the lab."""

    def exec_module(self, module: ModuleType) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            super().exec_module(module)


def install_overlay(
    workspace: Path, course: "Course", tested: Collection[str] | None = None
) -> None:
    """Take labs' modules from ``workspace`` from now on.

    Args:
        workspace: the student's folder.
        course: where the labs belong.
        tested: only these, and what the course does not have; None for all that it has.

    Raises:
        BadInput: the folder is not there, or modules of labs were imported before.
    """
    _check_folder(workspace)
    loaded = [name for name in sys.modules if course.is_of_lab(name)]
    if loaded:
        raise BadInput(f"{loaded[0]} was imported before the workspace could be laid over it")
    sys.meta_path.insert(0, Overlay(workspace.resolve(), course, tested))


def take_from(workspace: Path, course: "Course", lab: "Lab") -> dict[str, str]:
    """Take a lab's modules from a workspace, here and in the processes that are told of them.

    Returns:
        The path of each module that the workspace has, by name.

    Raises:
        BadInput: the workspace has no file of the lab, or one that cannot be imported.
        ContractError: a protocol file reaches the world other than by effects.
    """
    check_workspace(workspace, lab)
    if run_script(workspace) is not None:
        raise BadInput(
            f"{workspace} is in another language, which lab test and lab grade speak with; live "
            "clusters are of nodes in Python"
        )
    paths = {name: workspace.resolve() / lab.path(file.path) for name, file in lab.modules}
    install_overlay(workspace, course, set(paths))
    load(lab)
    return {name: str(path) for name, path in paths.items() if path.is_file()}


def modules_tested(course: "Course", chosen: Sequence[Path]) -> set[str]:
    """The modules of the labs whose suites are run.

    Args:
        course: the course.
        chosen: the files and folders of tests that pytest was given.
    """
    tested = set()
    for id in course.ids:
        suite = course.suite_of(id).resolve()
        for path in (each.resolve() for each in chosen):
            if path == suite or path in suite.parents or suite in path.parents:
                tested |= {name for name, _ in course.lab(id).modules}
    return tested


def check_workspace(workspace: Path, lab: "Lab") -> None:
    """See that a workspace has a file of the lab: else the reference would be graded in its place.

    Raises:
        BadInput: it has none, or there is no such folder; the text says what is looked for.
    """
    _check_folder(workspace)
    if run_script(workspace) is not None:
        return
    wanted = [workspace / path for path in lab.paths]
    if not any(path.is_file() for path in wanted):
        raise BadInput(
            f"the workspace {workspace} has no file of lab {lab.id}, so nothing of yours would be "
            f"tested: it should have {wanted[0]}, or another file that lab show {lab.id} names "
            f"(lab start {lab.id} makes them)"
        )


def run_script(workspace: Path) -> Path | None:
    """The file ``run`` of a workspace in another language, which speaks the step protocol."""
    script = workspace / "run"
    return script if script.is_file() else None


def _check_folder(workspace: Path) -> None:
    if not workspace.is_dir():
        raise BadInput(
            f"there is no workspace {workspace}: it is a folder with your own files of the course, "
            "as lab start LAB makes it"
        )


def load(lab: "Lab") -> list[ModuleType]:
    """Import a lab's files, after checking that its protocol files keep to the contract.

    Raises:
        ContractError: a protocol file reaches the world other than by effects.
        BadInput: a file cannot be imported; the text says which line and why.
    """
    modules = []
    for name, file in lab.modules:
        spec = importlib.util.find_spec(name)
        assert spec is not None, f"the manifest was checked, so {name} is there"
        assert spec.origin is not None, f"{name} is a file"
        if file.kind != "program":
            check = check_protocol_source if file.kind == "node" else check_shares_nothing
            check(Path(spec.origin).read_text(encoding="utf-8"), shown(spec.origin))
        modules.append(_import(name, spec.origin))
    return modules


def _import(name: str, origin: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except LabError:
        raise
    except SyntaxError as error:
        raise BadInput(f"{shown(error.filename or origin)}:{error.lineno}: {error.msg}") from None
    except Exception as error:
        raise BadInput(
            f"{shown(origin)} cannot be imported: {type(error).__name__}: {error}"
        ) from error
