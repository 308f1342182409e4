"""Lists in the lab ``kv``: like plain lists, pushed to once whatever fails, whole after a move."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from common.codec import MAX_FRAME, MessagePackCodec
from common.contract.schema import Schema
from common.sim import Simulation
from common.sim.workload import Workload
from common.values.faults import Block, Crash, Fault, Heal, Link, Restart, Schedule
from common.values.history import Failed, Ok
from common.values.units import MS, SECOND
from stage3_partitioning.kv.client import StoreClient
from stage3_partitioning.kv.commands import (
    ELEMENT,
    MAX_VALUE,
    WRONG_KIND,
    AddNode,
    Append,
    CompareAndSet,
    Delete,
    Expire,
    Get,
    Increment,
    Look,
    Problem,
    Push,
    Put,
    PutIf,
    RemoveNode,
    Side,
    TimeToLive,
)
from stage3_partitioning.kv.front_commands import (
    Expect,
    IfText,
    IncrementFloat,
    InsertElement,
    MoveElement,
    Pop,
    RemoveElements,
    Rename,
    SetElement,
    Trim,
)
from stage3_partitioning.kv.fronted import carry_out_together
from stage3_partitioning.kv.lists import NO_SUCH_KEY, OUT_OF_RANGE, part, places_of
from stage3_partitioning.kv.messages import Batch, Handed, Request
from stage3_partitioning.kv.ownership import cut
from stage3_partitioning.kv.server import StoreNode
from stage3_partitioning.kv.slots import key_slot
from stage3_partitioning.kv.store import Item, Store, carry_out

KEY, OTHER = b"l", b"{l}2"
SIDES: tuple[Side, Side] = ("left", "right")
SLOTS = 16
NODES = ("n1", "n2", "n3", "n4")


def do(store: Store, *commands: Any, now: int = 0) -> Any:
    """The result of the last of these commands, carried out together."""
    return carry_out_together(store, commands, now)[-1]


class DumbList:
    """Two lists of Python, and the commands as loops."""

    def __init__(self) -> None:
        self.held: dict[bytes, list[bytes]] = {KEY: [], OTHER: []}

    def apply(self, command: Any) -> object:
        """Carry out a command; its result as the node's."""
        held = self.held[command.key]
        match command:
            case Push(_, values, side, when):
                if when == "present" and not held:
                    return 0
                for value in values:
                    held.insert(len(held) if side == "right" else 0, value)
                return len(held)
            case Pop(_, side, count):
                if not held:
                    return None
                turns = range(min(count, len(held)))
                return tuple(held.pop(0 if side == "left" else -1) for _ in turns)
            case SetElement(_, index, value):
                if not held:
                    return NO_SUCH_KEY
                if index >= len(held) or index < -len(held):
                    return OUT_OF_RANGE
                held[index] = value
                return None
            case RemoveElements(_, value, count):
                return self._remove(held, value, count)
            case Trim(_, first, last):
                kept = [held[at] for at in indexes(len(held), first, last)]
                held[:] = kept
                return None
            case InsertElement(_, pivot, value, side):
                for at, each in enumerate(held):
                    if each == pivot:
                        held.insert(at if side == "left" else at + 1, value)
                        return len(held)
                return -1 if held else 0
            case MoveElement(_, to, take, put):
                if not held:
                    return None
                element = held.pop(0 if take == "left" else -1)
                there = self.held[to]
                there.insert(0 if put == "left" else len(there), element)
                return element
        return tuple(held) or None

    def _remove(self, held: list[bytes], value: bytes, count: int) -> int:
        removed = 0
        while value in held and (count == 0 or removed < abs(count)):
            if count < 0:
                held.reverse()
            held.remove(value)
            if count < 0:
                held.reverse()
            removed += 1
        return removed


def indexes(length: int, first: int, last: int) -> Sequence[int]:
    """The indexes from one to another, both included, of a list of this length."""
    wanted = (first + length if first < 0 else first, last + length if last < 0 else last)
    return [at for at in range(length) if wanted[0] <= at <= wanted[1]]


