"""Modules from other files than the course's: a student's, in the process of a live node."""

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class Replaced:
    """An import finder that knows some modules by name.

    Args:
        files: where each of them is.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where ``name`` is found, or None to look where modules usually are."""
        del path, target
        file = self._files.get(name)
        return None if file is None else importlib.util.spec_from_file_location(name, file)


def replace_modules(files: Mapping[str, str]) -> None:
    """Take these modules from these files from now on; nothing of them may be imported yet."""
    if files:
        sys.meta_path.insert(0, Replaced(files))
