"""Graded suite of the lab ``log``: leader, followers, in-sync replicas, high watermark."""

from dataclasses import replace

from common.contract.effects import Forget, Save, Send, SetTimer
from common.contract.events import Fire, Invoke, Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    ask,
    ask_ok,
    crash,
    effects_of,
    has_ended,
    names,
    run_until,
    value_of,
    wait_for,
)
from common.sim import LinkModel
from common.values.faults import Block, Heal
from common.values.history import Ok
from common.values.units import MS, SECOND
from stage8_real_systems.log.requests import Error, FetchPart
from tests.stage8_real_systems.log.cluster import (
    Said,
    append,
    brokers,
    described,
    fence,
    leader_of,
    leads,
    replicas,
    texts,
    with_topic,
)
from tests.stage8_real_systems.log.lab import LogLab

LAB = "log"


@graded(points=1, title="Topics", requirement="any broker has a topic made, and knows it then")
def test_a_topic_is_made_by_asking_any_broker(lab: LogLab) -> None:
    simulation = brokers(lab)
    run_until(simulation, lambda: len(described(lab, simulation).brokers) == 3)
    for node in names(3):
        assert ask_ok(simulation, node, lab.CreateTopic(f"of-{node}", 2)) == lab.Done()
        found = [each.name for each in described(lab, simulation, node).topics]
        assert f"of-{node}" in found, "the broker that was asked knows it"
    simulation.run(simulation.now + 200 * MS)
    assert len(described(lab, simulation).topics) == 3
    again = ask_ok(simulation, "n2", lab.CreateTopic("of-n1", 2))
    assert again.error is lab.Error.TOPIC_ALREADY_EXISTS
    for bad in (lab.CreateTopic("a b", 1), lab.CreateTopic("c", 0), lab.CreateTopic("c", 1, 4)):
        assert isinstance(ask_ok(simulation, "n2", bad), lab.Refused)


@graded(points=2, title="A copy on each", requirement="followers fetch, and append what comes next")
def test_followers_copy_what_the_leader_takes_in_its_order(lab: LogLab, sweep: Sweep) -> None:
    rough = LinkModel(latency=(1 * MS, 20 * MS), loss=0.2, duplicate=0.3)
    for seed in sweep(5):
        simulation = replicas(lab, seed=seed, link=rough, lag_time=100 * SECOND)
        run_until(simulation, lambda: leads(lab, simulation, "n1", "first", 500 * MS))  # noqa: B023
        sent = ["first"]
        for number in range(12):
            sent.append(f"m{number}")
            # A part that is lost goes out again some 400 ms later, and may be lost again and again.
            append(lab, simulation, "n1", sent[-1], within=60 * SECOND)
        simulation.run(simulation.now + 3 * SECOND)
        for node in names(3):
            assert texts(lab, simulation, node) == sent, f"the copy of {node}"


@graded(points=2, title="Old answers", requirement="what is of another time says nothing")
def test_a_follower_uses_an_answer_once_and_only_of_its_own_leader(lab: LogLab) -> None:
    follower = lab.LoneReplica("n2", ("n1", "n3"))
    follower.step(Start(0, {}))
    everybody = ("n1", "n2", "n3")
    state = lab.PartitionState(everybody, everybody, "n1", 4, 1)
    effects = follower.step(Receive(1, "ctl", lab.Appoint(1, state)))
    assert effects_of(Send, effects) == [Send("n1", lab.FetchLog(4, 0, 0))]
    batches = [lab.batch_of(("k", str(at))).placed(at, 4) for at in range(3)]
    for old in (lab.LogPart(3, 0, tuple(batches), 3, 0), lab.LogPart(4, 1, (batches[1],), 3, 0)):
        effects = follower.step(Receive(2, "n1", old))
        assert (effects_of(Save, effects), effects_of(Send, effects)) == ([], [])
    part = lab.LogPart(4, 0, (batches[0],), 3, 0)
    effects = follower.step(Receive(3, "n1", part))
    assert [each.key for each in effects_of(Save, effects)] == [("batch", 0)]
    wanted = [Send("n1", lab.FetchLog(4, 1, 1))]
    assert effects_of(Send, effects) == wanted, "of what is not here it calls nothing committed"
    again = follower.step(Receive(4, "n1", part))
    assert (effects_of(Save, again), effects_of(Send, again)) == ([], []), "it came twice"
    for same in (lab.LogPart(4, 1, (), 1, 0), lab.LogPart(4, 1, (), 1, 1)):
        effects = follower.step(Receive(4, "n1", same))
        assert effects_of(Forget, effects) == [], "the leader's log begins where this one ends"
        assert effects_of(Send, effects) == wanted
    effects = follower.step(Receive(5, "n1", lab.LogPart(4, 1, (), 9, 7)))
    assert effects_of(Send, effects) == [Send("n1", lab.FetchLog(4, 7, 7))], "it begins anew at 7"
    assert [each.key for each in effects_of(Forget, effects)] == [("batch", 0)]


