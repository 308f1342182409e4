"""Nodes within a node: their messages, timers and saves, and their lives."""

from typing import Any

import pytest

from common.contract import (
    Broadcast,
    CancelTimer,
    Fire,
    Forget,
    Inner,
    InnerKey,
    InnerTimer,
    Invoke,
    Node,
    NodeId,
    Note,
    Receive,
    Return,
    Save,
    Send,
    SetTimer,
    Start,
    on,
)
from common.contract.sizes import wire_size
from common.values.errors import ContractError
from common.values.history import Ok
from common.values.units import MS
from tests.common.subnode_nodes import (
    Begin,
    Drop,
    House,
    Make,
    Ping,
    PingAgain,
    Pinger,
    Pong,
    Silence,
    Street,
)

PEERS = ("n2", "n3")


@pytest.fixture
def house() -> House:
    made = House("n1", PEERS)
    made.step(Start(0, {}))
    return made


def saved_by(node: Node, *events: Any) -> dict[Any, object]:
    """What is on the disk after these events, which a node takes from an empty disk on."""
    disk: dict[Any, object] = {}
    for event in events:
        for effect in node.step(event):
            match effect:
                case Save(key, value):
                    disk[key] = value
                case Forget(key):
                    disk.pop(key)
    return disk


# Messages.


def test_a_subnodes_effects_go_out_under_its_name(house: House) -> None:
    assert house.step(Invoke(5, 1, Begin("home"))) == [
        Save(InnerKey("home", "number"), 1),
        Broadcast(PEERS, Inner("home", Ping(1))),
        SetTimer(1, 10 * MS, InnerTimer("home", PingAgain())),
    ]


def test_a_message_reaches_the_subnode_of_its_name_and_no_other(house: House) -> None:
    house.step(Invoke(5, 1, Make("b")))
    house.step(Invoke(6, 2, Begin("b")))
    assert house.step(Receive(7, "n2", Inner("b", Ping(4)))) == [Send("n2", Inner("b", Pong(4)))]
    assert house.step(Receive(8, "n2", Inner("home", Pong(1)))) == [], "home asked nobody"
    answered = house.step(Receive(9, "n2", Inner("b", Pong(1))))
    assert answered == [CancelTimer(1), Return(2, Ok(1))]
    assert house.answers == [("b", 1, "n2")]


def test_subnodes_within_subnodes_have_one_more_name_around_what_is_theirs() -> None:
    street = Street("n1", PEERS)
    street.step(Start(0, {}))
    assert street.step(Invoke(5, 1, Begin("home"))) == [
        Save(InnerKey("house", InnerKey("home", "number")), 1),
        Broadcast(PEERS, Inner("house", Inner("home", Ping(1)))),
        SetTimer(1, 10 * MS, InnerTimer("house", InnerTimer("home", PingAgain()))),
    ]
    pong = Inner("house", Inner("home", Pong(1)))
    assert street.step(Receive(6, "n3", pong)) == [CancelTimer(1), Return(1, Ok(1))]


def test_a_message_that_a_subnode_does_not_take_names_the_subnode(house: House) -> None:
    sentence = r"subnode home of node n1 \(Pinger\): no handler takes the message Silence\(\) from"
    with pytest.raises(ContractError, match=sentence):
        house.step(Receive(5, "n2", Inner("home", Silence())))


def test_a_node_without_subnodes_says_what_it_lacks_when_it_gets_a_subnodes_message() -> None:
    with pytest.raises(ContractError, match=r"home/Ping.*Pinger has no subnodes"):
        Pinger("n1", PEERS).step(Receive(5, "n2", Inner("home", Ping(1))))


def test_the_size_of_a_subnodes_message_is_that_of_the_message_and_of_the_name() -> None:
    assert wire_size(Inner("home", Ping(1))) == wire_size(Ping(1)) + 1 + len("home")


# Time and chance.


def test_a_subnode_reads_the_clock_of_the_node_around_it_in_every_step(house: House) -> None:
    house.step(Receive(70, "n2", Inner("home", Ping(1))))
    home = house.pingers["home"]
    assert home.now == 70
    house.step(Invoke(90, 1, Make("b")))
    assert home.now == 90, "a method that is called in this step must not see an old time"


def test_a_subnode_draws_from_the_random_numbers_that_the_world_has_seeded() -> None:
    def drawn(seed: str) -> float:
        made = House("n1", PEERS)
        made.seed(seed)
        made.step(Start(0, {}))
        return made.pingers["home"].random.random()

    assert drawn("a") == drawn("a") != drawn("b")


