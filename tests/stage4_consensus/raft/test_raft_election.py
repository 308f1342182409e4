"""Graded suite of the lab ``raft``, part 1: election (5.1, 5.2, 5.4.1; thesis 6.2, 9.6)."""

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, crash, names, restart
from common.values.faults import Block, Heal, Partition
from common.values.history import Unknown
from common.values.units import MS, SECOND
from stage4_consensus.raft.checks_outside import elect, leaders, others, server_of
from tests.stage4_consensus.raft.cluster import cluster, trouble
from tests.stage4_consensus.raft.lab import RaftLab
from tests.stage4_consensus.raft.one_server import OneServer, find, only

LAB = "raft"


@graded(
    points=2,
    title="A newer term makes a follower",
    requirement="Figure 2, all servers: if RPC request or response contains term T > currentTerm: "
    "set currentTerm = T, convert to follower",
)
def test_a_server_that_sees_a_newer_term_adopts_it_and_follows(lab: RaftLab) -> None:
    newer = [
        lab.RequestVote(7, 9, 9, True),
        lab.RequestVoteReply(7, False),
        lab.AppendEntries(7, 0, 0, (), 0, 0),
        lab.AppendEntriesReply(7, 0, False, 0),
        lab.RequestPreVoteReply(7, 2, False),
    ]
    for message in newer:
        one = OneServer(lab)
        one.be_leader()
        one.receive("n3", message)
        assert one.server.status()["role"] == "follower", f"it did not give way to {message}"
        assert one.disk["term"] == 7, f"{message} did not bring the term forward durably"
        assert one.timer(lab.ElectionTimeout), "a former leader waits for the next one"
    one = OneServer(lab)
    one.append(3, (0, 0), [])
    assert only(one.command("a"), lab.NotLeader).leader == "n2"
    one.receive("n3", lab.RequestPreVoteReply(7, 4, False))
    assert only(one.command("a"), lab.NotLeader).leader is None, "n2 led term 3"
    assert one.ask_vote("n3", term=7).granted, "of a leader of term 7 nothing was heard"


@graded(
    points=3,
    title="Silence starts an election, and nothing else keeps it off",
    requirement="Figure 2, followers: if election timeout elapses without receiving AppendEntries "
    "from current leader or granting vote to candidate: convert to candidate",
)
def test_only_the_current_leader_and_a_granted_vote_put_off_the_election(lab: RaftLab) -> None:
    def puts_off(one: OneServer, sender: str, message: object) -> bool:
        before = one.timer(lab.ElectionTimeout).id
        one.receive(sender, message)
        return one.timer(lab.ElectionTimeout).id != before

    one = OneServer(lab)
    assert puts_off(one, "n2", lab.AppendEntries(2, 0, 0, (), 0, 0)), "n2 leads term 2"
    assert puts_off(one, "n2", lab.AppendEntries(2, 5, 2, (), 0, 0)), "it leads with any log"
    three = lab.Configuration(("n1", "n2", "n3"))
    for offset in (0, 1, 7):
        piece = lab.InstallSnapshot(2, 0, 9, 2, three, offset, ("part",), False)
        assert puts_off(one, "n2", piece), "while pieces of a snapshot come, no heartbeats do"
    old = lab.InstallSnapshot(1, 0, 9, 1, three, 0, ("part",), False)
    assert not puts_off(one, "n3", old), "n3 led a term long ago"
    assert not puts_off(one, "n3", lab.AppendEntries(1, 0, 0, (), 0, 0)), "n3 led a term long ago"
    one.quiet()
    assert not puts_off(one, "n3", lab.RequestPreVote(3, 0, 0)), "nothing was promised"
    assert puts_off(one, "n3", lab.RequestVote(3, 0, 0)), "the vote was granted"
    assert not puts_off(one, "n2", lab.RequestVote(3, 0, 0)), "no vote was left"
    assert not puts_off(one, "n2", lab.RequestVoteReply(3, False)), "a word of no candidate's"
    assert not puts_off(one, "c1", lab.CommandRequest(1, lab.Put("x", "1"))), "clients are no news"
    assert not puts_off(one, "n2", lab.RequestPreVoteReply(9, 4, False)), "a term, and no leader"


