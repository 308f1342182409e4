"""Graded suite of the lab ``raft``: bounds in bytes, of logs and of pieces of snapshots."""

from common.contract.sizes import value_size, wire_size
from common.course.suites.grading import graded
from tests.stage4_consensus.raft.lab import RaftLab
from tests.stage4_consensus.raft.one_server import OneServer, find, only

LAB = "raft"


@graded(
    points=2,
    title="Large entries and large parts",
    requirement="section 7: logs are compacted, or they grow without bound, in bytes as well; and "
    "chunks of a snapshot fit into a message",
)
def test_a_log_of_few_large_entries_is_compacted_and_sent_in_small_pieces(lab: RaftLab) -> None:
    leader = OneServer(lab, snapshot_every=100, snapshot_bytes=3_000, max_bytes=1_000)
    leader.accept("n3", leader.be_leader())
    for number in range(6):
        put = lab.Put(f"key {number}", "x" * 600)
        leader.accept("n3", leader.receive("c1", lab.CommandRequest(number + 1, put)))
    assert leader.server.log.snapshot_index == 6, "five puts are more than 3,000 bytes"
    assert _compacted_with_an_entry_left(lab) == [6, 6], "one entry is not 3,000 bytes"
    sent, pieces = leader.fire(lab.HeartbeatDue), 0
    follower = OneServer(lab, ("n2", "n1", "n3"))
    while asked := find(sent, lab.InstallSnapshot, "n2"):
        pieces += 1
        assert wire_size(asked[0]) < 1_400
        replies = follower.receive("n1", asked[0])
        sent = leader.receive("n2", only(replies, lab.InstallSnapshotReply))
    assert pieces >= 5, "no two of the texts fit into one piece"
    assert follower.server.log.snapshot_index == 6
    a_state_that_grows_is_not_written_down_again_for_each_few_entries(lab)


def _compacted_with_an_entry_left(lab: RaftLab) -> list[int]:
    """Up to where a leader has compacted: with an entry not applied yet, and once it is."""
    leader = OneServer(lab, snapshot_every=100, snapshot_bytes=3_000)
    leader.accept("n3", leader.be_leader())
    sent = [
        leader.receive("c1", lab.CommandRequest(number, lab.Put(f"key {number}", "x" * 600)))
        for number in range(1, 7)
    ]
    compacted = []
    for each in sent[:5], sent[5:]:
        for asked in each:
            leader.accept("n3", asked)
        compacted.append(leader.server.log.snapshot_index)
    return compacted


def a_state_that_grows_is_not_written_down_again_for_each_few_entries(lab: RaftLab) -> None:
    """By count a snapshot would be due after every five puts: each byte would be in forty."""
    leader = OneServer(lab, snapshot_every=5, snapshot_bytes=2_000)
    leader.accept("n3", leader.be_leader())
    written, last = 0, None
    for number in range(200):
        put = lab.Put(f"key {number}", "x" * 300)
        leader.accept("n3", leader.receive("c1", lab.CommandRequest(number + 1, put)))
        latest = leader.disk.get("snapshot")
        if latest is not last:
            written, last = written + value_size(latest), latest
    state = value_size(leader.server.machine.snapshot())
    assert state > 60_000
    assert written < 4 * state, "each byte of the state is written a few times"
    assert leader.server.log.bytes_up_to(leader.server.last_applied) < state, "and the log is short"
    small = OneServer(lab, snapshot_every=5, snapshot_bytes=2_000)
    small.accept("n3", small.be_leader())
    for number in range(200):
        put = lab.Put("one key", f"value {number}")
        small.accept("n3", small.receive("c1", lab.CommandRequest(number + 1, put)))
    assert small.server.log.last_index - small.server.log.snapshot_index < 5, "what is small is not"