def test_a_subnodes_timer_fires_in_the_subnode(house: House) -> None:
    house.step(Invoke(5, 1, Begin("home")))
    fired = house.step(Fire(10 * MS, 1, InnerTimer("home", PingAgain())))
    assert fired == [
        Note("home: pings again", {"number": 1}),
        Broadcast(PEERS, Inner("home", Ping(1))),
        SetTimer(2, 10 * MS, InnerTimer("home", PingAgain())),
    ]


# What is saved.


def test_what_a_subnode_saved_is_back_when_it_is_made_again_after_a_crash() -> None:
    begun = (Start(0, {}), Invoke(1, 1, Make("b")), Invoke(2, 2, Begin("b")))
    disk = saved_by(House("n1", PEERS), *begun)
    again = House("n1", PEERS)
    again.step(Start(0, disk))
    assert again.pingers["b"].number == 1
    assert again.pingers["home"].number == 0, "it saved nothing, and sees nothing of the other one"
    assert dict(again.pingers["b"].saved) == {"number": 1}
    assert dict(again.saved) == {"made": ("b",)}, "nor does the node around them"


def test_a_subnode_within_a_subnode_finds_its_own_again() -> None:
    begun = (Start(0, {}), Invoke(1, 1, Make("b")), Invoke(2, 2, Begin("b")))
    disk = saved_by(Street("n1", PEERS), *begun)
    again = Street("n1", PEERS)
    again.step(Start(0, disk))
    assert again.house.pingers["b"].number == 1


def test_a_node_and_its_subnode_may_save_under_the_same_key() -> None:
    class Both(Node):
        subnodes = (Pinger,)

        def on_start(self) -> None:
            self.inner = self.subnode("inner", Pinger(self.id, self.peers))
            self.own = self.saved.get("number")

        @on(Begin)
        def begin(self, begin: Begin, call: int) -> None:
            self.inner.ping()
            self.save("number", "mine")

    disk = saved_by(Both("n1", PEERS), Start(0, {}), Invoke(1, 1, Begin("inner")))
    again = Both("n1", PEERS)
    again.step(Start(0, disk))
    assert (again.own, again.inner.number) == ("mine", 1)


# Lives: dropped, and made again.


def test_a_dropped_subnodes_timers_end_and_the_others_go_on(house: House) -> None:
    house.step(Invoke(1, 1, Make("b")))
    house.step(Invoke(2, 2, Begin("home")))
    house.step(Invoke(3, 3, Begin("b")))
    dropped = house.step(Invoke(4, 4, Drop("b", forget=False)))
    assert dropped == [CancelTimer(2), Save("made", ()), Return(4, Ok())]


def test_a_timer_that_has_fired_is_not_cancelled_once_more(house: House) -> None:
    house.step(Invoke(1, 1, Make("b")))
    house.step(Invoke(2, 2, Begin("b")))
    house.step(Fire(3, 1, InnerTimer("b", PingAgain())))
    dropped = house.step(Invoke(4, 4, Drop("b", forget=False)))
    assert [effect for effect in dropped if isinstance(effect, CancelTimer)] == [CancelTimer(2)]


def test_what_a_dropped_subnode_saved_is_forgotten_where_the_node_around_it_says_so() -> None:
    events = (
        *(Start(0, {}), Invoke(1, 1, Make("b")), Invoke(2, 2, Begin("b"))),
        Invoke(3, 3, Drop("b", forget=True)),
    )
    assert saved_by(House("n1", PEERS), *events) == {"made": ()}


def test_what_it_saved_is_kept_for_the_next_one_of_its_name_in_the_same_life(house: House) -> None:
    house.step(Invoke(1, 1, Make("b")))
    house.step(Invoke(2, 2, Begin("b")))
    house.step(Invoke(3, 3, Drop("b", forget=False)))
    house.step(Invoke(4, 4, Make("b")))
    assert house.pingers["b"].number == 1


def test_and_in_a_later_life() -> None:
    events = (
        *(Start(0, {}), Invoke(1, 1, Make("b")), Invoke(2, 2, Begin("b"))),
        Invoke(3, 3, Drop("b", forget=False)),
    )
    again = House("n1", PEERS)
    again.step(Start(0, saved_by(House("n1", PEERS), *events)))
    again.step(Invoke(1, 1, Make("b")))
    assert again.pingers["b"].number == 1


