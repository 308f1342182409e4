"""What stands beside the lab ``raftkv``: the demo, and bounds that fit together."""

import pytest

from common.codec import MAX_FRAME, MessagePackCodec
from common.contract import Numbered
from common.contract.schema import Schema
from common.contract.sizes import value_size
from common.values.report import Judged, Table
from stage4_consensus.raft.log import Log
from stage4_consensus.raft.messages import AppendEntries, Configuration, Entry, InstallSnapshot
from stage5_fault_tolerance.raftkv.commands import Item, Put
from stage5_fault_tolerance.raftkv.demo import demo
from stage5_fault_tolerance.raftkv.server import RaftKeyValue
from stage5_fault_tolerance.raftkv.store import MAX_COMMAND, MAX_VALUE


@pytest.mark.parametrize("seed", [1, 2, 3, 7])
def test_the_demo_shows_that_sessions_are_needed(seed: int) -> None:
    parts = demo(seed).parts
    assert [part.result for part in parts if isinstance(part, Judged)] == ["yes", "no"]
    right, wrong = (part for part in parts if isinstance(part, Table))
    assert {row[-1] for row in right.rows} == {"the same"}
    assert "not the same" in {row[-1] for row in wrong.rows}


def test_the_largest_messages_between_servers_fit_into_a_frame() -> None:
    codec = MessagePackCodec(Schema.of(RaftKeyValue))
    server = RaftKeyValue("n1", ("n2", "n3"))
    entry = Entry(1, Numbered("client", 1, Put("key", "x" * MAX_COMMAND)))
    log = Log(entries=(entry,) * server.max_entries)
    entries = log.entries_from(1, server.max_entries, server.max_bytes)
    assert 1 < len(entries) < server.max_entries, "the bytes are what bounds them"
    assert len(codec.encode(AppendEntries(1, 1, 1, entries, 1, 1))) < MAX_FRAME
    item = Item("k" * MAX_COMMAND, "x" * MAX_VALUE, 1, 1, 1)
    most = server.max_bytes // value_size(item)
    members = Configuration(("n1", "n2", "n3"))
    piece = InstallSnapshot(1, 1, 1, 1, members, 0, (item,) * most, True)
    assert len(codec.encode(piece)) < MAX_FRAME
