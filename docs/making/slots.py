"""One kept thing for each page: a small JSON file with the key under which it was made."""

import json
import os
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from common.course.base.course import ROOT

PAGES_FOLDER = ROOT / ".cache" / "docs-pages"
"""Where pages are kept that MkDocs has made."""


class Slots:
    """A folder with one file for each name. A new thing replaces the old one of its name.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._used: set[str] = set()

    def get(self, name: str, key: str) -> dict[str, Any] | None:
        """What is kept under this name, if it was made under this key."""
        try:
            found = json.loads(self._file(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return dict(found["value"]) if found["key"] == key else None

    def put(self, name: str, key: str, value: dict[str, Any]) -> None:
        """Keep this; who reads at the same time sees the old one or the new one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._file(name).with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps({"key": key, "value": value}), encoding="utf-8")
        fresh.replace(self._file(name))

    def forget(self) -> None:
        """Remove what nobody has asked for."""
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                if path.suffix == ".json" and path.name not in self._used:
                    path.unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        file = f"{sha256(name.encode()).hexdigest()[:16]}.json"
        self._used.add(file)
        return self._folder / file


def key_of(*parts: object) -> str:
    """A hash of all that something is made of.

    Raises:
        TypeError: a part has no form that is the same in each process.
    """
    return sha256(json.dumps(parts, default=_named).encode()).hexdigest()


def _named(value: Any) -> object:
    """What JSON has no form for: mappings, and functions by their names and their files."""
    if hasattr(value, "items"):
        return list(value.items())
    if hasattr(value, "__qualname__"):
        file = Path(str(sys.modules[value.__module__].__file__))
        return [value.__module__, value.__qualname__, sha256(file.read_bytes()).hexdigest()]
    raise TypeError(f"{value!r} is not the same in each process")