def some_command(random: Random) -> Any:
    """A command about one of two lists."""
    key, other = random.sample((KEY, OTHER), 2)
    value, number = random.choice((b"x", b"y", b"z")), random.randint(-6, 6)
    side, put = random.choice(SIDES), random.choice(SIDES)
    return random.choice(
        [
            Push(key, (value,) * random.randint(1, 2) + (b"%d" % number,), side),
            Push(key, (value,), side, "present"),
            Pop(key, side, random.choice((0, 1, 1, 2, 9))),
            SetElement(key, number, value),
            RemoveElements(key, value, random.randint(-2, 2)),
            Trim(key, number, random.randint(-6, 6)),
            InsertElement(key, value, b"new", side),
            MoveElement(key, random.choice((key, other)), side, put),
            Look(key),
        ]
    )


@pytest.mark.parametrize("seed", range(20))
def test_a_list_is_like_a_plain_list_and_gone_when_it_is_empty(seed: int) -> None:
    random, store, dumb = Random(seed), Store(SLOTS), DumbList()
    for _ in range(150):
        command = some_command(random)
        told, expected = do(store, command), dumb.apply(command)
        assert told == expected, f"{command}: {told}, and it should be {expected}"
        for key, held in dumb.held.items():
            assert do(store, Look(key)) == (tuple(held) or None)
    assert len(store) == sum(map(bool, dumb.held.values())), "an empty list is no key"


@pytest.mark.parametrize("seed", range(5))
def test_parts_and_places_of_a_list_are_those_that_loops_find(seed: int) -> None:
    random = Random(seed)
    for _ in range(200):
        elements = tuple(random.choices((b"a", b"b"), k=random.randint(0, 6)))
        first, last = random.randint(-8, 8), random.randint(-8, 8)
        expected = tuple(elements[at] for at in indexes(len(elements), first, last))
        assert part(elements, first, last) == expected
        rank, most, looked_at = random.choice((-3, -2, -1, 1, 2, 3)), first % 4, last % 5
        at = [n for n, each in enumerate(elements) if each == b"a"]
        if rank < 0:
            at = [n for n in reversed(at) if not looked_at or n >= len(elements) - looked_at]
        else:
            at = [n for n in at if not looked_at or n < looked_at]
        at = at[abs(rank) - 1 :]
        told = places_of(elements, b"a", rank, most, looked_at)
        assert told == (at[:most] if most else at), f"{elements}, {rank}, {most}, {looked_at}"


def test_a_command_about_the_other_kind_changes_nothing() -> None:
    store = Store(SLOTS)
    do(store, Push(KEY, (b"1",)), Put(OTHER, b"1"))
    about_texts = (
        Get(KEY),
        Append(KEY, b"1"),
        Increment(KEY),
        CompareAndSet(KEY, None, b"1"),
        IncrementFloat(KEY, b"1"),
        IfText(KEY, Put(KEY, b"1")),
        IfText(KEY, Delete(KEY)),
    )
    about_lists = (
        Push(OTHER, (b"1",)),
        Pop(OTHER, "left", 1),
        SetElement(OTHER, 0, b"1"),
        RemoveElements(OTHER, b"1", 0),
        Trim(OTHER, 5, 6),
        InsertElement(OTHER, b"1", b"2", "left"),
        MoveElement(OTHER, KEY, "left", "left"),
        MoveElement(KEY, OTHER, "left", "left"),
    )
    store.changed.clear()
    for command in (*about_texts, *about_lists):
        assert do(store, command) == WRONG_KIND, f"{command}"
    assert not store.changed
    assert do(store, Look(KEY)) == (b"1",)
    assert do(store, Look(OTHER)) == b"1"
    assert do(store, PutIf(KEY, b"2", "absent")) is False
    assert do(store, Put(KEY, b"2"), Get(KEY)) == b"2", "a text may take the place of a list"


