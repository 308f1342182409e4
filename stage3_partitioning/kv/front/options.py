"""How SET, EXPIRE and SCAN are written: words to what the node understands."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from common.runtime.resp.replies import RespError
from stage3_partitioning.kv.commands import Expire, PutIf, Until, When
from stage3_partitioning.kv.store import as_integer

SYNTAX = "ERR syntax error"
NOT_AN_INTEGER = "ERR value is not an integer or out of range"

UNITS = {b"EX": 1_000_000, b"PX": 1_000, b"EXAT": 1_000_000, b"PXAT": 1_000}
"""Microseconds."""

MAX_END_MS = 2**63 - 1
MAX_LIFE_US = 2**62
"""146,000 years: longer lives are cut to that, for a message carries 64 bits."""

WHENS: dict[bytes, When] = {b"NX": "absent", b"XX": "present"}

CONDITIONS: dict[bytes, Until] = {
    b"NX": "immortal",
    b"XX": "mortal",
    b"GT": "later",
    b"LT": "sooner",
}


def integer(word: bytes) -> int:
    """The number that a word is."""
    number = as_integer(word)
    if number is None:
        raise RespError(NOT_AN_INTEGER)
    return number


def life(word: bytes, unit: bytes, name: str) -> int:
    """How long from now a key is to live, in microseconds; the word may be a time of day."""
    number = integer(word)
    now_us = time.time_ns() // 1_000
    base_ms = 0 if unit.endswith(b"AT") else now_us // 1_000
    if number <= 0 or number * UNITS[unit] // 1_000 > MAX_END_MS - base_ms:
        raise RespError(f"ERR invalid expire time in '{name}' command")
    span = number * UNITS[unit]
    left = min(MAX_LIFE_US, span - now_us if unit.endswith(b"AT") else span)
    return left or -1  # 0 would leave the key the end that it has


@dataclass(frozen=True, slots=True)
class SetOptions:
    """What SET is asked to do besides: the command, and whether to tell the old value."""

    put: PutIf
    tell_old: bool


def read_set(command: list[bytes]) -> SetOptions:
    """SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]."""
    when: When = "always"
    tell_old = False
    end: End | None = None
    words = iter(command[3:])
    for word in words:
        option = word.upper()
        wanted = WHENS.get(option)
        if wanted is not None and when in ("always", wanted):
            when = wanted
        elif option == b"GET":
            tell_old = True
        else:
            end = read_end(option, words, end, b"KEEPTTL")
    life_us = None if end is None else 0 if end.unit == b"KEEPTTL" else end.life("set")
    return SetOptions(PutIf(command[1], command[2], when, life_us), tell_old)


@dataclass(frozen=True, slots=True)
class End:
    """What was said of the end of a key's life: in which unit, and how much of it."""

    unit: bytes
    given: bytes

    def life(self, name: str) -> int:
        """How long from now; the command's name is for the error."""
        return life(self.given, self.unit, name)


def read_end(option: bytes, words: Iterator[bytes], before: End | None, alone: bytes) -> End:
    """Read ``EX s``, ``PX ms``, ``EXAT s``, ``PXAT ms``, or the word that stands ``alone``.

    The same option may be given again, and the last one counts; two different ones may not.
    """
    if before is not None and before.unit != option:
        raise RespError(SYNTAX)
    if option == alone:
        return End(option, b"")
    given = next(words, None)
    if option not in UNITS or given is None:
        raise RespError(SYNTAX)
    return End(option, given)


def read_expire(command: list[bytes], unit: bytes, name: str) -> Expire:
    """EXPIRE key number [NX | XX | GT | LT], and EXPIREAT likewise, whose number is a time."""
    given = {word.upper() for word in command[3:]}
    for word in command[3:]:
        if word.upper() not in CONDITIONS:
            raise RespError(f"ERR Unsupported option {word.decode('utf-8', 'surrogateescape')}")
    if b"NX" in given and len(given) > 1:
        raise RespError("ERR NX and XX, GT or LT options at the same time are not compatible")
    if {b"GT", b"LT"} <= given:
        raise RespError("ERR GT and LT options at the same time are not compatible")
    end_ms = integer(command[2]) * UNITS[unit] // 1_000
    now_us = time.time_ns() // 1_000
    base_us = 0 if unit.endswith(b"AT") else now_us
    if not -MAX_END_MS - 1 <= end_ms <= MAX_END_MS - base_us // 1_000:
        raise RespError(f"ERR invalid expire time in '{name}' command")
    left = end_ms * 1_000 + base_us - now_us
    chosen = given - {b"XX"} if len(given) > 1 else given  # GT is for mortal keys anyway
    condition: Until = next((CONDITIONS[word] for word in sorted(chosen)), "always")
    condition = "shortened" if given == {b"XX", b"LT"} else condition
    return Expire(command[1], min(MAX_LIFE_US, max(0, left)), condition)


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """Where SCAN begins, how many keys it looks at, and which of them it names."""

    cursor: int
    count: int
    match: re.Pattern[bytes] | None
    type: bytes | None


def read_scan(command: list[bytes]) -> ScanOptions:
    """SCAN cursor [MATCH pattern] [COUNT number] [TYPE type]."""
    if not command[1].isdigit() or int(command[1]) >= 2**64:
        raise RespError("ERR invalid cursor")
    count, match, type = 10, None, None
    for place in range(2, len(command), 2):
        option = command[place].upper()
        if place + 1 == len(command):
            raise RespError(SYNTAX)
        word = command[place + 1]
        if option == b"COUNT":
            count = integer(word)
            if count < 1:
                raise RespError(SYNTAX)
        elif option == b"MATCH":
            match = glob(word)
        elif option == b"TYPE":
            type = word.lower()
        else:
            raise RespError(SYNTAX)
    return ScanOptions(int(command[1]), count, match, type)


def glob(pattern: bytes) -> re.Pattern[bytes]:
    """Redis' patterns: ``*``, ``?``, ``[a-c]``, ``[^a]``, and a backslash before any of them."""
    parts: list[bytes] = []
    at = 0
    while at < len(pattern):
        sign = pattern[at : at + 1]
        at += 1
        if sign == b"*":
            parts.append(b".*")
        elif sign == b"?":
            parts.append(b".")
        elif sign == b"[":
            end = pattern.find(b"]", at + 1)
            end = len(pattern) if end < 0 else end
            parts.append(_choice(pattern[at:end]))
            at = end + 1
        else:
            if sign == b"\\" and at < len(pattern):
                sign = pattern[at : at + 1]
                at += 1
            parts.append(re.escape(sign))
    return re.compile(b"".join(parts), re.DOTALL)


def _choice(inside: bytes) -> bytes:
    """One of these signs, or none of them."""
    negated = inside[:1] == b"^"
    signs = inside[1:] if negated else inside
    if not signs:
        return b"." if negated else b"(?!)"
    chosen = b""
    at = 0
    while at < len(signs):
        first = signs[at : at + 1]
        if signs[at + 1 : at + 2] == b"-" and at + 2 < len(signs):
            low, high = sorted((first, signs[at + 2 : at + 3]))
            chosen += re.escape(low) + b"-" + re.escape(high)
            at += 3
        else:
            chosen += re.escape(first)
            at += 1
    return b"[%b%b]" % (b"^" if negated else b"", chosen)
