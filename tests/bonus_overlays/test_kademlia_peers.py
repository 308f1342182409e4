"""Who shares a file, in the lab kademlia: announcements, their end, and how many are noted."""

from functools import partial
from typing import Any

import pytest

from bonus_overlays.kademlia.buckets import key_of
from bonus_overlays.kademlia.holding import Refused
from bonus_overlays.kademlia.messages import Pong
from bonus_overlays.kademlia.peers import (
    ANNOUNCED_FOR,
    MOST_NAMED,
    MOST_PEERS,
    MOST_SWARMS,
    Announce,
    FindPeers,
    Mainline,
    Peer,
    Peers,
    Share,
    WhoShares,
)
from bonus_overlays.kademlia.publishing import Publish
from common.contract import Receive, Send, Start
from common.course.suites.kit import ask, ask_ok, effects_of, names
from common.sim import Simulation
from common.values.history import Failed
from common.values.units import SECOND

TORRENT, OTHER = key_of(b"torrent"), key_of(b"other")


class Noting:
    """A node by hand that is asked and told by others at addresses of their own."""

    def __init__(self) -> None:
        self.now = 0
        self.node = Mainline("n1", ())
        self.node.seed("noting")
        self.node.step(Start(0, {}))

    def say(self, sender: str, message: object) -> Any:
        """What it answers to this message."""
        effects = self.node.step(Receive(self.now, sender, message))
        return effects_of(Send, effects)[0].message

    def known(self, sender: str = "10.0.0.1:1", torrent: str = TORRENT) -> Peers:
        """Who shares, as the node tells this asker; with a token for it."""
        answer = self.say(sender, FindPeers(1, "", torrent))
        assert isinstance(answer, Peers)
        return answer

    def announce(self, sender: str, port: int, torrent: str = TORRENT) -> int:
        """Announce with a good token; the number of the objection, 0 for none."""
        token = self.known(sender, torrent).token
        answer = self.say(sender, Announce(2, "", torrent, port, token))
        assert isinstance(answer, Pong | Refused)
        return answer.why.code if isinstance(answer, Refused) else 0


def test_a_torrent_that_is_shared_is_found_from_everywhere() -> None:
    node = partial(Mainline, k=4, refresh_every=3 * SECOND)
    simulation = Simulation(dict.fromkeys(names(12), node), seed=1)
    simulation.run(5 * SECOND)
    assert ask_ok(simulation, "n3", WhoShares(TORRENT)) == ()
    assert ask_ok(simulation, "n4", Share(TORRENT, 6881)) == TORRENT
    assert ask_ok(simulation, "n7", Share(TORRENT, 6882)) == TORRENT
    for asker in ("n1", "n4", "n12"):
        assert ask_ok(simulation, asker, WhoShares(TORRENT)) == (("n4", 6881), ("n7", 6882))
    assert ask_ok(simulation, "n5", WhoShares(OTHER)) == ()
    for wrong in (Share("no key", 1), Share(TORRENT, 0), WhoShares("no key"), Publish(b"", b"x")):
        assert isinstance(ask(simulation, "n2", wrong).outcome, Failed)


def test_an_announcement_is_of_the_host_that_it_came_from_and_ends_after_half_an_hour() -> None:
    node = Noting()
    assert node.announce("10.0.0.1:6881", 7) == 0
    assert node.known().peers == (Peer("10.0.0.1", 7),)
    node.now = ANNOUNCED_FOR - SECOND
    assert node.announce("10.0.0.2:6881", 8) == 0
    assert len(node.known().peers) == 2
    node.now = ANNOUNCED_FOR
    assert node.known().peers == (Peer("10.0.0.2", 8),)
    node.now = 3 * ANNOUNCED_FOR
    assert node.known().peers == ()
    assert not node.node.swarms, "what has ended takes no room"


@pytest.mark.parametrize(("port", "code"), [(0, 203), (-1, 203), (65_536, 203), (65_535, 0)])
def test_a_port_is_from_1_to_65535(port: int, code: int) -> None:
    assert Noting().announce("10.0.0.1:6881", port) == code


def test_a_token_of_another_address_is_refused() -> None:
    node = Noting()
    token = node.known("10.0.0.1:1").token
    answer = node.say("10.0.0.2:1", Announce(2, "", TORRENT, 7, token))
    assert isinstance(answer, Refused)
    assert answer.why.code == 203
    assert node.known().peers == ()


def test_strangers_cannot_fill_a_node() -> None:
    node = Noting()
    for number in range(MOST_PEERS):
        assert node.announce(f"10.0.{number // 250}.{number % 250}:1", 7) == 0
    assert node.announce("10.9.9.9:1", 7) == 202, "one peer too many"
    assert node.announce("10.0.0.1:1", 7) == 0, "it is known, and goes on"
    assert len(node.known().peers) == MOST_NAMED, "some of them, so that they fit a datagram"
    for number in range(MOST_SWARMS - 1):
        assert node.announce("10.0.0.1:1", 7, key_of(b"%d" % number)) == 0
    assert node.announce("10.0.0.1:1", 7, OTHER) == 202, "one torrent too many"


def test_torrents_that_nobody_asks_for_again_give_their_room_back() -> None:
    """Two thousand announcements of torrents that there are not kept a node full for ever."""
    node = Noting()
    assert node.announce("10.0.0.1:1", 7) == 0
    for number in range(MOST_SWARMS - 1):
        assert node.announce("10.0.0.2:1", 7, key_of(b"%d" % number)) == 0
    node.now = ANNOUNCED_FOR - SECOND
    assert node.announce("10.0.0.3:1", 7) == 0
    assert node.announce("10.0.0.1:1", 7) == 0
    node.now = ANNOUNCED_FOR
    assert node.announce("10.0.0.1:1", 7, OTHER) == 0
    assert set(node.node.swarms) == {TORRENT, OTHER}
    assert {peer.host for peer in node.known().peers} == {"10.0.0.1", "10.0.0.3"}