def test_a_list_keeps_the_end_of_its_life_until_it_is_empty() -> None:
    store = Store(SLOTS)
    do(store, Push(KEY, (b"1", b"2", b"3")), Expire(KEY, 100))
    for command in (
        Push(KEY, (b"4",), "left"),
        Pop(KEY, "right", 1),
        SetElement(KEY, 0, b"5"),
        InsertElement(KEY, b"5", b"6", "left"),
        RemoveElements(KEY, b"1", 0),
        Trim(KEY, 0, 1),
        MoveElement(KEY, KEY, "left", "right"),
    ):
        do(store, command)
        assert do(store, TimeToLive(KEY), now=40) == 60, f"{command}"
    do(store, MoveElement(KEY, OTHER, "left", "left"))
    assert do(store, TimeToLive(OTHER)) == -1, "the element moves, its life does not"
    assert do(store, Rename(KEY, OTHER), TimeToLive(OTHER), now=50) == 50
    assert do(store, Pop(OTHER, "left", 9), Push(OTHER, (b"7",)), TimeToLive(OTHER)) == -1
    do(store, Expire(OTHER, 10))
    assert do(store, Look(OTHER), now=10) is None
    assert do(store, Push(OTHER, (b"8",), when="present"), now=10) == 0


def test_a_front_that_expected_another_list_has_nothing_carried_out() -> None:
    store = Store(SLOTS)
    do(store, Push(KEY, (b"1",)))
    assert do(store, Expect(KEY, (b"1",)), Push(KEY, (b"2",))) == 2
    assert carry_out_together(store, (Expect(KEY, (b"1",)), Pop(KEY, "left", 1)), 0) == (False,)


def test_a_list_of_a_million_elements_is_refused_with_the_bound_and_memory_is_bounded() -> None:
    store, pushed = Store(SLOTS), 0
    for _ in range(1000):
        told = carry_out(store, Push(KEY, (b"",) * 1000), 0)
        if isinstance(told, Problem):
            break
        pushed += 1000
    assert isinstance(told, Problem)
    assert f"at most {MAX_VALUE}; each element of a list counts {ELEMENT} more" in told.text
    assert MAX_VALUE // ELEMENT - 1000 < pushed <= MAX_VALUE // ELEMENT
    assert len(do(store, Look(KEY))) == pushed, "a problem changes nothing"
    assert isinstance(do(store, InsertElement(KEY, b"", b"x" * 9999, "left")), Problem)
    do(store, Push(OTHER, (b"x" * 9999,)))
    assert isinstance(do(store, MoveElement(OTHER, KEY, "left", "left")), Problem)
    assert do(store, Look(OTHER)) == (b"x" * 9999,), "nothing was taken where it was not put"


