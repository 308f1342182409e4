"""The learner's files lie over those of the course, as a workspace does for ``lab test``."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from common.browser.course import PortableCourse
from common.contract.kinds import kinds
from common.course.base.implementation import Overlay
from common.values.errors import BadInput

TESTS = "tests"
"""The package of the suites."""


class LearnersFiles:
    """What a learner has changed, in a folder of its own.

    Args:
        folder: where the files are kept.
        course: the course that they lie over.
    """

    def __init__(self, folder: Path, course: PortableCourse) -> None:
        self.folder = folder
        self._course = course
        self._laid: Mapping[str, str] | None = None

    def lay(self, files: Mapping[str, str]) -> None:
        """Have these files, and no others, in the place of the course's; by their paths.

        Where nothing has changed since the last time, what was imported stays imported.

        Raises:
            BadInput: a path is no file of a lab.
        """
        if files == self._laid:
            return
        self.forget_modules()
        shutil.rmtree(self.folder, ignore_errors=True)
        for name, text in files.items():
            path = self.folder / name
            inside = path.resolve().is_relative_to(self.folder.resolve())
            if not (inside and self._course.is_of_lab(name.replace("/", "."))):
                raise BadInput(f"{name} is no file of a lab, so nothing can be laid over it")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.take_off()
        sys.meta_path.insert(0, Overlay(self.folder, self._course))  # type: ignore[arg-type]
        self._laid = dict(files)

    def forget_modules(self) -> None:
        """Forget all modules of labs and suites, so that the next import reads their files."""
        tops = (*self._course.packages, TESTS)
        for name in [each for each in sys.modules if each.partition(".")[0] in tops]:
            del sys.modules[name]
        for kind in [each for each in kinds if each.__module__.partition(".")[0] in tops]:
            del kinds[kind]  # else there would be two of each message
        self._laid = None

    def take_off(self) -> None:
        """Let modules come from the course again."""
        sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, Overlay)]
