"""Graded suite of the lab ``gossip``, fourth part: what is deleted stays deleted."""

from functools import partial
from random import Random
from typing import Any

from common.contract.effects import Forget, Save
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import effects_of, must_hold, sent, trouble
from common.sim.workload import Workload
from common.values.faults import Heal, Partition, Schedule
from common.values.units import MS, SECOND
from stage2_communication.gossip.checks import gone_stays_gone
from tests.stage2_communication.gossip.lab import GossipLab
from tests.stage2_communication.gossip.room import FIVE, Alone, asked, sites

LAB = "gossip"

ALL = ("crash", "partition", "block", "pause", "link", "clock", "disk")
KEYS = ("k0", "k1", "k2")


@graded(points=3, title="Gone stays gone", requirement="Demers 1987, 2: death certificates")
def test_what_was_deleted_does_not_come_back_while_certificates_are_kept(
    lab: GossipLab, sweep: Sweep
) -> None:
    def choose(random: Random, site: str, number: int) -> object:
        key = random.choice(KEYS)
        drawn = random.randrange(5)
        return (lab.Put(key, f"{site}.{number}"), lab.Delete(key), *[lab.Get(key)] * 3)[drawn]

    for seed in sweep(4):
        faults = trouble(seed, ALL, hit=FIVE, until=1 * SECOND, troubles=8)
        site = partial(lab.DeletingSite, keep=60 * SECOND)
        simulation = sites(lab, site, seed, schedule=Schedule(faults))
        Workload(simulation, choose, clients=FIVE, count=20, think=(10 * MS, 100 * MS))
        simulation.run(4 * SECOND)
        for key in KEYS:
            assert len(set(asked(simulation, lab.Get(key)))) == 1
        must_hold(gone_stays_gone(simulation.history))


def cut_off(lab: GossipLab, seed: int | str, **how: Any) -> Any:
    """n5 is cut off with a value that the others delete, for longer than certificates are kept."""
    apart = Partition(1 * SECOND, (FIVE[:4], FIVE[4:]))
    schedule = Schedule([apart, Heal(4 * SECOND)])
    site = partial(lab.DeletingSite, keep=1 * SECOND, **how)
    simulation = sites(lab, site, seed, schedule=schedule)
    asked(simulation, lab.Put("k", "v"), ["n1"])
    simulation.run(1100 * MS)
    assert {value for value, _ in asked(simulation, lab.Get("k"))} == {"v"}
    asked(simulation, lab.Delete("k"), ["n2"])
    simulation.run(3900 * MS)
    assert {value for value, _ in asked(simulation, lab.Get("k"), FIVE[:4])} == {None}
    simulation.run(6 * SECOND)
    return simulation


