"""A long row of signs that is cheap to change in the middle; it knows nothing of replicas.

Text types decide *where* a character belongs; this only keeps the row. Characters have names, which
never change, and one that was deleted stays in the row as a gravestone, which shows nothing.

The row is cut into blocks of a few hundred, and each block knows how many of its characters are
shown. So finding the 100,000th means a look at a few hundred numbers, not at 100,000 characters.
"""

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

BLOCK = 256
"""A block with twice as many characters is cut in two."""

Name = TypeVar("Name", bound=Hashable)


class Block(Generic[Name]):
    """A part of a row: the names of its characters, and how many of them are shown."""

    __slots__ = ("names", "shown")

    def __init__(self, names: list[Name], shown: int) -> None:
        self.names = names
        self.shown = shown


class Sequence(Generic[Name]):
    """The row; a place ``None`` is before its first character."""

    def __init__(self) -> None:
        self._blocks: list[Block[Name]] = [Block([], 0)]
        self._block_of: dict[Name, Block[Name]] = {}
        self._signs: dict[Name, str] = {}
        """What is shown, by name; gravestones are not in it."""

    def __len__(self) -> int:
        """How many characters are shown."""
        return len(self._signs)

    def __iter__(self) -> Iterator[Name]:
        """The names of all characters in order, gravestones included."""
        for block in self._blocks:
            yield from block.names

    def text(self) -> str:
        """The signs that are shown."""
        return "".join([self._signs[name] for name in self if name in self._signs])

    def shows(self, name: Name) -> bool:
        """Whether this character is in the row, and no gravestone."""
        return name in self._signs

    def at(self, index: int) -> Name:
        """The name of the character that is shown at ``index``, the first one at 0.

        Raises:
            IndexError: there are not so many.
        """
        left = index
        for block in self._blocks if index >= 0 else ():
            if left < block.shown:
                shown = block.names
                if block.shown < len(shown):
                    shown = [name for name in shown if name in self._signs]
                return shown[left]
            left -= block.shown
        raise IndexError(f"nothing is shown at {index}: the text has {len(self)} characters")

    def after(self, place: Name | None) -> Name | None:
        """The character right behind ``place``, a gravestone or not; None at the end."""
        number = 0
        if place is not None:
            block, at = self._find(place)
            if at + 1 < len(block.names):
                return block.names[at + 1]
            number = self._blocks.index(block) + 1
        rest = (block for block in self._blocks[number:] if block.names)
        return next((block.names[0] for block in rest), None)

    def insert_after(self, place: Name | None, name: Name, sign: str | None) -> None:
        """Put a character right behind ``place``; one without a sign is a gravestone."""
        block, at = (self._blocks[0], -1) if place is None else self._find(place)
        self._put(block, at + 1, name, sign)

    def insert_before(self, place: Name, name: Name, sign: str | None) -> None:
        """Put a character right before ``place``; one without a sign is a gravestone."""
        block, at = self._find(place)
        self._put(block, at, name, sign)

    def hide(self, name: Name) -> None:
        """Make this character a gravestone."""
        if self._signs.pop(name, None) is not None:
            self._block_of[name].shown -= 1

    def remove(self, name: Name) -> None:
        """Take this character out of the row."""
        self.hide(name)
        block = self._block_of.pop(name)
        block.names.remove(name)
        if not block.names and len(self._blocks) > 1:
            self._blocks.remove(block)

    def _find(self, name: Name) -> tuple[Block[Name], int]:
        block = self._block_of[name]
        return block, block.names.index(name)

    def _put(self, block: Block[Name], at: int, name: Name, sign: str | None) -> None:
        block.names.insert(at, name)
        self._block_of[name] = block
        if sign is not None:
            self._signs[name] = sign
            block.shown += 1
        if len(block.names) >= 2 * BLOCK:
            self._cut(block)

    def _cut(self, block: Block[Name]) -> None:
        rest = block.names[BLOCK:]
        del block.names[BLOCK:]
        shown = sum(name in self._signs for name in rest)
        block.shown -= shown
        following = Block(rest, shown)
        self._blocks.insert(self._blocks.index(block) + 1, following)
        self._block_of.update(dict.fromkeys(rest, following))