@graded(
    points=3,
    title="How an election begins",
    requirement="Figure 2, candidates: increment currentTerm, vote for self, reset election timer, "
    "send RequestVote RPCs to all other servers",
)
def test_a_candidate_votes_for_itself_in_a_new_term_and_asks_all_others(lab: RaftLab) -> None:
    one = OneServer(lab, pre_vote=False)
    one.append(3, (0, 0), [1, 3])
    sent = one.fire(lab.ElectionTimeout)
    assert (one.disk["term"], one.disk["vote"]) == (4, "n1")
    assert sorted(each.to for each in sent) == ["n2", "n3"]
    assert find(sent, lab.RequestVote) == [lab.RequestVote(4, 2, 3)] * 2
    again = one.fire(lab.ElectionTimeout)
    assert [each.term for each in find(again, lab.RequestVote)] == [5, 5], (
        "if election timeout elapses: start new election"
    )
    asked_to = OneServer(lab)
    asked_to.append(3, (0, 0), [1, 3])
    sent = asked_to.receive("n2", lab.TimeoutNow(3))
    assert find(sent, lab.RequestVote) == [lab.RequestVote(4, 2, 3, True)] * 2
    assert (asked_to.disk["term"], asked_to.disk["vote"]) == (4, "n1"), "its vote is given, too"
    assert not asked_to.receive("n2", lab.TimeoutNow(3)), "a second copy, of a term that is over"
    assert only(asked_to.command("a"), lab.NotLeader).leader is None, "n2 led term 3"
    assert asked_to.ask_vote("n3", term=5, last=(2, 3)).granted, "it hears nobody in term 4"
    alone = OneServer(lab, ("n1",))
    alone.fire(lab.ElectionTimeout)
    assert only(alone.command("a"), lab.Answer).number == 1, "one of one is a majority"


@graded(
    points=2,
    title="A candidate gives up",
    requirement="Figure 2, candidates: if AppendEntries RPC received from new leader: convert to "
    "follower",
)
def test_a_candidate_follows_a_leader_of_its_own_term_but_not_of_an_older_one(lab: RaftLab) -> None:
    one = OneServer(lab, pre_vote=False)
    one.fire(lab.ElectionTimeout)
    one.fire(lab.ElectionTimeout)
    assert not one.append(1, (0, 0), []).success
    assert one.server.status()["role"] == "candidate"
    assert one.append(2, (0, 0), []).success
    assert one.server.status()["role"] == "follower"
    assert not one.receive("n3", lab.RequestVoteReply(2, True)), "the election is over"


@graded(
    points=2,
    title="Timeouts are drawn at random",
    requirement="section 5.2: election timeouts are chosen randomly from a fixed interval",
)
def test_election_timeouts_differ_within_their_interval(lab: RaftLab) -> None:
    one = OneServer(lab, election_timeout=(150 * MS, 300 * MS))
    drawn = []
    for _ in range(40):
        one.append(1, (0, 0), [])
        drawn.append(one.timer(lab.ElectionTimeout).after)
    assert all(150 * MS <= after <= 300 * MS for after in drawn)
    assert len(set(drawn)) > 20
    assert max(drawn) - min(drawn) > 75 * MS, "all in one half of the interval"


@graded(
    points=3,
    title="Elected, and again",
    requirement="section 5.2: Raft elects a leader, and a new one when it crashes",
)
def test_a_leader_is_elected_and_another_one_after_each_crash(lab: RaftLab, sweep: Sweep) -> None:
    for seed in sweep(8):
        simulation = cluster(lab, seed, count=5)
        for _ in range(2):
            leader = elect(simulation).id
            crash(simulation, leader)
            simulation.run(simulation.now + 20 * MS)
        elect(simulation)
        simulation.run(simulation.now + SECOND)
        assert len(leaders(simulation)) == 1
        crash(simulation, leaders(simulation)[0].id)
        simulation.run(simulation.now + SECOND)
        assert not leaders(simulation), "two of five cannot elect anybody"
        restart(simulation, *names(5))
        elect(simulation)


@graded(
    points=3,
    title="Elections under all kinds of trouble",
    requirement="Figure 3, Election Safety; section 5.6: a steady leader soon after the trouble",
)
def test_no_term_has_two_leaders_whatever_fails(lab: RaftLab, sweep: Sweep) -> None:
    """In every second run servers ask nobody before they campaign, and several do at once."""
    for seed in sweep(12):
        kinds = ("partition", "block", "crash", "pause", "link", "clock")
        rash = {"pre_vote": False, "election_timeout": (150 * MS, 180 * MS)}
        config = rash if seed % 2 else {}
        simulation = cluster(lab, seed, 5, trouble(seed, 5, *kinds, until=2 * SECOND), config)
        simulation.run(3 * SECOND)
        term = elect(simulation).current_term
        simulation.run(simulation.now + SECOND)
        assert [each.current_term for each in leaders(simulation)] == [term], "no leader stays"


