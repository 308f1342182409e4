"""Graded suite of the lab ``log``: groups on brokers that die, with members that die."""

from collections.abc import Iterable
from random import Random
from typing import Any

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    ask_ok,
    crash,
    has_ended,
    must_end,
    must_hold,
    names,
    restart,
    run_until,
    trouble,
    value_of,
    wait_for,
)
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Block, Heal
from common.values.history import Ok, Operation
from common.values.units import MS, SECOND
from stage8_real_systems.log.checks import never_back, one_log, one_owner
from tests.stage8_real_systems.log.cluster import CALM, LIMIT, brokers, described, with_topic
from tests.stage8_real_systems.log.lab import LogLab

LAB = "log"


def consumed(lab: LogLab, simulation: Simulation, *clients: str, rounds: int = 20) -> set[str]:
    """The texts that these members get in so many turns."""
    turns = [told for _ in range(rounds) for told in at_once(lab, simulation, *clients)]
    return {text for told in turns for _, _, text in told.records}


def shares(lab: LogLab, simulation: Simulation, *clients: str) -> list[tuple[str, ...]]:
    """What each of these members owns just now."""
    return [told.owns for told in at_once(lab, simulation, *clients)]


def at_once(lab: LogLab, simulation: Simulation, *clients: str) -> list[Any]:
    """Let these members consume at one time; a member joins again when it is asked to consume."""
    asked = [simulation.call(client, lab.Consume()) for client in clients]
    for each in asked:
        wait_for(simulation, each, 6 * SECOND)
    return [value_of(each) for each in asked]


@graded(points=3, title="Sharing", requirement="P5: each partition to one member")
def test_members_share_the_partitions_and_share_anew_when_one_dies(lab: LogLab) -> None:
    simulation = brokers(lab, client=lab.GroupClient, clients=3)
    with_topic(lab, simulation, partitions=2)
    for number in range(8):
        ask_ok(simulation, "c3", lab.Send(str(number % 2), f"m{number}"))
    run_until(
        simulation,
        lambda: sorted(shares(lab, simulation, "c1", "c2")) == [("0",), ("1",)],
        10 * SECOND,
    )
    crash(simulation, "c1")
    run_until(simulation, lambda: shares(lab, simulation, "c2") == [("0", "1")], 10 * SECOND)
    for number in range(8, 12):
        ask_ok(simulation, "c3", lab.Send(str(number % 2), f"m{number}"))
    found = consumed(lab, simulation, "c2", rounds=6)
    assert {f"m{number}" for number in range(8, 12)} <= found
    must_hold(one_owner(simulation.history))


@graded(points=3, title="Resuming", requirement="committed offsets survive the coordinator")
def test_a_group_goes_on_where_it_committed_under_another_coordinator(lab: LogLab) -> None:
    simulation = brokers(lab, client=lab.GroupClient, clients=2)
    with_topic(lab, simulation, partitions=2)
    for number in range(6):
        ask_ok(simulation, "c2", lab.Send("0", f"m{number}"))
    assert {f"m{number}" for number in range(6)} <= consumed(lab, simulation, "c1", rounds=4)
    before = dict(ask_ok(simulation, "c2", lab.Positions(), 6 * SECOND))
    assert before["0"] == 6, "it has committed what it had handed out before"
    topics = described(lab, simulation).topics
    offsets = next(each for each in topics if each.name == "__consumer_offsets")
    coordinator = offsets.partitions[0].leader
    crash(simulation, coordinator)
    other = next(each for each in names(3) if each != coordinator)

    def has_another() -> bool:
        topics = described(lab, simulation, other).topics
        leader = next(e for e in topics if e.name == "__consumer_offsets").partitions[0].leader
        return leader not in ("", coordinator)

    run_until(simulation, has_another)
    assert dict(ask_ok(simulation, "c2", lab.Positions(), 6 * SECOND)) == before
    ask_ok(simulation, "c2", lab.Send("0", "after"), 6 * SECOND)
    assert consumed(lab, simulation, "c1", rounds=5) == {"after"}, "nothing is handed out again"
    must_hold(one_owner(simulation.history))
    restart(simulation, coordinator)
    simulation.run(simulation.now + 500 * MS)
    after = dict(ask_ok(simulation, "c2", lab.Positions(), 6 * SECOND))
    assert after["0"] >= before["0"]


