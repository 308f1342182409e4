"""Graded suite of the lab ``cassandra``, fifth part: compare and set, by Paxos."""

from functools import partial
from typing import Any

from common.check.linearizability import check_linearizability
from common.check.models import CompareAndSetRegister
from common.contract.effects import Save, SetTimer
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    ask,
    ask_ok,
    crash,
    effects_of,
    must_end,
    must_hold,
    restart_all,
    run_until,
    sent,
    trouble,
)
from common.sim.workload import Workload
from common.values.history import Failed, History, Ok, Unknown
from common.values.units import MS, SECOND
from stage3_partitioning.cassandra.checks import as_register
from tests.stage3_partitioning.cassandra.lab import CassandraLab
from tests.stage3_partitioning.cassandra.room import (
    FIVE,
    NAME,
    ROUGH,
    THREE,
    Alone,
    Asked,
    claim,
    cluster,
    look,
    proposal,
    proposing,
    shown,
    told,
)

LAB = "cassandra"


@graded(points=4, title="One after the other", requirement="linearizable, whatever crashes")
def test_transactions_on_a_column_are_those_of_one_register(
    lab: CassandraLab, sweep: Sweep
) -> None:
    def choose(random: Any, node: str, number: int) -> object:
        key, drawn = random.choice(("ann", "bob")), random.random()
        if drawn < 0.4:
            return claim(lab, None, node, key)
        if drawn < 0.7:
            return claim(lab, node, None, key)
        return look(lab, key)

    got: list[object] = []
    for seed in sweep(4):
        kinds = ("crash", "partition", "pause", "clock", "disk")
        faults = trouble(seed, kinds, hit=FIVE, until=2 * SECOND)
        node = partial(lab.Cassandra, memtable_cells=4)
        simulation = cluster(lab, node, seed, faults, link=ROUGH)
        work = Workload(simulation, choose, clients=FIVE, count=12, think=(0, 300 * MS))
        must_end(simulation, work, limit=30 * SECOND, fine=0.1)
        history = History(as_register(simulation.history))
        must_hold(check_linearizability(history, CompareAndSetRegister()))
        got += [each for each in simulation.history if each.outcome == Ok(True)]
    assert got, "somebody got it"


@graded(points=2, title="One of them", requirement="two that claim a name do not both get it")
def test_of_several_that_claim_a_name_at_once_exactly_one_gets_it(
    lab: CassandraLab, sweep: Sweep
) -> None:
    for seed in sweep(6):
        simulation = cluster(lab, lab.Cassandra, seed)
        claims = [simulation.call(node, claim(lab, None, node)) for node in FIVE[:3]]
        run_until(simulation, lambda claims=claims: all(c.returned_at for c in claims))  # type: ignore[misc]
        winners = [each.process for each in claims if each.outcome == Ok(True)]
        assert len(winners) <= 1, winners
        (holder,) = ask_ok(simulation, "n5", look(lab))
        assert not winners or holder.value == winners[0]
        assert shown(lab, simulation, "n4", "ann") == holder.value, "plain reads see it as well"
        for lost in claims:
            if isinstance(lost.outcome, Ok) and lost.outcome != Ok(True):
                assert lost.outcome.value[0].value == holder.value  # type: ignore[index]


@graded(points=2, title="Claim and give back", requirement="the condition is looked at, each time")
def test_a_name_is_claimed_given_back_and_claimed_again(lab: CassandraLab) -> None:
    simulation = cluster(lab, lab.Cassandra)
    assert ask_ok(simulation, "n1", look(lab)) == ()
    assert ask_ok(simulation, "n1", claim(lab, None, "ann")) is True
    (found,) = ask_ok(simulation, "n2", claim(lab, None, "bob"))
    assert found.value == "ann"
    (found,) = ask_ok(simulation, "n3", claim(lab, "bob", "cyd"))
    assert found.value == "ann"
    assert ask_ok(simulation, "n4", claim(lab, "ann", None)) is True
    (found,) = ask_ok(simulation, "n4", look(lab))
    assert found.value is None
    assert ask_ok(simulation, "n2", claim(lab, None, "bob")) is True
    restart_all(simulation)
    (found,) = ask_ok(simulation, "n5", look(lab))
    assert found.value == "bob"


