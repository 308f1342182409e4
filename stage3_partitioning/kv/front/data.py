"""The commands about keys: each becomes commands for the node, and a way to tell their results."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from common.runtime.resp.replies import RespError, Simple, Value
from stage3_partitioning.kv.commands import (
    Append,
    Delete,
    Expire,
    Get,
    Increment,
    Look,
    Problem,
    Put,
    PutIf,
    TimeToLive,
)
from stage3_partitioning.kv.front.options import (
    End,
    integer,
    life,
    read_end,
    read_expire,
    read_set,
)
from stage3_partitioning.kv.front.plans import (
    OK,
    Plan,
    Tell,
    Words,
    tell_first,
    tell_last,
    tell_ok,
    told,
)
from stage3_partitioning.kv.front_commands import IfText, IncrementFloat, Rename


def _of_text(make: Callable[[bytes | None], Value]) -> Tell:
    """Reply with what is made of a text, or of None; a problem stays one."""

    def tell(results: Sequence[Any]) -> Value:
        held = results[0]
        return told(held) if isinstance(held, Problem) else make(held)

    return tell


NO_KEY = -2
"""How long a key has to live that is not there."""


def _count(results: Sequence[Any]) -> Value:
    return sum(1 for each in results if each not in (None, False))


def _get(words: Words) -> Plan:
    return Plan((Get(words[1]),), tell_first)


def _set(words: Words) -> Plan:
    if len(words) == 3:
        return Plan((Put(words[1], words[2]),), tell_ok)
    options = read_set(words)
    if options.tell_old:
        return Plan((Get(words[1]), IfText(words[1], options.put)), _old_or_problem)
    return Plan((options.put,), _ok_or_nothing)


def _old_or_problem(results: Sequence[Any]) -> Value:
    return told(results[1] if isinstance(results[1], Problem) else results[0])


def _ok_or_nothing(results: Sequence[Any]) -> Value:
    return OK if results[0] is True else told(results[0] or None)


def _setnx(words: Words) -> Plan:
    return Plan((PutIf(words[1], words[2], "absent"),), tell_first)


def _setex(words: Words) -> Plan:
    return Plan((PutIf(words[1], words[3], "always", life(words[2], b"EX", "setex")),), tell_ok)


def _psetex(words: Words) -> Plan:
    return Plan((PutIf(words[1], words[3], "always", life(words[2], b"PX", "psetex")),), tell_ok)


def _getset(words: Words) -> Plan:
    put = Put(words[1], words[2])
    return Plan((Get(words[1]), IfText(words[1], put)), _old_or_problem)


def _getdel(words: Words) -> Plan:
    return Plan((Get(words[1]), IfText(words[1], Delete(words[1]))), tell_first)


def _append(words: Words) -> Plan:
    return Plan((Append(words[1], words[2]),), tell_first)


def _strlen(words: Words) -> Plan:
    return Plan((Get(words[1]),), _of_text(lambda text: len(text or b"")))


def _incr(words: Words) -> Plan:
    return Plan((Increment(words[1], 1),), tell_first)


def _decr(words: Words) -> Plan:
    return Plan((Increment(words[1], -1),), tell_first)


def _incrby(words: Words) -> Plan:
    return Plan((Increment(words[1], integer(words[2])),), tell_first)


def _decrby(words: Words) -> Plan:
    number = integer(words[2])
    if number == -(2**63):
        raise RespError("ERR decrement would overflow")
    return Plan((Increment(words[1], -number),), tell_first)


def _incrbyfloat(words: Words) -> Plan:
    return Plan((IncrementFloat(words[1], words[2]),), tell_first)


def _getrange(words: Words) -> Plan:
    first, last = integer(words[2]), integer(words[3])

    def cut(text: bytes | None) -> bytes:
        value = text or b""
        start, end = (at if at >= 0 else max(0, len(value) + at) for at in (first, last))
        return b"" if first < 0 and last < 0 and first > last else value[start : end + 1]

    return Plan((Get(words[1]),), _of_text(cut))


def _rename(words: Words) -> Plan:
    rename = Rename(words[1], words[2])
    return Plan((Look(words[2]), rename), lambda results: tell_ok(results[1:]))


def _renamenx(words: Words) -> Plan:
    return Plan((Look(words[2]), Rename(words[1], words[2], "absent")), tell_last)


def _mget(words: Words) -> Plan:
    def tell(results: Sequence[Any]) -> Value:
        return [None if isinstance(each, Problem) else each for each in results]

    return Plan(tuple(map(Get, words[1:])), tell)


def _mset(words: Words) -> Plan:
    if len(words) % 2 == 0:
        raise RespError("ERR wrong number of arguments for 'mset' command")
    pairs = zip(words[1::2], words[2::2], strict=True)
    return Plan(tuple(Put(key, value) for key, value in pairs), tell_ok)


def _del(words: Words) -> Plan:
    return Plan(tuple(map(Delete, words[1:])), _count)


def _exists(words: Words) -> Plan:
    there = tuple(map(TimeToLive, words[1:]))
    return Plan(there, lambda results: sum(each != NO_KEY for each in results))


def _type(words: Words) -> Plan:
    kinds: dict[type, str] = {bytes: "string", tuple: "list"}
    return Plan((Look(words[1]),), lambda results: Simple(kinds.get(type(results[0]), "none")))


def _expiring(unit: bytes, name: str) -> Callable[[Words], Plan]:
    return lambda words: Plan((read_expire(words, unit, name),), tell_first)


def _getex(words: Words) -> Plan:
    """GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]."""
    get, rest = Get(words[1]), iter(words[2:])
    end: End | None = None
    for word in rest:
        end = read_end(word.upper(), rest, end, b"PERSIST")
    if end is None:
        return Plan((get,), tell_first)
    if end.unit == b"PERSIST":
        return Plan((get, IfText(words[1], Expire(words[1], None))), tell_first)
    try:
        left = end.life("getex")
    except RespError as refusal:
        text = refusal  # like Redis: where no key is, its end does not matter
        return Plan((get,), _of_text(lambda held: None if held is None else text))
    return Plan((get, IfText(words[1], Expire(words[1], max(0, left)))), tell_first)


def _when(unit_us: int) -> Callable[[Words], Plan]:
    """When is a key's end, by the clock on the wall?"""

    def tell(results: Sequence[Any]) -> Value:
        left: int = results[0]
        if left < 0:
            return left
        now_us = time.time_ns() // 1_000
        return (now_us + left + unit_us // 2) // unit_us

    return lambda words: Plan((TimeToLive(words[1]),), tell)


def _persist(words: Words) -> Plan:
    return Plan((Expire(words[1], None),), tell_first)


def _ttl(words: Words) -> Plan:
    def seconds(results: Sequence[Any]) -> Value:
        left: int = results[0]
        return left if left < 0 else (left // 1_000 + 500) // 1_000

    return Plan((TimeToLive(words[1]),), seconds)


def _pttl(words: Words) -> Plan:
    def milliseconds(results: Sequence[Any]) -> Value:
        left: int = results[0]
        return left if left < 0 else left // 1_000

    return Plan((TimeToLive(words[1]),), milliseconds)


PLANS: dict[str, Callable[[Words], Plan]] = {
    "get": _get,
    "set": _set,
    "setnx": _setnx,
    "setex": _setex,
    "psetex": _psetex,
    "getset": _getset,
    "getdel": _getdel,
    "append": _append,
    "strlen": _strlen,
    "incr": _incr,
    "decr": _decr,
    "incrby": _incrby,
    "decrby": _decrby,
    "incrbyfloat": _incrbyfloat,
    "getrange": _getrange,
    "substr": _getrange,
    "rename": _rename,
    "renamenx": _renamenx,
    "mget": _mget,
    "mset": _mset,
    "del": _del,
    "unlink": _del,
    "exists": _exists,
    "touch": _exists,
    "type": _type,
    "getex": _getex,
    "expire": _expiring(b"EX", "expire"),
    "pexpire": _expiring(b"PX", "pexpire"),
    "expireat": _expiring(b"EXAT", "expireat"),
    "pexpireat": _expiring(b"PXAT", "pexpireat"),
    "expiretime": _when(1_000_000),
    "pexpiretime": _when(1_000),
    "persist": _persist,
    "ttl": _ttl,
    "pttl": _pttl,
}
"""By name of the command."""