@graded(points=2, title="Not a coordinator any more", requirement="who waits is sent away")
def test_who_waits_for_a_coordinator_that_is_none_any_more_is_told_so(lab: LogLab) -> None:
    simulation = brokers(lab, lag_time=20 * SECOND)
    with_topic(lab, simulation)

    def coordinator() -> str:
        return getattr(ask_ok(simulation, "n1", lab.FindCoordinator("g")), "broker", "")

    run_until(simulation, lambda: coordinator() != "")
    leader = coordinator()
    simulation.run(simulation.now + 200 * MS)
    ways = (lab.group_requests.Protocol("r", b""),)

    def join(name: str, group: str = "g") -> Any:
        session = 5 * SECOND
        return lab.JoinGroup(group, "", name, session, session, "consumer", ways)

    first = ask_ok(simulation, leader, join("a"))
    ask_ok(simulation, leader, join("a", "another"))
    waiting = [simulation.call(leader, join("b", group)) for group in ("another", "g")]
    controller = described(lab, simulation).controller
    silent = next(each for each in names(3) if each not in (leader, controller))
    simulation.inject(Block(simulation.now, silent, leader))
    simulation.run(simulation.now + 10 * MS)
    committed = (lab.Committed("t", 0, 5),)
    commit = lab.CommitOffsets("g", first.generation, first.member, committed)
    committing = simulation.call(leader, commit)
    assert not has_ended(simulation, committing, 100 * MS)
    assert ask_ok(simulation, leader, lab.DeleteTopic("__consumer_offsets")) == lab.Done()
    for each in (*waiting, committing):
        wait_for(simulation, each, 500 * MS)
        assert value_of(each).error is lab.Error.NOT_COORDINATOR
    beat = lab.Heartbeat("g", first.generation, first.member)
    assert ask_ok(simulation, leader, beat).error is lab.Error.NOT_COORDINATOR


@graded(points=1, title="The same one again", requirement="a new epoch is another coordinator")
def test_under_the_next_epoch_of_the_same_leader_all_join_again(lab: LogLab) -> None:
    """The only replica is taken for dead, and is back in the same life: it hears of both at once,
    and has led all the time, as far as it knows."""
    patient = (1 * SECOND, 2 * SECOND)
    simulation = brokers(
        lab, replication=1, min_isr=1, offsets_partitions=3, fence_after=100 * MS,
        election_timeout=patient,
    )  # fmt: skip
    run_until(simulation, lambda: len(described(lab, simulation).brokers) == 3, 5 * SECOND)
    controller = described(lab, simulation).controller

    def coordinator(group: str) -> str:
        return getattr(ask_ok(simulation, controller, lab.FindCoordinator(group)), "broker", "")

    run_until(simulation, lambda: coordinator("g0") != "")
    group = next(each for each in ("g0", "g1", "g2", "g3") if coordinator(each) != controller)
    leader = coordinator(group)
    simulation.run(simulation.now + 200 * MS)
    ways = (lab.group_requests.Protocol("r", b""),)
    joins = [lab.JoinGroup(group, "", each, *(5 * SECOND,) * 2, "consumer", ways) for each in "ab"]
    first = ask_ok(simulation, leader, joins[0])
    waiting = simulation.call(leader, joins[1])
    others = [each for each in names(3) if each != leader]
    for other in others:
        simulation.inject(Block(simulation.now, leader, other))
        simulation.inject(Block(simulation.now, other, leader))
    run_until(simulation, lambda: coordinator(group) == "")
    simulation.inject(Heal(simulation.now))
    for other in others:
        simulation.inject(Block(simulation.now, other, leader))
    run_until(simulation, lambda: coordinator(group) == leader)
    assert not has_ended(simulation, waiting, 20 * MS), "it has heard of nothing"
    simulation.inject(Heal(simulation.now))
    wait_for(simulation, waiting, 1 * SECOND)
    assert value_of(waiting).error is lab.Error.NOT_COORDINATOR
    beat = lab.Heartbeat(group, first.generation, first.member)
    assert ask_ok(simulation, leader, beat).error is lab.Error.UNKNOWN_MEMBER_ID
    again = ask_ok(simulation, leader, joins[0])
    assert again.generation > first.generation + 1000, "no word of the old one is taken for new"


@graded(points=3, title="Only what is committed", requirement="positions are told once they stay")
def test_a_coordinator_tells_no_positions_before_it_knows_all_that_were_committed(
    lab: LogLab,
) -> None:
    simulation = brokers(lab, lag_time=20 * SECOND, fence_after=2 * SECOND)
    with_topic(lab, simulation)

    def coordinator() -> str:
        told = ask_ok(simulation, "n1", lab.FindCoordinator("g"))
        return getattr(told, "broker", "")

    run_until(simulation, lambda: coordinator() != "")
    leader = coordinator()
    others = [each for each in names(3) if each != leader]

    def commit(offset: int) -> Any:
        committed = (lab.Committed("t", 0, offset),)
        return simulation.call(leader, lab.CommitOffsets("g", -1, "", committed))

    def positions() -> Any:
        return ask_ok(simulation, leader, lab.FetchOffsets("g", (("t", 0),)))

    def is_committed() -> bool:
        asked = commit(5)
        wait_for(simulation, asked)
        return bool(asked.outcome == Ok(lab.Done()))

    run_until(simulation, is_committed)  # it may hear last that it is the coordinator
    assert positions().offsets[0].offset == 5
    for other in others:
        simulation.inject(Block(simulation.now, other, leader))
    simulation.run(simulation.now + 10 * MS)
    asked = commit(7)
    assert not has_ended(simulation, asked, 100 * MS), "nobody else has it"
    assert positions().offsets[0].offset == 5
    simulation.inject(Heal(simulation.now))
    wait_for(simulation, asked)
    assert positions().offsets[0].offset == 7
    crash(simulation, leader)
    run_until(simulation, lambda: described(lab, simulation, others[0]).controller in others)
    controller = described(lab, simulation, others[0]).controller
    silent = next(each for each in others if each != controller)
    simulation.inject(Block(simulation.now, silent, leader))
    restart(simulation, leader)
    simulation.run(simulation.now + 1 * SECOND)
    assert positions().error is lab.Error.COORDINATOR_LOAD_IN_PROGRESS, "it does not know yet"
    simulation.inject(Heal(simulation.now))
    run_until(simulation, lambda: isinstance(positions(), lab.Offsets))
    assert positions().offsets[0].offset == 7


