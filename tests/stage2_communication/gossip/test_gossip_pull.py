"""Graded suite of the lab ``gossip``, second part: asking, and both."""

from functools import partial
from typing import Any

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import sent
from tests.stage2_communication.gossip.lab import GossipLab
from tests.stage2_communication.gossip.room import ROUND, SIXTY, Alone, asked, sites, waits

LAB = "gossip"


def missed(lab: GossipLab, site: Any, seed: int | str, rounds: int, k: int) -> int:
    """How many of sixty sites have not heard a rumor after so many rounds."""
    simulation = sites(lab, partial(site, k=k), seed, SIXTY)
    simulation.run(2 * ROUND)
    simulation.call("n1", lab.Tell("news"))
    simulation.run(simulation.now + rounds * ROUND)
    return sum(known != ("news",) for known in asked(simulation, lab.Known(), SIXTY))


@graded(points=2, title="Less residue", requirement="Demers 1987, 1.4: pull, table 3")
def test_pulling_leaves_hardly_anybody_without_the_news(lab: GossipLab, sweep: Sweep) -> None:
    made = [missed(lab, lab.Puller, seed, 25, k=2) for seed in sweep(2)]
    assert sum(made) <= 3 * len(made), f"without the news: {made} of 60; by the paper 1 in 1,000"


@graded(points=2, title="Both", requirement="Demers 1987, 1.4: push-pull")
def test_push_pull_reaches_everybody_sooner_than_either(lab: GossipLab, sweep: Sweep) -> None:
    for seed in sweep(1):
        both = missed(lab, lab.PushPuller, seed, 11, k=20)
        assert both <= 5, f"after eleven rounds {both} of 60 have not heard"


@graded(points=2, title="A round", requirement="Demers 1987, 1.4: pull")
def test_a_site_asks_in_each_round_and_gives_what_is_hot(lab: GossipLab) -> None:
    site = Alone(lab.Puller("n1", ("n1", "n2"), k=1))
    [(timer, after)] = waits(site.started)
    assert timer == lab.Round()
    assert 1 <= after <= ROUND
    asks = site.fires(lab.Round())
    assert sent(asks) == [("n2", lab.Ask())]
    assert waits(asks) == [(lab.Round(), ROUND)]
    assert site.gets("n2", lab.Ask()) == [], "nothing is hot"
    learned = site.gets("n2", lab.News(("a", "b")))
    assert sent(learned) == [("n2", lab.Needed((), ("a", "b")))]
    assert waits(learned) == [], "a round will begin already"
    assert sent(site.gets("n2", lab.News(("c", "a")))) == [("n2", lab.Needed(("a",), ("c",)))]
    assert sent(site.gets("n3", lab.Ask())) == [("n3", lab.News(("a", "b", "c")))]
    assert sent(site.fires(lab.Round())) == [("n2", lab.Ask())], "a Puller does not tell"
    alone = Alone(lab.Puller("n1", ()))
    assert sent(alone.fires(lab.Round())) == []
    blind = Alone(lab.Puller("n1", ("n2",), feedback=False))
    assert sent(blind.gets("n2", lab.News(("a",)))) == []


@graded(points=3, title="Losing interest", requirement="Demers 1987, 1.4: the counter of a pull")
def test_a_rumor_is_lost_after_k_rounds_in_which_nobody_who_asked_needed_it(lab: GossipLab) -> None:
    site = Alone(lab.Puller("n1", ("n2",), k=2))
    site.does(lab.Tell("a"))

    def hot() -> bool:
        return bool(sent(site.gets("n2", lab.Ask())))

    site.fires(lab.Round())
    site.fires(lab.Round())
    site.fires(lab.Round())
    assert hot(), "nobody has asked in those rounds"
    assert hot()
    site.fires(lab.Round())  # given twice, in vain: one contact
    assert hot(), "one of two"
    site.gets("n2", lab.Needed((), ("a",)))
    assert hot()
    site.fires(lab.Round())  # somebody needed it: from 0 again
    assert hot()
    site.fires(lab.Round())  # one
    assert hot()
    site.gets("n2", lab.Needed(("a",), ()))
    site.fires(lab.Round())  # two
    assert not hot()
    site.gets("n2", lab.Needed((), ("a",)))
    site.fires(lab.Round())
    assert not hot(), "too late: it is cold"
    two = Alone(lab.Puller("n1", ("n2",), k=1))
    two.gets("n2", lab.News(("a", "b")))
    assert sent(two.gets("n2", lab.Ask())) == [("n2", lab.News(("a", "b")))]
    two.does(lab.Tell("c"))
    assert sent(two.gets("n3", lab.Ask())) == [("n3", lab.News(("a", "b", "c")))]
    two.fires(lab.Round())
    assert sent(two.gets("n2", lab.Ask())) == [], "all three were given in vain, c once"


@graded(points=2, title="Tell and ask", requirement="Demers 1987, 1.4: push-pull")
def test_a_push_puller_tells_what_is_hot_and_asks_always(lab: GossipLab) -> None:
    site = Alone(lab.PushPuller("n1", ("n2",), k=1))
    assert sent(site.fires(lab.Round())) == [("n2", lab.Ask())]
    site.does(lab.Tell("a"))
    assert sent(site.fires(lab.Round())) == [("n2", lab.Push(("a",))), ("n2", lab.Ask())]
    again = sent(site.fires(lab.Round()))
    assert again == [("n2", lab.Push(("a",))), ("n2", lab.Ask())], "nobody said that it was old"
    site.gets("n2", lab.Feedback(("a",)))
    assert sent(site.fires(lab.Round())) == [("n2", lab.Ask())], "it was old there"
    site.does(lab.Tell("b"))
    site.gets("n2", lab.Ask())
    assert sent(site.fires(lab.Round())) == [("n2", lab.Ask())], "b was given in vain before this"
    blind = Alone(lab.PushPuller("n1", ("n2",), k=1, feedback=False))
    blind.does(lab.Tell("a"))
    blind.does(lab.Tell("b"))
    assert sent(blind.fires(lab.Round())) == [("n2", lab.Push(("a", "b"))), ("n2", lab.Ask())]
    assert sent(blind.fires(lab.Round())) == [("n2", lab.Ask())]
