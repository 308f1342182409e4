"""What stands beside the lab ``raftkv``: the demo, and bounds that fit together."""

import pytest

from common.codec import MAX_FRAME, MessagePackCodec
from common.codec.schema import Schema
from common.contract import Numbered
from common.values.report import Judged, Table
from stage4_consensus.raft.messages import AppendEntries, Configuration, Entry, InstallSnapshot
from stage5_fault_tolerance.raftkv_commands import Item, Put
from stage5_fault_tolerance.raftkv_demo import demo
from stage5_fault_tolerance.raftkv_server import MOST_ENTRIES, MOST_PARTS, RaftKeyValue
from stage5_fault_tolerance.raftkv_store import MAX_COMMAND, MAX_VALUE


@pytest.mark.parametrize("seed", [1, 2, 3, 7])
def test_the_demo_shows_that_sessions_are_needed(seed: int) -> None:
    parts = demo(seed).parts
    assert [part.result for part in parts if isinstance(part, Judged)] == ["yes", "no"]
    right, wrong = (part for part in parts if isinstance(part, Table))
    assert {row[-1] for row in right.rows} == {"the same"}
    assert "not the same" in {row[-1] for row in wrong.rows}


def test_the_largest_messages_between_servers_fit_into_a_frame() -> None:
    codec = MessagePackCodec(Schema.of(RaftKeyValue))
    entry = Entry(1, Numbered("client", 1, Put("key", "x" * MAX_COMMAND)))
    entries = (entry,) * MOST_ENTRIES
    assert len(codec.encode(AppendEntries(1, 1, 1, entries, 1, 1))) < MAX_FRAME
    piece = (Item("k" * MAX_COMMAND, "x" * MAX_VALUE, 1, 1, 1),) * MOST_PARTS
    members = Configuration(("n1", "n2", "n3"))
    assert len(codec.encode(InstallSnapshot(1, 1, 1, 1, members, 0, piece, True))) < MAX_FRAME