@graded(
    points=1, title="All of it", requirement="a coordinator reads its log to the high watermark"
)
def test_a_new_coordinator_reads_all_that_was_committed_however_long_the_log_is(
    lab: LogLab,
) -> None:
    """Each commit fills a segment, and a read gives no more than one; nobody commits any more."""
    simulation = brokers(lab, segment_bytes=100)
    with_topic(lab, simulation)

    def coordinator(asked: str) -> str:
        return getattr(ask_ok(simulation, asked, lab.FindCoordinator("g")), "broker", "")

    run_until(simulation, lambda: coordinator("n1") != "")
    first = coordinator("n1")
    simulation.run(simulation.now + 200 * MS)
    for offset in range(20):
        committed = (lab.Committed("t", 0, offset),)
        commit = lab.CommitOffsets("g", -1, "", committed)
        assert ask_ok(simulation, first, commit) == lab.Done()
    simulation.run(simulation.now + 200 * MS)
    crash(simulation, first)
    other = next(each for each in names(3) if each != first)
    run_until(simulation, lambda: coordinator(other) not in ("", first))
    leader = coordinator(other)

    def positions() -> Any:
        return ask_ok(simulation, leader, lab.FetchOffsets("g", (("t", 0),)))

    run_until(simulation, lambda: isinstance(positions(), lab.Offsets))
    assert positions().offsets[0].offset == 19


def test_what_coordinators_keep_is_written_by_no_client(lab: LogLab) -> None:
    """A coordinator reads each record of the offsets topic as a position; Kafka refuses, too."""
    simulation = brokers(lab)
    with_topic(lab, simulation)
    own = "__consumer_offsets"
    made = ask_ok(simulation, "n1", lab.CreateTopic(own, 7))
    assert made.error is lab.Error.INVALID_TOPIC_EXCEPTION, "it would have other partitions"
    run_until(
        simulation,
        lambda: hasattr(ask_ok(simulation, "n1", lab.FindCoordinator("g")), "broker"),
    )
    leader = ask_ok(simulation, "n1", lab.FindCoordinator("g")).broker
    simulation.run(simulation.now + 200 * MS)
    committed = lab.CommitOffsets("g", -1, "", (lab.Committed("t", 0, 5),))
    assert ask_ok(simulation, leader, committed) == lab.Done()
    produce = lab.Produce(own, 0, lab.batch_of(("no", "JSON")), -1, 1 * SECOND)
    for broker in names(3):
        assert ask_ok(simulation, broker, produce).error is lab.Error.INVALID_TOPIC_EXCEPTION
    told = ask_ok(simulation, leader, lab.FetchOffsets("g", (("t", 0),)))
    assert told.offsets[0].offset == 5


def missing(history: Iterable[Operation]) -> set[object]:
    """What was acknowledged, and handed out to no member."""
    sent: set[object] = set()
    got: set[object] = set()
    for each in history:
        if isinstance(each.outcome, Ok):
            told: Any = each.outcome.value
            if each.function == "send":
                sent.add(each.argument)
            elif each.function == "consume":
                got |= {text for _, _, text in told.records}
    return sent - got


@graded(points=5, title="Chaos among groups", requirement="one owner, never back, nothing missed")
def test_a_group_misses_nothing_whatever_fails(lab: LogLab, sweep: Sweep) -> None:
    for seed in sweep(7):
        kinds = ("crash", "crash", "partition", "pause", "link")
        clients = ("c1", "c2", "c3")
        faults = trouble(seed, kinds, hit=(*names(3), "c1"), others=clients, until=CALM)
        simulation = brokers(
            lab, seed=seed, client=lab.GroupClient, clients=3, schedule=faults, segment_bytes=500
        )

        def choose(random: Random, client: str, number: int) -> object:
            drawn = random.random()
            if drawn < 0.3:
                return lab.Send(random.choice("01"), f"{client}.{number}")
            return lab.Consume() if drawn < 0.85 else lab.Positions()

        work = Workload(simulation, choose, count=14, patience=4 * SECOND)
        must_end(simulation, work, limit=LIMIT + 5 * SECOND, fine=0.3)
        for _ in range(400):  # a round is short, and a group may still be sharing out
            if not missing(simulation.history):
                break
            consumed(lab, simulation, *clients, rounds=1)
        assert not missing(simulation.history), "acknowledged, and never handed out"
        must_hold(one_log(simulation.history))
        must_hold(one_owner(simulation.history))
        must_hold(never_back(simulation.history))
