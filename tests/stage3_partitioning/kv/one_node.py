"""One node of the store, to which the test says everything that it hears."""

from typing import Any

from common.contract import Forget, Invoke, Receive, Return, Save, Send, Start
from common.values.history import Ok
from tests.stage3_partitioning.kv.cluster import SLOTS, slot_of
from tests.stage3_partitioning.kv.lab import KvLab

FIRST_RUNS = ((0, SLOTS // 2 - 1, "n1"), (SLOTS // 2, SLOTS - 1, "n2"))
"""Who holds which slots before anything has moved."""


def node(lab: KvLab, id: str = "n1", saved: Any = None, **config: Any) -> Any:
    """A node that has begun; of three nodes n1 and n2 hold the slots, half each."""
    peers = tuple(other for other in ("n1", "n2", "n3") if other != id)
    settings = {"slots": SLOTS, "shards": ("n1", "n2"), "coordinator": "n3", **config}
    made = lab.StoreNode(id, peers, **settings)
    made.step(Start(0, saved or {}))
    return made


def told(made: Any, message: Any, sender: str = "c1", now: int = 1) -> list[Any]:
    """What a node sends when it gets a message: receiver and message, in order."""
    effects = made.step(Receive(now, sender, message))
    return [(each.to, each.message) for each in effects if isinstance(each, Send)]


def disk_after(made: Any, *received: tuple[str, Any]) -> dict[Any, Any]:
    """What a node has on its disk of what it saved when it got these messages, in order."""
    disk: dict[Any, Any] = {}
    for sender, message in received:
        for effect in made.step(Receive(1, sender, message)):
            if isinstance(effect, Save):
                disk[effect.key] = effect.value
            elif isinstance(effect, Forget):
                disk.pop(effect.key, None)
    return disk


def asked(lab: KvLab, made: Any, number: int, command: Any, asking: bool = False) -> Any:
    """The one reply to a request of c1; None if there is none."""
    replies = told(made, lab.Request(number, command, asking))
    assert len(replies) <= 1, "a request has one reply"
    assert all(to == "c1" for to, _ in replies)
    return replies[0][1] if replies else None


def served(lab: KvLab, made: Any, *commands: Any, **options: Any) -> Any:
    """What a front in the node's own process is told; None if it has to wait."""
    effects = made.step(Invoke(1, 7, lab.Serve(commands, **options)))
    ended = [each.outcome for each in effects if isinstance(each, Return)]
    assert len(ended) <= 1, "a call ends once"
    return ended[0].value if ended and isinstance(ended[0], Ok) else None


def keys_of(slot: int, count: int) -> list[bytes]:
    """Some keys of a slot, in the order in which a move takes them."""
    return sorted(key for key in (b"%d" % n for n in range(300)) if slot_of(key) == slot)[:count]
