"""SCAN in the lab ``kv``: what it promises while slots move away from the node that is scanned."""

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest

from common.contract import Effect, Invoke, Receive, Return, Send, Start
from common.course.suites.kit import effects_of
from stage3_partitioning.kv.commands import Push, Put
from stage3_partitioning.kv.member import Config
from stage3_partitioning.kv.messages import Batch, Begin, Move, Prepare, Request, Scan, Table
from stage3_partitioning.kv.server import StoreNode
from stage3_partitioning.kv.slots import key_slot

SLOTS = 16
KEYS = [key for key in (b"%d" % number for number in range(80)) if key_slot(key, SLOTS) < 8]


def node(id: str, *peers: str) -> StoreNode:
    """One of two nodes that hold half of the slots each; n1 has all keys."""
    config = Config(slots=SLOTS, shards=("n1", "n2"), coordinator="n3", batch_keys=1)
    made = StoreNode(id, peers, **config)
    made.step(Start(0, {}))
    return made


def sent(effects: Iterable[Effect]) -> list[Any]:
    """The messages that leave."""
    return [each.message for each in effects_of(Send, effects)]


def scan(made: StoreNode, cursor: int, **options: Any) -> tuple[int, tuple[bytes, ...]]:
    """Where to go on, and the keys that were named."""
    (ended,) = effects_of(Return, made.step(Invoke(1, 7, Scan(cursor, 3, **options))))
    following, keys = ended.outcome.value
    return following, keys


@pytest.mark.parametrize("seed", range(8))
def test_a_scan_while_slots_move_names_each_key_that_stays_on_the_node_once(seed: int) -> None:
    random, source, target = Random(seed), node("n1", "n2", "n3"), node("n2", "n1", "n3")
    for number, key in enumerate(KEYS):
        source.step(Receive(1, "c1", Request(number + 1, Put(key, b""))))
    move, table = Move(1, "n1", "n2", 2, 6), Table(0, ((0, 7, "n1"), (8, 15, "n2")))
    target.step(Receive(1, "n3", Prepare(move, table)))
    (batch,) = sent(source.step(Receive(1, "n3", Begin(move, table))))
    cursor, named, moved = 0, list[bytes](), 0
    while cursor or not named:
        cursor, found = scan(source, cursor)
        named += found
        for _ in range(random.randrange(5)):
            if isinstance(batch, Batch):
                (taken,) = sent(target.step(Receive(1, "n1", batch)))
                (batch,) = sent(source.step(Receive(1, "n2", taken)))
                moved += 1
    stayed = {key for key in KEYS if source.store.find(key, 1) is not None}
    assert moved, "keys moved during the scan"
    assert stayed <= set(named), f"they were there throughout, and not named: {stayed - set(named)}"
    assert len(set(named)) == len(named), "no key is named twice"


def test_a_scan_names_keys_of_one_kind_if_it_is_asked_to() -> None:
    made = node("n1", "n2", "n3")
    for number, key in enumerate(KEYS):
        command = Push(key, (b"",)) if number % 3 == 0 else Put(key, b"")
        made.step(Receive(1, "c1", Request(number + 1, command)))
    for kind, expected in (("any", KEYS), ("list", KEYS[::3])):
        cursor, named = 0, set[bytes]()
        for _ in range(len(KEYS)):
            cursor, found = scan(made, cursor, kind=kind)
            named |= set(found)
            if not cursor:
                break
        assert named == set(expected)
