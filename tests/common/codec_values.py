"""Classes with every kind of field, and strategies that draw values of them."""

import enum
from typing import Any, Literal, NewType

from hypothesis import strategies as st

from common.codec import JsonCodec, MessagePackCodec
from common.codec.plain import MAX_INTEGER_BITS
from common.contract import Numbered, message, operation, record, timer
from common.contract.schema import Schema
from common.values.faults import Partition

Term = NewType("Term", int)


class Role(enum.Enum):
    """Members with values of several types: they travel by name."""

    FOLLOWER = 1
    LEADER = "leader"


class Level(enum.IntEnum):
    """Members that compare equal to numbers, and must come back as members."""

    LOW = 1
    HIGH = 2


@record
class Put:
    """A command."""

    key: str
    value: bytes


@record
class Delete:
    """Another one, so that unions have something to tell apart."""

    key: str


@record
class Tree:
    """A record that contains records of its own kind."""

    label: int
    children: tuple["Tree", ...] = ()


@message
class Empty:
    """No fields at all."""


@message
class Flat:
    """Fields that msgspec can do alone."""

    text: str
    number: int
    flag: bool
    data: bytes
    nothing: None
    maybe: str | None
    term: Term
    either: int | str
    mode: Literal["fast", "safe"]


@message
class Nested:
    """Tuples and records within records."""

    pair: tuple[str, int]
    items: tuple[Put, ...]
    grid: tuple[tuple[int, ...], ...]
    last: Put | None = None


@message
class Hard:
    """Fields whose type leaves a choice."""

    anything: object
    command: Put | Delete | None
    role: Role
    level: Level
    number: float
    mixed: int | float | bytes | str | None
    choice: Literal[1, "one", True, None, Role.LEADER]
    untyped: tuple[object, ...]
    any: Any
    type: str = "the key that JSON needs for the name of the class"
    type_: str = "and the one that the first becomes"


@timer
class Tick:
    """A timer may be saved."""

    tree: Tree


@operation
class Ask:
    """An operation carries a command of any kind."""

    command: object


SCHEMA = Schema([Empty, Flat, Nested, Hard, Tick, Ask, Numbered, Partition])
CODECS = [JsonCodec(SCHEMA), MessagePackCodec(SCHEMA)]

INTEGERS = st.integers() | st.integers(-(2 ** (MAX_INTEGER_BITS - 1)), 2 ** (MAX_INTEGER_BITS - 1))
FLOATS = st.floats(allow_nan=False)
ATOMS = (
    st.none() | st.booleans() | INTEGERS | FLOATS | st.text() | st.binary()
    | st.sampled_from([*Role, *Level])
)  # fmt: skip


def tuples(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(inner, max_size=4).map(tuple)


TREES = st.recursive(
    st.builds(Tree, INTEGERS), lambda inner: st.builds(Tree, INTEGERS, tuples(inner)), max_leaves=5
)


PUTS = st.builds(Put, st.text(), st.binary())
DELETES = st.builds(Delete, st.text())
ANYTHING = st.recursive(
    ATOMS | PUTS | DELETES | TREES,
    lambda inner: (
        tuples(inner) | st.builds(Ask, inner) | st.builds(Numbered, st.text(), INTEGERS, inner)
    ),
    max_leaves=6,
)
FLATS = st.builds(
    Flat, st.text(), INTEGERS, st.booleans(), st.binary(), st.none(), st.none() | st.text(),
    INTEGERS, INTEGERS | st.text(), st.sampled_from(["fast", "safe"]),
)  # fmt: skip
NESTED = st.builds(
    Nested, st.tuples(st.text(), INTEGERS), tuples(PUTS), tuples(tuples(INTEGERS)), st.none() | PUTS
)
HARD = st.builds(
    Hard, ANYTHING, st.none() | PUTS | DELETES, st.sampled_from(Role), st.sampled_from(Level),
    FLOATS, INTEGERS | FLOATS | st.binary() | st.text() | st.none(),
    st.sampled_from([1, "one", True, None, Role.LEADER]), tuples(ANYTHING), ANYTHING,
    st.text(), st.text(),
)  # fmt: skip
VALUES = st.one_of(
    st.just(Empty()), FLATS, NESTED, HARD, st.builds(Tick, TREES), ANYTHING,
    st.builds(Partition, INTEGERS, tuples(tuples(st.text()))),
)  # fmt: skip


def same(left: Any, right: Any) -> bool:
    """Equal, and of the same types all the way down: 1, 1.0 and True are three values."""
    if type(left) is not type(right):
        return False
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if type(left) in SCHEMA and not isinstance(left, enum.Enum):
        return all(same(getattr(left, name), getattr(right, name)) for name in left.__slots__)
    if left != left:  # not a number, which is not equal to itself
        return bool(right != right)
    return bool(left == right) and str(left) == str(right)  # -0.0 == 0.0
