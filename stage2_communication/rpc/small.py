"""One caller, one server, two deposits, and every order of what may go wrong.

The explorer loses one message, doubles another, crashes either side, and lets any timer fire at any
time. :data:`ONCE` keeps its promise in all of it. :data:`CACHED` has the cache that forgets.
"""

from dataclasses import replace

from common.check.explorer import Bounds, Instance, WorldView
from common.contract.events import NodeId
from common.contract.node import Node
from common.values.history import Failed, Ok
from stage1_foundations.failures.account import Deposit
from stage1_foundations.failures.checks import entry_of
from stage2_communication.rpc.broken import CachingServer
from stage2_communication.rpc.once import OnceCallee, RetryingCaller

SERVER, CALLER = "n1", "c1"


def on_disk(world: WorldView) -> tuple[int, ...]:
    """The entries as the server's disk has them, whether it is up or down."""
    saved = world.saved[SERVER]
    service = saved.get("service")
    found = service[0] if isinstance(service, tuple) else saved.get("account", ())
    assert isinstance(found, tuple), "an account is its entries"
    return found


def at_most_once(world: WorldView) -> str | None:
    """No call happens twice."""
    entries = on_disk(world)
    return f"the entries are {entries}" if len(set(entries)) < len(entries) else None


def told_the_truth(world: WorldView) -> str | None:
    """What ended ok has happened, and what failed has not."""
    entries = on_disk(world)
    for asked in world.history:
        happened = entry_of(asked) in entries
        if isinstance(asked.outcome, Ok | Failed) and isinstance(asked.outcome, Ok) != happened:
            return f"{asked}, and the entries are {entries}"
    return None


def both_are_ok(world: WorldView) -> bool:
    """Both calls end ok."""
    return len(world.history) == 2 and all(isinstance(each.outcome, Ok) for each in world.history)


def caller(id: NodeId, peers: tuple[NodeId, ...]) -> Node:
    """A caller that retries."""
    return RetryingCaller(id, peers)


ONCE = Instance(
    nodes={SERVER: OnceCallee},
    clients={CALLER: caller},
    operations={CALLER: (Deposit(5), Deposit(7))},
    bounds=Bounds(losses=1, duplicates=1, crashes=1, timers=2),
    always=(at_most_once, told_the_truth),
    sometimes=(both_are_ok,),
    may_crash=(SERVER, CALLER),
    history=True,
)

CACHED = replace(ONCE, nodes={SERVER: CachingServer})
