"""Graded suite of the lab ``raft``, part 5: membership (section 6; thesis 4.2)."""

from random import Random
from typing import Any

from common.check.models import KEY_VALUE
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    Wire,
    ask_ok,
    crash,
    must_be_linearizable,
    must_end,
    names,
    run_until,
)
from common.values.faults import Heal, Partition
from common.values.units import MS, SECOND
from stage4_consensus.raft.checks_outside import (
    SILENT_AFTER,
    elect,
    leaders,
    log_grows,
    others,
    server_of,
)
from tests.stage4_consensus.raft.cluster import ADMIN, cluster, trouble, work
from tests.stage4_consensus.raft.lab import RaftLab
from tests.stage4_consensus.raft.one_server import OneServer, find, only

LAB = "raft"

THREE = {"voters": names(3)}
"""Of five servers, three are members at first."""


def change(lab: RaftLab, one: OneServer, *voters: str, number: int = 1) -> Any:
    """Let a client ask the leader for other members; returns what is sent."""
    return one.receive("admin", lab.MembershipRequest(number, voters))


def latest(lab: RaftLab, one: OneServer) -> Any:
    """The last configuration on the disk, or None."""
    found = [each for _, each in one.entries() if isinstance(each, lab.Configuration)]
    return found[-1] if found else None


def campaigns(lab: RaftLab, wire: Wire, server: str) -> list[object]:
    """The requests for votes and pre-votes that a server has sent."""
    kinds = (lab.RequestPreVote, lab.RequestVote)
    return [
        each.message
        for each in wire.sent_messages
        if each.sender == server and isinstance(each.message, kinds)
    ]


