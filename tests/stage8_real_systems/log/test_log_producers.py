"""Graded suite of the lab ``log``: idempotent producers."""

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
    restart_all,
    run_until,
    trouble,
    wait_for,
)
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Block, Heal, Link
from common.values.history import Ok
from common.values.units import MS, SECOND
from stage8_real_systems.log.batches import Batch
from stage8_real_systems.log.checks import one_log
from tests.stage8_real_systems.log.cluster import (
    CALM,
    LIMIT,
    brokers,
    described,
    leader_of,
    with_topic,
)
from tests.stage8_real_systems.log.lab import LogLab

LAB = "log"


def batch(lab: LogLab, sequence: int, count: int = 1, producer: int = 7, epoch: int = 0) -> Batch:
    """A batch of a producer."""
    values = [("k", f"{producer}.{epoch}.{sequence + number}") for number in range(count)]
    return lab.batch_of(*values, producer=producer, producer_epoch=epoch, sequence=sequence)


def known(lab: LogLab, *batches: Batch) -> Any:
    """What is known of producers when these batches are in a log, one behind the other."""
    offset, producers = 0, lab.Producers()
    for each in batches:
        producers.note(each.placed(offset, 1))
        offset += each.count
    return producers


@graded(points=2, title="The next one", requirement="KIP-98: no gap in the sequence")
def test_only_the_batch_that_comes_next_is_taken(lab: LogLab, sweep: Sweep) -> None:
    for seed in sweep(10):
        random = Random(f"next/{seed}")
        sequence, batches = 0, []
        for _ in range(random.randrange(1, 9)):
            batches.append(batch(lab, sequence, random.randrange(1, 5)))
            sequence += batches[-1].count
        producers = known(lab, *batches)
        for other in range(sequence + 4):
            wanted = lab.Error.NONE if other == sequence else lab.Error.OUT_OF_ORDER_SEQUENCE_NUMBER
            assert producers.refusal(batch(lab, other), is_forgetful=False) is wanted, other
    new = known(lab)
    assert new.refusal(batch(lab, 0), is_forgetful=False) is lab.Error.NONE
    refused = new.refusal(batch(lab, 3), is_forgetful=False)
    assert refused is lab.Error.OUT_OF_ORDER_SEQUENCE_NUMBER, "the first ones are missing"
    assert new.refusal(batch(lab, 3), is_forgetful=True) is lab.Error.NONE, "they may be gone"
    old = known(lab, batch(lab, 0))
    refused = old.refusal(batch(lab, 2), is_forgetful=True)
    assert refused is lab.Error.OUT_OF_ORDER_SEQUENCE_NUMBER, "of this one it has forgotten nothing"
    refused = old.refusal(batch(lab, 1, epoch=1), is_forgetful=True)
    assert refused is lab.Error.OUT_OF_ORDER_SEQUENCE_NUMBER, "a life begins with 0"
    last = batch(lab, 2**31 - 2, 2)
    assert known(lab, last).refusal(batch(lab, 0), is_forgetful=False) is lab.Error.NONE


@graded(points=2, title="Lives of a producer", requirement="KIP-98: the producer epoch fences")
def test_a_new_life_of_a_producer_begins_anew_and_ends_the_old_one(lab: LogLab) -> None:
    producers = known(lab, batch(lab, 0), batch(lab, 1), batch(lab, 0, epoch=1))
    fenced = lab.Error.INVALID_PRODUCER_EPOCH
    for sequence in (1, 2):
        assert producers.refusal(batch(lab, sequence), is_forgetful=False) is fenced
    assert producers.refusal(batch(lab, 1, epoch=1), is_forgetful=False) is lab.Error.NONE
    assert producers.refusal(batch(lab, 0, epoch=2), is_forgetful=False) is lab.Error.NONE
    gap = producers.refusal(batch(lab, 2, epoch=2), is_forgetful=False)
    assert gap is lab.Error.OUT_OF_ORDER_SEQUENCE_NUMBER
    for sequence in (0, 1):
        known_again = producers.repeated(batch(lab, sequence))
        assert known_again is None, "nothing of the old life is known again"
    assert producers.repeated(batch(lab, 0, epoch=1)) is not None
    assert producers.repeated(batch(lab, 1, epoch=1)) is None, "its old life has written that"


@graded(points=2, title="Known again", requirement="KIP-98: the last five batches")
def test_the_last_few_batches_are_known_again(lab: LogLab) -> None:
    batches = [batch(lab, 2 * number, 2) for number in range(8)]
    producers = known(lab, *batches)
    for number, each in enumerate(batches):
        found = producers.repeated(each)
        if number < 3:
            assert found is None, "so many are not under way"
        else:
            assert found is not None
            assert found.base_offset == 2 * number
            assert found.payload == b"", "five batches of each producer may be five megabytes"
    assert producers.repeated(batch(lab, 14, 1)) is None, "it is another batch, of another length"
    assert producers.repeated(batch(lab, 14, 2, producer=8)) is None
    assert producers.repeated(lab.batch_of(("k", "v"))) is None, "of nobody nothing is known"