def test_what_was_forgotten_does_not_come_back_when_the_name_does(house: House) -> None:
    house.step(Invoke(1, 1, Make("b")))
    house.step(Invoke(2, 2, Begin("b")))
    house.step(Invoke(3, 3, Drop("b", forget=True)))
    house.step(Invoke(4, 4, Make("b")))
    assert house.pingers["b"].number == 0


def test_what_was_kept_can_be_forgotten_when_nobody_is_there() -> None:
    class Tidy(House):
        @on(Begin)
        def begin(self, begin: Begin, call: int) -> None:
            self.drop_subnode(begin.name, forget=True)

    tidy = Tidy("n1", PEERS)
    tidy.step(Start(0, {InnerKey("old", "number"): 7, InnerKey("old", b"\xff"): 8}))
    forgotten = tidy.step(Invoke(1, 1, Begin("old")))
    assert forgotten == [Forget(InnerKey("old", "number")), Forget(InnerKey("old", b"\xff"))]
    with pytest.raises(ContractError, match=r"no subnode of this name, but home"):
        tidy.step(Invoke(2, 2, Begin("old")))


def test_dropping_a_node_that_has_subnodes_ends_those_too() -> None:
    class Avenue(Street):
        @on(Drop)
        def drop(self, drop: Drop, call: int) -> None:
            self.drop_subnode("house", forget=True)

    avenue = Avenue("n1", PEERS)
    avenue.step(Start(0, {}))
    avenue.step(Invoke(1, 1, Begin("home")))
    ended = avenue.step(Invoke(2, 2, Drop("house", forget=True)))
    assert ended == [CancelTimer(1), Forget(InnerKey("house", InnerKey("home", "number")))]


def test_a_subnode_that_was_dropped_can_ask_for_nothing_more(house: House) -> None:
    house.step(Invoke(1, 1, Make("b")))
    kept = house.pingers["b"]
    house.step(Invoke(2, 2, Drop("b", forget=False)))
    house.pingers["home"] = kept
    with pytest.raises(ContractError, match=r"node n1 \(House\): its subnode b was dropped"):
        house.step(Invoke(3, 3, Begin("home")))


def test_a_message_of_an_old_life_reaches_the_subnode_that_has_its_name_now(house: House) -> None:
    house.step(Invoke(1, 1, Make("b")))
    house.step(Invoke(2, 2, Begin("b")))
    house.step(Invoke(3, 3, Drop("b", forget=True)))
    house.step(Invoke(4, 4, Make("b")))
    house.step(Invoke(5, 5, Begin("b")))
    late = house.step(Receive(6, "n2", Inner("b", Pong(1))))
    assert Return(5, Ok(1)) in late, "ping 1 of the first b is answered to the second b's ping 1"


def test_but_not_where_it_kept_its_number(house: House) -> None:
    house.step(Invoke(1, 1, Make("b")))
    house.step(Invoke(2, 2, Begin("b")))
    house.step(Invoke(3, 3, Drop("b", forget=False)))
    house.step(Invoke(4, 4, Make("b")))
    house.step(Invoke(5, 5, Begin("b")))
    assert house.step(Receive(6, "n2", Inner("b", Pong(1)))) == []
    assert Return(5, Ok(2)) in house.step(Receive(7, "n2", Inner("b", Pong(2))))


def test_a_message_for_nobody_leaves_a_note(house: House) -> None:
    noted = house.step(Receive(5, "n2", Inner("b", Ping(1))))
    assert noted == [Note("there is no subnode b for Ping(number=1) from n2", {})]


def test_a_node_may_take_care_of_messages_for_nobody() -> None:
    class Careful(House):
        def on_stray(self, name: str, message: object, sender: NodeId) -> None:
            if isinstance(message, Ping):
                self.send(sender, Inner(name, Pong(-message.number)))

    careful = Careful("n1", PEERS)
    careful.step(Start(0, {}))
    answer = careful.step(Receive(5, "n2", Inner("b", Ping(3))))
    assert answer == [Send("n2", Inner("b", Pong(-3)))]


def test_on_start_of_a_subnode_comes_before_that_of_the_node_around_it() -> None:
    class Late(House):
        def on_start(self) -> None:
            self.seen = self.pingers["home"].number
            super().on_start()

    late = Late("n1", PEERS)
    late.step(Start(0, {InnerKey("home", "number"): 4, InnerKey("b", "number"): 5, "made": ("b",)}))
    assert late.seen == 4
    assert late.pingers["b"].number == 5, "one that is made in on_start is started there"
