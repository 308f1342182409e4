"""Files that take long to make, kept from one build to the next until what they are made of is new.

What the output of commands depends on is found out by looking (``running``). Here who makes the
files says so.
"""

import platform
import tempfile
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

from common.course.base.course import ROOT

MADE = ROOT / ".cache" / "docs-made"


def kept(
    name: str,
    made_of: Mapping[str, bytes],
    make: Callable[[], Mapping[str, bytes]],
    folder: Path = MADE,
) -> dict[str, bytes]:
    """The files, made if they are not there or were made of something else.

    Several processes may ask at once: each makes them, and one of them leaves them there.

    Args:
        name: under which they are kept.
        made_of: the bytes of everything that they depend on, by name, in any order; this Python is
            added.
        make: makes them, by their names.
        folder: where they are kept.
    """
    digest = sha256(platform.python_version().encode())
    for part in sorted(made_of):
        digest.update(sha256(part.encode()).digest())
        digest.update(sha256(made_of[part]).digest())
    place = folder / name / digest.hexdigest()[:16]
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
        for path, content in make().items():
            (fresh / path).write_bytes(content)
        for old in place.parent.iterdir():
            rmtree(old, ignore_errors=True)
        try:
            fresh.rename(place)
        except OSError:  # another process was faster, and has the same bytes
            rmtree(fresh)
    return {path.name: path.read_bytes() for path in sorted(place.iterdir())}
