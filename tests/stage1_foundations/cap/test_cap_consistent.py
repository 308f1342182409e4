"""Graded suite of the lab ``cap``, second part: the consistent register."""

from collections.abc import Callable
from typing import Any

from common.check.models import Register
from common.contract.effects import Send
from common.contract.events import Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    ask,
    ask_ok,
    crash,
    crash_and_restart,
    must_be_linearizable,
    must_be_ok,
)
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.values.faults import (
    Block,
    Clock,
    Crash,
    Disk,
    Fault,
    Heal,
    Link,
    Partition,
    Restart,
    Schedule,
)
from common.values.history import Ok, Unknown
from common.values.units import MS, SECOND, show_time
from tests.stage1_foundations.cap import by_hand
from tests.stage1_foundations.cap.cluster import (
    CLIENTS,
    CUT,
    END,
    HEALED,
    INSTANTS,
    MAJORITY,
    MINORITY,
    REPLICAS,
    REST,
    THREE_MS,
    TRY_AGAIN_AFTER,
    asked_between,
    attached,
    cluster,
    impatient,
    partition,
    refused,
    trouble,
    values_read_everywhere,
    work,
)
from tests.stage1_foundations.cap.lab import CapLab

LAB = "cap"

BOUND = 100 * MS
"""Links take 5 ms at most, a flush half one: two phases and two ways take 32 ms, and some slack."""


@graded(points=2, title="A register", requirement="what was written is read, at any replica")
def test_a_read_at_any_replica_returns_the_latest_write(lab: CapLab, sweep: Sweep) -> None:
    for seed in sweep(5):
        simulation = cluster(lab, lab.ConsistentReplica, seed, [])
        assert values_read_everywhere(lab, simulation) == dict.fromkeys(CLIENTS, None)
        for number, client in enumerate(CLIENTS * 2):
            ask_ok(simulation, client, lab.Write(number), within=BOUND)
            assert values_read_everywhere(lab, simulation) == dict.fromkeys(CLIENTS, number)


@graded(points=3, title="The majority goes on", requirement="ABD: a majority is enough")
def test_the_side_with_a_majority_answers_in_time_during_a_partition(
    lab: CapLab, sweep: Sweep
) -> None:
    for seed in sweep(10):
        simulation = cluster(lab, lab.ConsistentReplica, seed, partition())
        work(lab, simulation)
        simulation.run(REST)
        must_be_ok(*asked_between(simulation.history, CUT, HEALED, "c2", "c3"), within=BOUND)


@graded(points=3, title="The minority refuses", requirement="Gilbert and Lynch 2002, theorem 1")
def test_the_side_without_a_majority_never_answers_ok(lab: CapLab, sweep: Sweep) -> None:
    for seed in sweep(10):
        simulation = cluster(lab, lab.ConsistentReplica, seed, partition())
        work(lab, simulation)
        simulation.run(HEALED)
        asked = asked_between(simulation.history, CUT, HEALED, "c1")
        told = [each for each in asked if isinstance(each.outcome, Ok)]
        assert not told, f"{told[0]}, but its replica reached no majority"
        ended = [each for each in asked if each.returned_at is not None]
        assert len(ended) >= 2, "the minority's client waits for ever: it must be told the truth"
        assert any(map(refused, ended)), "what never left the minority certainly did not happen"


@graded(points=2, title="After healing", requirement="a partition that ends leaves nothing behind")
def test_every_client_is_answered_ok_once_the_partition_has_healed(
    lab: CapLab, sweep: Sweep
) -> None:
    for seed in sweep(10):
        simulation = cluster(lab, lab.ConsistentReplica, seed, partition())
        workload = work(lab, simulation, count=40)
        simulation.run(2 * REST)
        assert workload.done, "some client still waits, long after the partition healed"
        for client in CLIENTS:
            must_be_ok(*asked_between(simulation.history, HEALED, END, client), within=BOUND)
        assert len(set(values_read_everywhere(lab, simulation).values())) == 1


