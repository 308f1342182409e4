"""Graded suite of the lab ``raft``, part 4: compaction (section 7)."""

from dataclasses import replace
from typing import Any

from common.check.models import KEY_VALUE
from common.contract.effects import Send
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, crash, must_be_linearizable, names, restart
from common.values.units import SECOND
from stage4_consensus.raft.checks_outside import elect, others, server_of
from tests.stage4_consensus.raft.cluster import CALM, CLIENTS, cluster, sweep_once
from tests.stage4_consensus.raft.lab import RaftLab
from tests.stage4_consensus.raft.one_server import OneServer, find, only

LAB = "raft"


def compacted(lab: RaftLab, entries: int, **config: Any) -> OneServer:
    """A follower that has applied and compacted so many entries of term 1."""
    one = OneServer(lab, snapshot_every=entries, **config)
    one.append(1, (0, 0), [1] * entries, commit=entries)
    return one


def pieces(lab: RaftLab, one: OneServer, term: int = 2) -> list[Any]:
    """The pieces in which another leader would send the snapshot that this server took."""
    snapshot: Any = one.disk["snapshot"]
    parts = lab.flatten(snapshot.data)
    size = 3
    return [
        lab.InstallSnapshot(
            term,
            0,
            snapshot.last_index,
            snapshot.last_term,
            snapshot.configuration,
            offset,
            parts[offset : offset + size],
            offset + size >= len(parts),
        )
        for offset in range(0, len(parts), size)
    ]


@graded(
    points=3,
    title="A snapshot replaces the log",
    requirement="section 7: once the snapshot is complete, all log entries up through the last "
    "included index are deleted, as well as any prior snapshot",
)
def test_a_server_compacts_what_it_has_applied_and_only_that(lab: RaftLab) -> None:
    one = OneServer(lab, snapshot_every=4)
    one.append(1, (0, 0), [1] * 6, commit=3)
    assert "snapshot" not in one.disk, "three entries are not worth a snapshot"
    one.append(1, (6, 1), [1], commit=5)
    snapshot: Any = one.disk["snapshot"]
    assert (snapshot.last_index, snapshot.last_term) == (5, 1)
    left = sorted(key for key in one.disk if isinstance(key, tuple))
    assert left == [("log", 6), ("log", 7)]
    assert one.server.status()["last"] == 7
    never = OneServer(lab, snapshot_every=0)
    never.append(1, (0, 0), [1] * 6, commit=6)
    assert "snapshot" not in never.disk, "0 stands for never"


@graded(
    points=3,
    title="Back from a snapshot",
    requirement="section 7: the snapshot holds the state machine, and its last index and term",
)
def test_a_server_restarts_from_its_snapshot_and_the_rest_of_its_log(lab: RaftLab) -> None:
    one = compacted(lab, 4)
    one.append(1, (4, 1), [1, 1])
    text = one.held()
    one.start()
    assert one.held() == text, "what the snapshot holds is there at once"
    status = one.server.status()
    assert (status["commit"], status["applied"], status["last"]) == (4, 4, 6)
    assert one.append(2, (4, 1), [1, 1, 2], commit=6).success
    assert one.held() == text + "1.5;1.6;"
    assert one.append(2, (2, 1), [1, 1, 1], commit=6).success, "what is compacted does match"
    assert one.append(2, (2, 1), [1, 1, 1, 1, 2, 2]).match_index == 8
    assert one.server.status()["last"] == 8, "what follows a known entry is new, and acknowledged"


@graded(
    points=3,
    title="Sessions are part of the state",
    requirement="section 8: exactly once, also for a command whose entry is compacted away",
)
def test_a_repeated_command_is_not_carried_out_again_after_compaction(lab: RaftLab) -> None:
    one = OneServer(lab, snapshot_every=2)
    one.accept("n2", one.be_leader())
    one.accept("n2", one.command("a"))
    assert "snapshot" in one.disk
    one.start()
    one.accept("n2", one.be_leader())
    answers = one.accept("n2", one.command("a"))
    assert only(answers, lab.Answer).number == 1
    assert one.held() == "a"


