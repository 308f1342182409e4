"""Graded suite of the lab ``replication``, second part: when is a write done?"""

from functools import partial

from common.contract.events import NodeId
from common.contract.observer import Observer
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask, must_be_ok, must_end
from common.sim.simulation import Simulation
from common.values.faults import Crash, Restart
from common.values.units import MS, SECOND
from tests.stage3_partitioning.replication.lab import ReplicationLab
from tests.stage3_partitioning.replication.room import (
    MODES,
    ROUGH,
    SEVERAL,
    THREE,
    Hand,
    busy,
    cluster,
    cut_off,
    hand,
    log_of,
    to,
    values_of,
)

LAB = "replication"

NEEDED = dict(zip(MODES, (0, 1, 2), strict=True))


def leader(lab: ReplicationLab, mode: str) -> Hand:
    """n1, which leads, in a mode."""
    return hand(lab, lab.Acknowledging, mode=mode)


@graded(points=2, title="How many", requirement="none, one, or all followers must have it")
def test_a_client_is_told_as_soon_as_enough_followers_have_its_write(lab: ReplicationLab) -> None:
    for mode, enough in NEEDED.items():
        node = leader(lab, mode)
        told = [bool(to(node.hears("c1", lab.PutRequest(1, "x", "a")), lab.PutDone))]
        for id in ("n3", "n2"):
            sent = node.hears(id, lab.Have(1, 1))
            told.append(bool(to(sent, lab.PutDone)))
            assert all(target == "c1" for target, _ in sent)
        assert told == [place == enough for place in range(3)], mode


@graded(points=1, title="Not the same twice", requirement="one follower is one, whatever it says")
def test_a_follower_that_says_it_twice_counts_once(lab: ReplicationLab) -> None:
    node = leader(lab, "sync")
    node.hears("c1", lab.PutRequest(1, "x", "a"))
    for _ in range(3):
        assert node.hears("n2", lab.Have(1, 1)) == []
    assert to(node.hears("n3", lab.Have(1, 1)), lab.PutDone) == [lab.PutDone(1, (1, 1))]


@graded(points=1, title="Up to there", requirement="who has a write has all before it, none behind")
def test_a_word_confirms_all_writes_up_to_its_offset_and_none_behind(lab: ReplicationLab) -> None:
    node = leader(lab, "semi-sync")
    for number, client in enumerate(("c1", "c2", "c3"), 1):
        node.hears(client, lab.PutRequest(9, "x", f"{number}"))
    sent = node.hears("n2", lab.Have(1, 2))
    assert sorted(sent) == sorted(
        [("c1", lab.PutDone(9, (1, 1))), ("c2", lab.PutDone(9, (1, 2)))], key=lambda each: each[0]
    )
    assert node.hears("n2", lab.Have(1, 3)) == [("c3", lab.PutDone(9, (1, 3)))]
    assert node.hears("n3", lab.Have(1, 3)) == [], "told once"
    node = leader(lab, "semi-sync")
    for client, number in (("c1", 1), ("c2", 1), ("c1", 2)):
        node.hears(client, lab.PutRequest(number, "x", "a"))
    told = node.hears("n2", lab.Have(1, 2))
    assert told == [("c2", lab.PutDone(1, (1, 2)))], "c1 waits for what comes behind it"


@graded(points=1, title="Never backward", requirement="words may overtake each other")
def test_an_older_word_that_comes_later_takes_nothing_back(lab: ReplicationLab) -> None:
    node = leader(lab, "sync")
    for number in (1, 2):
        node.hears("c1", lab.PutRequest(number, "x", f"{number}"))
    node.hears("n2", lab.Have(1, 2))
    node.hears("n2", lab.Have(1, 1))
    assert to(node.hears("n3", lab.Have(1, 2)), lab.PutDone) == [lab.PutDone(2, (1, 2))]


@graded(points=1, title="Its own epoch", requirement="words of another epoch are of another log")
def test_a_word_of_another_epoch_or_to_a_follower_confirms_nothing(lab: ReplicationLab) -> None:
    for epoch in (0, 2):
        node = leader(lab, "semi-sync")
        node.hears("c1", lab.PutRequest(1, "x", "a"))
        assert node.hears("n2", lab.Have(epoch, 1)) == []
        assert node.hears("n2", lab.Have(1, 1)) == [("c1", lab.PutDone(1, (1, 1)))]
    follower = hand(lab, lab.Acknowledging, "n2", mode="semi-sync")
    assert follower.hears("n3", lab.Have(1, 1)) == []