@graded(points=3, title="Partitions", requirement="linearizable, also when links fail one way")
def test_it_is_linearizable_under_partitions_and_links_cut_one_way(
    lab: CapLab, sweep: Sweep
) -> None:
    for seed in sweep(14):
        faults = trouble(seed, "partition", "block")
        simulation = cluster(lab, lab.ConsistentReplica, seed, faults)
        work(lab, simulation)
        simulation.run(REST)
        must_be_linearizable(simulation.history, Register())


@graded(points=3, title="Crashes", requirement="linearizable when replicas crash and come back")
def test_it_is_linearizable_when_replicas_crash_and_restart(lab: CapLab, sweep: Sweep) -> None:
    for seed in sweep(14):
        faults = trouble(seed, "crash", "crash", "disk", troubles=10)
        simulation = cluster(lab, lab.ConsistentReplica, seed, faults)
        work(lab, simulation)
        simulation.run(REST)
        must_be_linearizable(simulation.history, Register())


@graded(points=3, title="Bad links", requirement="linearizable under loss, duplicates, reordering")
def test_it_is_linearizable_when_messages_are_lost_doubled_and_overtaken(
    lab: CapLab, sweep: Sweep
) -> None:
    bad = LinkModel(latency=(1 * MS, 20 * MS), loss=0.1, duplicate=0.3, reorder=0.3)
    for seed in sweep(10):
        simulation = cluster(lab, lab.ConsistentReplica, seed, [], link=bad)
        work(lab, simulation, count=40, think=(0, 10 * MS))
        simulation.run(REST)
        told = [isinstance(asked.outcome, Ok) for asked in simulation.history]
        assert sum(told) > 0.9 * len(told), f"only {sum(told)} of {len(told)} operations ended ok"
        must_be_linearizable(simulation.history, Register())


@graded(points=4, title="Everything at once", requirement="linearizable, and alive in the calm")
def test_it_is_linearizable_under_all_faults_at_once_and_goes_on_afterwards(
    lab: CapLab, sweep: Sweep
) -> None:
    kinds = ("partition", "block", "crash", "pause", "link", "clock", "disk")
    for seed in sweep(25):
        faults = trouble(seed, *kinds, troubles=9, hit=(*REPLICAS, *CLIENTS))
        simulation = cluster(lab, lab.ConsistentReplica, seed, faults)
        work(lab, simulation, count=30)
        simulation.run(5 * SECOND)
        values_read_everywhere(lab, simulation)
        must_be_linearizable(simulation.history, Register())


@graded(points=2, title="Late answers", requirement="an answer counts for its own question only")
def test_a_late_answer_to_an_earlier_question_is_not_counted(lab: CapLab) -> None:
    """What n2 says takes 60 ms to n1. It says that it holds nothing, and then c2 writes there.

    That answer arrives while n1 asks for another operation, in the same life or in the next one.
    """
    for crashes in (False, True):
        faults = [Link(0, "n2", "n1", latency=(60 * MS, 60 * MS))]
        faults += [Link(9 * MS if crashes else 30 * MS, "n3", "n1", loss=1.0)]
        clients = {"c1": attached(lab, "n1"), "c2": attached(lab, "n2"), "c3": attached(lab, "n1")}
        simulation = lab.simulation(
            dict.fromkeys(REPLICAS, lab.ConsistentReplica),
            clients,
            seed=1,
            schedule=Schedule(faults),
            link=THREE_MS,
        )
        simulation.call("c1", lab.Read())
        simulation.run(8 * MS if crashes else 30 * MS)
        if crashes:
            crash_and_restart(simulation, "n1")
        simulation.run(simulation.now + 5 * MS)
        ask_ok(simulation, "c2", lab.Write(5), within=BOUND)
        read = ask(simulation, "c3", lab.Read(), within=1 * SECOND)
        assert read.outcome == Ok(5), f"{read}, though write(5) had been acknowledged"
    by_hand.must_count_answers_for_their_own_round(lab)