@graded(
    points=4,
    title="From three to five, and on",
    requirement="section 6: the cluster serves requests throughout the configuration change",
)
def test_members_are_added_and_removed_while_clients_work(lab: RaftLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        simulation = cluster(lab, seed, 5, config=THREE)
        workload = work(lab, simulation, count=25, think=(0, 60 * MS))
        for voters in (names(5), ("n3", "n4", "n5"), ("n1", "n2", "n4")):
            assert ask_ok(simulation, ADMIN, lab.ChangeMembers(voters)) == voters
        must_end(simulation, workload, limit=simulation.now + 5 * SECOND)
        must_be_linearizable(simulation.history, KEY_VALUE)
        gone = ("n3", "n5")
        crash(simulation, *gone)
        ask_ok(simulation, "c1", lab.Put("x", "1"))
        assert elect(simulation).id in ("n1", "n2", "n4")


@graded(
    points=4,
    title="Both majorities",
    requirement="section 6: agreement requires separate majorities from both the old and new "
    "configurations",
)
def test_the_joint_configuration_needs_both_majorities_to_commit(lab: RaftLab) -> None:
    one = OneServer(lab, names(5), voters=names(3), max_in_flight=100)
    one.accept("n2", one.be_leader())
    sent = change(lab, one, "n1", "n4", "n5")
    sent += one.accept("n4", sent)
    sent += one.accept("n5", sent)
    assert latest(lab, one) == lab.Configuration(("n1", "n4", "n5"), names(3))
    joint = one.server.log.last_index
    for learner in ("n4", "n5"):
        reply = lab.AppendEntriesReply(1, 0, True, joint - 1, joint)
        one.receive(learner, reply)
    assert one.server.commit_index < joint, "n2 and n3 have not got it: no majority of the old"
    one.receive("n2", lab.AppendEntriesReply(1, 0, True, joint - 1, joint))
    assert one.server.commit_index >= joint
    assert latest(lab, one) == lab.Configuration(("n1", "n4", "n5")), "C-new follows C-old,new"
    one.receive("n2", lab.AppendEntriesReply(1, 0, True, joint, joint + 1))
    assert one.server.commit_index == joint, "C-new needs a majority of the new ones only"
    answers = one.receive("n4", lab.AppendEntriesReply(1, 0, True, joint, joint + 1))
    assert only(answers, lab.Answer).value == ("n1", "n4", "n5")
    told = [each.leader_commit for each in find(answers, lab.AppendEntries, "n3")]
    assert told[-1:] == [joint + 1], "who has to go hears that it is decided"
    receivers = {each.to for each in one.command("a")}
    assert receivers <= {"n4", "n5"}, "who is no member any more gets no log"


@graded(
    points=1,
    title="Doubt needs both majorities, too",
    requirement="section 6, and thesis 6.2: a leader that does not hear both majorities of "
    "C-old,new can decide nothing, and steps down",
)
def test_a_leader_in_the_joint_configuration_that_hears_one_majority_steps_down(
    lab: RaftLab,
) -> None:
    for heard, role in ((("n2", "n4"), "leader"), (("n4", "n5"), "follower")):
        one = OneServer(lab, names(5), voters=names(3), max_in_flight=100)
        one.accept("n2", one.be_leader())
        sent = change(lab, one, "n1", "n4", "n5")
        sent += one.accept("n4", sent)
        one.accept("n5", sent)
        assert latest(lab, one) == lab.Configuration(("n1", "n4", "n5"), names(3))
        one.fire(lab.QuorumCheck)
        assert one.server.status()["role"] == "leader", "n2, n4 and n5 have answered"
        for each in heard:
            one.receive(each, lab.AppendEntriesReply(1, 0, True, 0, 1))
        one.fire(lab.QuorumCheck)
        assert one.server.status()["role"] == role, f"since then it has heard {heard}"


@graded(
    points=3,
    title="Learners do not count",
    requirement="thesis 4.2.1: new servers join as non-voting members, not counted towards "
    "majorities",
)
def test_what_only_learners_store_is_not_committed(lab: RaftLab) -> None:
    one = OneServer(lab, names(5), voters=names(3), max_in_flight=100)
    one.accept("n2", one.be_leader())
    sent = change(lab, one, "n1", "n4", "n5")
    one.accept("n4", sent)
    one.command("a")
    last = one.server.status()["last"]
    stored = lab.AppendEntriesReply(1, 0, True, last - 1, last)
    one.receive("n4", stored)
    assert one.server.status()["commit"] < last, "n4 is a learner; n2 and n3 have not got it"
    one.receive("n2", stored)
    assert one.server.status()["commit"] == last, "two of the three voters have it"


@graded(
    points=3,
    title="Both majorities elect",
    requirement="section 6: any server of either configuration may serve as leader; a candidate "
    "uses the latest configuration in its log, whether committed or not",
)
def test_a_candidate_with_the_joint_configuration_needs_votes_of_both_majorities(
    lab: RaftLab,
) -> None:
    joint = lab.Configuration(("n1", "n4", "n5"), names(3))
    for voters, wins in {("n4", "n5"): False, ("n2", "n3"): False, ("n2", "n4"): True}.items():
        one = OneServer(lab, names(5), voters=names(3), pre_vote=False)
        one.receive("n2", lab.AppendEntries(1, 0, 0, (lab.Entry(1, joint),), 0, 0))
        sent = one.fire(lab.ElectionTimeout)
        assert sorted(each.to for each in sent) == ["n2", "n3", "n4", "n5"]
        for voter in voters:
            one.receive(voter, lab.RequestVoteReply(2, True))
        leads = one.server.status()["role"] == "leader"
        assert leads is wins, f"votes of n1 and {voters}"
    leaving = OneServer(lab, names(5), voters=names(3), pre_vote=False)
    joint = lab.Configuration(("n3", "n4", "n5"), names(3))
    leaving.receive("n2", lab.AppendEntries(1, 0, 0, (lab.Entry(1, joint),), 0, 0))
    sent = leaving.fire(lab.ElectionTimeout)
    assert sorted(each.to for each in sent) == ["n2", "n3", "n4", "n5"], "n1 is an old member"
    for voter in ("n3", "n4"):
        leaving.receive(voter, lab.RequestVoteReply(2, True))
    assert leaving.server.status()["role"] == "leader"


@graded(
    points=3,
    title="Learners first",
    requirement="section 6: new servers join as non-voting members until they have caught up",
)
def test_new_servers_get_the_log_before_they_get_a_vote(lab: RaftLab) -> None:
    one = OneServer(lab, names(4), voters=names(3))
    one.accept("n2", one.be_leader())
    one.accept("n2", one.command("a"))
    sent = change(lab, one, *names(4))
    assert latest(lab, one) is None, "n4 has nothing yet"
    assert find(sent, lab.AppendEntries, "n4")
    one.now += 500 * MS
    one.accept("n2", one.command("b", 2))
    one.accept("n4", sent)
    assert latest(lab, one) is None, "that took longer than an election timeout: another round"
    one.receive("n4", lab.AppendEntriesReply(1, 0, True, 0, 2))
    assert latest(lab, one) is None, "entry 3 has come since, so it belongs to this round"
    reply = lab.AppendEntriesReply(1, 0, True, 2, 3)
    one.receive("n4", reply)
    assert latest(lab, one) == lab.Configuration(names(4), names(3))
    a_change_whose_new_server_is_too_slow_is_refused_in_the_end(lab)


def a_change_whose_new_server_is_too_slow_is_refused_in_the_end(lab: RaftLab) -> None:
    """Thesis 4.2.1: after a fixed number of rounds; then the next change may begin."""
    one = OneServer(lab, names(4), voters=names(3))
    one.accept("n2", one.be_leader())
    sent = change(lab, one, *names(4))
    for number in range(1, 20):
        one.now += 500 * MS
        one.accept("n2", one.command("b", number))
        reached = one.server.log.last_index - 1
        sent = one.receive("n4", lab.AppendEntriesReply(1, 0, True, reached - 1, reached))
        if find(sent, lab.Refusal):
            break
        assert latest(lab, one) is None, "that round took longer than an election timeout"
    assert only(sent, lab.Refusal).number == 1, "the client waits for ever"
    receivers = {each.to for each in one.command("c", 30)}
    assert "n4" not in receivers, "n4 is to be no member, so it gets no log any more"
    change(lab, one, "n1", "n2", number=2)
    assert latest(lab, one) == lab.Configuration(("n1", "n2"), names(3)), "the next change begins"


def test_a_learner_that_was_late_gets_its_vote_though_nobody_asks_for_anything_more(
    lab: RaftLab,
) -> None:
    one = OneServer(lab, names(4), voters=names(3))
    one.accept("n2", one.be_leader())
    sent = change(lab, one, *names(4))
    one.now += 500 * MS
    one.accept("n4", sent)
    assert latest(lab, one) is None, "that took longer than an election timeout: another round"
    one.accept("n4", one.fire(lab.HeartbeatDue))
    assert latest(lab, one) == lab.Configuration(names(4), names(3)), "it has all there is"


@graded(
    points=2,
    title="One change at a time",
    requirement="section 6: a change begins when the last one has ended",
)
def test_a_second_change_is_refused_while_one_is_under_way(lab: RaftLab) -> None:
    one = OneServer(lab, names(5), voters=names(3))
    one.accept("n2", one.be_leader())
    change(lab, one, *names(5))
    refusal = only(change(lab, one, "n1", "n2", number=2), lab.Refusal)
    assert "under way" in refusal.reason
    assert find(change(lab, one, "n1", "stranger", number=3), lab.Refusal)
    assert find(change(lab, one, number=4), lab.Refusal), "nobody would be left"
    two = OneServer(lab, names(5), voters=names(3))
    two.accept("n2", two.be_leader())
    change(lab, two, "n1", "n2")
    assert latest(lab, two).old_voters == names(3)
    assert find(change(lab, two, "n1", number=2), lab.Refusal), "C-old,new is not committed"
    assert not find(change(lab, two, "n1", "n2"), lab.Refusal), "the same request once more"
    three = OneServer(lab, names(5), voters=names(3))
    three.accept("n2", three.be_leader())
    three.accept("n2", change(lab, three, "n1", "n2"))
    assert latest(lab, three) == lab.Configuration(("n1", "n2")), "C-old,new is committed"
    assert find(change(lab, three, "n1", number=2), lab.Refusal), "and C-new is not"
    last = OneServer(lab, ("n1", "n2"))
    last.accept("n2", last.be_leader())
    answers = last.accept("n2", change(lab, last, "n1"))
    assert only(answers, lab.Answer).value == ("n1",), "C-new of one is committed at once"
    assert only(last.command("a"), lab.Answer).number == 1, "alone it goes on"


@graded(
    points=3,
    title="The leader goes",
    requirement="section 6: if the leader is not part of the new configuration, it steps down once "
    "it has committed C-new, and does not count itself in majorities",
)
def test_a_leader_that_is_removed_manages_the_change_and_steps_down(
    lab: RaftLab, sweep: Sweep
) -> None:
    heir = OneServer(lab, pre_vote=False)
    joint = lab.Configuration(("n2", "n3"), names(3))
    heir.receive("n2", lab.AppendEntries(1, 0, 0, (lab.Entry(1, joint),), 0, 0))
    heir.fire(lab.ElectionTimeout)
    for voter in ("n2", "n3"):
        heir.receive(voter, lab.RequestVoteReply(2, True))
    assert heir.server.status()["role"] == "leader"
    for last in (2, 3):
        for follower in ("n2", "n3"):
            heir.receive(follower, lab.AppendEntriesReply(2, 0, True, last - 1, last))
    assert latest(lab, heir) == lab.Configuration(("n2", "n3")), "it goes on with the change"
    assert heir.server.status()["role"] == "follower", "though another leader had begun it"
    for seed in sweep(4):
        wire = Wire()
        simulation = cluster(lab, seed, 4, observers=[wire])
        leader = elect(simulation)
        ask_ok(simulation, "c1", lab.Put("x", "1"))
        rest = tuple(id for id in names(4) if id != leader.id)
        assert ask_ok(simulation, ADMIN, lab.ChangeMembers(rest)) == rest
        before = len(campaigns(lab, wire, leader.id))
        simulation.run(simulation.now + SILENT_AFTER)
        assert elect(simulation).id in rest
        assert ask_ok(simulation, "c1", lab.Get("x")) == "1"
        simulation.run(simulation.now + 2 * SECOND)
        assert leader not in leaders(simulation)
        assert len(campaigns(lab, wire, leader.id)) == before, (
            "it is no member, so it never campaigns"
        )


@graded(
    points=3,
    title="Removed servers disturb nobody",
    requirement="section 6: servers disregard RequestVote RPCs when they believe a current leader "
    "exists",
)
def test_a_removed_server_that_does_not_know_it_causes_no_election(
    lab: RaftLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        simulation = cluster(lab, seed, 4, config={"pre_vote": False})
        leader = elect(simulation)
        term = leader.current_term
        removed = others(simulation, leader.id)[0].id
        rest = tuple(id for id in names(4) if id != removed)
        clients = ("c1", "c2", "c3", ADMIN)
        simulation.inject(Partition(simulation.now, ((removed,), (*rest, *clients))))
        ask_ok(simulation, ADMIN, lab.ChangeMembers(rest))
        simulation.run(simulation.now + SECOND)
        simulation.inject(Heal(simulation.now))
        simulation.run(simulation.now + SECOND)
        assert server_of(simulation, removed).current_term > term, "it campaigns, term by term"
        assert [(each.id, each.current_term) for each in leaders(simulation)] == [(leader.id, term)]


@graded(
    points=3,
    title="The change outlives its leader",
    requirement="section 6: a leader with C-old,new in its log completes the change",
)
def test_a_change_is_completed_by_the_next_leader(lab: RaftLab, sweep: Sweep) -> None:
    for seed in sweep(5):
        simulation = cluster(lab, seed, 5, config=THREE)
        leader = elect(simulation)
        simulation.call(ADMIN, lab.ChangeMembers(("n2", "n3", "n4", "n5")))
        run_until(simulation, log_grows(leader))
        if leader.configuration is None:
            run_until(simulation, log_grows(leader))
        assert leader.configuration.old_voters, "the learners have caught up: C-old,new is next"
        simulation.run(simulation.now + seed % 100 * MS)
        crash(simulation, leader.id)
        simulation.run(simulation.now + 2 * SECOND)
        successor = elect(simulation)
        assert not successor.configuration.old_voters, "the change is stuck half way"
        ask_ok(simulation, "c1", lab.Put("x", "1"))


@graded(
    points=5,
    title="Changes in all kinds of trouble",
    requirement="section 6: no time at which two leaders can be elected in one term",
)
def test_it_is_linearizable_when_members_change_while_everything_fails(
    lab: RaftLab, sweep: Sweep
) -> None:
    for seed in sweep(10):
        kinds = ("crash", "partition", "block", "link")
        config = {**THREE, "snapshot_every": 8}
        simulation = cluster(lab, seed, 5, trouble(seed, 5, *kinds, until=2 * SECOND), config)
        workload = work(lab, simulation, count=20)
        change_again_and_again(lab, simulation, seed)
        must_end(simulation, workload, limit=12 * SECOND)
        must_be_linearizable(simulation.history, KEY_VALUE)


def change_again_and_again(lab: RaftLab, simulation: Any, seed: int) -> None:
    """Let the administrator ask for three members of five, drawn at random, then three others."""
    random = Random(f"{seed}/members")

    def ask_for_more() -> None:
        asked = simulation.call(ADMIN, lab.ChangeMembers(tuple(sorted(random.sample(names(5), 3)))))
        pending.append(asked)

    def returned(client: str, operation: Any) -> None:
        if client == ADMIN and len(pending) < 6:
            simulation.later(simulation.now + 100 * MS, ask_for_more)

    pending: list[Any] = []
    simulation.on_return.append(returned)
    simulation.later(300 * MS, ask_for_more)
