"""``lab why --save-test``: the counter-example as a file that pytest runs, in the workspace.

The file says what failed and holds the smallest run: the seed, the faults that were not needed, and
when the test looks. It stays red until the code is right, and stays green afterwards, or says that
the bug is back.
"""

from collections.abc import Sequence
from pathlib import Path
from pprint import pformat
from tempfile import TemporaryDirectory
from typing import Any

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.base.output import folder, write
from common.course.student.workspace import Workspace
from common.course.suites.suite import SuiteOptions, TestResult, run_suite
from common.course.why.faults import write_faults

FOLDER = "tests"
"""Where such files are, in the workspace."""

LONGEST = 200
"""Characters of a test's name that are part of the file's; file systems have limits."""

_FILE = '''"""Lab {lab}: {title}.

Saved by lab why. What was found: {why}
{faults}"""

from pathlib import Path

from common.course.why.saved import run_again


def test_{name}() -> None:
    run_again(
        Path(__file__).parents[1], "{lab}", "{test}",
        seed={seed!r}, left_out={left_out}, cut={cut!r},
    )
'''


def save_test(
    workspace: Workspace, lab: Lab, test: TestResult, seed: int | None, facts: dict[str, Any]
) -> Path:
    """Write the file; returns its path.

    Args:
        workspace: where to; the folder ``tests`` in it.
        lab: which lab.
        test: how the test ended.
        seed: with which it failed, or None if it tries no seeds.
        facts: what ``lab why`` found out.

    Raises:
        BadInput: it cannot be written.
    """
    happened = [str(fault) for fault in facts.get("faults", ())]
    listed = "".join(f"  {each}\n" for each in happened)
    text = _FILE.format(
        lab=lab.id,
        title=test.title,
        why=_plain(test.why),
        faults=f"\nThe faults that it needs:\n{_plain(listed)}" if listed else "",
        name=test.name,
        test=test.test,
        seed=seed,
        left_out=pformat([tuple(place) for place in facts.get("left_out", ())], compact=True),
        cut=tuple(facts["cut"]) if facts.get("cut") else None,
    )
    place = folder(workspace.root / FOLDER)
    return write(place / f"test_{lab.id}_{test.name[:LONGEST]}.py", text)


def run_again(
    workspace: Path,
    lab: str,
    test: str,
    *,
    seed: int | None,
    left_out: Sequence[tuple[int, str, int]],
    cut: tuple[int, int, int] | None,
) -> None:
    """Run a test of a lab on a workspace, exactly as it failed once.

    Raises:
        AssertionError: it fails; the text is that of ``lab test``.
        BadInput: a file of the workspace is gone or broken.
    """
    course = Course()
    found = course.lab(lab)
    Workspace(workspace, course).must_be_whole(found)
    with TemporaryDirectory(prefix="lab-") as scratch:
        faults = write_faults(Path(scratch) / "faults.json", left_out, cut)
        more = ("-p", "common.course.why.plugin", f"--faults={faults}")
        options = SuiteOptions(impl=workspace, seed=seed, tests=(test,), more=more)
        [ended] = run_suite(course, found, options).tests
    assert ended.passed, ended.why


def _plain(text: str) -> str:
    """Text that may stand in a docstring."""
    return text.replace("\\", "\\\\").replace('"""', "'''")
