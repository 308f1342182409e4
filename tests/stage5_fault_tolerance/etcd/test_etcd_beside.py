"""What stands beside the lab ``etcd``: the demo, and bounds that fit together."""

from typing import Any

import pytest

from common.codec import MAX_FRAME, MessagePackCodec
from common.contract import CommandBatch, Numbered
from common.contract.schema import Schema
from common.values.report import Judged, Table
from stage4_consensus.raft.messages import AppendEntries, Configuration, Entry, InstallSnapshot
from stage4_consensus.raft.requests import CommandRequest
from stage5_fault_tolerance.etcd.batches import MOST_COMMANDS
from stage5_fault_tolerance.etcd.commands import Put, Txn
from stage5_fault_tolerance.etcd.demo import demo
from stage5_fault_tolerance.etcd.problems import MOST_BYTES, problem_of, size_of
from stage5_fault_tolerance.etcd.server import EtcdServer
from stage5_fault_tolerance.etcd.store import Store

LARGEST = Put(b"k" * 1024, b"x" * (MOST_BYTES - 1024 - 64))


def test_the_largest_messages_between_servers_fit_into_a_frame() -> None:
    codec = MessagePackCodec(Schema.of(EtcdServer))
    assert size_of(LARGEST) == MOST_BYTES
    assert problem_of(LARGEST) is None
    small = Put(b"k", b"x" * (MOST_BYTES // MOST_COMMANDS - 65))
    for batch in (CommandBatch((LARGEST,)), CommandBatch((small,) * MOST_COMMANDS)):
        assert len(codec.encode(CommandRequest(1, batch))) < MAX_FRAME
        entry = Entry(1, Numbered("n1", 2**40, batch))
        assert len(codec.encode(AppendEntries(1, 1, 1, (entry,), 1, 1))) < MAX_FRAME


@pytest.mark.parametrize("command", [LARGEST, Put(b"k", b"x"), Put(b"k" * 200, b"")])
def test_the_largest_parts_of_a_snapshot_fit_into_a_frame(command: Put) -> None:
    codec = MessagePackCodec(Schema.of(EtcdServer))
    store = Store()
    for _ in range(3 if command is LARGEST else 8_000):
        store.apply(Put(b"fill", b"x" * 200))
        store.apply(command)
    snapshot: Any = store.snapshot()
    assert len(snapshot[2]) > 1
    members = Configuration(("n1", "n2", "n3"))
    for part in snapshot[2]:  # whatever else is in a message, it is less than max_bytes
        piece = InstallSnapshot(1, 1, 1, 1, members, 0, (part,), True)
        assert len(codec.encode(piece)) + 1024 * 1024 < MAX_FRAME


def test_a_transaction_is_as_large_as_all_that_is_in_it() -> None:
    puts = tuple(Put(b"%d" % number, b"x" * 20_000) for number in range(100))
    assert problem_of(Txn((), puts)) == "etcdserver: request is too large"
    assert problem_of(Txn((), puts[:70])) is None


@pytest.mark.parametrize("seed", [1, 2, 3, 7])
def test_the_demo_shows_a_lock_that_is_lost_and_a_write_that_is_refused(seed: int) -> None:
    parts = demo(seed).parts
    assert [part.result for part in parts if isinstance(part, Judged)] == ["yes", "yes"]
    story, watched = (part for part in parts if isinstance(part, Table))
    assert "refused" in {row[-1] for row in story.rows}
    assert {cell for row in watched.rows for cell in row[2:]} == {"told"}
