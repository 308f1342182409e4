"""The folder from which MkDocs builds the site: sources of ``docs/`` with everything put in.

Files are written only where their bytes changed, and what is no longer wanted is removed, so that
the folder is always what one run of the builder makes of the repository.
"""

from collections.abc import Iterator
from pathlib import Path

from common.course.base.course import ROOT

DOCS = ROOT / "docs"
OUT = ROOT / "out"
STAGED = OUT / "docs"

PAGE = ".md"
KEPT_AS_IT_IS = ("images", "assets")
"""Folders of ``docs/`` of which all files go into the site."""


class Stage:
    """What goes into the site: paths relative to it, with their bytes."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def add(self, path: str, content: str | bytes) -> None:
        """One file more, or other bytes for one that is there."""
        self.files[path] = content.encode() if isinstance(content, str) else content

    def write(self, folder: Path = STAGED) -> None:
        """Make the folder hold exactly these files; bytes that are there already stay untouched."""
        for path, content in self.files.items():
            target = folder / path
            if not target.is_file() or target.read_bytes() != content:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        for there in sorted(folder.rglob("*"), reverse=True):
            if there.is_file() and there.relative_to(folder).as_posix() not in self.files:
                there.unlink()
            elif there.is_dir() and not any(there.iterdir()):
                there.rmdir()


def sources() -> Iterator[tuple[str, str]]:
    """The pages that people write: paths relative to ``docs/``, with their text."""
    for path in sorted(DOCS.rglob(f"*{PAGE}")):
        yield path.relative_to(DOCS).as_posix(), path.read_text(encoding="utf-8")


def assets() -> Iterator[tuple[str, bytes]]:
    """All other files that the site has, relative to ``docs/``."""
    for folder in KEPT_AS_IT_IS:
        for path in sorted((DOCS / folder).rglob("*")):
            if path.is_file() and path.suffix != PAGE:
                yield path.relative_to(DOCS).as_posix(), path.read_bytes()
