"""Graded suite of the lab ``swim``, fourth part: news travel on the probes; newcomers join."""

from functools import partial
from typing import Any

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    STEADY,
    Sent,
    Wire,
    crash,
    linked,
    names,
    restart,
    run_until,
    trouble,
)
from common.sim.network import LinkModel
from common.values.faults import Crash, Fault, Heal, Partition, Restart, Schedule
from tests.stage5_fault_tolerance.swim.alone import Alone, of_kind, told
from tests.stage5_fault_tolerance.swim.cluster import (
    PERIOD,
    believed,
    cluster,
    incarnations_come_from_their_members,
    must_all_be_alive,
    state_of,
)
from tests.stage5_fault_tolerance.swim.lab import SwimLab

LAB = "swim"


def quiet(lab: SwimLab, members: int = 8, **options: Any) -> Alone:
    """A member that has told what there is to tell at its start, and knows that all are alive."""
    alone = Alone(lab, lab.Swim, members, joins=False, **options)
    while told([ping := alone.next_acked_ping()]):
        assert ping
    return alone


def carried(alone: Alone, lab: SwimLab, count: int) -> list[list[Any]]:
    """What the answers to so many pings carry."""
    answers = [alone.hear("n7", lab.Ping(number, ())) for number in range(count)]
    return [told(answer) for answer in answers]