@graded(points=2, title="All of them", requirement="acks=all: all in-sync replicas have it")
def test_who_wants_all_is_told_once_all_in_sync_replicas_have_it(lab: LogLab) -> None:
    simulation = replicas(lab)
    append(lab, simulation, "n1", "a")
    simulation.inject(Block(simulation.now, "n3", "n1"))  # its fetches do not arrive
    simulation.run(simulation.now + 20 * MS)
    asked = simulation.call("n1", lab.Append("b"))
    assert not has_ended(simulation, asked, 250 * MS), "n3 may lack it, and is in sync"
    assert texts(lab, simulation, "n1") == ["a"], "so nobody may read it"
    assert ask(simulation, "n1", lab.Append("c", 1)).outcome == Ok(2), "the leader alone has it"
    wait_for(simulation, asked)
    assert asked.outcome == Ok(1), "n3 lags behind for too long, and counts no more"
    assert texts(lab, simulation, "n1") == ["a", "b", "c"]
    simulation = replicas(lab)
    append(lab, simulation, "n1", "a")
    simulation.inject(Block(simulation.now, "n1", "n3"))  # its fetches arrive, and no answers
    asked = simulation.call("n1", lab.Append("b"))
    assert not has_ended(simulation, asked, 250 * MS)
    wait_for(simulation, asked)
    assert asked.outcome == Ok(1), "n3 asks again and again, and gets nothing: it lags as well"


