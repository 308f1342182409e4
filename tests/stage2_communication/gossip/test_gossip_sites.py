"""Graded suite of the lab ``gossip``, third part: two sites compare their tables."""

from random import Random

from common.contract.effects import Save
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, effects_of, restart_all, sent, trouble
from common.sim.workload import Workload
from common.values.faults import Clock, Schedule
from common.values.units import MS, SECOND
from tests.stage2_communication.gossip.lab import GossipLab
from tests.stage2_communication.gossip.room import FIVE, ROUND, Alone, asked, sites, waits

LAB = "gossip"

ALL = ("crash", "partition", "block", "pause", "link", "clock", "disk")
KEYS = ("k0", "k1", "k2")


@graded(points=3, title="All the same", requirement="Demers 1987, 1.3: a simple epidemic")
def test_all_sites_end_with_the_same_table_whatever_was_lost(lab: GossipLab, sweep: Sweep) -> None:
    def choose(random: Random, site: str, number: int) -> object:
        return lab.Put(random.choice(KEYS), f"{site}.{number}")

    for seed in sweep(4):
        faults = trouble(seed, ALL, hit=FIVE, until=1 * SECOND, troubles=8)
        simulation = sites(lab, lab.Site, seed, schedule=Schedule(faults))
        Workload(simulation, choose, clients=FIVE, count=12, think=(10 * MS, 100 * MS))
        simulation.run(4 * SECOND)
        for key in KEYS:
            found = set(asked(simulation, lab.Get(key)))
            assert len(found) == 1, f"three seconds after the last fault {key} is {found}"
        puts = [each for each in simulation.history if each.function == "put"]
        assert len(puts) > 20, "hardly anything was put"


