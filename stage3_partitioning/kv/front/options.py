"""How SET, EXPIRE and SCAN are written: words to what the node understands."""

import re
import time
from dataclasses import dataclass

from stage3_partitioning.kv.commands import Expire, PutIf, Until, When
from stage3_partitioning.kv.front.replies import RespError
from stage3_partitioning.kv.store import as_integer

SYNTAX = "ERR syntax error"
NOT_AN_INTEGER = "ERR value is not an integer or out of range"

UNITS = {b"EX": 1_000_000, b"PX": 1_000, b"EXAT": 1_000_000, b"PXAT": 1_000}
"""Microseconds."""

MAX_END_MS = 2**63 - 1
MAX_LIFE_US = 2**62
"""146,000 years: longer lives are cut to that, for a message carries 64 bits."""

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
    return min(MAX_LIFE_US, span - now_us if unit.endswith(b"AT") else span)


@dataclass(frozen=True, slots=True)
class SetOptions:
    """What SET is asked to do besides: the command, and whether to tell the old value."""

    put: PutIf
    tell_old: bool


def read_set(command: list[bytes]) -> SetOptions:
    """SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]."""
    when: When = "always"
    life_us: int | None = None
    ends = tell_old = False
    words = iter(command[3:])
    for word in words:
        option = word.upper()
        if option in (b"NX", b"XX") and when == "always":
            when = "absent" if option == b"NX" else "present"
        elif option == b"GET":
            tell_old = True
        elif option == b"KEEPTTL" and not ends:
            ends, life_us = True, 0
        elif option in UNITS and not ends:
            value = next(words, None)
            if value is None:
                raise RespError(SYNTAX)
            ends, unit, given = True, option, value
            life_us = -1
        else:
            raise RespError(SYNTAX)
    if life_us == -1:
        life_us = life(given, unit, "set")
    return SetOptions(PutIf(command[1], command[2], when, life_us), tell_old)


def read_expire(command: list[bytes], unit_us: int, name: str) -> Expire:
    """EXPIRE key number [NX | XX | GT | LT]."""
    number = integer(command[2])
    given = {word.upper() for word in command[3:]}
    for word in command[3:]:
        if word.upper() not in CONDITIONS:
            raise RespError(f"ERR Unsupported option {word.decode('utf-8', 'surrogateescape')}")
    if b"NX" in given and len(given) > 1:
        raise RespError("ERR NX and XX, GT or LT options at the same time are not compatible")
    if {b"GT", b"LT"} <= given:
        raise RespError("ERR GT and LT options at the same time are not compatible")
    now_ms = time.time_ns() // 1_000_000
    if number * unit_us // 1_000 > MAX_END_MS - now_ms or number * unit_us // 1_000 < -MAX_END_MS:
        raise RespError(f"ERR invalid expire time in '{name}' command")
    chosen = given - {b"XX"} if len(given) > 1 else given  # GT is for mortal keys anyway
    condition: Until = next((CONDITIONS[word] for word in sorted(chosen)), "always")
    condition = "shortened" if given == {b"XX", b"LT"} else condition
    return Expire(command[1], min(MAX_LIFE_US, max(0, number * unit_us)), condition)


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """Where SCAN begins, how many keys it looks at, and which of them it names."""

    cursor: int
    count: int
    match: re.Pattern[bytes] | None
    strings: bool


def read_scan(command: list[bytes]) -> ScanOptions:
    """SCAN cursor [MATCH pattern] [COUNT number] [TYPE type]."""
    if not command[1].isdigit() or int(command[1]) >= 2**64:
        raise RespError("ERR invalid cursor")
    count, match, strings = 10, None, True
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
            strings = word.lower() == b"string"
        else:
            raise RespError(SYNTAX)
    return ScanOptions(int(command[1]), count, match, strings)


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
