"""Plays the scene that shows an exhibit, with the files of a workspace.

    python -m docs.making.showing KEY WORKSPACE TRACE

The trace is written to ``TRACE``, and what the scene shows is told in a sentence. The exit code is
2 where all is well.
"""

import sys
from importlib import import_module
from pathlib import Path

from common.check.verdict import Answer
from common.course.base.course import Course
from common.course.base.implementation import install_overlay
from docs.making.shown import SHOWN, Show


def show_of(key: str) -> Show:
    """The scene of an exhibit, of the lab as it is imported now.

    Raises:
        KeyError: no scene was made for it.
    """
    module, _, name = SHOWN[key].partition(".")
    found: Show = getattr(import_module(f"docs.making.shown.{module}"), name)
    return found


def main(key: str, workspace: Path, trace: Path) -> int:
    """Play it."""
    install_overlay(workspace, Course())
    scene, verdict = show_of(key)()
    trace.write_text(scene.lines, encoding="utf-8")
    print(verdict.sentence)
    return 0 if verdict.answer is Answer.NO else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
