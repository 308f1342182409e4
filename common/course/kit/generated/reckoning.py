"""Who is caught, who is explained, who survives; and which explanations are of no use any more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.course.base.lab import Lab
from common.course.kit.generated.kept import Ended
from common.course.kit.generated.making import Generated
from common.course.kit.mutants import Equivalent

WANTED = 95
"""Percent of the mutants that have to be caught or explained."""

MOST_NAMED = 3
"""So many mutants are named that an explanation may have meant."""


@dataclass(frozen=True, slots=True)
class Stale:
    """An explanation that explains nothing.

    Attributes:
        id: the mutant that it names.
        why: what is wrong with it, as the end of a sentence.
    """

    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What a lab's mutants have come to.

    Attributes:
        lab: the lab.
        tried: the mutants that were tried.
        ended: what became of each, by id.
        explained: the reasons why mutants are no bugs, by id.
        stale: explanations that are of no use.
        seconds: how long it took.
    """

    lab: Lab
    tried: Sequence[Generated]
    ended: Mapping[str, Ended]
    explained: Mapping[str, str]
    stale: Sequence[Stale]
    seconds: float

    @property
    def alive(self) -> list[Generated]:
        """Those that all tests have passed."""
        return [each for each in self.tried if self.ended[each.id].fate == "survived"]

    @property
    def survivors(self) -> list[Generated]:
        """Those to which nobody has an answer."""
        return [each for each in self.alive if each.id not in self.explained]

    @property
    def answered(self) -> int:
        """How many are caught or explained."""
        return len(self.tried) - len(self.survivors)

    def to_plain(self) -> dict[str, object]:
        """As an object for JSON."""
        survivors = [
            {"id": e.id, "file": e.file, "line": e.line, "what": e.what, "diff": e.diff()}
            for e in self.survivors
        ]
        return {
            "lab": self.lab.id,
            "mutants": len(self.tried),
            "caught": len(self.tried) - len(self.alive),
            "explained": len(self.alive) - len(survivors),
            "survivors": survivors,
            "stale": [{"id": each.id, "why": each.why} for each in self.stale],
            "seconds": round(self.seconds, 1),
        }


def enough(answered: int, tried: int) -> bool:
    """Whether so many answers are ``WANTED`` percent, or there was nothing to answer."""
    return answered * 100 >= tried * WANTED


def reckon(
    lab: Lab,
    every: Sequence[Generated],
    tried: Sequence[Generated],
    ended: Mapping[str, Ended],
    equivalent: Sequence[Equivalent],
    seconds: float,
) -> Reckoning:
    """Reckon up.

    Args:
        lab: the lab.
        every: all of its mutants.
        tried: those of them that were tried.
        ended: what became of these.
        equivalent: the explanations in the lab's mutants file.
        seconds: how long it took.
    """
    known = {each.id for each in every}
    stale: list[Stale] = []
    reasons: dict[str, str] = {}
    now = {each.id: ended[each.id] for each in tried}
    for entry in equivalent:
        if entry.id in reasons:
            stale.append(Stale(entry.id, "is explained twice"))
        elif entry.id not in known:
            stale.append(Stale(entry.id, f"is no mutant any more{_perhaps(entry.id, every)}"))
        elif entry.id in now and now[entry.id].fate == "caught":
            test = now[entry.id].test.rpartition("::")[2] or "the suite"
            stale.append(Stale(entry.id, f"is caught by {test}, so it needs no explanation"))
        reasons[entry.id] = entry.why
    return Reckoning(lab, tried, now, reasons, stale, seconds)


def _perhaps(id: str, every: Sequence[Generated]) -> str:
    """Mutants of that kind in that exercise: one of them may be meant, if its code has changed."""
    place = id.rpartition(":")[0]
    like = [each.id for each in every if each.id.rpartition(":")[0] == place][:MOST_NAMED]
    return f"; is it now {' or '.join(like)}?" if like else ""