@graded(points=2, title="Piggyback", requirement="SWIM 4.1: on messages that are sent anyway")
def test_news_are_on_pings_ping_reqs_and_acks_and_on_no_message_of_their_own(lab: SwimLab) -> None:
    alone = quiet(lab, spreading=50)
    news = lab.Dead("n9", 3, "n4")
    assert alone.hear("n4", lab.News((news,))) == [], "a multicast is not needed"
    assert told(alone.hear("n5", lab.Ping(1, ()))) == [news]
    assert told([alone.next_ping()]) == [news]
    asked = of_kind(lab.PingReq, alone.wait(PERIOD // 2))
    assert len(asked) == 3
    assert all(told([each]) == [news] for each in asked)
    (ping,) = alone.hear("n5", lab.PingReq(1, "n6", ()))
    assert told([ping]) == [news]
    (ack,) = alone.hear("n6", lab.Ack(ping.message.number, ()))
    assert told([ack]) == [news], "also on an ack that is passed on"
    accused = quiet(lab)
    (ack,) = accused.hear("n5", lab.Ping(1, (lab.Suspect("n1", 0, "n3"),)))
    assert told([ack]) == [lab.Alive("n1", 1)], "what a ping brings is learned, then answered"


@graded(points=2, title="Often enough", requirement="SWIM 4.1: lambda log n times")
def test_an_update_is_told_a_number_of_times_that_grows_with_the_logarithm(lab: SwimLab) -> None:
    for members, digits in ((8, 4), (40, 6)):
        for spreading in (1, 3):
            alone = quiet(lab, members, spreading=spreading)
            alone.hear("n4", lab.News((lab.Suspect("n5", 0, "n4"),)))
            on = carried(alone, lab, 30)
            times = sum(map(bool, on))
            assert times == spreading * digits, f"{members} members, lambda {spreading}"
            assert all(on[:times]), "without a break"


@graded(points=2, title="The least told first", requirement="SWIM 4.1: fewer times first")
def test_what_was_told_least_goes_first_and_eight_fit(lab: SwimLab) -> None:
    alone = quiet(lab, spreading=2)
    first = [lab.Alive(f"a{number}", 0) for number in range(5)]
    alone.hear("n4", lab.News(tuple(first)))
    assert carried(alone, lab, 2) == [first, first]
    later = [lab.Alive(f"b{number}", 0) for number in range(6)]
    alone.hear("n4", lab.News(tuple(later)))
    (third, fourth) = carried(alone, lab, 2)
    assert third == [*later, *first[:2]], "eight fit, the new ones first"
    assert fourth[:6] == later, "told once, so still less than the others"
    assert sorted(fourth[6:], key=str) == sorted(first[2:4], key=str), "of these the least told"
    everything = [update for on in carried(alone, lab, 40) for update in on]
    for update in first + later:
        assert update in everything, "nothing is forgotten before it was told often enough"


@graded(points=2, title="The latest only", requirement="SWIM 4.1, 4.2: what is overridden is old")
def test_of_each_member_only_the_latest_is_told_and_from_the_beginning(lab: SwimLab) -> None:
    alone = quiet(lab, spreading=1)
    alone.hear("n4", lab.News((lab.Suspect("n5", 0, "n4"),)))
    carried(alone, lab, 3)
    alone.hear("n4", lab.News((lab.Alive("n5", 1),)))
    assert carried(alone, lab, 5) == [[lab.Alive("n5", 1)]] * 4 + [[]]
    alone.hear("n4", lab.News((lab.Suspect("n5", 0, "n4"), lab.Alive("n5", 1))))
    assert carried(alone, lab, 1) == [[]], "what is no news here is not told on"


@graded(points=1, title="No forgery", requirement="hashicorp/memberlist#359: nobody tells it on")
def test_what_is_not_plausible_is_not_told_on(lab: SwimLab) -> None:
    alone = quiet(lab, spreading=5)
    alone.hear("n4", lab.News((lab.Dead("n5", 2**32 - 1, "n4"), lab.Alive("n6", -1))))
    assert carried(alone, lab, 2) == [[], []]


@graded(points=1, title="What concerns it", requirement="hashicorp/memberlist#311")
def test_a_member_that_is_dead_here_is_told_so_first_and_once(lab: SwimLab) -> None:
    alone = quiet(lab, spreading=2)
    alone.hear("n4", lab.News(tuple(lab.Alive(f"a{number}", 0) for number in range(20))))
    alone.hear("n4", lab.News((lab.Dead("n5", 9, "n4"),)))
    for number in range(12):
        (ack,) = alone.hear("n5", lab.Ping(number, ()))
        updates = told([ack])
        assert updates[0] == lab.Dead("n5", 9, "n1")
        assert len(updates) <= 8
        assert not [each for each in updates[1:] if each.member == "n5"]


@graded(points=3, title="Like an infection", requirement="SWIM 4.1: log n periods")
def test_all_hear_of_a_failure_in_time_of_log_n_for_no_message_more(
    lab: SwimLab, sweep: Sweep
) -> None:
    for count in (10, 40):
        for seed in sweep(2):
            wire = Wire()
            founders = {"joins": False}
            simulation = cluster(
                lab, lab.Swim, seed, count, (), founders, observers=[wire], link=STEADY
            )
            simulation.run(8 * PERIOD)
            crash(simulation, "n2")
            run_until(simulation, partial(_somebody_tells_it, lab, wire), 60 * PERIOD)
            began = simulation.now
            wire.forget()
            others = [name for name in simulation.members if name != "n2"]
            simulation.run(began + (2 + count.bit_length()) * PERIOD)
            assert state_of(lab, simulation, "n2", others) == {"dead"}, "all, in a few periods"
            periods = 2 + count.bit_length()
            assert not wire.of(lab.News), "no message for news"
            assert len(wire.sent_messages) < 3 * count * periods
            updates = max(len(told([sent])) for sent in wire.sent_messages)
            assert updates <= 8


def _somebody_tells_it(lab: SwimLab, wire: Wire) -> bool:
    last = wire.sent_messages[-1:]
    return any(isinstance(update, lab.Dead) for update in told(last))


@graded(points=2, title="The list", requirement="a newcomer hears of everybody")
def test_who_joins_gets_the_list_in_parts_and_hears_what_is_said_of_it(lab: SwimLab) -> None:
    alone = quiet(lab)
    accusations = (("n3", lab.Dead, 2), ("n5", lab.Suspect, 1), ("n1", lab.Suspect, 0))
    alone.hear(
        "n4", lab.News(tuple(kind(name, number, "n4") for name, kind, number in accusations))
    )
    sent = alone.hear("n9", lab.Join(4))
    assert {each.to for each in sent} == {"n9"}
    assert all(isinstance(each.message, lab.News) for each in sent)
    updates = told(sent)
    assert updates[0] == lab.Alive("n1", 1), "it has refuted"
    assert set(updates) == {
        lab.Alive("n1", 1),
        *(lab.Alive(name, 0) for name in ("n2", "n4", "n6", "n7", "n8")),
        lab.Dead("n3", 2, "n1"),
        lab.Suspect("n5", 1, "n1"),
        lab.Alive("n9", 4),
    }
    assert lab.Alive("n9", 4) in told(alone.hear("n2", lab.Ping(1, ()))), "the others hear of it"
    answer = told(alone.hear("n3", lab.Join(1)))
    assert lab.Dead("n3", 2, "n1") in answer, "who joins in an old incarnation hears so"
    answer = told(alone.hear("n3", lab.Join(3)))
    assert lab.Alive("n3", 3) in answer, "and in a later one it is believed"
    for members, lengths in ((90, [15] * 6), (91, [15] * 6 + [1])):
        large = quiet(lab, members)
        parts = large.hear("n3", lab.Join(0))
        assert [len(told([part])) for part in parts] == lengths
        assert len({update.member for update in told(parts)}) == members


@graded(points=1, title="Asking again", requirement="a message may be lost")
def test_a_newcomer_asks_in_each_period_until_it_gets_the_list(lab: SwimLab) -> None:
    alone = Alone(lab, lab.Swim)
    assert [each.message for each in of_kind(lab.Join, alone.at_start)] == [lab.Join(0)]
    assert len(of_kind(lab.Join, alone.wait(3 * PERIOD))) >= 3
    alone.hear("n3", lab.News(tuple(lab.Alive(name, 1) for name in alone.peers)))
    assert not of_kind(lab.Join, _periods(alone, 4))
    founder = Alone(lab, lab.Swim, members=3, joins=False)
    assert not of_kind(lab.Join, founder.at_start)


@graded(points=3, title="Joining", requirement="SWIM 3.2, 4.1: join by one, known to all")
def test_a_newcomer_that_knows_one_member_knows_all_soon_and_is_known_to_all(
    lab: SwimLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        everyone = names(9)
        nodes = {
            id: lambda id, peers: lab.Swim(id, tuple(peer for peer in peers if peer != "n9"))
            for id in everyone[:-1]
        }
        nodes["n9"] = lambda id, peers: lab.Swim(id, ("n4",))
        calm = Schedule([linked(15 * PERIOD, LinkModel())])
        simulation = lab.simulation(nodes, seed=seed, link=LinkModel(loss=0.05), schedule=calm)
        simulation.run(25 * PERIOD)
        for member in everyone:
            told = believed(lab, simulation, member)
            assert sorted(told) == sorted(everyone), f"{member} knows {sorted(told)}"
        simulation.run(60 * PERIOD)  # a member that lost too much has come back by then
        must_all_be_alive(lab, simulation)


@graded(points=1, title="Greeting strangers", requirement="SWIM 4.1: a rumor reaches all but a few")
def test_who_pings_and_is_not_known_is_greeted(lab: SwimLab) -> None:
    alone = quiet(lab)
    assert of_kind(lab.Join, alone.hear("n3", lab.Ping(1, ()))) == [], "n3 is known"
    [greeted] = of_kind(lab.Join, alone.hear("n77", lab.Ping(1, ())))
    assert greeted.to == "n77"
    news = (lab.Alive("n78", 0),)
    assert of_kind(lab.Join, alone.hear("n78", lab.Ping(1, news))) == [], "its ping said who it is"


@graded(points=2, title="Greeting the dead", requirement="as Serf does: one of them may live")
def test_now_and_then_one_of_the_dead_is_greeted(lab: SwimLab) -> None:
    alone = quiet(lab)
    alone.hear("n4", lab.News((lab.Suspect("n1", 0, "n4"),)))
    assert not of_kind(lab.Join, _periods(alone, 12)), "while nobody is dead"
    alone.hear("n4", lab.News((lab.Dead("n3", 0, "n4"), lab.Dead("n5", 0, "n4"))))
    greeted = of_kind(lab.Join, _periods(alone, 40))
    assert len(greeted) == 8, "in one of five periods"
    assert {each.to for each in greeted} == {"n3", "n5"}
    assert {each.message for each in greeted} == {lab.Join(1)}
    five = names(6)[1:]
    many = quiet(lab)
    many.hear("n7", lab.News(tuple(lab.Dead(name, 0, "n7") for name in five)))
    greeted = of_kind(lab.Join, _periods(many, 600))
    assert {each.to for each in greeted} == set(five), "each of them may be the one that lives"


def _periods(alone: Alone, count: int) -> list[Sent]:
    sent: list[Sent] = []
    for _ in range(count):
        period = alone.wait(alone.until_period())
        sent += period
        for each in of_kind(alone.lab.Ping, period):
            alone.hear(each.to, alone.lab.Ack(each.message.number, ()))
    return sent


@graded(points=2, title="Two halves", requirement="both refute what the other side says of them")
def test_two_halves_that_took_each_other_for_dead_find_each_other_again(
    lab: SwimLab, sweep: Sweep
) -> None:
    for seed in sweep(3):
        halves = (names(8)[:3], names(8)[3:])
        faults: list[Fault] = [Partition(5 * PERIOD, halves), Heal(40 * PERIOD)]
        simulation = cluster(lab, lab.Swim, seed, 8, faults)
        simulation.run(39 * PERIOD)
        assert state_of(lab, simulation, "n8", halves[0]) == {"dead"}
        assert state_of(lab, simulation, "n1", halves[1]) == {"dead"}
        simulation.run(90 * PERIOD)
        must_all_be_alive(lab, simulation)


@graded(points=2, title="Restarted", requirement="hashicorp/memberlist#311: it becomes visible")
def test_members_that_restart_all_at_once_are_alive_to_all_again(
    lab: SwimLab, sweep: Sweep
) -> None:
    for seed in sweep(3):
        simulation = cluster(lab, lab.Swim, seed, 6)
        simulation.run(PERIOD)
        for _ in range(2):
            crash(simulation, "n3", "n4")
            simulation.run(simulation.now + 25 * PERIOD)
            assert state_of(lab, simulation, "n3", ["n1", "n2"]) == {"dead"}
            crash(simulation, "n1", "n5")
            restart(simulation, "n3", "n4", "n1", "n5")
            simulation.run(simulation.now + 40 * PERIOD)
            must_all_be_alive(lab, simulation)


@graded(points=4, title="Trouble, then calm", requirement="SWIM 2.1: everybody alive, to everybody")
def test_after_all_kinds_of_trouble_all_are_alive_to_all(lab: SwimLab, sweep: Sweep) -> None:
    for seed in sweep(5):
        wire = Wire()
        calm = 30 * PERIOD
        kinds = ("crash", "pause", "partition", "block", "link", "clock")
        faults = trouble(seed, kinds, hit=names(6), until=calm)
        faults += [Crash(calm, "n2"), Restart(calm + 20 * PERIOD, "n2")]
        simulation = cluster(lab, lab.Swim, seed, 6, faults, observers=[wire])
        simulation.run(calm + 80 * PERIOD)
        must_all_be_alive(lab, simulation)
        assert incarnations_come_from_their_members(lab, wire), "n2 was dead, and is alive"