@graded(points=2, title="Not back too soon", requirement="KIP-497: all that is committed, first")
def test_a_follower_that_lags_is_not_asked_for_before_it_has_what_is_committed(
    lab: LogLab,
) -> None:
    leader = lab.LoneReplica("n2", ("n1", "n3"))
    batches = [lab.batch_of(("k", str(at))).placed(at, 1) for at in range(3)]
    leader.step(Start(0, {("batch", each.base_offset): each for each in batches}))
    state = lab.PartitionState(("n1", "n2", "n3"), ("n2", "n3"), "n2", 4, 7)
    leader.step(Receive(1, "ctl", lab.Appoint(1, state)))
    for other, epoch in (("n1", 3), ("n1", 5), ("n9", 4)):
        ignored = leader.step(Receive(2, other, lab.FetchLog(epoch, 3, 0)))
        assert effects_of(Send, ignored) == [], "of another epoch, or of no replica"
    for offset in (0, 2):
        effects = effects_of(Send, leader.step(Receive(3, "n1", lab.FetchLog(4, offset, 0))))
        assert [each.to for each in effects] == ["n1"], "it lacks what was there at the beginning"
    leader.step(Invoke(3, 1, lab.Append("more", 1)))
    leader.step(Receive(3, "n3", lab.FetchLog(4, 4, 0)))
    effects = effects_of(Send, leader.step(Receive(4, "n1", lab.FetchLog(4, 3, 3))))
    assert [each.to for each in effects] == ["n1"], "it lacks what is committed by now"
    leader.step(Invoke(4, 2, lab.Append("and more", 1)))  # the log never stands still
    effects = effects_of(Send, leader.step(Receive(4, "n1", lab.FetchLog(4, 4, 3))))
    assert Send("ctl", lab.IsrWish(("n2", "n3", "n1"), 4, 7)) in effects
    effects = effects_of(Send, leader.step(Receive(5, "n1", lab.FetchLog(4, 4, 4))))
    assert effects == [], "it is asked for already, and what it wants is on its way"
    everybody, two = ("n1", "n2", "n3", "n4"), lab.LoneReplica("n2", ("n1", "n3", "n4"))
    two.step(Start(0, {("batch", each.base_offset): each for each in batches}))
    alone = lab.PartitionState(everybody, ("n2",), "n2", 4, 7)
    begun = two.step(Receive(1, "ctl", lab.Appoint(1, alone)))
    (check,) = [each for each in begun if isinstance(each, SetTimer)]
    wish = Send("ctl", lab.IsrWish(("n2", "n1"), 4, 7))
    assert wish in effects_of(Send, two.step(Receive(2, "n1", lab.FetchLog(4, 3, 3))))
    assert effects_of(Send, two.step(Receive(3, "n3", lab.FetchLog(4, 3, 3)))) == []
    late = effects_of(Send, two.step(Fire(3, check.id, check.timer)))
    assert late == [], "who is late is put out; nobody is asked for by that, beside n1"
    two.step(Invoke(4, 1, lab.Append("more", 1)))
    told = effects_of(Send, two.step(Receive(5, "n3", lab.FetchLog(4, 4, 3))))
    assert told == [], "n1 may be in sync by now, and lacks it: it is not committed"
    new = lab.LoneReplica("n2", ("n1", "n3"))
    new.step(Start(0, {("batch", each.base_offset): each for each in batches}))
    new.step(Receive(1, "ctl", lab.Appoint(1, state)))
    told = effects_of(Send, new.step(Receive(2, "n1", lab.FetchLog(4, 3, 2))))
    assert [each.to for each in told] == ["ctl"], "n1 knows more to be committed than n2 by now"
    decided = replace(alone, isr=("n2", "n1"), version=8)
    two.step(Receive(6, "ctl", lab.Appoint(1, decided)))
    two.step(Receive(7, "n1", lab.FetchLog(4, 4, 3)))
    told = effects_of(Send, two.step(Receive(8, "n3", lab.FetchLog(4, 4, 4))))
    assert told == [Send("ctl", lab.IsrWish(("n2", "n1", "n3"), 4, 8))], "one after the other"
    what_a_follower_asks_for_again_is_not_sent_again_while_it_may_be_on_its_way(lab)


def what_a_follower_asks_for_again_is_not_sent_again_while_it_may_be_on_its_way(
    lab: LogLab,
) -> None:
    """A follower with a slow network or disk asks every 100 ms; a part may take a second."""
    leader = lab.LoneReplica("n2", ("n1", "n3", "ctl"), fetch_again=100 * MS)
    leader.step(Start(0, {}))
    state = lab.PartitionState(("n1", "n2", "n3"), ("n1", "n2", "n3"), "n2", 4, 7)
    leader.step(Receive(1, "ctl", lab.Appoint(1, state)))
    leader.step(Invoke(1, 1, lab.Append("large", 1)))

    def sent(now: int, offset: int) -> int:
        """How much is sent to a follower that asks."""
        fetch = Receive(now * 100 * MS, "n1", lab.FetchLog(4, offset, 0))
        return len(effects_of(Send, leader.step(fetch)))

    answered = [now for now in range(1, 20) if sent(now, 0)]
    assert answered == [1, 3, 7, 11, 15, 19]
    later = leader.step(Invoke(2400 * MS, 2, lab.Append("more", 1)))
    assert effects_of(Send, later) == [], "each question was answered once, or waits for no more"
    assert sent(25, 1) == 1, "it has the first part, and what comes then was never sent"
    assert sent(26, 1) == 0
    assert sent(27, 1) == 1, "pauses begin anew with a new part"
    assert sent(28, 1) == 0
    other = leader.step(Receive(2800 * MS, "n3", lab.FetchLog(4, 0, 0)))
    assert [each.to for each in effects_of(Send, other)] == ["n3"], "nobody waits for n1's part"


