"""Canonical forms and copies: equal states read the same, different ones differ, none is shared."""

import enum
import io
from collections import defaultdict, deque
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from common.check.explorer.canonical import canonical
from common.check.explorer.copying import copy_state
from common.check.explorer.planted import SharedRandom, TimerName
from common.contract import Application, AtMostOnce, record
from common.values.errors import ContractError


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@record
class Entry:
    term: int
    command: object


@dataclass
class Progress:
    match: int = 0
    waiting: list[object] = field(default_factory=list)


class Register(Application):
    def __init__(self) -> None:
        self.value: object = None

    def apply(self, command: object) -> object:
        before, self.value = self.value, command
        return before

    def snapshot(self) -> object:
        return self.value

    def restore(self, snapshot: object) -> None:
        self.value = snapshot


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, left: object) -> None:
        self.left = left


class Base:
    __slots__ = ("low",)
    low: int


class Derived(Base):
    __slots__ = ("high",)
    high: int


DIFFERENT: list[Any] = [
    0, False, 0.0, "0", b"0", None, (), [], {}, set(), "", 1, True, 1.0, (1,), [1], {1}, {1: 1},
    ((1,),), deque([1]), deque([1], 3), Colour.RED, Colour.BLUE, Entry(1, "x"), Entry(1, "y"),
    Progress(), Progress(1), Register(), Slotted(1), Slotted(2), range(3), range(4), int, str,
    bytearray(b"0"), Random(1), Random(2), len, max,
]  # fmt: skip


def test_different_values_have_different_forms() -> None:
    forms = [canonical(value) for value in DIFFERENT]
    assert len(set(forms)) == len(DIFFERENT)


def test_equal_values_have_equal_forms_whatever_the_order_they_were_made_in() -> None:
    assert canonical({"b": 1, "a": 2}) == canonical({"a": 2, "b": 1})
    assert canonical({3, 1, "x"}) == canonical({"x", 1, 3})
    assert canonical({(1, "a"): 1, "k": 2}) == canonical({"k": 2, (1, "a"): 1})
    assert canonical(Entry(1, ("x", 2))) == canonical(Entry(1, ("x", 2)))
    assert canonical(defaultdict(int, a=1)) == canonical({"a": 1})
    assert canonical(AtMostOnce(Register())) == canonical(AtMostOnce(Register()))
    assert canonical(Progress().waiting.append) != canonical(Progress().waiting.pop)


def test_closures_differ_by_what_they_closed_over() -> None:
    def adding(number: int) -> object:
        return lambda other: number + other

    assert canonical(adding(1)) == canonical(adding(1))
    assert canonical(adding(1)) != canonical(adding(2))


@pytest.mark.parametrize("value", [(n for n in range(3)), iter([1]), io.StringIO()])
def test_what_cannot_be_compared_is_refused_with_advice(value: object) -> None:
    with pytest.raises(ContractError, match="can neither copy nor compare"):
        canonical({"state": [value]})


def test_slots_of_base_classes_count() -> None:
    one, other = Derived(), Derived()
    one.low = one.high = other.high = 1
    other.low = 2
    assert canonical(one) != canonical(other)
    other.low = 1
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize("value", DIFFERENT, ids=lambda value: type(value).__name__)
def test_a_copy_has_the_same_form_and_the_same_class(value: object) -> None:
    copied = copy_state(value)
    assert canonical(copied) == canonical(value)
    assert type(copied) is type(value)


def test_a_copy_shares_what_cannot_change_and_nothing_else() -> None:
    entry = Entry(1, ("x", 2))
    state = {"log": [entry], "progress": {"n2": Progress(3, [entry])}, "app": Register()}
    copied: Any = copy_state(state)
    assert copied["log"][0] is entry
    assert copied["progress"]["n2"].waiting[0] is entry
    before = canonical(state)
    copied["log"].append(entry)
    copied["progress"]["n2"].waiting.clear()
    copied["app"].apply("new")
    assert canonical(state) == before


def test_a_frozen_value_that_holds_a_changeable_one_is_copied() -> None:
    entry = Entry(1, [2])
    copied = copy_state(entry)
    assert copied == entry
    assert copied.command is not entry.command


def test_what_is_one_object_in_the_original_is_one_object_in_the_copy() -> None:
    shared = Progress()
    loop: list[object] = [shared]
    loop.append(loop)
    copied: Any = copy_state({"one": shared, "two": shared, "loop": loop})
    assert copied["one"] is copied["two"] is copied["loop"][0]
    assert copied["loop"] is copied["loop"][1]
    assert copied["one"] is not shared


def test_a_copy_renames_timers_wherever_they_are_kept() -> None:
    state = {"timer": TimerName(7), TimerName(9): [Entry(1, TimerName(7))], "plain": 7}
    new = {7: TimerName(1), 9: TimerName(2)}
    copied: Any = copy_state(state, lambda name: new[name])
    assert copied == {"timer": 1, 2: [Entry(1, 1)], "plain": 7}


def test_counting_on_from_a_timer_name_gives_a_timer_name() -> None:
    name = TimerName(3)
    name += 1
    assert type(name) is TimerName
    assert name == 4


def test_random_numbers_are_a_function_of_the_name_of_the_step() -> None:
    def drawn(name: str) -> list[float]:
        random.name_step(lambda: name)
        return [random.random(), random.randrange(100), random.choice("abc") == "a"]

    random = SharedRandom()
    assert not random.drawn
    assert drawn("one") == drawn("one")
    assert drawn("one") != drawn("two")
    assert random.drawn
