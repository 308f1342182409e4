"""The commands about lists: what only looks takes the whole list and cuts it here."""

from collections.abc import Callable, Sequence
from typing import Any

from common.runtime.resp.replies import NoArray, RespError, Value
from common.runtime.resp.words import arity_problem, text
from stage3_partitioning.kv.commands import WRONG_KIND, Look, Push, Side, When
from stage3_partitioning.kv.front.options import NOT_AN_INTEGER, SYNTAX, integer
from stage3_partitioning.kv.front.plans import (
    Plan,
    Tell,
    Words,
    tell_first,
    tell_last,
    tell_ok,
    told,
)
from stage3_partitioning.kv.front_commands import (
    InsertElement,
    MoveElement,
    Pop,
    RemoveElements,
    SetElement,
    Trim,
)
from stage3_partitioning.kv.lists import NO_SUCH_KEY, Elements, part, places_of
from stage3_partitioning.kv.store import as_integer

SIDES: dict[bytes, Side] = {b"LEFT": "left", b"RIGHT": "right"}
BESIDE: dict[bytes, Side] = {b"BEFORE": "left", b"AFTER": "right"}

RANK_ZERO = (
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use "
    "negative to start from the end of the list"
)


def _of_list(make: Callable[[Elements], Value], without: Value) -> Tell:
    """Reply with what is made of a list; ``without`` if there is no such key."""

    def tell(results: Sequence[Any]) -> Value:
        held = results[0]
        if held is None:
            return without
        return make(held) if isinstance(held, tuple) else told(WRONG_KIND)

    return tell


def _push(side: Side, when: When) -> Callable[[Words], Plan]:
    return lambda words: Plan((Push(words[1], tuple(words[2:]), side, when),), tell_first)


def _pop(side: Side) -> Callable[[Words], Plan]:
    """LPOP key [count]."""

    def one(results: Sequence[Any]) -> Value:
        return results[0][0] if isinstance(results[0], tuple) else told(results[0])

    def several(results: Sequence[Any]) -> Value:
        return NoArray() if results[0] is None else told(results[0])

    def plan(words: Words) -> Plan:
        if len(words) > 3:
            raise RespError(arity_problem(text(words[0]).lower()))
        if len(words) == 2:
            return Plan((Pop(words[1], side, 1),), one)
        count = _at_least_0(words[2], "value is out of range, must be positive")
        return Plan((Pop(words[1], side, count),), several)

    return plan


def _at_least_0(word: bytes, problem: str) -> int:
    number = as_integer(word)
    if number is None or number < 0:
        raise RespError(f"ERR {problem}")
    return number


def _side(word: bytes, sides: dict[bytes, Side]) -> Side:
    side = sides.get(word.upper())
    if side is None:
        raise RespError(SYNTAX)
    return side


def _llen(words: Words) -> Plan:
    return Plan((Look(words[1]),), _of_list(len, 0))


def _lrange(words: Words) -> Plan:
    first, last = integer(words[2]), integer(words[3])
    return Plan((Look(words[1]),), _of_list(lambda elements: part(elements, first, last), ()))


def _lindex(words: Words) -> Plan:
    """LINDEX key index. Like Redis: where no list is, the index does not matter."""
    index = as_integer(words[2])

    def element(elements: Elements) -> Value:
        if index is None:
            return RespError(NOT_AN_INTEGER)
        return elements[index] if -len(elements) <= index < len(elements) else None

    return Plan((Look(words[1]),), _of_list(element, None))


def _lset(words: Words) -> Plan:
    index = as_integer(words[2])
    if index is None:  # like Redis: the key comes first
        problem = RespError(NOT_AN_INTEGER)
        return Plan((Look(words[1]),), _of_list(lambda _: problem, told(NO_SUCH_KEY)))
    return Plan((SetElement(words[1], index, words[3]),), tell_ok)


def _lrem(words: Words) -> Plan:
    return Plan((RemoveElements(words[1], words[3], integer(words[2])),), tell_first)


def _ltrim(words: Words) -> Plan:
    return Plan((Trim(words[1], integer(words[2]), integer(words[3])),), tell_ok)


def _linsert(words: Words) -> Plan:
    """LINSERT key BEFORE | AFTER pivot element."""
    side = _side(words[2], BESIDE)
    return Plan((InsertElement(words[1], words[3], words[4], side),), tell_first)


def _lpos(words: Words) -> Plan:
    """LPOS key element [RANK rank] [COUNT matches] [MAXLEN compared]."""
    rank, most, looked_at = 1, None, 0
    for at in range(3, len(words), 2):
        option = words[at].upper()
        if option not in (b"RANK", b"COUNT", b"MAXLEN") or at + 1 == len(words):
            raise RespError(SYNTAX)
        word = words[at + 1]
        if option == b"RANK":
            rank = integer(word)
            if rank == 0:
                raise RespError(RANK_ZERO)
        elif option == b"COUNT":
            most = _at_least_0(word, "COUNT can't be negative")
        else:
            looked_at = _at_least_0(word, "MAXLEN can't be negative")

    def places(elements: Elements) -> Value:
        wanted = 1 if most is None else most
        found = places_of(elements, words[2], rank, wanted, looked_at)
        return found if most is not None else found[0] if found else None

    return Plan((Look(words[1]),), _of_list(places, None if most is None else ()))


def _lmove(words: Words) -> Plan:
    """LMOVE source destination LEFT | RIGHT LEFT | RIGHT."""
    take, put = _side(words[3], SIDES), _side(words[4], SIDES)
    return Plan((Look(words[2]), MoveElement(words[1], words[2], take, put)), tell_last)


def _rpoplpush(words: Words) -> Plan:
    return Plan((Look(words[2]), MoveElement(words[1], words[2], "right", "left")), tell_last)


PLANS: dict[str, Callable[[Words], Plan]] = {
    "lpush": _push("left", "always"),
    "rpush": _push("right", "always"),
    "lpushx": _push("left", "present"),
    "rpushx": _push("right", "present"),
    "lpop": _pop("left"),
    "rpop": _pop("right"),
    "llen": _llen,
    "lrange": _lrange,
    "lindex": _lindex,
    "lset": _lset,
    "lrem": _lrem,
    "ltrim": _ltrim,
    "linsert": _linsert,
    "lpos": _lpos,
    "lmove": _lmove,
    "rpoplpush": _rpoplpush,
}
"""By name of the command."""