@graded(points=3, title="Dormant", requirement="Demers 1987, 2.1 and 2.2: dormant certificates")
def test_a_dormant_certificate_wakes_up_when_an_old_value_comes_back(
    lab: GossipLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        kept = cut_off(lab, seed, keepers=4)
        assert {value for value, _ in asked(kept, lab.Get("k"))} == {None}, "k is back"
        dropped = cut_off(lab, seed, keepers=0)
        found = {value for value, _ in asked(dropped, lab.Get("k"))}
        assert found == {"v"}, f"nobody has a certificate, so gossip brings k back; found {found}"


@graded(points=1, title="Put after deleted", requirement="Demers 1987, 2.2: the stamp stays")
def test_a_certificate_that_wakes_up_deletes_nothing_that_was_put_after_it(
    lab: GossipLab, sweep: Sweep
) -> None:
    for seed in sweep(2):
        simulation = cut_off(lab, seed, keepers=3)
        asked(simulation, lab.Put("k", "again"), ["n4"])
        simulation.run(simulation.now + 3 * SECOND)
        assert {value for value, _ in asked(simulation, lab.Get("k"))} == {"again"}


@graded(points=2, title="A certificate", requirement="Demers 1987, 2: an update like any other")
def test_a_deletion_is_an_entry_with_keepers_that_is_kept_for_a_while(lab: GossipLab) -> None:
    site = Alone(lab.DeletingSite("n1", ("n2", "n3"), keep=100, keepers=2))
    site.now = 10
    site.does(lab.Put("k", "v"))
    stamp = site.told(lab.Delete("k"))
    assert stamp == (11, "n1")
    [certificate] = sent(site.fires(lab.CompareDue()))[0][1].entries
    assert (certificate.value, certificate.stamp, certificate.active) == (None, stamp, 11)
    assert len(set(certificate.keepers)) == 2, "drawn without the same one twice"
    assert set(certificate.keepers) <= {"n1", "n2", "n3"}
    assert site.told(lab.Get("k")) == (None, stamp)
    site.now = 111
    assert effects_of(Forget, site.fires(lab.CompareDue())) == [], "as old as keep, and no older"
    both = Alone(lab.DeletingSite("n1", ("n2",), keepers=2))
    both.does(lab.Delete("k"))
    [of_all] = sent(both.fires(lab.CompareDue()))[0][1].entries
    assert of_all.keepers == ("n1", "n2"), "drawn of all sites, this one among them"
    few = Alone(lab.DeletingSite("n1", (), keepers=2))
    few.does(lab.Delete("k"))
    assert few.told(lab.Get("k"))[0] is None


def set_back(lab: GossipLab, site: Alone) -> None:
    """Let a site crash and start again with a clock that says 1."""
    site.now = 1
    site.begin(lab.DeletingSite(site.node.id, ("n9",)))


@graded(points=3, title="Its life", requirement="Demers 1987, 2.1: two thresholds")
def test_a_certificate_is_active_then_dormant_at_its_keepers_and_then_gone(lab: GossipLab) -> None:
    def buried(id: str) -> Alone:
        site = Alone(lab.DeletingSite(id, ("n8", "n9"), keep=100, dormant=1000))
        site.gets("n9", lab.Missing((lab.Entry("k", None, (5, "n9"), 5, ("n1",)),)))
        site.now = 106
        return site

    other = buried("n2")
    assert [each.key for each in effects_of(Forget, other.fires(lab.CompareDue()))] == ["k"]
    assert other.told(lab.Get("k")) == (None, None)
    set_back(lab, other)
    assert other.told(lab.Put("l", "x")) == (6, "n2"), "it has seen 5, and forgotten where"
    keeper = buried("n1")
    keeper.gets("n9", lab.Missing((lab.Entry("k", None, (5, "n9"), 5, ("n1",)),)))
    asleep = keeper.fires(lab.CompareDue())
    assert effects_of(Forget, asleep) == [], "it stays on disk"
    assert sent(asleep)[0][1].entries == (), "nobody else sees it"
    assert keeper.told(lab.Get("k")) == (None, (5, "n9"))
    assert sent(keeper.gets("n9", lab.Everything(()))) == []
    keeper.now = 1105
    assert effects_of(Forget, keeper.fires(lab.CompareDue())) == []
    keeper.now = 1106
    assert [each.key for each in effects_of(Forget, keeper.fires(lab.CompareDue()))] == ["k"]
    assert keeper.told(lab.Get("k")) == (None, None)
    woken = Alone(lab.DeletingSite("n1", ("n9",), keep=100, dormant=1000))
    woken.now = 500
    woken.gets("n9", lab.Missing((lab.Entry("k", None, (5, "n9"), 500, ("n1",)),)))
    for now, gone in ((601, []), (1600, []), (1601, ["k"])):
        woken.now = now
        forgotten = effects_of(Forget, woken.fires(lab.CompareDue()))
        assert [each.key for each in forgotten] == gone, f"activated at 500, not stamped: {now}"
    set_back(lab, woken)
    assert woken.told(lab.Put("k", "x")) == (6, "n1"), "it has seen 5, and forgotten where"


@graded(points=1, title="All of them", requirement="Demers 1987, 2.1: two thresholds")
def test_several_certificates_go_to_sleep_and_are_forgotten_together(lab: GossipLab) -> None:
    site = Alone(lab.DeletingSite("n1", ("n9",), keep=100, dormant=1000))
    keepers = ("n0", "n1")
    both = tuple(lab.Entry(key, None, (5, "n9"), 5, keepers) for key in ("k", "l"))
    site.gets("n9", lab.Missing(both))
    site.now = 106
    assert sent(site.fires(lab.CompareDue()))[0][1].entries == ()
    site.now = 1106
    forgotten = effects_of(Forget, site.fires(lab.CompareDue()))
    assert [each.key for each in forgotten] == ["k", "l"]


@graded(points=3, title="It wakes up", requirement="Demers 1987, 2.2: activation timestamps")
def test_what_meets_a_dormant_certificate_is_older_or_later_or_the_same(lab: GossipLab) -> None:
    def keeper() -> Alone:
        site = Alone(lab.DeletingSite("n1", ("n9",), keep=100, dormant=1000))
        site.gets("n9", lab.Missing((lab.Entry("k", None, (5, "n9"), 5, ("n1",)),)))
        site.now = 200
        site.fires(lab.CompareDue())
        return site

    def offered(site: Alone) -> Any:
        return sent(site.fires(lab.CompareDue()))[0][1].entries

    older = keeper()
    woken = older.gets("n9", lab.Missing((lab.Entry("k", "v", (4, "n9")),)))
    assert len(effects_of(Save, woken)) == 1, "it spreads again after a crash, too"
    assert offered(older) == (lab.Entry("k", None, (5, "n9"), 200, ("n1",)),)
    empty = keeper()
    empty.gets("n9", lab.Missing((lab.Entry("k", "", (4, "n9")),)))
    assert [each.active for each in offered(empty)] == [200], "an empty text is a value, and older"
    empty.does(lab.Put("k", ""))
    empty.now = 2000
    assert [each.value for each in offered(empty)] == [""], "it is no certificate, and stays"
    later = keeper()
    later.gets("n9", lab.Missing((lab.Entry("k", "w", (6, "n9")),)))
    assert later.told(lab.Get("k")) == ("w", (6, "n9"))
    later.now = 1200
    assert effects_of(Forget, later.fires(lab.CompareDue())) == [], "k has a value now"
    same = keeper()
    same.gets("n9", lab.Missing((lab.Entry("k", None, (5, "n9"), 5, ("n1",)),)))
    assert offered(same) == ()
    assert same.told(lab.Get("k")) == (None, (5, "n9"))
    same.gets("n9", lab.Missing((lab.Entry("k", None, (4, "n9"), 150, ("n1",)),)))
    assert offered(same) == (), "an older certificate brings nothing back"
    back = keeper()
    back.now = 4
    back.gets("n9", lab.Missing((lab.Entry("k", "v", (4, "n9")),)))
    assert offered(back) == (lab.Entry("k", None, (5, "n9"), 6, ("n1",)),), "its clock was set back"
    elsewhere = keeper()
    active = lab.Entry("k", None, (5, "n9"), 190, ("n1",))
    elsewhere.gets("n9", lab.Missing((active,)))
    assert offered(elsewhere) == (active,), "another keeper woke up"
    same_time = keeper()
    same_time.gets("n9", lab.Missing((lab.Entry("k", "v", (5, "n1")),)))
    assert same_time.told(lab.Get("k"))[0] is None, "of one time, and the name decides: it is older"
    assert [each.value for each in offered(same_time)] == [None]
    over = keeper()
    over.now = 400
    over.gets("n9", lab.Missing((lab.Entry("k", None, (5, "n9"), 290, ("n1",)),)))
    assert offered(over) == (), "it was activated elsewhere, and that is over as well"
    over.gets("n9", lab.Missing((lab.Entry("k", "v", (4, "n9")),)))
    assert over.told(lab.Get("k")) == (None, (5, "n9")), "the one that sleeps here still counts"


@graded(points=2, title="Too old", requirement="Demers 1987, 2: a certificate that is over")
def test_a_certificate_that_is_over_is_not_taken_in_but_what_it_deletes_goes(
    lab: GossipLab,
) -> None:
    site = Alone(lab.DeletingSite("n2", ("n9",), keep=100))
    site.now = 4
    site.does(lab.Put("k", "v"))
    site.does(lab.Put("l", "w"))
    site.now = 300
    over = tuple(lab.Entry(key, None, (stamp, "n9"), 90, ("n1",)) for key, stamp in
                 (("k", 6), ("l", 2), ("m", 6)))  # fmt: skip
    came = site.gets("n9", lab.Missing(over))
    assert [each.key for each in effects_of(Forget, came)] == ["k"]
    assert {each.key for each in effects_of(Save, came)} <= {("latest",)}, "no entry is saved"
    assert site.told(lab.Get("k")) == (None, None)
    assert site.told(lab.Get("l"))[0] == "w", "it was put later"
    assert site.told(lab.Get("m")) == (None, None)
    site.gets("n9", lab.Missing((lab.Entry("m", None, (500, "n9"), 90),)))
    again = Alone(lab.DeletingSite("n2", ("n9",)), site.disk)
    assert site.told(lab.Put("m", "x")) == (501, "n2"), "the stamp was seen, by a slow clock, too"
    assert again.told(lab.Put("m", "x")) == (501, "n2"), "and before a crash"
    assert again.told(lab.Get("l"))[0] == "w"
    site = Alone(lab.DeletingSite("n2", ("n9",), keep=100))
    site.does(lab.Put("k", "v"))
    site.now = 300
    site.gets("n9", lab.Missing((lab.Entry("k", None, (6, "n9"), 90),)))
    set_back(lab, site)
    assert site.told(lab.Put("k", "x")) == (7, "n2"), "what it drops was seen before a crash, too"
