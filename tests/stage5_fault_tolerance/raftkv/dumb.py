"""A second version of the store that is dumb on purpose, and commands to put to both."""

import operator
from random import Random
from typing import Any

from tests.stage5_fault_tolerance.raftkv.lab import RaftkvLab

KEYS = ("a", "aa", "b", "c", "é", "😀")
BOUNDS = ("", *KEYS, "bb", "~")
RELATIONS = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt}
TARGETS = ("value", "create_revision", "mod_revision", "version")


def filled(lab: RaftkvLab, **held: str) -> Any:
    """A store in which these keys were put, in this order."""
    store = lab.KeyValueStore()
    for key, value in held.items():
        store.apply(lab.Put(key, value))
    return store


class DumbStore:
    """One dictionary that each step changes at once, and that each range sorts wholly.

    Args:
        lab: the lab under test; only its commands and results are used.
    """

    def __init__(self, lab: RaftkvLab) -> None:
        self.lab = lab
        self.held: dict[str, tuple[str, int, int, int]] = {}
        self.revision = 0
        self.touched = False

    def apply(self, command: Any) -> object:
        """Carry out one command; none of those that are put to it is refused."""
        self.touched = False
        result = self._do(command)
        self.revision = self._revision()
        return result

    def _revision(self) -> int:
        return self.revision + self.touched

    def _do(self, command: Any) -> object:
        name = type(command).__name__
        if name == "Transaction":
            good = not [each for each in command.compares if not self._true(each)]
            steps = command.then if good else command.otherwise
            results = tuple(self._do(each) for each in steps)
            return self.lab.TransactionResult(good, results, self._revision())
        if name == "Range":
            return self._range(command, self._revision())
        old = self.held.get(command.key)
        match name:
            case "Get":
                return old and old[0]
            case "Delete":
                self.touched = self.touched or old is not None
                return self.held.pop(command.key, None) is not None
            case "CompareAndSet" if (old and old[0]) != command.expected:
                return False
        text = command.new if name == "CompareAndSet" else command.value
        if name == "Append" and old:
            text = old[0] + text
        self.touched, now = True, self.revision + 1
        self.held[command.key] = (text, old[1] if old else now, now, old[3] + 1 if old else 1)
        return True if name == "CompareAndSet" else now

    def _range(self, asked: Any, revision: int) -> object:
        inside = [key for key in sorted(self.held) if key >= asked.start]
        inside = [key for key in inside if asked.end is None or key < asked.end]
        items = tuple(self.lab.Item(key, *self.held[key]) for key in inside)
        shown = items[: asked.limit] if asked.limit else items
        return self.lab.RangeResult(shown, len(items), revision)

    def _true(self, compare: Any) -> bool:
        held = self.held.get(compare.key)
        if compare.target == "value" and held is None:
            return False
        found = (held or ("", 0, 0, 0))[TARGETS.index(compare.target)]
        return bool(RELATIONS[compare.relation](found, compare.wanted))


def some_step(lab: RaftkvLab, random: Random) -> object:
    """Any command that can be a step of a transaction."""
    key, text = random.choice(KEYS), random.choice("xyz")
    limit, ends = random.choice((0, 0, 1, 2)), (*BOUNDS, None)
    return random.choice(
        [
            lab.Get(key),
            lab.Put(key, text),
            lab.Append(key, text),
            lab.Delete(key),
            lab.Delete(key),
            lab.Range(random.choice(BOUNDS), random.choice(ends), limit),
        ]
    )


def some_command(lab: RaftkvLab, random: Random) -> object:
    """Any command but a transaction."""
    if random.random() < 0.8:
        return some_step(lab, random)
    expected = random.choice((None, "x", "y"))
    return lab.CompareAndSet(random.choice(KEYS), expected, random.choice("xyz"))


def some_transaction(lab: RaftkvLab, random: Random) -> object:
    """Up to two compares, up to four steps on either side."""
    compares = []
    for _ in range(random.randrange(3)):
        target: Any = random.choice(TARGETS)
        relation: Any = random.choice(list(RELATIONS))
        wanted = random.choice("xyz") if target == "value" else random.randrange(4)
        compares.append(lab.Compare(random.choice(KEYS), target, relation, wanted))
    then, otherwise = (
        tuple(some_step(lab, random) for _ in range(random.randrange(5))) for _ in range(2)
    )
    return lab.Transaction(tuple(compares), then, otherwise)
