"""A slice of a long proof: what CI can afford each time, so that all of it is done in turn."""

import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
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


def take(items: Sequence[Item], part: tuple[int, int]) -> list[Item]:
    """Every so many-th item, from the slice's own on: neighbours are in different slices."""
    number, count = part
    return list(items[number::count])


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
