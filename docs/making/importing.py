"""What Python files import, kept by their text: to parse half of the course takes two seconds."""

import json
import platform
from functools import cache
from hashlib import sha256
from pathlib import Path

from common.course.base import sources
from common.course.base.course import ROOT

KEPT = ROOT / ".cache" / "docs-imports.json"


class Imports:
    """The modules that files import, from before where the text is still the same.

    Args:
        kept: where they are kept from one build to the next.
    """

    def __init__(self, kept: Path = KEPT) -> None:
        self._kept = kept
        self._reader = _hash(
            Path(sources.__file__).read_bytes() + platform.python_version().encode()
        )
        self._before: dict[str, list[str]] = {}
        self._now: dict[str, list[str]] = {}
        try:
            found = json.loads(kept.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        if found["reader"] == self._reader:
            self._before = found["imports"]

    def of(self, path: Path) -> list[str]:
        """The modules that a file imports, and ``module.name`` of what it takes from them.

        Raises:
            BadInput: it cannot be read, or is not Python.
        """
        key = _hash(path.read_bytes())
        if key not in self._now:
            before = self._before.get(key)
            self._now[key] = (
                sorted(set(sources.imported(sources.parsed(path)))) if before is None else before
            )
        return self._now[key]

    def keep(self) -> None:
        """Keep what was asked for; all else is forgotten."""
        if self._now != self._before:
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"reader": self._reader, "imports": self._now})
            self._kept.write_text(text, encoding="utf-8")


@cache
def imports() -> Imports:
    """Those of this build."""
    return Imports()


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()[:32]