@graded(
    points=3,
    title="Who comes back does not disturb",
    requirement="thesis 9.6, PreVote: a server that was cut off does not disrupt the cluster",
)
def test_a_server_that_was_cut_off_comes_back_without_an_election(
    lab: RaftLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        simulation = cluster(lab, seed)
        leader = elect(simulation)
        term = leader.current_term
        alone = others(simulation, leader.id)[0].id
        rest = tuple(id for id in names(3) if id != alone)
        simulation.inject(Partition(simulation.now, ((alone,), rest)))
        simulation.run(simulation.now + 2 * SECOND)
        assert server_of(simulation, alone).current_term == term, "it could not win any election"
        simulation.inject(Heal(simulation.now))
        simulation.run(simulation.now + SECOND)
        assert [(each.id, each.current_term) for each in leaders(simulation)] == [(leader.id, term)]


@graded(
    points=3,
    title="A leader that nobody answers steps down",
    requirement="thesis 6.2: it steps down if an election timeout elapses without a majority",
)
def test_a_leader_whose_answers_are_cut_off_gives_way_to_another(
    lab: RaftLab, sweep: Sweep
) -> None:
    """A partition in one direction: its heartbeats arrive, and would keep the others quiet."""
    for seed in sweep(5):
        simulation = cluster(lab, seed)
        leader = elect(simulation).id
        for other in others(simulation, leader):
            simulation.inject(Block(simulation.now, other.id, leader))
        simulation.run(simulation.now + 2 * SECOND)
        assert leaders(simulation)[-1].id != leader, "the others wait for a leader that is deaf"
        ask_ok(simulation, "c1", lab.Put("x", "1"))
    one = OneServer(lab, names(5), pre_vote=False)
    one.fire(lab.ElectionTimeout)
    for voter in ("n2", "n3"):
        one.receive(voter, lab.RequestVoteReply(1, True))
    for answering in (("n2", "n3"), ("n4", "n5"), ("n2",)):
        assert one.server.status()["role"] == "leader"
        for follower in answering:
            one.receive(follower, lab.AppendEntriesReply(1, 0, True, 0, 0))
        one.fire(lab.QuorumCheck)
    status = one.server.status()
    assert (status["role"], status["term"]) == ("follower", 1), "one of four has answered since"
    assert one.timer(lab.ElectionTimeout)


@graded(
    points=2,
    title="Handing over",
    requirement="thesis 3.10: the target has the whole log, and its election need not wait",
)
def test_leadership_is_transferred_to_the_server_that_is_named(lab: RaftLab, sweep: Sweep) -> None:
    for seed in sweep(5):
        simulation = cluster(lab, seed)
        leader = elect(simulation)
        ask_ok(simulation, "c1", lab.Put("x", "1"))
        target = others(simulation, leader.id)[seed % 2].id
        start = simulation.now
        assert ask_ok(simulation, "c2", lab.TransferLeadership(target)) == target
        assert elect(simulation).id == target
        assert server_of(simulation, target).current_term == leader.current_term
        assert simulation.now - start < 150 * MS, "nobody had to wait for an election timeout"
        assert ask_ok(simulation, "c1", lab.Get("x")) == "1"


@graded(
    points=2,
    title="Handing over to nobody",
    requirement="thesis 3.10: if the transfer does not complete, the leader takes requests again",
)
def test_a_leader_whose_target_is_down_goes_on(lab: RaftLab) -> None:
    simulation = cluster(lab, seed=1)
    leader = elect(simulation)
    target = others(simulation, leader.id)[0].id
    crash(simulation, target)
    handing_over = simulation.call("c2", lab.TransferLeadership(target))
    simulation.run(simulation.now + 20 * MS)
    ask_ok(simulation, "c1", lab.Put("x", "1"))
    assert isinstance(handing_over.outcome, Unknown), "whether it hears the word, nobody knows"
    one = OneServer(lab)
    sent = one.be_leader() + one.command("z", 1, "c9")
    asked_for = one.receive("c2", lab.TransferRequest(1, "n2"))
    assert not find(asked_for, lab.TimeoutNow), "n2 has not got all of the log, and may not win"
    assert find(one.accept("n2", one.accept("n2", sent)), lab.TimeoutNow, "n2"), "now it has"
    one = OneServer(lab)
    one.be_leader()
    one.receive("c2", lab.TransferRequest(1, "n2"))
    one.command("a")
    assert len(one.entries()) == 1, "with new entries the target would never have the whole log"
    one.fire(lab.TransferTimeout)
    one.command("a")
    assert len(one.entries()) == 2, "it leads, so it takes commands again"
