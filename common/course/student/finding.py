"""Which lab and which workspace a student means, so that they need not say it each time."""

from pathlib import Path

from common.course.base.course import Course
from common.course.base.lab import GradedTest, Lab
from common.course.base.output import Output
from common.course.student.workspace import Workspace, find_workspace
from common.values.errors import BadInput

MOST_LISTED = 8
"""So many tests are listed where more than one may be meant."""


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


def tests_named(lab: Lab, words: str) -> list[GradedTest]:
    """The graded tests that a student means: the one of this name, or all that have these words.

    Args:
        lab: which lab.
        words: a test's name, or a part of its name or of its title.

    Raises:
        BadInput: there is none; the text says how to see them.
    """
    name = "_".join(words.lower().removeprefix("test_").split())
    exact = [test for test in lab.tests if test.name == f"test_{name}"]
    found = exact or [
        test for test in lab.tests if name in test.name or words.lower() in test.title.lower()
    ]
    if not found:
        raise BadInput(
            f"no test of lab {lab.id} has {words!r} in its name or its title: lab test {lab.id} "
            "shows both of all its tests"
        )
    return found


def test_named(lab: Lab, words: str) -> GradedTest:
    """The one graded test that a student means.

    Raises:
        BadInput: there is none, or more than one; the text lists them.
    """
    found = tests_named(lab, words)
    if len(found) > 1:
        listed = ", ".join(test.name.removeprefix("test_") for test in found[:MOST_LISTED])
        more = f", and {len(found) - MOST_LISTED} more" if len(found) > MOST_LISTED else ""
        raise BadInput(
            f"{len(found)} tests of lab {lab.id} have {words!r} in their names or titles: "
            f"{listed}{more}: write more of the one you mean"
        )
    return found[0]


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
