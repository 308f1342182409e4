"""Which lab and which workspace a student means, so that they need not say it each time."""

from pathlib import Path

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.base.output import Output
from common.course.student.workspace import Workspace, find_workspace
from common.values.errors import BadInput


def open_workspace(course: Course, named: Path | None, output: Output) -> Workspace:
    """The workspace that is meant; what is wrong with its memory is said as a warning."""

    def warn(sentence: str) -> None:
        output.say(f"[yellow]note:[/] {sentence}")

    return find_workspace(course, named, warn)


def code_to_test(
    workspace: Workspace, lab: Lab, *, named: bool, reference: bool
) -> Workspace | None:
    """The workspace whose code is tested; None for the reference.

    Args:
        workspace: the one that is meant.
        lab: which lab.
        named: whether the command line names the workspace.
        reference: whether it asks for the course's own code.

    Raises:
        BadInput: a file of the workspace is gone or broken, so that the course's own code would be
            tested in its place; the text names the file and the line.
    """
    if reference or not (named or workspace.has(lab)):
        return None
    workspace.must_be_whole(lab)
    return workspace


def lab_with_hole(workspace: Workspace, symbol: str, id: str) -> Lab:
    """The lab that has a hole: the named one, the one worked at last, or whichever has it.

    Raises:
        BadInput: there is no such lab, or none was started yet.
    """
    if not id and symbol:
        current = workspace.state.read().current
        named = [
            lab for lab in workspace.course.labs if symbol in {hole.name for hole in lab.holes}
        ]
        if named and current not in {lab.id for lab in named}:
            return named[0]
    return lab_meant(workspace, id)


def lab_meant(workspace: Workspace, id: str) -> Lab:
    """The lab of this id, or the one that was worked at last.

    Raises:
        BadInput: there is no such lab, or none was started yet.
    """
    id = id or workspace.state.read().current
    if not id:
        raise BadInput(f"no lab was started in {workspace.root} yet: lab start echo is the first")
    return workspace.course.lab(id)