@graded(
    points=4,
    title="Piece by piece",
    requirement="Figure 13: create new snapshot file if first chunk, write data at given offset, "
    "reply and wait for more data chunks if done is false; reset state machine",
)
def test_a_snapshot_is_installed_when_all_its_pieces_are_there_in_any_order(lab: RaftLab) -> None:
    sent = pieces(lab, compacted(lab, 6))
    assert len(sent) >= 3
    one = OneServer(lab)
    one.append(2, (0, 0), [2, 2])
    one.receive("n2", sent[0])
    assert only(one.command("a"), lab.NotLeader).leader == "n2", "who sends it leads"
    one.receive("n2", sent[2])
    one.receive("n2", sent[-1])
    one.receive("n2", sent[0])
    assert "snapshot" not in one.disk, "the last piece came, and earlier ones did not"
    for piece in sent[1:]:
        reply = only(one.receive("n2", piece), lab.InstallSnapshotReply)
    assert reply.done
    again = only(one.receive("n2", sent[-1]), lab.InstallSnapshotReply)
    assert again.done, "the answer was lost, and the leader has to hear that it can go on"
    assert one.server.status()["commit"] == 6, "what a snapshot holds is committed"
    assert one.held() == "1.1;1.2;1.3;1.4;1.5;1.6;"
    assert one.server.status()["last"] == 6, "discard the entire log: it has nothing of this"
    assert ("log", 1) not in one.disk
    one.start()
    assert one.held() == "1.1;1.2;1.3;1.4;1.5;1.6;"
    assert one.append(2, (6, 1), [2], commit=7).success


@graded(
    points=3,
    title="Pieces of two snapshots do not mix",
    requirement="Figure 13: if instance of chunk differs from that of the file, begin a new one",
)
def test_pieces_of_two_snapshots_are_not_put_together(lab: RaftLab) -> None:
    old, new = (pieces(lab, compacted(lab, entries)) for entries in (6, 8))
    assert len(old) == len(new), "the pieces of one fit into the other"
    for first, second, text in ((old, new, "1.7;1.8;"), (new, old, "")):
        one = OneServer(lab)
        one.receive("n2", first[0])
        for piece in second[1:]:
            one.receive("n2", piece)
        assert "snapshot" not in one.disk, "the first piece was of another snapshot"
        for piece in second:
            one.receive("n2", piece)
        assert one.held() == "1.1;1.2;1.3;1.4;1.5;1.6;" + text


@graded(
    points=3,
    title="The rest of the log stays",
    requirement="Figure 13: if existing log entry has same index and term as snapshot's last "
    "included entry, retain log entries following it",
)
def test_entries_after_an_installed_snapshot_are_kept_if_they_fit(lab: RaftLab) -> None:
    sent = pieces(lab, compacted(lab, 6))
    for terms, last in {(1,) * 8: 8, (1, 1, 1, 1, 1, 2, 2, 2): 6}.items():
        one = OneServer(lab)
        one.append(2, (0, 0), terms)
        for piece in sent:
            one.receive("n2", piece)
        assert one.server.status()["last"] == last
        assert one.held() == "1.1;1.2;1.3;1.4;1.5;1.6;", "the state is that of the snapshot"
        one.start()
        assert one.server.status()["last"] == last, "the disk says something else than the server"
        live = OneServer(lab)
        live.append(2, (0, 0), terms)
        for piece in sent:
            live.receive("n2", piece)
        assert live.append(2, (6, 1), [1, 1], commit=8).success
        assert live.held() == "1.1;1.2;1.3;1.4;1.5;1.6;1.7;1.8;", "and it goes on from there"
    members_come_with_the_snapshot(lab, sent)


def members_come_with_the_snapshot(lab: RaftLab, sent: list[Any]) -> None:
    """Section 7: a snapshot has the latest configuration as of its last entry."""
    joint = lab.Configuration(("n1", "n3", "n5"), names(3))
    members = lab.Configuration(("n1", "n2", "n4"))
    one = OneServer(lab, names(5), voters=names(3))
    one.receive("n2", lab.AppendEntries(1, 0, 0, (lab.Entry(1, joint),), 0, 0))
    for piece in sent:
        one.receive("n2", replace(piece, configuration=members))
    assert one.server.configuration == members, "what was in the log is gone with the log"
    one.start()
    assert one.server.configuration == members
    other = OneServer(lab, names(5), voters=names(3), snapshot_every=2)
    entries = (
        lab.Entry(1, lab.Configuration(members.voters, names(3))),
        lab.Entry(1, members),
        lab.Entry(1, joint),
    )
    other.receive("n2", lab.AppendEntries(1, 0, 0, entries, 2, 0))
    assert other.disk["snapshot"].configuration == members, "the third entry is not applied"  # type: ignore[attr-defined]
    assert other.server.configuration == joint, "and in effect all the same"
    other.append(2, (2, 1), [2])
    other.quiet()
    asked = {each.to for each in other.fire(lab.ElectionTimeout)}
    assert asked == {"n2", "n4"}, "the snapshot's members are asked, and nobody else"
    assert {each.to for each in other.be_leader()} == {"n2", "n4"}, "n3 gets no log any more"