@graded(points=1, title="A majority", requirement="two of three are enough, one is not")
def test_a_transaction_needs_a_majority_of_replicas_and_no_more(lab: CassandraLab) -> None:
    simulation = cluster(lab, lab.Cassandra, many=THREE)
    crash(simulation, "n3")
    assert ask_ok(simulation, "n1", claim(lab, None, "ann")) is True
    crash(simulation, "n2")
    asked = ask(simulation, "n1", claim(lab, "ann", "bob"))
    assert asked.outcome == Failed("too few replicas have answered in time")


@graded(points=2, title="All phases", requirement="prepare, propose, commit; told at the end")
def test_the_person_is_told_when_a_majority_has_committed_and_not_before(
    lab: CassandraLab,
) -> None:
    asked = Asked(lab, claim(lab, None, "Oslo"))
    ballot = asked.prepare.ballot
    assert asked.prepare.names == (NAME,)
    assert ballot == (1000, "n1"), "what the clock shows"
    assert asked.promise("n2") == []
    assert asked.promise("n2") == [], "it is one replica, twice"
    propose = asked.proposed(asked.promise("n3"))
    assert propose == lab.Proposal(ballot, ((NAME, lab.Cell("Oslo", 1000)),))
    assert asked.promise("n1") == [], "it is decided"
    round = asked.prepare.round
    assert asked.node.gets("n3", lab.Committed(round)) == [], "nothing was to be committed"
    assert asked.node.gets("n2", lab.Accepted(round)) == []
    assert asked.node.gets("n2", lab.Accepted(round)) == [], "one replica, twice"
    commits = sent(asked.node.gets("n1", lab.Accepted(round)))
    assert sorted(commits) == [(n, lab.Commit(round, "ann", propose)) for n in THREE]
    assert asked.node.gets("n3", lab.Accepted(round)) == []
    assert asked.node.gets("n1", lab.Committed(round)) == []
    assert asked.node.gets("n1", lab.Committed(round)) == []
    assert told(asked.node.gets("n3", lab.Committed(round))) == [Ok(True)]
    assert asked.node.gets("n2", lab.Committed(round)) == []
    assert asked.node.fires(lab.TimeIsOver(round)) == []


@graded(points=3, title="Half done", requirement="P2c: the highest accepted comes first")
def test_what_was_accepted_and_is_not_committed_everywhere_is_finished_first(
    lab: CassandraLab,
) -> None:
    old, new = proposal(lab, 10, "Oslo"), proposal(lab, 20, "Rome")
    for first, second in (
        ((old, 10), (new, 10)),
        ((new, 10), (old, 10)),
        ((new, 20), (None, 0)),
        ((None, 0), (new, 0)),
    ):
        asked = Asked(lab, claim(lab, None, "Bonn"))
        asked.promise("n2", *first)
        finished = asked.proposed(asked.promise("n3", *second))
        assert finished == lab.Proposal(asked.prepare.ballot, new.cells)
        round = asked.prepare.round
        for sender in ("n1", "n2"):
            asked.node.gets(sender, lab.Accepted(round))
        assert asked.node.gets("n3", lab.Refused(round, (9000, "n3"))) == [], "it has a majority"
        asked.node.gets("n1", lab.Committed(round))
        again = asked.node.gets("n2", lab.Committed(round))
        assert told(again) == [], "it was somebody else's"
        (prepare,) = {message for _, message in sent(again)}
        assert isinstance(prepare, lab.Prepare)
        assert prepare.ballot > asked.prepare.ballot
        assert prepare.round != round
        asked.prepare = prepare
        done = lab.Proposal(finished.ballot, new.cells)
        assert asked.promise("n1", done, finished.ballot[0], new.cells) == []
        looks = asked.proposed(asked.promise("n2", done, finished.ballot[0], new.cells))
        assert looks == lab.Proposal(prepare.ballot, ()), "now it is the own turn"
        assert told(asked.node.gets("n3", lab.Accepted(prepare.round))) == []
        shown_there = told(asked.node.gets("n2", lab.Accepted(prepare.round)))
        assert shown_there == [Ok((lab.Shown("profile", "city", "Rome", 20),))]