@graded(points=2, title="The last one wins", requirement="Demers 1987, 1.1: timestamps")
def test_a_site_with_a_slow_clock_replaces_what_it_has_seen(lab: GossipLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        slow = Schedule([Clock(0, "n1", skew=5 * SECOND, drift=0)])
        simulation = sites(lab, lab.Site, seed, schedule=slow)
        simulation.run(1 * SECOND)
        first = asked(simulation, lab.Put("k", "fast"), ["n1"])[0]
        simulation.run(simulation.now + 20 * ROUND)
        assert set(asked(simulation, lab.Get("k"))) == {("fast", first)}
        second = asked(simulation, lab.Put("k", "slow"), ["n2"])[0]
        assert second > first, "n2 has seen the first stamp, and its clock is behind"
        simulation.run(simulation.now + 20 * ROUND)
        assert set(asked(simulation, lab.Get("k"))) == {("slow", second)}
    seen = lab.Entry("other", "v", (1000, "n9"))
    again = Alone(lab.Site("n1", ("n2",)), {"other": seen})
    assert again.told(lab.Put("k", "w")) > (1000, "n9"), "what it saw before a crash counts, too"


@graded(points=1, title="On disk", requirement="an update is durable before anybody is told")
def test_what_was_put_is_there_after_all_have_crashed(lab: GossipLab, sweep: Sweep) -> None:
    for seed in sweep(2):
        simulation = sites(lab, lab.Site, seed)
        stamp = asked(simulation, lab.Put("k", "v"), ["n1"])[0]
        simulation.run(20 * ROUND)
        restart_all(simulation)
        simulation.run(simulation.now + 10 * MS)
        assert set(asked(simulation, lab.Get("k"))) == {("v", stamp)}
        assert asked(simulation, lab.Put("k", "w"), ["n3"])[0] > stamp


@graded(points=2, title="A table", requirement="Demers 1987, 1.1: the greater timestamp stays")
def test_in_whatever_order_entries_come_the_same_table_and_checksum_come_of_them(
    lab: GossipLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        random = Random(f"table/{seed}")
        entries = [
            lab.Entry(random.choice(KEYS), random.choice(["a", "b", None]), (number, "n1"))
            for number in range(1, 12)
        ]
        one, other = lab.Store(), lab.Store()
        for entry in entries:
            one.merge(entry)
        random.shuffle(entries)
        for entry in entries + entries[:4]:
            other.merge(entry)
        assert list(one) == list(other)
        assert one.checksum == other.checksum
        last = {entry.key: entry for entry in sorted(entries, key=lambda each: each.stamp)}
        assert list(one) == [last[key] for key in sorted(last)]


@graded(points=2, title="What is later", requirement="Demers 1987, 1.1 and 2.2: activation")
def test_an_entry_is_news_if_its_stamp_or_its_activation_is_later(lab: GossipLab) -> None:
    store = lab.Store()
    empty = store.checksum
    assert store.merge(lab.Entry("k", "v", (5, "n1")))
    with_one = store.checksum
    assert with_one != empty
    assert not store.merge(lab.Entry("k", "v", (5, "n1"))), "the same"
    assert not store.merge(lab.Entry("k", "w", (4, "n9"))), "an older one"
    assert store.merge(lab.Entry("k", "x", (5, "n2"))), "the name decides"
    assert store.merge(lab.Entry("k", None, (6, "n1"), 6))
    assert store.merge(lab.Entry("k", None, (6, "n1"), 9)), "activated later"
    assert not store.merge(lab.Entry("k", None, (6, "n1"), 8))
    assert store.merge(lab.Entry("l", "y", (0, "n1")))
    assert store.later_than(()) == tuple(store)
    assert store.later_than(tuple(store)) == ()
    old = (lab.Entry("k", None, (6, "n1"), 6), lab.Entry("m", "z", (9, "n1")))
    assert [each.key for each in store.later_than(old)] == ["k", "l"]
    assert [each.key for each in store.since(9)] == ["k"], "activated at 9"
    store.drop("k")
    store.drop("l")
    store.drop("nobody")
    assert store.checksum == empty
    assert store.merge(lab.Entry("k", None, (6, "n1"), 9))
    assert store.merge(lab.Entry("k", "put", (7, "n1"))), "later, though it was never activated"
    woken = lab.Entry("k", None, (6, "n1"), 99)
    assert not store.merge(woken), "what wakes up deletes nothing that was put after it"
    assert store.later_than((woken,)) == tuple(store)


@graded(points=3, title="Step by step", requirement="Demers 1987, 1.3: recent lists, checksums")
def test_two_sites_compare_recent_entries_then_checksums_then_everything(lab: GossipLab) -> None:
    one = Alone(lab.Site("n1", ("n2",), recent=100))
    other = Alone(lab.Site("n2", ("n1",), recent=100))
    [(due, after)] = waits(one.started)
    assert due == lab.CompareDue()
    assert 1 <= after <= ROUND
    one.does(lab.Put("old", "1"))
    other.does(lab.Put("elder", "2"))
    one.now = other.now = 1000
    one.does(lab.Put("new", "3"))
    offers = one.fires(lab.CompareDue())
    [(to, offer)] = sent(offers)
    assert to == "n2"
    assert [each.key for each in offer.entries] == ["new"], "only what is recent"
    assert (lab.CompareDue(), ROUND) in waits(offers)
    heard = other.gets("n1", offer)
    assert [each.key for each in effects_of(Save, heard)] == ["new"]
    [(_, reply)] = sent(heard)
    assert isinstance(reply, lab.Reply), "the old entries differ"
    assert [each.key for each in reply.entries] == ["new"]
    [(_, everything)] = sent(one.gets("n2", reply))
    assert [each.key for each in everything.entries] == ["new", "old"]
    [(_, missing)] = sent(other.gets("n1", everything))
    assert [each.key for each in missing.entries] == ["elder"]
    assert sent(one.gets("n2", missing)) == []
    for key in ("new", "old", "elder"):
        assert one.told(lab.Get(key)) == other.told(lab.Get(key)) != (None, None)
    again = sent(one.fires(lab.CompareDue()))[0][1]
    assert sent(other.gets("n1", again)) == [], "the tables are the same"
    other.does(lab.Put("late", "4"))
    [(_, reply)] = sent(other.gets("n1", again))
    assert sent(one.gets("n2", reply)) == [], "what differs is recent, and merged now"
    other.does(lab.Put("new", "6"))
    [(_, reply)] = sent(other.gets("n1", again))
    assert sent(one.gets("n2", reply)) == [], "a newer value of a key that is here is merged, too"
    assert one.told(lab.Get("new"))[0] == "6"
    one.does(lab.Put("more", "5"))
    [(_, offer)] = sent(one.fires(lab.CompareDue()))
    assert sent(other.gets("n1", offer)) == [], "what differed was in the offer"
    whole = one.gets("n2", lab.Everything(()))
    assert sent(whole)[0][0] == "n2"
    assert [each.key for each in sent(whole)[0][1].entries] == [
        "elder",
        "late",
        "more",
        "new",
        "old",
    ]
    assert sent(one.gets("n2", lab.Everything(sent(whole)[0][1].entries))) == []


@graded(points=1, title="Mostly checksums", requirement="Demers 1987, 1.3")
def test_where_entries_are_recent_long_enough_hardly_any_table_is_sent_whole(
    lab: GossipLab, sweep: Sweep
) -> None:
    for seed in sweep(2):
        wire = Wire()
        simulation = sites(lab, lab.Site, seed, observers=[wire])
        for number in range(20):
            asked(simulation, lab.Put(f"k{number}", "v"), [FIVE[number % 5]])
            simulation.run(simulation.now + ROUND)
        simulation.run(simulation.now + 10 * ROUND)
        assert len(set(asked(simulation, lab.Get("k19")))) == 1
        whole, offers = len(wire.of(lab.Everything)), len(wire.of(lab.Offer))
        assert whole <= offers // 10, f"of {offers} comparisons {whole} sent everything"
    often = Alone(lab.Site("n1", ("n2",), round_every=7))
    assert (lab.CompareDue(), 7) in waits(often.fires(lab.CompareDue())), "as often as it was told"
    alone = Alone(lab.Site("n1", ()))
    assert sent(alone.fires(lab.CompareDue())) == []