@graded(points=1, title="Asked again", requirement="a repetition of a confirmed write is answered")
def test_a_repeated_request_is_answered_at_once_if_it_is_confirmed(lab: ReplicationLab) -> None:
    node = leader(lab, "semi-sync")
    node.hears("c1", lab.PutRequest(1, "x", "a"))
    assert to(node.hears("c1", lab.PutRequest(1, "x", "a")), lab.PutDone) == []
    node.hears("n2", lab.Have(1, 1))
    assert node.hears("c1", lab.PutRequest(1, "x", "a")) == [("c1", lab.PutDone(1, (1, 1)))]


@graded(points=2, title="One is away", requirement="semi-sync goes on, sync waits")
def test_a_follower_that_is_away_stops_only_the_mode_that_waits_for_all(
    lab: ReplicationLab,
) -> None:
    for mode in MODES:
        away = cut_off("n3", 0, 600 * MS)
        simulation = cluster(lab, lab.Acknowledging, lab.Client, 0, away, config={"mode": mode})
        asked = simulation.call("c1", lab.Put("menu", "soup"))
        simulation.run(500 * MS)
        assert (asked.returned_at is None) == (mode == "sync")
        simulation.run(2 * SECOND)
        must_be_ok(asked)


@graded(points=1, title="Nobody answers", requirement="no word, no acknowledgement")
def test_a_leader_without_followers_acknowledges_only_what_needs_none(lab: ReplicationLab) -> None:
    for mode in MODES:
        alone = [*cut_off("n3", 0, 30 * SECOND), *cut_off("n2", 0, 30 * SECOND)]
        simulation = cluster(lab, lab.Acknowledging, lab.Client, 0, alone, config={"mode": mode})
        asked = simulation.call("c1", lab.Put("menu", "soup"))
        simulation.run(20 * SECOND)
        told = type(asked.outcome).__name__
        assert told == ("Ok" if mode == "async" else "Unknown")


class OnDisks(Observer):
    """Looks, whenever a client is told that its write is done, how many followers have it."""

    def __init__(self, lab: ReplicationLab, needed: int) -> None:
        self.lab, self.needed = lab, needed
        self.told = 0
        self.simulation: Simulation | None = None

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """A member tells a client."""
        if not isinstance(message, self.lab.PutDone):
            return
        assert self.simulation is not None
        _, offset = message.position
        mine = log_of(self.simulation, node)[:offset]
        have = sum(log_of(self.simulation, id)[:offset] == mine for id in THREE if id != node)
        assert have >= self.needed, f"{node} says done, and {have} followers have {offset} writes"
        self.told += 1


@graded(points=3, title="On their disks", requirement="P2: what is done is on so many other disks")
def test_whenever_a_client_is_told_enough_followers_have_the_write_on_disk(
    lab: ReplicationLab, sweep: Sweep
) -> None:
    for seed in sweep(SEVERAL):
        for mode, needed in NEEDED.items():
            watch = OnDisks(lab, needed)
            simulation = stormy(lab, mode, seed, watch)
            workload = busy(lab, simulation, count=8, looks=0.2)
            must_end(simulation, workload, limit=10 * SECOND)
            assert watch.told >= 4, "hardly anything was done, so nothing is shown"


def stormy(lab: ReplicationLab, mode: str, seed: int, watch: OnDisks) -> Simulation:
    """Messages are lost and doubled; a follower is cut off, the leader crashes; then it is calm."""
    bad = [*cut_off("n3", 200 * MS, 400 * MS), Crash(250 * MS, "n1"), Restart(400 * MS, "n1")]
    made = partial(cluster, lab, lab.Acknowledging, lab.Client, seed, bad, link=ROUGH)
    simulation = made(config={"mode": mode}, observers=[watch])
    watch.simulation = simulation
    return simulation


@graded(points=1, title="Written, not done", requirement="what is not confirmed may be there")
def test_a_write_that_is_not_confirmed_is_in_the_leaders_log_and_others_may_get_it_later(
    lab: ReplicationLab,
) -> None:
    alone = [*cut_off("n3", 0, 20 * SECOND), *cut_off("n2", 0, 20 * SECOND)]
    made = {"mode": "semi-sync"}
    simulation = cluster(lab, lab.Acknowledging, lab.Client, 0, alone, config=made)
    simulation.call("c1", lab.Put("menu", "soup"))
    simulation.run(SECOND)
    assert values_of(log_of(simulation, "n1")) == {"soup"}
    assert values_of(log_of(simulation, "n2")) == set()
    simulation.run(21 * SECOND)
    assert values_of(log_of(simulation, "n2")) == {"soup"}
    must_be_ok(ask(simulation, "c1", lab.Put("menu", "fish")))