@graded(points=2, title="Done already", requirement="what all have committed is not done again")
def test_what_the_whole_majority_has_committed_is_left_alone(lab: CassandraLab) -> None:
    done, nothing = proposal(lab, 10, "Oslo"), proposal(lab, 20)
    here = ((NAME, lab.Cell("Oslo", 10)),)
    for accepted, committed in ((done, 10), (nothing, 10), (done, 15)):
        asked = Asked(lab, claim(lab, "Oslo", "Bonn"))
        asked.promise("n2", accepted, committed, here)
        propose = asked.proposed(asked.promise("n3", done, 10, here))
        assert propose.cells == ((NAME, lab.Cell("Bonn", 1000)),)
    asked = Asked(lab, claim(lab, None, "Bonn"))
    asked.promise("n2", nothing)
    propose = asked.proposed(asked.promise("n3", done))
    assert propose.cells == ((NAME, lab.Cell("Bonn", 1000)),), "a look was accepted since"


@graded(points=3, title="Looking is a round", requirement="CASSANDRA-12126, scylladb 6299")
def test_a_condition_that_does_not_hold_is_told_after_a_majority_has_accepted_nothing(
    lab: CassandraLab,
) -> None:
    here = ((NAME, lab.Cell("Oslo", 5)),)
    there = Ok((lab.Shown("profile", "city", "Oslo", 5),))
    for operation in (claim(lab, "Rome", "Bonn"), claim(lab, None, "Bonn"), look(lab)):
        asked = Asked(lab, operation)
        asked.promise("n2")
        decided = asked.promise("n3", None, 0, here)
        assert told(decided) == []
        assert asked.proposed(decided) == lab.Proposal(asked.prepare.ballot, ())
        round = asked.prepare.round
        assert told(asked.node.gets("n2", lab.Accepted(round))) == []
        through = asked.node.gets("n1", lab.Accepted(round))
        assert told(through) == [there]
        assert sent(through) == [], "there is nothing to commit"
        assert asked.node.gets("n3", lab.Accepted(round)) == []
    asked = Asked(lab, claim(lab, None, "Bonn"))
    asked.promise("n2")
    empty = asked.promise("n3", None, 0, ((NAME, lab.Cell("", 5)),))
    assert asked.proposed(empty).cells == (), "an empty text is a value: somebody has written it"


@graded(points=2, title="Overtaken", requirement="begin again above it, after a while")
def test_who_is_refused_begins_again_above_the_ballot_that_is_promised(lab: CassandraLab) -> None:
    for phase in ("prepare", "look", "finish"):
        asked = Asked(lab, look(lab) if phase == "look" else claim(lab, None, "Bonn"))
        gone = ((NAME, lab.Cell(None, 3)),)
        asked.promise("n2", proposal(lab, 3, None), 3, gone)
        if phase != "prepare":
            asked.promise("n3", proposal(lab, 10, "Oslo") if phase == "finish" else None)
            asked.node.gets("n3", lab.Accepted(asked.prepare.round))
        refused = asked.node.gets("n2", lab.Refused(asked.prepare.round, (5000, "n3")))
        assert told(refused) == sent(refused) == []
        timers = [(each.timer, each.after) for each in effects_of(SetTimer, refused)]
        ((begin, wait),) = [each for each in timers if isinstance(each[0], lab.BeginAgain)]
        assert 0 <= wait < 40 * MS
        assert asked.node.gets("n3", lab.Refused(asked.prepare.round, (9000, "n3"))) == []
        (_, prepare), *_ = sent(asked.node.fires(begin))
        assert prepare.ballot == (5001, "n1")
        assert asked.promise("n2") == [], "a promise to the first attempt is late"
        asked.prepare = prepare
        assert asked.promise("n3") == [], "and one to it before counts no more"
        assert sent(asked.promise("n1"))
        assert asked.node.fires(begin) == []
    asked = proposing(lab, proposal(lab, 10, "Oslo"))
    for answer in (lab.Accepted, lab.Committed):
        for sender in ("n1", "n2"):
            own = asked.node.gets(sender, answer(asked.prepare.round))
    (_, prepare), *_ = sent(own)
    refused = asked.node.gets("n3", lab.Refused(prepare.round, (5000, "n3")))
    begins = [each for each in effects_of(SetTimer, refused) if each.after < 40 * MS]
    assert begins, "what was committed was somebody else's: the own wish may begin again"


