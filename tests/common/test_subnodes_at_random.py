"""Subnodes that are made, dropped and killed at random, beside a model that is dumb on purpose."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from common.contract import (
    CancelTimer,
    Effect,
    Fire,
    Forget,
    Inner,
    InnerKey,
    InnerTimer,
    Invoke,
    Note,
    Receive,
    Save,
    Send,
    SetTimer,
    Start,
)
from common.contract.events import SavedKey
from common.contract.rules import check_step
from tests.common.subnode_nodes import Begin, Drop, Make, Ping, PingAgain, Pong, Street

NAMES = st.sampled_from(["home", "b", "c"])


class Lives(RuleBasedStateMachine):
    """A street with a house. The model has numbers by name, on the disk and in the nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.street = Street("n1", ("n2",))
        self.disk: dict[SavedKey, object] = {}
        self.timers: dict[int, object] = {}
        self.calls = 0
        self.there: dict[str, int] = {"home": 0}
        self.kept: dict[str, int] = {}
        self.waiting: set[str] = set()
        self.take(Start(0, {}))

    def take(self, event: Start | Receive | Fire | Invoke) -> list[Effect]:
        """Let the node take an event, and do what the world would do."""
        effects = check_step(self.street, event)
        for effect in effects:
            match effect:
                case Save(key, value):
                    self.disk[key] = value
                case Forget(key):
                    assert key in self.disk, "what is forgotten was there"
                    del self.disk[key]
                case SetTimer(id, _, timer):
                    assert id not in self.timers, "ids are never given twice in a life"
                    self.timers[id] = timer
                case CancelTimer(id):
                    self.timers.pop(id, None)
        return effects

    def ask(self, operation: object) -> None:
        self.calls += 1
        self.take(Invoke(1, self.calls, operation))

    @rule(name=NAMES)
    def make(self, name: str) -> None:
        if name not in self.there:
            self.ask(Make(name))
            self.there[name] = self.kept.get(name, 0)

    @rule(name=NAMES, forget=st.booleans())
    def drop(self, name: str, forget: bool) -> None:
        if name in self.there and name != "home":
            self.ask(Drop(name, forget))
            del self.there[name]
            self.waiting.discard(name)
            if forget:
                self.kept.pop(name, None)

    @rule(name=NAMES)
    def begin(self, name: str) -> None:
        if name in self.there and name not in self.waiting:
            self.ask(Begin(name))
            self.there[name] += 1
            self.kept[name] = self.there[name]
            self.waiting.add(name)

    @rule(name=NAMES, number=st.integers(1, 3))
    def hear(self, name: str, number: int) -> None:
        effects = self.take(Receive(2, "n2", Inner("house", Inner(name, Pong(number)))))
        if name not in self.there:
            assert [type(effect) for effect in effects] == [Note]
        elif number == self.there[name]:
            self.waiting.discard(name)

    @precondition(lambda self: self.timers)
    @rule(data=st.data())
    def fire(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.timers)))
        effects = self.take(Fire(3, id, self.timers.pop(id)))
        assert any(isinstance(effect, SetTimer) for effect in effects), "it pings again"

    @rule()
    def crash(self) -> None:
        self.street = Street("n1", ("n2",))
        self.timers.clear()
        self.waiting.clear()
        self.there = {name: self.kept.get(name, 0) for name in self.there}
        self.take(Start(4, dict(self.disk)))

    @invariant()
    def the_same_subnodes_are_there_with_the_same_numbers(self) -> None:
        house = self.street.house
        assert {name: node.number for name, node in house.pingers.items()} == self.there

    @invariant()
    def the_disk_has_the_numbers_of_all_that_are_there_or_were_kept(self) -> None:
        made = self.disk.get(InnerKey("house", "made"), ())
        assert made == tuple(sorted(set(self.there) - {"home"}))
        numbers = {k: v for k, v in self.disk.items() if k != InnerKey("house", "made")}
        assert numbers == {
            InnerKey("house", InnerKey(name, "number")): number
            for name, number in self.kept.items()
        }

    @invariant()
    def those_and_no_others_have_a_timer_that_wait_for_an_answer(self) -> None:
        wanted = [InnerTimer("house", InnerTimer(name, PingAgain())) for name in self.waiting]
        assert sorted(map(repr, self.timers.values())) == sorted(map(repr, wanted))

    @invariant()
    def each_answers_pings_for_itself(self) -> None:
        for name in self.there:
            ping = Receive(5, "n2", Inner("house", Inner(name, Ping(9))))
            pong = Inner("house", Inner(name, Pong(9)))
            assert self.take(ping) == [Send("n2", pong)]


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, database=None)
