"""A slice of a long proof: what CI can afford each time, so that all of it is done in turn."""

import re
import subprocess
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from common.values.errors import BadInput, MissingTool

Item = TypeVar("Item")

_SLICE = re.compile(r"(\d+|day|commit)/(\d+)")


def parse_slice(text: str, root: Path) -> tuple[int, int]:
    """Which slice of how many.

    Args:
        text: ``3/10``; ``day/10`` goes on to the next slice every day, ``commit/10`` has one that
            belongs to the commit, so that all who run CI on that commit again get the same.
        root: the repository, for ``commit``.

    Returns:
        The slice's number, counted from 0, and how many there are.

    Raises:
        BadInput: it is no slice.
        MissingTool: the commit cannot be asked for.
    """
    found = _SLICE.fullmatch(text)
    if found is None or int(found[2]) == 0:
        raise BadInput(f"{text!r} is no slice: say 3/10, day/10 or commit/10")
    count = int(found[2])
    if found[1] == "day":
        return datetime.now(UTC).toordinal() % count, count
    if found[1] == "commit":
        return int(head(root)[:12], 16) % count, count
    if not 1 <= int(found[1]) <= count:
        raise BadInput(
            f"{text!r} is no slice: the slices of {count} are 1/{count} to {count}/{count}"
        )
    return int(found[1]) - 1, count


def take(items: Iterable[Item], part: tuple[int, int], name: Callable[[Item], str]) -> list[Item]:
    """The items of a slice, in their order: those whose names' hash leaves the slice's number.

    An item stays in its slice whatever else comes and goes. If slices were every so many-th item,
    one more would move all that follow it to other days.

    Args:
        items: all of them.
        part: the slice's number, from 0, and how many there are.
        name: what an item is called, which no other one is.
    """
    number, count = part
    return [item for item in items if _lot(name(item)) % count == number]


def _lot(name: str) -> int:
    """A number that is the same on every machine (``hash`` of a string is not)."""
    return int.from_bytes(sha256(name.encode()).digest()[:8])


def head(root: Path) -> str:
    """The commit that a repository is at, in full.

    Raises:
        MissingTool: there is no git.
        BadInput: it is no repository.
    """
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise MissingTool("the commit is asked for by git, which is not here: install it") from None
    if ran.returncode:
        raise BadInput(f"the commit is that of a git repository: {ran.stderr.strip()}")
    return ran.stdout.strip()