@graded(
    points=3,
    title="Never backwards",
    requirement="section 7: a snapshot that describes a prefix of its log, or an old one, changes "
    "nothing; Figure 13: reply immediately if term < currentTerm",
)
def test_an_old_snapshot_is_not_installed(lab: RaftLab) -> None:
    old = pieces(lab, compacted(lab, 4))
    one = OneServer(lab)
    one.append(2, (0, 0), [1] * 7, commit=7)
    text = one.held()
    for piece in old:
        replies = find(one.receive("n2", piece), lab.InstallSnapshotReply)
    assert replies[-1].done, "the leader must hear that it can go on"
    assert one.held() == text
    assert one.server.status()["last"] == 7
    stale = OneServer(lab)
    stale.append(5, (0, 0), [])
    for piece in old:
        answer = only(stale.receive("n3", piece), lab.InstallSnapshotReply)
        assert (answer.term, answer.done) == (5, False)
    assert stale.held() == ""


@graded(
    points=3,
    title="A follower far behind",
    requirement="section 7: the leader sends snapshots to followers that are too far behind",
)
def test_a_leader_sends_its_snapshot_and_then_the_log(lab: RaftLab) -> None:
    leader = compacted(lab, 6, piece_parts=4)
    follower = OneServer(lab, ("n2", "n1", "n3"))
    sent: list[Send] = leader.be_leader()
    for _ in range(30):
        answers = []
        for each in sent:
            if each.to == "n2":
                for reply in follower.receive("n1", each.message):
                    answers += leader.receive("n2", reply.message)
        sent = answers
    assert leader.server.followers.progress["n2"].match_index == 7
    assert follower.server.status()["last"] == 7
    assert follower.held() == leader.held()
    heartbeat = find(leader.fire(lab.HeartbeatDue), lab.AppendEntries, "n2")
    assert heartbeat, "with the snapshot there, the log goes on"
    for has, needs_snapshot in ((5, True), (6, False)):
        leader = compacted(lab, 6)
        leader.append(1, (6, 1), [1, 1])
        term = find(leader.be_leader(), lab.AppendEntries, "n2")[0].term
        refusal = lab.AppendEntriesReply(term, 0, False, 8, 0, 0, has + 1)
        sent = leader.receive("n2", refusal)
        found = find(sent, lab.InstallSnapshot, "n2")
        assert bool(found) is needs_snapshot, f"n2 has {has} entries, the snapshot has 6"
        if needs_snapshot:
            more = find(leader.command("a"), lab.InstallSnapshot, "n2")
            assert not more, "the piece is on its way, and is not sent again for each command"
            for _ in range(2):
                leader.fire(lab.QuorumCheck)
            role = leader.server.status()["role"]
            assert role == "follower", "a piece that is on its way is no answer"


@graded(
    points=3,
    title="Catching up in a cluster",
    requirement="section 7: a server that was away while its entries were compacted",
)
def test_a_server_that_was_away_for_long_catches_up_by_a_snapshot(
    lab: RaftLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        simulation = cluster(lab, seed)
        leader = elect(simulation).id
        away = others(simulation, leader)[0].id
        crash(simulation, away)
        for number in range(40):
            ask_ok(simulation, CLIENTS[number % 3], lab.Append("x", f"{number};"))
        restart(simulation, away)
        simulation.run(simulation.now + SECOND)
        crash(simulation, *(id for id in names(3) if id not in (leader, away)))
        expected = "".join(f"{number};" for number in range(40))
        assert ask_ok(simulation, "c1", lab.Get("x")) == expected
        assert server_of(simulation, away).snapshot_index > 0


@graded(
    points=4,
    title="Linearizable with many snapshots",
    requirement="section 7: compaction at every few entries, while everything fails",
)
def test_it_is_linearizable_with_a_snapshot_after_every_third_entry(
    lab: RaftLab, sweep: Sweep
) -> None:
    for seed in sweep(8):
        kinds = ("crash", "partition", "link")
        config = {"snapshot_every": 3, "piece_parts": 2}
        simulation = sweep_once(lab, seed, 3, kinds, config=config)
        simulation.run(max(simulation.now, CALM) + SECOND)
        assert all(each.snapshot_index > 0 for each in others(simulation))
        must_be_linearizable(simulation.history, KEY_VALUE)