@graded(points=3, title="Too few", requirement="min.insync.replicas")
def test_a_leader_with_too_few_in_sync_replicas_takes_nothing_for_all(lab: LogLab) -> None:
    simulation = replicas(lab)
    append(lab, simulation, "n1", "a")
    crash(simulation, "n2", "n3")
    fence(lab, simulation, "n2")
    fence(lab, simulation, "n3")
    refused = ask(simulation, "n1", lab.Append("b"))
    assert not isinstance(refused.outcome, Ok), "nobody else would have it"
    assert ask_ok(simulation, "n1", lab.Append("c", 1)) == 1, "who wants the leader only gets that"
    assert texts(lab, simulation, "n1") == ["a", "c"]


@graded(points=1, title="At once", requirement="what is new is sent to those who wait for it")
def test_a_leader_tells_followers_at_once_what_is_new(lab: LogLab) -> None:
    simulation = replicas(lab, fetch_again=1 * SECOND)
    run_until(simulation, lambda: leads(lab, simulation, "n1", "first", 1 * SECOND))
    for number in range(5):
        asked = simulation.call("n1", lab.Append(f"m{number}"))
        assert has_ended(simulation, asked, 20 * MS), "there and back, and no waiting"
    simulation.run(simulation.now + 20 * MS)
    for node in names(3):
        assert len(texts(lab, simulation, node)) == 6, "all hear what is committed"


@graded(points=2, title="Idle", requirement="who lacks nothing is in sync")
def test_a_silent_follower_is_put_out_of_sync_once_there_is_something_it_lacks(
    lab: LogLab,
) -> None:
    said = Said()
    simulation = replicas(lab, observers=[said])
    append(lab, simulation, "n1", "a")
    simulation.inject(Block(simulation.now, "n3", "n1"))
    simulation.run(simulation.now + 1 * SECOND)
    assert said.of(lab.IsrWish) == [], "it lacks nothing"
    append(lab, simulation, "n1", "b")
    wishes = [wish.isr for _, _, _, wish in said.of(lab.IsrWish)]
    assert wishes == [("n1", "n2")]
    simulation.inject(Block(simulation.now, "n2", "n1"))
    append(lab, simulation, "n1", "c", acks=1)
    simulation.run(simulation.now + 1 * SECOND)
    assert said.of(lab.IsrWish)[-1][3].isr == ("n1",), "a leader goes on to look who is late"


@graded(points=2, title="Fewer by now", requirement="NOT_ENOUGH_REPLICAS_AFTER_APPEND")
def test_a_producer_is_told_when_too_few_are_in_sync_after_its_batch_was_appended(
    lab: LogLab,
) -> None:
    simulation = brokers(lab, lag_time=5 * SECOND)
    run_until(simulation, lambda: len(described(lab, simulation).brokers) == 3)
    assert ask_ok(simulation, "n1", lab.CreateTopic("t", 1, 2)) == lab.Done()
    first, second = described(lab, simulation).topics[0].partitions[0].replicas
    run_until(simulation, lambda: bool(described(lab, simulation, first).topics))
    crash(simulation, second)
    asked = simulation.call(first, lab.Produce("t", 0, lab.batch_of(("k", "a"))))
    wait_for(simulation, asked)
    assert value_of(asked).error is lab.Error.NOT_ENOUGH_REPLICAS_AFTER_APPEND
    refused = ask_ok(simulation, first, lab.Produce("t", 0, lab.batch_of(("k", "b"))))
    assert refused.error is lab.Error.NOT_ENOUGH_REPLICAS