def produced(lab: LogLab, simulation: Simulation, node: str, each: Batch) -> Any:
    return ask_ok(simulation, node, lab.Produce("t", 0, each))


@graded(points=2, title="Once", requirement="P4: no duplicate")
def test_a_repeated_batch_is_in_the_log_once_also_under_the_next_leader(lab: LogLab) -> None:
    simulation = brokers(lab)
    with_topic(lab, simulation)
    leader = leader_of(lab, simulation)
    for sequence in range(3):
        for _ in range(2):
            told = produced(lab, simulation, leader, batch(lab, sequence))
            assert told.base_offset == sequence
    assert produced(lab, simulation, leader, batch(lab, 5)).error is (
        lab.Error.OUT_OF_ORDER_SEQUENCE_NUMBER
    )
    unknown = produced(lab, simulation, leader, batch(lab, 4, producer=99))
    assert unknown.error is lab.Error.OUT_OF_ORDER_SEQUENCE_NUMBER, "its first ones are missing"
    crash(simulation, leader)
    other = next(each for each in names(3) if each != leader)
    run_until(simulation, lambda: leader_of(lab, simulation, other) not in ("", leader))
    leader = leader_of(lab, simulation, other)
    told = produced(lab, simulation, leader, batch(lab, 2))
    assert told.base_offset == 2, "the next leader knows it from its own log"
    assert produced(lab, simulation, leader, batch(lab, 3)).base_offset == 3
    restart_all(simulation)
    run_until(
        simulation, lambda: len(ask_ok(simulation, other, lab.DescribeCluster()).brokers) == 3
    )
    run_until(simulation, lambda: leader_of(lab, simulation, other) != "")
    simulation.run(simulation.now + 500 * MS)
    leader = leader_of(lab, simulation, other)
    assert produced(lab, simulation, leader, batch(lab, 3)).base_offset == 3, "and after a crash"
    part = ask_ok(simulation, leader, lab.Fetch((lab.FetchPart("t", 0, 0),))).parts[0]
    assert [each.sequence for each in part.batches] == [0, 1, 2, 3]


@graded(points=2, title="Cut off", requirement="what is not in the log is not known")
def test_a_batch_that_was_cut_off_can_be_written_again(lab: LogLab) -> None:
    simulation = brokers(lab, lag_time=5 * SECOND)
    with_topic(lab, simulation)
    leader = leader_of(lab, simulation)
    second, third = (each for each in names(3) if each != leader)
    for other in (second, third):
        simulation.inject(Block(simulation.now, other, leader))
        simulation.inject(Block(simulation.now, leader, other))  # a fetch may wait there
    simulation.run(simulation.now + 10 * MS)
    asked = lab.Produce("t", 0, batch(lab, 0), 1)
    for _ in range(2):
        assert ask_ok(simulation, leader, asked).base_offset == 0, "once, whatever was wanted"
    crash(simulation, leader)
    simulation.inject(Heal(simulation.now))
    run_until(simulation, lambda: leader_of(lab, simulation, second) in (second, third))
    next_one = leader_of(lab, simulation, second)
    told = produced(lab, simulation, next_one, batch(lab, 0, producer=8))
    assert told.base_offset == 0, "nobody but the dead leader had the other one"
    restart(simulation, leader)

    def is_in_sync() -> bool:
        topic = described(lab, simulation, next_one).topics[0]
        return leader in topic.partitions[0].isr

    run_until(simulation, is_in_sync)
    crash(simulation, next_one)
    run_until(simulation, lambda: leader_of(lab, simulation, leader) not in ("", next_one))
    now = leader_of(lab, simulation, leader)
    assert ask_ok(simulation, now, asked).base_offset == 1, "it is not there any more"
    part = ask_ok(simulation, now, lab.Fetch((lab.FetchPart("t", 0, 0),), 1 * SECOND)).parts[0]
    assert [each.producer for each in part.batches][:1] == [8]


@graded(points=1, title="Gone", requirement="what retention has deleted is not missing")
def test_a_producer_whose_batches_are_gone_by_retention_goes_on(lab: LogLab) -> None:
    simulation = brokers(lab, segment_bytes=300, retention_bytes=900)
    with_topic(lab, simulation)
    leader = leader_of(lab, simulation)
    for number in range(20):
        plain = lab.batch_of(("k", f"{number:03}"))
        assert produced(lab, simulation, leader, plain).base_offset == number
    start = ask_ok(simulation, leader, lab.ListOffset("t", 0, -2)).offset
    assert 0 < start < 19, "the oldest segments are gone"
    told = produced(lab, simulation, leader, batch(lab, 5, producer=9))
    assert told == lab.Produced(20, start), "what its producer wrote before may be gone by now"