@graded(points=2, title="Five replicas", requirement="ABD: any minority, of any number, may stop")
def test_five_replicas_answer_while_two_are_down_but_not_three(lab: CapLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        simulation = five_replicas(lab, seed, [Crash(CUT, "n4"), Crash(CUT, "n5")])
        work(lab, simulation)
        simulation.run(END)
        must_be_ok(*asked_between(simulation.history, CUT, HEALED, "c1", "c2", "c3"), within=BOUND)
        crash(simulation, "n3")
        read = ask(simulation, "c1", lab.Read(), within=1 * SECOND)
        assert not isinstance(read.outcome, Ok), f"{read}, with two replicas of five"


@graded(points=2, title="Five are safe", requirement="any two majorities share a replica")
def test_a_write_that_two_of_five_hold_is_not_acknowledged(lab: CapLab) -> None:
    """From some instant of the write on, n1 reaches n2 alone; c3 asks where neither is heard."""
    apart = [Link(0, "n2", deaf, loss=1.0) for deaf in ("n3", "n4", "n5")]
    for start in INSTANTS[:11]:
        cut = [Link(start, "n1", deaf, loss=1.0) for deaf in ("n3", "n4", "n5")]
        simulation = five_replicas(lab, 1, [*apart, *cut], link=THREE_MS)
        written = simulation.call("c1", lab.Write(7))
        simulation.run(60 * MS)
        told = isinstance(written.outcome, Ok)
        read = ask(simulation, "c3", lab.Read(), within=1 * SECOND)
        assert isinstance(read.outcome, Ok), f"{read}, though n3, n4 and n5 are a majority"
        assert not told or read.outcome == Ok(7), f"{written}, and after it {read}"
    by_hand.must_take_the_greatest_of_a_majority(lab)


def five_replicas(lab: CapLab, seed: int, faults: list[Fault], **options: Any) -> Simulation:
    five = ("n1", "n2", "n3", "n4", "n5")
    clients = {f"c{number}": attached(lab, replica) for number, replica in enumerate(five, 1)}
    nodes = dict.fromkeys(five, lab.ConsistentReplica)
    return lab.simulation(nodes, clients, seed=seed, schedule=Schedule(faults), **options)


@graded(points=3, title="Honest refusals", requirement="failed: did not happen and never will")
def test_a_refused_write_is_never_read_although_its_request_arrives_again(
    lab: CapLab, sweep: Sweep
) -> None:
    """Requests are doubled, and the double is late: it arrives when a majority is there again."""
    late = Link(CUT, "c1", "n1", latency=(1 * MS, 700 * MS), duplicate=1.0)
    refusals = 0
    for seed in sweep(15):
        simulation = cluster(lab, lab.ConsistentReplica, seed, [late, *partition()])
        work(lab, simulation, clients=("c1",), count=12)
        work(lab, simulation, clients=("c2",), count=25)
        simulation.run(REST)
        values_read_everywhere(lab, simulation)
        must_be_linearizable(simulation.history, Register())
        refusals += sum(map(refused, asked_between(simulation.history, CUT, END, "c1")))
    assert refusals or sweep.partial, "the minority's writes were not refused"


@graded(points=3, title="Honest doubt", requirement="unknown: may have happened, may yet happen")
def test_a_write_is_called_failed_only_if_it_left_no_trace(lab: CapLab) -> None:
    """The writer's replica is cut off at every instant of a write, in and out and both."""
    cuts: dict[str, Callable[[int], list[Fault]]] = {
        "both ways": lambda at: [Partition(at, (MINORITY, MAJORITY))],
        "inwards": lambda at: [Block(at, "n2", "n1"), Block(at, "n3", "n1")],
        "outwards": lambda at: [Block(at, "n1", "n2"), Block(at, "n1", "n3")],
    }
    ends: set[type] = set()
    for way, cut in cuts.items():
        for at in INSTANTS:
            faults = [*cut(at), Heal(1 * SECOND)]
            simulation = cluster(lab, lab.ConsistentReplica, 1, faults, link=THREE_MS)
            written = ask(simulation, "c1", lab.Write(7), within=1 * SECOND)
            ends.add(type(written.outcome))
            simulation.run(1 * SECOND)
            read = values_read_everywhere(lab, simulation)["c1"]
            where = f"cut {way} after {show_time(at)}: {written}, and then c1 reads {read!r}"
            assert not (refused(written) and read == 7), where
            assert not (isinstance(written.outcome, Ok) and read != 7), where
    assert ends >= {Ok, Unknown}, f"cut at every instant, a write ended only as {ends}"


@graded(points=3, title="Once", requirement="a repeated request is carried out once")
def test_a_repeated_request_does_not_bring_an_old_value_back(lab: CapLab, sweep: Sweep) -> None:
    twice = LinkModel(latency=(1 * MS, 5 * MS), duplicate=0.5, reorder=0.5)
    late = [Link(0, client, replica, latency=(1 * MS, 150 * MS), duplicate=1.0)
            for client, replica in zip(CLIENTS, REPLICAS, strict=True)]  # fmt: skip
    for seed in sweep(6):
        crashes: list[Fault] = []
        for at in range(100, 1500, 100):
            crashes += [Crash(at * MS, "n1"), Restart((at + 5) * MS, "n1")]
        for faults in ([], crashes):
            simulation = cluster(lab, lab.ConsistentReplica, seed, [*late, *faults], link=twice)
            work(lab, simulation, think=(0, 20 * MS))
            simulation.run(REST)
            must_be_linearizable(simulation.history, Register())
    by_hand.must_know_each_clients_latest_write(lab)
    by_hand.must_serve_a_clients_newest_request(lab)


@graded(points=2, title="Two writers, one replica", requirement="no two writes share a tag")
def test_writes_at_the_same_time_at_one_replica_stay_apart(lab: CapLab, sweep: Sweep) -> None:
    clients = {client: attached(lab, "n1") for client in ("c1", "c2", "c3", "c4")}
    nodes = dict.fromkeys(REPLICAS, lab.ConsistentReplica)
    for seed in sweep(10):
        simulation = lab.simulation(nodes, {**clients, "c5": attached(lab, "n2")}, seed=seed)
        work(lab, simulation, count=20, think=(0, 2 * MS))
        simulation.run(REST)
        must_be_linearizable(simulation.history, Register())


@graded(points=2, title="One crash is borne", requirement="ABD: any minority may stop")
def test_any_one_replica_may_be_down(lab: CapLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        for down in REPLICAS:
            simulation = cluster(lab, lab.ConsistentReplica, seed, [Crash(CUT, down)])
            work(lab, simulation)
            simulation.run(REST)
            others = [client for client in CLIENTS if client[1:] != down[1:]]
            must_be_ok(*asked_between(simulation.history, CUT, END, *others), within=BOUND)


@graded(points=2, title="Durable", requirement="a replica saves before it answers")
def test_what_was_acknowledged_survives_a_crash_of_all_replicas(lab: CapLab, sweep: Sweep) -> None:
    for seed in sweep(10):
        slow = [Disk(0, replica, 10 * MS) for replica in REPLICAS]
        simulation = cluster(lab, lab.ConsistentReplica, seed, slow)
        written = ask(simulation, "c1", lab.Write(7), within=1 * SECOND)
        must_be_ok(written, within=5 * BOUND)
        crash_and_restart(simulation, *REPLICAS)
        simulation.run(simulation.now + 100 * MS)
        assert values_read_everywhere(lab, simulation) == dict.fromkeys(CLIENTS, 7)


@graded(points=2, title="No clock", requirement="wrong clocks cost time, never a value")
def test_clocks_that_are_seconds_apart_change_nothing(lab: CapLab, sweep: Sweep) -> None:
    clocks = [Clock(0, "n1", 5 * SECOND, 100_000), Clock(0, "n2", 0, -100_000)]
    for seed in sweep(5):
        simulation = cluster(lab, lab.ConsistentReplica, seed, clocks)
        work(lab, simulation)
        simulation.run(REST)
        must_be_ok(*asked_between(simulation.history, 0, END, *CLIENTS), within=BOUND)
        must_be_linearizable(simulation.history, Register())


@graded(points=2, title="Patience ends", requirement="given up after ``attempts`` tries, and told")
def test_a_write_that_reaches_nobody_is_refused_after_its_last_try(lab: CapLab) -> None:
    """The client asks once: it is told by the replica that gives up, or it is not told in time."""
    for attempts in (1, 3):
        simulation = impatient(lab, attempts, [Partition(0, (MINORITY, MAJORITY))])
        written = ask(simulation, "c1", lab.Write(7), within=1 * SECOND)
        assert refused(written), f"{written}, though nobody but its replica ever heard of it"
        assert written.returned_at is not None, "it has an outcome"
        took = written.returned_at - written.invoked_at
        patience = attempts * TRY_AGAIN_AFTER
        assert patience <= took <= patience + BOUND / 5, f"{attempts} tries took {show_time(took)}"
    by_hand.must_count_tries_of_both_phases(lab)


@graded(points=2, title="Refused once more", requirement="decided before: answered as decided")
def test_a_refusal_that_was_lost_is_told_when_the_request_comes_again(lab: CapLab) -> None:
    cut: list[Fault] = [Partition(0, (MINORITY, MAJORITY)), Link(0, "n1", "c1", loss=1.0)]
    heard = Link(100 * MS, "n1", "c1", loss=0.0)
    simulation = impatient(lab, 2, [*cut, heard], ask_again_after=60 * MS)
    written = ask(simulation, "c1", lab.Write(7), within=1 * SECOND)
    assert refused(written), f"{written}, though its replica had refused it"
    by_hand.must_remember_a_refusal_over_a_crash(lab)
    by_hand.must_keep_to_one_replica(lab)


@graded(points=3, title="Refused for good", requirement="what is refused must stay refused")
def test_an_answer_that_comes_after_the_refusal_does_not_bring_the_write_back(lab: CapLab) -> None:
    """n2's answer takes 80 ms and would make a majority; by then n1 has given up."""
    late = [Link(0, "n2", "n1", latency=(80 * MS, 80 * MS)), Link(0, "n3", "n1", loss=1.0)]
    simulation = impatient(lab, 2, late)
    written = ask(simulation, "c1", lab.Write(7), within=1 * SECOND)
    assert refused(written), f"{written}, though no answer came in time"
    simulation.run(200 * MS)
    read = ask(simulation, "c2", lab.Read(), within=1 * SECOND)
    assert read.outcome == Ok(None), f"{read}, though write(7) was refused"


@graded(points=1, title="Asked once", requirement="asked again after a time, not after an answer")
def test_an_answer_that_is_not_enough_makes_nobody_be_asked_again(lab: CapLab) -> None:
    five = ("n1", "n2", "n3", "n4", "n5")
    nodes = {id: lab.ConsistentReplica(id, tuple(p for p in five if p != id)) for id in five}
    for node in nodes.values():
        node.step(Start(0, {}))

    def sent(id: str, sender: str, message: object) -> dict[str, Any]:
        effects = nodes[id].step(Receive(0, sender, message))
        return {effect.to: effect.message for effect in effects if isinstance(effect, Send)}

    asked = sent("n1", "c1", lab.ReadRequest(1))
    assert sorted(asked) == ["n2", "n3", "n4", "n5"]
    answers = [sent(id, "n1", asked[id])["n1"] for id in ("n2", "n3")]
    assert sent("n1", "n2", answers[0]) == {}, "two of five have answered: wait for a third"
    assert sent("n1", "n3", answers[1]), "three of five are enough to go on"
    by_hand.must_ask_and_count_each_replica_once(lab)
    by_hand.must_need_a_majority_of_any_number(lab)