@graded(points=3, title="Unsure", requirement="own cells that were refused may still be written")
def test_who_has_proposed_its_own_cells_and_is_refused_does_not_try_again(
    lab: CassandraLab,
) -> None:
    asked = proposing(lab)
    round = asked.prepare.round
    assert asked.node.gets("n2", lab.Refused(round, (5000, "n3"))) == []
    silent = asked.node.fires(lab.TimeIsOver(round))
    assert told(silent) == [Unknown("too few replicas have answered in time")]
    assert sent(silent) == []
    others = proposing(lab, proposal(lab, 10, "Oslo"))
    silent = others.node.fires(lab.TimeIsOver(others.prepare.round))
    assert told(silent) == [Failed("too few replicas have answered in time")]
    lucky = proposing(lab)
    lucky.node.gets("n2", lab.Refused(lucky.prepare.round, (5000, "n3")))
    lucky.node.gets("n1", lab.Accepted(lucky.prepare.round))
    assert sent(lucky.node.gets("n3", lab.Accepted(lucky.prepare.round))), "it has a majority"
    assert lucky.node.gets("n2", lab.Refused(lucky.prepare.round, (6000, "n3"))) == []


@graded(points=2, title="The newest of all", requirement="a majority's cells together")
def test_a_condition_is_looked_at_in_the_newest_cells_of_the_majority(lab: CassandraLab) -> None:
    old, new = lab.Cell("Oslo", 5), lab.Cell(None, 6)
    for first, second in ((old, new), (new, old)):
        for expected, holds in ((None, True), ("Oslo", False)):
            asked = Asked(lab, claim(lab, expected, "Bonn"))
            asked.promise("n2", None, 0, ((NAME, first),))
            proposed = asked.proposed(asked.promise("n3", None, 0, ((NAME, second),)))
            assert bool(proposed.cells) is holds, f"{first}, then {second}: {expected!r} is there"
    city, job = partial(lab.Value, "profile", "city"), partial(lab.Value, "profile", "job")
    here = ((NAME, lab.Cell("Oslo", 5)), (("ann", "profile", "job"), lab.Cell("smith", 6)))
    both = (city("Bonn"), job("baker"))
    for columns, holds in (
        ((city("Oslo"), job("smith")), True),
        ((city("Oslo"), job("clerk")), False),
        ((city("Rome"), job("smith")), False),
        ((job("smith"),), True),
        ((), True),
    ):
        asked = Asked(lab, lab.PutIf("ann", columns, both))
        asked.promise("n2", None, 0, here)
        proposed = asked.proposed(asked.promise("n3", None, 0, here))
        written = {name[2]: (cell.value, cell.timestamp) for name, cell in proposed.cells}
        wanted = {"city": ("Bonn", 1000), "job": ("baker", 1000)} if holds else {}
        assert written == wanted, f"all that is expected has to hold: {columns}"
    asked = Asked(lab, lab.PutIf("ann", (city("Rome"),), both))
    asked.promise("n2", None, 0, here)
    asked.promise("n3", None, 0, here)
    asked.node.gets("n2", lab.Accepted(asked.prepare.round))
    (shown_there,) = told(asked.node.gets("n3", lab.Accepted(asked.prepare.round)))
    assert shown_there == Ok((lab.Shown("profile", "city", "Oslo", 5),)), "the expected column"


