"""Nodes within a node: how they call back, how they are copied and shown, what is refused."""

from copy import deepcopy
from typing import Any

import pytest

from common.contract import (
    CancelTimer,
    Deliver,
    Invoke,
    Node,
    NodeId,
    Note,
    Receive,
    Return,
    Start,
    on,
)
from common.contract.rules import check_step
from common.values.errors import ContractError
from common.values.history import Ok, Outcome
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
    Street,
)

PEERS = ("n2", "n3")


@pytest.fixture
def house() -> House:
    made = House("n1", PEERS)
    made.step(Start(0, {}))
    return made


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
