"""What stands beside the lab ``kv``: the demo, bounds, requests in bytes."""

from importlib.util import find_spec
from random import Random

import pytest

from common.check.verdict import Answer
from common.codec import MAX_FRAME, MessagePackCodec
from common.contract.schema import Schema
from common.sim import Simulation
from common.values.errors import BadInput
from common.values.faults import Crash, Link, Restart
from common.values.history import Failed, History, Ok, Operation, Outcome
from common.values.report import Chart, Judged, Table, Text
from common.values.units import MS, SECOND
from stage3_partitioning.kv.checks import nothing_lost
from stage3_partitioning.kv.client import StoreClient
from stage3_partitioning.kv.commands import (
    MAX_KEY,
    MAX_VALUE,
    AddNode,
    CompareAndSet,
    RemoveNode,
)
from stage3_partitioning.kv.demo import demo
from stage3_partitioning.kv.member import KIB
from stage3_partitioning.kv.messages import Batch, Handed, Request, Session
from stage3_partitioning.kv.ownership import MOST_SESSIONS
from stage3_partitioning.kv.server import StoreNode
from stage3_partitioning.kv.slots import key_slot
from stage3_partitioning.kv.small import MOVING, SLOTS


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_the_demo_shows_that_nobody_notices(seed: int) -> None:
    parts = demo(seed).parts
    assert [part.result for part in parts if isinstance(part, Judged)] == ["yes"]
    balance, moved = (part for part in parts if isinstance(part, Table))
    assert len(balance.rows) == 5
    assert [row[3] for row in moved.rows] == ["4", "4", "4", "4"], "an even share for each"
    drawn = 2 if find_spec("matplotlib") else 0  # without it a sentence says what is missing
    assert len([part for part in parts if isinstance(part, Chart)]) == drawn
    told = [part.text for part in parts if isinstance(part, Text)][-1]
    assert told == "Of 72 appends 72 were acknowledged; 72 of these are there, once each."


def test_the_key_of_the_small_instances_is_in_the_slot_that_moves() -> None:
    assert key_slot(MOVING, SLOTS) == 1


def test_the_largest_messages_between_nodes_fit_into_a_frame() -> None:
    codec = MessagePackCodec(Schema.of(StoreNode))
    key, value = b"k" * MAX_KEY, b"v" * MAX_VALUE
    assert len(codec.encode(Request(1, CompareAndSet(key, value, value)))) < MAX_FRAME
    session = Session(16_383, "client-with-a-name", 2**60, MAX_VALUE)
    batch = Batch(1, (1, key), (2, key), (Handed(key, value, 1),), (session,) * MOST_SESSIONS)
    assert len(codec.encode(batch)) < MAX_FRAME
    many = (Handed(b"k" * KIB, b"v" * 3 * KIB, None),) * 64
    assert len(codec.encode(Batch(1, (1, key), (2, key), many, (session,) * MOST_SESSIONS))) < (
        MAX_FRAME
    )


def delayed_copy(simulation: Simulation, operation: object) -> Outcome | None:
    """Let the operator ask; a copy of the request arrives 2 s later than the answer to another."""
    simulation.inject(Link(0, source="operator", target="n1", latency=(2 * SECOND, 2 * SECOND)))
    asked = simulation.call("operator", operation)
    simulation.run(simulation.now + 50 * MS)
    simulation.inject(Link(0, source="operator", target="n1", latency=(1 * MS, 1 * MS)))
    simulation.run(simulation.now + SECOND)
    return asked.outcome


def test_an_old_copy_of_a_request_cannot_change_the_nodes_after_it_was_answered() -> None:
    def node(id: str, peers: tuple[str, ...]) -> StoreNode:
        return StoreNode(id, peers, slots=16, shards=("n1", "n2", "n3"))

    nodes = dict.fromkeys(("n1", "n2", "n3", "n4"), node)
    operator = {"operator": lambda id, peers: StoreClient(id, peers, slots=16)}
    simulation = Simulation(nodes, operator, seed=1)
    simulation.run(SECOND)

    def members() -> tuple[str, ...]:
        coordinator = simulation.nodes["n1"]
        assert isinstance(coordinator, StoreNode)
        return coordinator.goal.nodes

    assert isinstance(delayed_copy(simulation, AddNode("n4")), Ok)
    simulation.call("operator", RemoveNode("n4"))
    simulation.run(simulation.now + 3 * SECOND)
    assert members() == ("n1", "n2", "n3"), "the copy does not add n4 again"
    simulation.inject(Crash(0, "n4"))
    simulation.call("operator", AddNode("n4"))
    assert isinstance(delayed_copy(simulation, RemoveNode("n2")), Failed), "slots wait for n4"
    simulation.inject(Restart(0, "n4"))
    simulation.inject(Crash(0, "n1"))
    simulation.inject(Restart(0, "n1"))
    simulation.run(simulation.now + 3 * SECOND)
    assert members() == ("n1", "n2", "n3", "n4"), "what was refused stays refused, over a crash too"


def test_wrong_settings_are_refused_in_one_sentence() -> None:
    for config in ({"placement": "random"}, {"slot": 7}, {"shards": ("n9",)}, {"slots": 0}):
        with pytest.raises(BadInput):
            StoreNode("n1", ("n2",), **config)


def test_nothing_lost_notices_what_is_lost() -> None:
    append = Operation("c1", "append", b"k", b"1;", 1, 2, Ok(2))
    read = Operation("c2", "get", b"k", None, 3, 4, Ok(b"1;2;"))
    assert nothing_lost(History([append, read])).answer is Answer.YES
    late = Operation("c2", "get", b"k", None, 5, 6, Ok(b"2;"))
    assert nothing_lost(History([append, read, late])).answer is Answer.NO


def some_requests(random: Random) -> tuple[bytes, list[list[bytes]]]:
    """A stream of requests, and the commands in it."""
    stream, commands = b"", []
    for _ in range(random.randint(1, 12)):
        words = [
            random.randbytes(random.choice((0, 1, 5, 300))) for _ in range(random.randint(1, 4))
        ]
        if random.random() < 0.3:
            words = [word.hex().encode() or b"x" for word in words]
            stream += b" ".join(words) + random.choice((b"\r\n", b"\n"))
        else:
            bulks = b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
            stream += b"*%d\r\n%b" % (len(words), bulks)
        commands.append(words)
        stream += random.choice((b"", b"\r\n", b"*0\r\n"))
    return stream, commands


@pytest.mark.needs("hiredis")
def test_a_stream_of_requests_is_cut_alike_however_it_arrives() -> None:
    from common.runtime.resp.requests import RequestReader

    for seed in range(200):
        random = Random(seed)
        stream, commands = some_requests(random)
        reader, found = RequestReader(), []
        while stream:
            size = random.choice((1, 3, 50, 5000))
            cut, problem = reader.feed(stream[:size])
            assert problem is None, problem
            found += cut
            stream = stream[size:]
        assert found == commands, f"seed {seed}"


@pytest.mark.needs("hiredis")
def test_what_comes_before_a_broken_request_is_carried_out_and_nothing_after() -> None:
    from common.runtime.resp.requests import RequestReader

    for broken in (b"*1\r\n$99999999999\r\n", b"*-x\r\n", b"*1\r\n*1\r\n", b"x" * 70_000):
        for first in (b"*1\r\n$4\r\nPING\r\n", b"PING\r\n"):
            cut, problem = RequestReader().feed(first + broken + b"*1\r\n$4\r\nQUIT\r\n")
            assert cut == [[b"PING"]], f"{broken[:20]!r}"
            assert problem is not None