def test_the_longest_lists_fit_into_a_frame_and_a_batch_counts_their_elements() -> None:
    codec = MessagePackCodec(Schema.of(StoreNode))
    longest = (b"",) * (MAX_VALUE // ELEMENT)
    assert Item(longest).size <= MAX_VALUE
    pushed = codec.encode(Request(1, Push(KEY, longest)))
    assert len(pushed) < MAX_FRAME
    assert codec.decode(pushed) == Request(1, Push(KEY, longest))
    batch = Batch(1, (1, b""), (2, b""), (Handed(KEY, (b"a", b"b"), 1), Handed(OTHER, b"c", 1)), ())
    assert codec.decode(codec.encode(batch)) == batch
    store = Store(SLOTS)
    for number in range(4):
        carry_out(store, Push(b"{l}%d" % number, (b"x" * 100,) * 10), 0)
    end, batches = (SLOTS, b""), 0
    begin = (0, b"")
    while begin != end:
        begin, batches = cut(store, {}, begin, end, 64, 3000), batches + 1
    assert batches == 2, "two lists of some 1,400 bytes fit into 3,000"


# In the simulator.


def cluster(seed: int, faults: Sequence[Fault] = (), **client: Any) -> Simulation:
    """Four nodes of which three hold slots, three clients, and an operator. Batches are small."""
    config: dict[str, Any] = {"slots": SLOTS, "shards": ("n1", "n2", "n3"), "batch_keys": 1}
    return Simulation(
        dict.fromkeys(NODES, lambda id, peers: StoreNode(id, peers, run_slots=4, **config)),
        dict.fromkeys(
            ("c1", "c2", "operator"),
            lambda id, peers: StoreClient(id, peers, slots=SLOTS, **client),
        ),
        seed=seed,
        schedule=Schedule(faults),
    )


def ask(simulation: Simulation, operation: object, client: str = "c1") -> Any:
    """What an operation ends with."""
    asked = simulation.call(client, operation)
    simulation.run(simulation.now + 2 * SECOND)
    assert isinstance(asked.outcome, Ok), f"{operation}: {asked.outcome}"
    return asked.outcome.value


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_push_repeated_after_its_slot_has_moved_and_all_have_crashed_is_done_once(
    side: Side,
) -> None:
    simulation = cluster(1, ask_again_after=1500 * MS)
    key = next(key for key in (b"list %d" % n for n in range(99)) if key_slot(key, SLOTS) == 8)
    assert ask(simulation, Push(key, (b"a",))) == 1
    for node in NODES:
        simulation.inject(Block(0, node, "c1"))
    asked = simulation.call("c1", Push(key, (b"b", b"c"), side))
    pushed = (b"a", b"b", b"c") if side == "right" else (b"c", b"b", b"a")
    simulation.run(simulation.now + 300 * MS)
    assert simulation.call("operator", RemoveNode("n2"))
    simulation.run(simulation.now + 600 * MS)
    for node in NODES:
        simulation.inject(Crash(0, node))
        simulation.inject(Restart(0, node))
    assert ask(simulation, Look(key), "c2") == pushed, "pushed, elsewhere now, and still unheard"
    assert asked.returned_at is None
    simulation.inject(Heal(0))
    simulation.run(simulation.now + 5 * SECOND)
    assert asked.outcome == Ok(3), "the first result"
    assert ask(simulation, Look(key), "c2") == pushed
    holder = simulation.nodes["n1"]
    assert isinstance(holder, StoreNode)
    assert holder.owners[8] != "n2", "its slot has moved"


@pytest.mark.parametrize("seed", range(1, 7))
def test_every_push_that_was_acknowledged_is_there_once_whatever_comes_and_goes(seed: int) -> None:
    random = Random(seed)
    faults: list[Fault] = [Link(0, loss=0.1, duplicate=0.2, latency=(1 * MS, 30 * MS))]
    for node in NODES:
        at = random.randrange(200 * MS, 2 * SECOND)
        faults += [Crash(at, node), Restart(at + 100 * MS, node)]
    faults.append(Link(3 * SECOND))
    simulation = cluster(seed, sorted(faults, key=lambda fault: fault.at))
    keys = [b"list %d" % number for number in range(6)]

    def pushes(random: Random, client: str, number: int) -> object:
        value = f"{client}.{number}".encode()
        return Push(random.choice(keys), (value,), random.choice(SIDES))

    def changes(random: Random, client: str, number: int) -> object:
        return (AddNode("n4"), RemoveNode("n1"), AddNode("n1"))[number % 3]

    options: dict[str, Any] = {"patience": 20 * SECOND}
    Workload(simulation, pushes, count=40, think=(0, 80 * MS), clients=("c1", "c2"), **options)
    Workload(
        simulation, changes, count=3, think=(300 * MS, 500 * MS), clients=("operator",), **options
    )
    simulation.run(12 * SECOND)
    pushed = [each for each in simulation.history if each.function == "push"]
    assert sum(isinstance(each.outcome, Ok) for each in pushed) >= 70, "nearly all got through"
    for key in keys:
        there = list(ask(simulation, Look(key), "c2") or ())
        assert len(there) == len(set(there)), f"something was pushed twice: {there}"
        mine = [each for each in pushed if each.key == key and isinstance(each.outcome, Ok)]
        arguments: list[Any] = [each.argument for each in mine]
        lost = {values[0] for values, _, _ in arguments} - set(there)
        assert not lost, f"acknowledged, and lost: {lost}"


def test_a_client_does_not_send_what_is_too_long() -> None:
    simulation = cluster(1)
    asked = simulation.call("c1", Push(KEY, (b"",) * (MAX_VALUE // ELEMENT + 1)))
    simulation.run(SECOND)
    assert isinstance(asked.outcome, Failed)
    assert ask(simulation, Push(KEY, ())) == 0
    assert ask(simulation, Look(KEY)) is None, "a list of nothing is no key"
