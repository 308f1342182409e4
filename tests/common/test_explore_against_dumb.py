"""The explorer against a second one that is dumb on purpose: they find as many states."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest

from common.check.explorer import Bounds, Instance, explore_instance
from common.contract.effects import Broadcast, Effect, Save, Send, SetTimer
from common.contract.events import Event, Fire, NodeId, Receive, Start
from tests.common.explore_nodes import ForgetfulVoter, Voter

PAIR = ("n1", "n2")


class Dumb:
    """Copies whole worlds, compares them as text, knows messages, timers and crashes only."""

    def __init__(self, make: type[Voter], ids: tuple[NodeId, ...], crashes: int) -> None:
        self.make = make
        self.ids = ids
        nodes = {id: self.new(id) for id in ids}
        disks: dict[NodeId, dict[Any, object]] = {id: {} for id in ids}
        self.first: dict[str, Any] = {
            "nodes": nodes, "disks": disks, "mail": [], "timers": [], "crashes": crashes,
        }  # fmt: skip
        for id in ids:
            self.step(self.first, id, Start(0, {}))

    def new(self, id: NodeId) -> Voter:
        return self.make(id, tuple(other for other in self.ids if other != id))

    def step(self, world: dict[str, Any], id: NodeId, event: Event) -> None:
        effects: Sequence[Effect] = world["nodes"][id].step(event)
        for effect in effects:
            match effect:
                case Send(to, message):
                    world["mail"].append((id, to, message))
                case Broadcast(everyone, message):
                    world["mail"] += [(id, to, message) for to in everyone]
                case SetTimer(_, _, timer):
                    world["timers"].append((id, timer))
                case Save(key, value):
                    world["disks"][id][key] = value

    def text(self, world: dict[str, Any]) -> str:
        nodes = [
            None
            if node is None
            else (node.voted_for, sorted(node.votes), node.leader, sorted(node.saved.items()))
            for node in world["nodes"].values()
        ]
        mail = sorted(map(repr, world["mail"]))
        timers = sorted(map(repr, world["timers"]))
        disks = [sorted(disk.items()) for disk in world["disks"].values()]
        return repr((nodes, mail, timers, disks, world["crashes"]))

    def after(self, world: dict[str, Any]) -> list[dict[str, Any]]:
        found = []
        for number, (source, target, message) in enumerate(world["mail"]):
            new = deepcopy(world)
            del new["mail"][number]
            if new["nodes"][target] is not None:
                self.step(new, target, Receive(0, source, message))
            found.append(new)
        for number, (id, timer) in enumerate(world["timers"]):
            new = deepcopy(world)
            del new["timers"][number]
            self.step(new, id, Fire(0, 1, timer))
            found.append(new)
        for id, node in world["nodes"].items():
            new = deepcopy(world)
            if node is None:
                new["nodes"][id] = self.new(id)
                self.step(new, id, Start(0, new["disks"][id]))
            elif world["crashes"]:
                new["crashes"] -= 1
                new["nodes"][id] = None
                new["timers"] = [entry for entry in new["timers"] if entry[0] != id]
            else:
                continue
            found.append(new)
        return found

    def count(self, limit: int = 1_000_000) -> int:
        waiting = [self.first]
        seen = {self.text(self.first)}
        while waiting and len(seen) < limit:
            for world in self.after(waiting.pop()):
                if (text := self.text(world)) not in seen:
                    seen.add(text)
                    waiting.append(world)
        return len(seen)


@pytest.mark.parametrize("voter", [Voter, ForgetfulVoter])
def test_a_second_explorer_that_copies_whole_worlds_finds_as_many_states(
    voter: type[Voter],
) -> None:
    instance = Instance(nodes=dict.fromkeys(PAIR, voter), bounds=Bounds(crashes=2))
    found = explore_instance(instance)
    assert found.states == Dumb(voter, PAIR, crashes=2).count()
    assert found.states > 100
