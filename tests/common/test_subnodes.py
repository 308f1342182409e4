"""Nodes within a node: their messages, timers and saves, their lives, and how they call back."""

from copy import deepcopy
from typing import Any

import pytest

from common.contract import (
    Broadcast,
    CancelTimer,
    Deliver,
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
from common.contract.rules import check_step
from common.contract.sizes import wire_size
from common.values.errors import ContractError
from common.values.history import Ok, Outcome
from common.values.units import MS
from tests.common.subnode_nodes import (
    Answered,
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


# Calling back.


class Relay(Node):
    """Delivers what its own subnode delivers, and says when."""

    subnodes = (Pinger,)

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.pinger = self.subnode("pinger", Pinger(id, peers))

    @on(Answered)
    def answered(self, answered: Answered, subnode: str) -> None:
        self.note(f"relays from {subnode}")
        self.deliver(Answered(answered.number + 100, answered.by))


class Top(Node):
    """Calls its subnodes' methods, and writes down what they deliver."""

    subnodes = (Relay, Pinger)

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.heard: list[tuple[str, int]] = []
        self.relay = self.subnode("relay", Relay(id, peers))
        self.near = self.subnode("near", Pinger(id, peers))

    @on(Begin)
    def begin(self, begin: Begin, call: int) -> None:
        self.relay.pinger.deliver(Answered(1, "n2"))
        self.near.deliver(Answered(2, "n2"))
        self.note("done")

    @on(Drop)
    def drop(self, drop: Drop, call: int) -> None:
        self.relay.pinger.deliver(Answered(1, "n2"))
        self.near.deliver(Answered(2, "n2"))
        self.drop_subnode("relay", forget=True)

    @on(Answered)
    def answered(self, answered: Answered, subnode: str) -> None:
        self.heard.append((subnode, answered.number))


def test_what_is_delivered_is_handled_after_the_handler_and_in_order() -> None:
    top = Top("n1", ())
    top.step(Start(0, {}))
    notes = [Note("done", {}), Note("relay: relays from pinger", {})]
    assert top.step(Invoke(1, 1, Begin(""))) == notes
    assert top.heard == [("near", 2), ("relay", 101)], "the relay's came out while near's was there"


def test_what_a_subnode_delivered_before_it_was_dropped_is_not_handled_any_more() -> None:
    top = Top("n1", ())
    top.step(Start(0, {}))
    top.step(Invoke(1, 1, Drop("", forget=True)))
    assert top.heard == [("near", 2)]


def test_a_node_that_runs_alone_shows_what_it_delivers_among_its_effects() -> None:
    pinger = Pinger("n1", PEERS)
    pinger.step(Start(0, {}))

    class Alone(Pinger):
        @on(Begin)
        def begin(self, begin: Begin, call: int) -> None:
            self.ping()

    alone = Alone("n1", PEERS)
    alone.step(Start(0, {}))
    alone.step(Invoke(1, 1, Begin("")))
    answered = alone.step(Receive(2, "n3", Pong(1)))
    assert answered == [CancelTimer(1), Deliver(Answered(1, "n3"))]


def test_a_delivery_that_no_handler_takes_names_the_subnode_and_what_to_add() -> None:
    class Deaf(Node):
        subnodes = (Pinger,)

        def on_start(self) -> None:
            self.subnode("inner", Pinger(self.id, self.peers)).deliver(Answered(1, "n2"))

    sentence = r"node n1 \(Deaf\): no handler takes the delivery Answered.* of the subnode inner"
    with pytest.raises(ContractError, match=sentence):
        Deaf("n1", PEERS).step(Start(0, {}))


def test_only_deliveries_are_delivered() -> None:
    class Wrong(Pinger):
        def on_start(self) -> None:
            self.deliver(Ping(1))

    with pytest.raises(ContractError, match="takes a delivery.*declare its class with @delivery"):
        Wrong("n1", PEERS).step(Start(0, {}))


# Copies, pictures, and what is refused.


def test_a_copy_of_a_node_has_subnodes_of_its_own(house: House) -> None:
    copy = deepcopy(house)
    copy.step(Invoke(1, 1, Begin("home")))
    assert (copy.pingers["home"].number, house.pingers["home"].number) == (1, 0)
    check_step(house, Invoke(2, 1, Begin("home")))
    assert house.pingers["home"].number == 1, "a step that is checked on a copy is taken once"


def test_the_status_of_a_node_has_that_of_each_subnode_under_its_name() -> None:
    street = Street("n1", PEERS)
    street.step(Start(0, {}))
    street.step(Invoke(1, 1, Make("b")))
    assert street.full_status() == {
        "house/answers": 0,
        "house/home/number": 0,
        "house/b/number": 0,
    }


def test_what_happens_to_a_subnode_comes_through_the_node_around_it(house: House) -> None:
    with pytest.raises(ContractError, match=r"subnode home of node n1.*call step\(\) of that one"):
        house.pingers["home"].step(Receive(1, "n2", Ping(1)))


@pytest.mark.parametrize(
    ("name", "make", "why"),
    [
        ("", Pinger, 'not empty and has no "/"'),
        ("a/b", Pinger, 'not empty and has no "/"'),
        ("home", Pinger, r"drop_subnode\(\) it first"),
        ("b", Street, r"say in the class Taking: subnodes = \(Street,\)"),
        ("b", lambda _id, peers: Pinger("n9", peers), "its id is n9"),
    ],
)
def test_a_subnode_that_cannot_be_taken_in_is_refused_with_the_reason(
    name: str, make: Any, why: str
) -> None:
    class Taking(House):
        @on(Begin)
        def begin(self, begin: Begin, call: int) -> None:
            self.subnode(begin.name, make(self.id, self.peers))

    taking = Taking("n1", PEERS)
    taking.step(Start(0, {}))
    with pytest.raises(ContractError, match=why):
        taking.step(Invoke(1, 1, Begin(name)))


def test_a_subnode_is_not_taken_in_twice(house: House) -> None:
    class Again(House):
        @on(Begin)
        def begin(self, begin: Begin, call: int) -> None:
            self.subnode("again", self.pingers["home"])

    again = Again("n1", PEERS)
    again.step(Start(0, {}))
    with pytest.raises(ContractError, match="it was a node before: make a new one"):
        again.step(Invoke(1, 1, Begin("again")))


def test_subnodes_are_made_and_dropped_within_steps_only(house: House) -> None:
    with pytest.raises(ContractError, match=r"subnode\(\) was called outside a handler"):
        house.subnode("b", Pinger("n1", PEERS))
    with pytest.raises(ContractError, match=r"drop_subnode\(\) was called outside a handler"):
        house.drop_subnode("home", forget=False)


def test_a_subnode_asks_for_effects_within_steps_only(house: House) -> None:
    with pytest.raises(ContractError, match=r"node n1 \(House\): save\(\) was called outside"):
        house.pingers["home"].ping()
    with pytest.raises(ContractError, match=r"set_timer\(\) was called outside a handler"):
        house.pingers["home"].set_timer(5, PingAgain())
    with pytest.raises(ContractError, match=r"deliver\(\) was called outside a handler"):
        house.pingers["home"].deliver(Answered(1, "n2"))


def test_a_subnode_ends_a_call_by_finish_of_the_node_around_it() -> None:
    class Polite(House):
        def finish(self, call: int, outcome: Outcome) -> None:
            super().finish(call, Ok(f"with regards: {outcome}"))

        @on(Begin)
        def begin(self, begin: Begin, call: int) -> None:
            self.pingers["home"].finish(call, Ok(1))

    polite = Polite("n1", PEERS)
    polite.step(Start(0, {}))
    assert polite.step(Invoke(1, 7, Begin("home"))) == [Return(7, Ok("with regards: Ok(value=1)"))]


def test_a_class_that_declares_no_subnodes_has_none() -> None:
    class Bare(Node):
        def on_start(self) -> None:
            self.subnode("b", Pinger(self.id, self.peers))

    with pytest.raises(ContractError, match=r"names their classes: subnodes = \(\.\.\.,\)"):
        Bare("n1", PEERS).step(Start(0, {}))