@graded(points=1, title="Above all", requirement="a ballot is newer than what is there")
def test_cells_are_stamped_above_what_the_majority_has(lab: CassandraLab) -> None:
    for timestamp in (1000, 7000):
        asked = Asked(lab, claim(lab, "Oslo", "Bonn"))
        here = ((NAME, lab.Cell("Oslo", timestamp)),)
        asked.promise("n2", None, 0, here)
        again = sent(asked.promise("n3", None, 0, here))
        assert {message.ballot for _, message in again} == {(timestamp + 1, "n1")}
        assert asked.node.fires(lab.TimeIsOver(asked.prepare.round)) == [], "that one is over"
    job = ("ann", "profile", "job")
    wanted = lab.PutIf(
        "ann", (lab.Value("profile", "city", None),), (lab.Value("profile", "job", "smith"),)
    )
    asked = Asked(lab, wanted)
    asked.promise("n2", None, 0, ((NAME, lab.Cell(None, 7)), (job, lab.Cell("old", 7000))))
    assert {message.ballot for _, message in sent(asked.promise("n3"))} == {(7001, "n1")}
    asked = Asked(lab, claim(lab, None, "Bonn"))
    asked.promise("n2", None, 0, ((NAME, lab.Cell(None, 7000)),))
    above = {message.ballot for _, message in sent(asked.promise("n3"))}
    assert above == {(7001, "n1")}, "a tombstone hides what is older, too"
    asked = Asked(lab, claim(lab, "Oslo", "Bonn"))
    asked.promise("n2", None, 0, ((NAME, lab.Cell("Oslo", 999)),))
    assert asked.proposed(asked.promise("n3")).cells == ((NAME, lab.Cell("Bonn", 1000)),)


@graded(points=1, title="Never again", requirement="no ballot is used twice, not by a later life")
def test_a_ballot_is_not_used_again_in_a_later_life(lab: CassandraLab) -> None:
    saved: dict[Any, object] = {}
    ballots = []
    for _ in range(3):
        node = Alone(lab.Cassandra, saved)
        for key in ("ann", "bob"):
            begun = node.does(claim(lab, None, "Oslo", key))
            ballots.append(sent(begun)[0][1].ballot)
            assert effects_of(Save, begun)
        saved = node.disk
    assert len(set(ballots)) == 6, ballots
    node = Alone(lab.Cassandra)
    asked = [sent(node.does(claim(lab, None, "Oslo", key)))[0][1] for key in ("ann", "bob")]
    for prepare, promised in zip(asked, (9000, 5000), strict=True):
        refused = node.gets("n2", lab.Refused(prepare.round, (promised, "n3")))
    ((begin, _),) = [(each.timer, each.after) for each in effects_of(SetTimer, refused)][1:]
    (_, prepare), *_ = sent(node.fires(begin))
    assert prepare.ballot == (9001, "n1"), "it has heard of 9000: what is used only grows"


@graded(points=1, title="It ends", requirement="twelve attempts, then it has failed")
def test_who_is_overtaken_each_time_gives_up_and_says_that_nothing_was_written(
    lab: CassandraLab,
) -> None:
    asked = Asked(lab, claim(lab, None, "Bonn"))
    drawn = set()
    for attempt in range(1, 100):
        refused = asked.node.gets("n2", lab.Refused(asked.prepare.round, (5000 + attempt, "n3")))
        timers = [(each.timer, each.after) for each in effects_of(SetTimer, refused)]
        ((begin, wait),) = [each for each in timers if isinstance(each[0], lab.BeginAgain)]
        drawn.add(wait)
        again = asked.node.fires(begin)
        if not sent(again):
            break
        (_, asked.prepare), *_ = sent(again)
    assert attempt == 12
    assert len(drawn) > 5, "drawn by chance each time, or two overtake each other again and again"
    assert told(again) == [Failed("others were faster each time: try again")]
    asked = Asked(lab, claim(lab, None, "Bonn"))
    for attempt in range(1, 100):  # each time it finishes what somebody else has begun
        asked.promise("n2")
        asked.promise("n3", proposal(lab, 5000 + attempt, "Oslo"))
        round = asked.prepare.round
        for answer in (lab.Accepted(round), lab.Committed(round)):
            for sender in ("n1", "n2"):
                again = asked.node.gets(sender, answer)
        if not sent(again):
            break
        (_, asked.prepare), *_ = sent(again)
    assert attempt == 12, "an attempt that finishes another's is an attempt"
    assert told(again) == [Failed("others were faster each time: try again")]