@graded(points=1, title="As much as is wanted", requirement="fetch: bytes, and the log's start")
def test_a_fetch_is_bounded_and_knows_where_the_log_starts(lab: LogLab) -> None:
    simulation = brokers(lab, segment_bytes=300, retention_bytes=900)
    with_topic(lab, simulation)
    leader = leader_of(lab, simulation)
    for number in range(20):
        batch = lab.batch_of(("k", f"{number:03}"))
        assert ask_ok(simulation, leader, lab.Produce("t", 0, batch)).base_offset == number
    start = ask_ok(simulation, leader, lab.ListOffset("t", 0, -2)).offset
    assert 0 < start < 19, "the oldest segments are gone"
    size = lab.size_of(batch)

    def read(*parts: FetchPart, most: int = 1_000_000) -> list[tuple[Error, int]]:
        fetched = ask_ok(simulation, leader, lab.Fetch(parts, max_bytes=most))
        return [(part.error, len(part.batches)) for part in fetched.parts]

    none, part = lab.Error.NONE, lab.FetchPart("t", 0, start)
    assert read(lab.FetchPart("t", 0, start - 1)) == [(lab.Error.OFFSET_OUT_OF_RANGE, 0)]
    assert read(lab.FetchPart("t", 1, 0)) == [(lab.Error.UNKNOWN_TOPIC_OR_PARTITION, 0)]
    assert read(lab.FetchPart("t", 0, start, 1)) == [(none, 1)], "one at least"
    assert read(lab.FetchPart("t", 0, start, 2 * size)) == [(none, 2)]
    assert read(part, part, most=size) == [(none, 1), (none, 0)], "in all parts together"
    assert read(part, part, most=size + 1) == [(none, 1), (none, 1)]
    other = next(each for each in names(3) if each != leader)
    elsewhere = ask_ok(simulation, other, lab.Fetch((part,))).parts[0]
    assert elsewhere.error is lab.Error.NOT_LEADER_OR_FOLLOWER


@graded(points=1, title="When it had caught up", requirement="KIP-16: now, or when it last asked")
def test_a_leader_knows_when_a_follower_last_had_everything(lab: LogLab) -> None:
    progress = lab.Progress(-1, 10, 10, 5)
    progress.fetched(3, 20, 8)
    assert (progress.offset, progress.caught_up_at) == (3, 10), "it had less than was there then"
    progress.fetched(8, 30, 9)
    assert (progress.offset, progress.caught_up_at) == (8, 20), "all that was there when it asked"
    progress.fetched(9, 40, 9)
    assert (progress.offset, progress.caught_up_at) == (9, 40), "all that there is"
    progress.fetched(4, 50, 12)
    assert (progress.offset, progress.caught_up_at) == (9, 40), "an old question takes nothing back"
    progress.fetched(11, 60, 20)
    assert progress.caught_up_at == 40, "one less than there was"
    progress.fetched(20, 70, 30)
    progress.fetched(29, 80, 30)
    assert progress.caught_up_at == 60, "what it asked for in the middle is not all"


@graded(points=2, title="Deleted", requirement="who waits for a topic that goes is told so")
def test_who_waits_for_a_topic_that_is_deleted_is_sent_away(lab: LogLab) -> None:
    simulation = brokers(lab, lag_time=5 * SECOND)
    with_topic(lab, simulation)
    leader = leader_of(lab, simulation)
    controller = described(lab, simulation).controller
    silent = next(each for each in names(3) if each not in (leader, controller))
    simulation.inject(Block(simulation.now, silent, leader))
    simulation.run(simulation.now + 10 * MS)
    produce = lab.Produce("t", 0, lab.batch_of(("k", "a")))
    asked = simulation.call(leader, produce)
    fetching = simulation.call(leader, lab.Fetch((lab.FetchPart("t", 0, 0),), 2 * SECOND))
    assert not has_ended(simulation, asked, 50 * MS)
    assert ask_ok(simulation, leader, lab.DeleteTopic("t")) == lab.Done()
    wait_for(simulation, asked, 500 * MS)
    assert value_of(asked).error is lab.Error.NOT_LEADER_OR_FOLLOWER
    wait_for(simulation, fetching, 500 * MS)
    assert value_of(fetching).parts[0].error is lab.Error.UNKNOWN_TOPIC_OR_PARTITION
    simulation.inject(Heal(simulation.now))
    with_topic(lab, simulation)
    leader = leader_of(lab, simulation)
    assert ask_ok(simulation, leader, produce).base_offset == 0, "nothing of the old one is left"


