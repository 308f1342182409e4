"""Copies of a text that are edited side by side, for the suites of text and of garbage.

Beside each copy runs the definition: which operations it has done, in which order. They travel as
they must, once and after all that their author had done; who hears what when is drawn.
"""

from collections.abc import Callable
from random import Random
from typing import Any

PEOPLE = ("n1", "n2", "n3")


class Desk:
    """Three copies of a text, and what each of their people has done and heard.

    Args:
        make: makes a copy: ``(replica) -> text``.
        people: who they are.
    """

    def __init__(self, make: Callable[[str], Any], people: tuple[str, ...] = PEOPLE) -> None:
        self.copies = {person: make(person) for person in people}
        self.done: dict[str, list[tuple[str, int, Any]]] = {person: [] for person in people}
        self.counts = {person: dict.fromkeys(people, 0) for person in people}
        self.order: dict[str, set[str]] = {}
        """By sign, what was ever shown behind it."""

    def insert(self, person: str, index: int, text: str) -> None:
        """Let somebody type; the text must stand where it was typed."""
        before = self.text(person)
        for place, sign in enumerate(text):
            self._did(person, self.copies[person].insert(index + place, sign))
        wanted = before[:index] + text + before[index:]
        found = self.text(person)
        assert found == wanted, f"{person} typed {text!r} at {index} of {before!r}: {found!r}"

    def backwards(self, person: str, index: int, text: str) -> None:
        """Let somebody type from the back to the front, each sign before the one before."""
        for sign in reversed(text):
            self.insert(person, index, sign)

    def delete(self, person: str, index: int) -> None:
        """Let somebody delete; nothing else may change."""
        before = self.text(person)
        self._did(person, self.copies[person].delete(index))
        wanted = before[:index] + before[index + 1 :]
        found = self.text(person)
        assert found == wanted, f"{person} deleted {before[index]!r} of {before!r}: {found!r}"

    def hear(self, person: str, other: str) -> None:
        """Let somebody do all that another one has done."""
        for author, number, operation in list(self.done[other]):
            if number == self.counts[person][author]:
                self.copies[person].apply(operation)
                self.counts[person][author] += 1
                self.done[person].append((author, number, operation))

    def hear_all(self) -> str:
        """Let everybody hear everything, and check that all show the same; returns the text."""
        for _ in range(2):
            for person in self.copies:
                for other in self.copies:
                    self.hear(person, other)
        texts = {person: self.text(person) for person in self.copies}
        assert len(set(texts.values())) == 1, f"all have heard all, and the texts differ: {texts}"
        return texts[next(iter(texts))]

    def text(self, person: str) -> str:
        """What is shown at somebody's."""
        shown = self.copies[person].text()
        assert isinstance(shown, str)
        return shown

    def look(self, person: str) -> None:
        """Check that no two signs stand in another order than they ever stood anywhere."""
        text = self.text(person)
        for place, sign in enumerate(text):
            for behind in text[place + 1 :]:
                self.order.setdefault(sign, set()).add(behind)
                assert sign not in self.order.get(behind, ()), (
                    f"{sign!r} stood behind {behind!r} somewhere; {person} shows {text!r}"
                )

    def _did(self, person: str, operation: Any) -> None:
        self.done[person].append((person, self.counts[person][person], operation))
        self.counts[person][person] += 1


def edit_at_random(desk: Desk, random: Random, steps: int = 50) -> None:
    """Type, delete and hear, as it comes; each sign is typed once, and all looks must agree."""
    for number in range(steps):
        person = random.choice(list(desk.copies))
        text = desk.text(person)
        what = random.random()
        if what < 0.5:
            desk.insert(person, random.randint(0, len(text)), chr(0x4E00 + number))
        elif what < 0.7 and text:
            desk.delete(person, random.randrange(len(text)))
        else:
            desk.hear(person, random.choice(list(desk.copies)))
        desk.look(person)