@graded(points=2, title="Not too soon", requirement="a repetition waits like the first one")
def test_a_repetition_is_acknowledged_only_when_the_first_one_is_committed(lab: LogLab) -> None:
    simulation = brokers(lab, lag_time=5 * SECOND)
    with_topic(lab, simulation)
    leader = leader_of(lab, simulation)
    assert produced(lab, simulation, leader, batch(lab, 0)).base_offset == 0
    for other in names(3):
        if other != leader:
            simulation.inject(Block(simulation.now, other, leader))
    simulation.run(simulation.now + 10 * MS)
    first = simulation.call(leader, lab.Produce("t", 0, batch(lab, 1)))
    simulation.run(simulation.now + 10 * MS)
    again = simulation.call(leader, lab.Produce("t", 0, batch(lab, 1)))
    assert not has_ended(simulation, again, 150 * MS), "nobody else has it, and it may be lost"
    simulation.inject(Heal(simulation.now))
    wait_for(simulation, first)
    wait_for(simulation, again)
    assert first.outcome == again.outcome == Ok(lab.Produced(1, 0))


@graded(points=1, title="Whatever else holds", requirement="a repetition is in the log already")
def test_a_repetition_and_a_gap_are_told_as_such_while_too_few_are_in_sync(lab: LogLab) -> None:
    simulation = brokers(lab, lag_time=5 * SECOND)
    run_until(simulation, lambda: len(described(lab, simulation).brokers) == 3)
    assert ask_ok(simulation, "n1", lab.CreateTopic("t", 1, 2)) == lab.Done()
    first, second = described(lab, simulation).topics[0].partitions[0].replicas
    run_until(simulation, lambda: bool(described(lab, simulation, first).topics))
    assert produced(lab, simulation, first, batch(lab, 0)).base_offset == 0
    crash(simulation, second)
    run_until(simulation, lambda: second not in described(lab, simulation, first).brokers)
    refused = produced(lab, simulation, first, batch(lab, 1))
    assert refused.error is lab.Error.NOT_ENOUGH_REPLICAS
    again = produced(lab, simulation, first, batch(lab, 0))
    assert again.error is lab.Error.NOT_ENOUGH_REPLICAS_AFTER_APPEND, "that one is in the log"
    gap = produced(lab, simulation, first, batch(lab, 5))
    assert gap.error is lab.Error.OUT_OF_ORDER_SEQUENCE_NUMBER, "also while too few are in sync"


@graded(points=3, title="Lost answers", requirement="P4: no duplicate and no gap, on a bad network")
def test_what_a_client_repeats_is_there_once_and_in_order(lab: LogLab, sweep: Sweep) -> None:
    rough = Link(0, loss=0.25, duplicate=0.3, latency=(1 * MS, 40 * MS))
    for seed in sweep(5):
        faults = [rough, Link(3 * SECOND, loss=0.0, duplicate=0.0, latency=(1 * MS, 3 * MS))]
        simulation = brokers(lab, seed=seed, schedule=faults)

        def choose(random: Random, client: str, number: int) -> object:
            return lab.Send("0", f"{client}.{number}")

        work = Workload(simulation, choose, count=12, patience=4 * SECOND)
        must_end(simulation, work, limit=12 * SECOND)
        read = ask_ok(simulation, "c2", lab.Read("0"))
        assert isinstance(read, tuple)
        must_hold(one_log(simulation.history))
        found = [text for _, text in read[1]]
        assert len(found) == len(set(found))
        for client in ("c1", "c2"):
            own = [text for text in found if text.startswith(client)]
            assert own == sorted(own, key=lambda text: int(text.split(".")[1])), "in order"


@graded(points=3, title="Chaos among brokers", requirement="one log, whatever fails; then progress")
def test_readers_and_writers_see_one_log_whatever_fails(lab: LogLab, sweep: Sweep) -> None:
    for seed in sweep(6):
        kinds = ("crash", "crash", "partition", "link", "pause")
        faults = trouble(seed, kinds, hit=names(3), others=("c1", "c2"), until=CALM)
        simulation = brokers(lab, seed=seed, schedule=faults)

        def choose(random: Random, client: str, number: int) -> object:
            if random.random() < 0.6:
                return lab.Send("0", f"{client}.{number}")
            return lab.Read("0")

        work = Workload(simulation, choose, count=12, patience=4 * SECOND)
        must_end(simulation, work, limit=LIMIT)
        read = ask_ok(simulation, "c1", lab.Read("0"))
        assert isinstance(read, tuple)
        must_hold(one_log(simulation.history))
