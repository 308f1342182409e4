"""The labs that a page may ask for. Manifests were read when the site was built: YAML is not here.

What is written in ``playground.json`` answers to the same names as
:class:`common.course.base.course.Course` and :class:`common.course.base.lab.Lab`, as far as a
graded suite asks for them.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.values.errors import BadInput

FILE = "playground.json"
"""Beside the packages of the stages."""


@dataclass(frozen=True, slots=True)
class PortableFile:
    """One file of a lab: its path in the room, and ``node``, ``library`` or ``program``."""

    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class PortableLab:
    """One lab.

    Attributes:
        id: its name.
        folder: its room, relative to the course.
        files: its protocol files, what they stand on first.
        worlds: whether it runs in the simulator.
    """

    id: str
    folder: str
    files: tuple[PortableFile, ...]
    worlds: bool

    @property
    def package(self) -> str:
        """The importable name of its room."""
        return self.folder.replace("/", ".")

    @property
    def modules(self) -> tuple[tuple[str, PortableFile], ...]:
        """The importable names of its files, with the files."""
        return tuple(
            (f"{self.package}.{file.path.removesuffix('.py')}", file) for file in self.files
        )

    @property
    def paths(self) -> tuple[str, ...]:
        """Its files, relative to the course."""
        return tuple(f"{self.folder}/{file.path}" for file in self.files)

    def path(self, file: str) -> str:
        """Where a file of the room is, relative to the course."""
        return f"{self.folder}/{file}"


class PortableCourse:
    """The course in a folder of the browser's file system.

    Args:
        root: where the bundle was unpacked.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        plain: dict[str, Any] = json.loads((root / FILE).read_text(encoding="utf-8"))
        self.packages: tuple[str, ...] = tuple(plain["packages"])
        self._labs = {each["id"]: _lab(each) for each in plain["labs"]}

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all labs."""
        return tuple(self._labs)

    def lab(self, id: str) -> PortableLab:
        """The lab with this id.

        Raises:
            BadInput: there is none; the text lists those that there are.
        """
        if id not in self._labs:
            raise BadInput(f"there is no lab {id!r} here; the labs are: {', '.join(self._labs)}")
        return self._labs[id]

    def suite_of(self, id: str) -> Path:
        """The folder of a lab's graded suite."""
        return self.root / "tests" / self.lab(id).folder

    def is_of_lab(self, module: str) -> bool:
        """Whether a module, given its full name, is code of a lab."""
        package, _, rest = module.partition(".")
        return bool(rest) and package in self.packages


def _lab(plain: dict[str, Any]) -> PortableLab:
    files = tuple(PortableFile(path, kind) for path, kind in plain["files"])
    return PortableLab(plain["id"], plain["folder"], files, plain["worlds"])