@graded(points=1, title="Deposed", requirement="a batch that was cut off is not said to be written")
def test_who_waits_for_a_leader_that_is_deposed_is_told_that_it_is_no_leader(lab: LogLab) -> None:
    simulation = brokers(lab, lag_time=5 * SECOND)
    with_topic(lab, simulation)
    leader = leader_of(lab, simulation)
    others = [each for each in names(3) if each != leader]
    for other in others:
        for one, to in ((leader, other), (other, leader)):
            simulation.inject(Block(simulation.now, one, to))
    simulation.run(simulation.now + 10 * MS)
    lost = lab.batch_of(("k", "lost"))
    asked = simulation.call(leader, lab.Produce("t", 0, lost, timeout_us=60 * SECOND))
    run_until(simulation, lambda: leader_of(lab, simulation, others[0]) in others)
    new = leader_of(lab, simulation, others[0])
    simulation.run(simulation.now + 200 * MS)
    for text in ("kept", "more"):
        ask_ok(simulation, new, lab.Produce("t", 0, lab.batch_of(("k", text))))
    assert not has_ended(simulation, asked)
    simulation.inject(Heal(simulation.now))
    wait_for(simulation, asked)
    assert value_of(asked).error is lab.Error.NOT_LEADER_OR_FOLLOWER, "others stand at its offset"


@graded(points=2, title="Late is not slow", requirement="KIP-16: who keeps up stays in sync")
def test_a_follower_that_keeps_up_stays_in_sync_however_fast_the_log_grows(lab: LogLab) -> None:
    said = Said()
    link = LinkModel(latency=(15 * MS, 15 * MS))
    simulation = replicas(lab, observers=[said], link=link, lag_time=200 * MS)
    run_until(simulation, lambda: leads(lab, simulation, "n1", "first", 200 * MS))
    for number in range(150):
        simulation.call("n1", lab.Append(f"m{number}", 1))
        simulation.run(simulation.now + 10 * MS)
    assert said.of(lab.IsrWish) == [], "it is behind, and not late"
    simulation.run(simulation.now + 300 * MS)
    assert len(texts(lab, simulation, "n3")) >= 150


@graded(points=2, title="Below the high watermark", requirement="P2: nothing else is read")
def test_a_consumer_reads_nothing_that_is_not_committed(lab: LogLab) -> None:
    simulation = brokers(lab, lag_time=5 * SECOND)
    with_topic(lab, simulation)
    leader = leader_of(lab, simulation)
    others = tuple(each for each in names(3) if each != leader)
    batch = lab.batch_of(("k", "a"))
    assert ask_ok(simulation, leader, lab.Produce("t", 0, batch)).base_offset == 0
    for other in others:
        simulation.inject(Block(simulation.now, other, leader))
    simulation.call(leader, lab.Produce("t", 0, lab.batch_of(("k", "b"))))
    simulation.run(simulation.now + 20 * MS)
    got = ask_ok(simulation, leader, lab.Fetch((lab.FetchPart("t", 0, 0),))).parts[0]
    assert [lab.unpack(each.payload)[0].value for each in got.batches] == ["a"]
    assert got.high_watermark == 1
    at_end = ask_ok(simulation, leader, lab.Fetch((lab.FetchPart("t", 0, 2),))).parts[0]
    assert (at_end.error, at_end.batches) == (lab.Error.NONE, ()), "there is just nothing yet"
    beyond = ask_ok(simulation, leader, lab.Fetch((lab.FetchPart("t", 0, 3),))).parts[0]
    assert beyond.error is lab.Error.OFFSET_OUT_OF_RANGE
    fenced = lab.FetchPart("t", 0, 0, current_epoch=9)
    got = ask_ok(simulation, leader, lab.Fetch((fenced,))).parts[0]
    assert got.error is lab.Error.UNKNOWN_LEADER_EPOCH
    simulation.inject(Heal(simulation.now))
    waiting = lab.Fetch((lab.FetchPart("t", 0, 1),), 2 * SECOND)
    got = ask_ok(simulation, leader, waiting).parts[0]
    assert [lab.unpack(each.payload)[0].value for each in got.batches] == ["b"], "it was waited for"
