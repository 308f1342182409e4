"""A second store that is dumb on purpose, and commands to put to both."""

from random import Random
from typing import Any

from tests.stage3_partitioning.kv.lab import KvLab

KEYS = (b"a", b"b", b"{a}c", b"", b"\x00\xff")
FOR_EVER = 2**62


class DumbStore:
    """One dictionary of key to (value, end); everything is looked through every time."""

    def __init__(self) -> None:
        self.held: dict[bytes, tuple[bytes, int]] = {}

    def apply(self, command: Any, now: int) -> object:
        """Carry out a command; none of those that are put to it is a problem."""
        self.held = {key: pair for key, pair in self.held.items() if pair[1] > now}
        value, end = self.held.get(command.key, (None, 0))
        name = type(command).__name__
        if name == "Get":
            return value
        if name == "TimeToLive":
            return -2 if value is None else -1 if end == FOR_EVER else end - now
        if name == "Delete":
            return self.held.pop(command.key, None) is not None
        if name == "Expire":
            return self._expire(command, now, value, end)
        result, text = self._changed(command, value)
        if text is not None:
            keeps = name in ("Append", "Increment") and value is not None
            self.held[command.key] = (text, self._end(command, now, end if keeps else FOR_EVER))
        return result

    def _changed(self, command: Any, value: bytes | None) -> tuple[object, bytes | None]:
        match type(command).__name__:
            case "Put":
                return None, command.value
            case "PutIf":
                wrong = {"absent": value is not None, "present": value is None, "always": False}
                return (False, None) if wrong[command.when] else (True, command.value)
            case "Append":
                longer = (value or b"") + command.value
                return len(longer), longer
            case "Increment":
                number = int(value or b"0") + command.by
                return number, b"%d" % number
        same = value == command.expected
        return same, command.new if same else None

    def _end(self, command: Any, now: int, otherwise: int) -> int:
        life = getattr(command, "life_us", None)
        if life is None:
            return otherwise
        if life == 0:
            return self.held[command.key][1] if command.key in self.held else FOR_EVER
        return int(now + life)

    def _expire(self, command: Any, now: int, value: bytes | None, end: int) -> bool:
        if value is None:
            return False
        if command.life_us is None:
            self.held[command.key] = (value, FOR_EVER)
            return end != FOR_EVER
        new = now + command.life_us
        fits = {
            "always": True,
            "mortal": end != FOR_EVER,
            "immortal": end == FOR_EVER,
            "later": end != FOR_EVER and new > end,
            "sooner": new < end,
            "shortened": end != FOR_EVER and new < end,
        }
        if fits[command.when]:
            self.held[command.key] = (value, new)
        return bool(fits[command.when])


def some_command(lab: KvLab, random: Random) -> Any:
    """Any command; keys that are numbers are never appended to."""
    key, value = random.choice(KEYS), random.choice((b"x", b"yy", b""))
    life = random.choice((None, 0, 5, 50, 500))
    counter = b"n"
    return random.choice(
        [
            lab.Get(key),
            lab.Put(key, value),
            lab.PutIf(key, value, random.choice(("always", "absent", "present")), life),
            lab.Append(key, value),
            lab.Increment(counter, random.randrange(-9, 9)),
            lab.Delete(random.choice((key, counter))),
            lab.CompareAndSet(key, random.choice((None, b"x", b"yy")), value),
            lab.Expire(
                random.choice((key, counter)),
                random.choice((-1, 30, 300)),
                random.choice(("always", "mortal", "immortal", "later", "sooner", "shortened")),
            ),
            lab.Expire(key, None),
            lab.TimeToLive(random.choice((key, counter))),
        ]
    )
