"""One deposit, one withdrawal, and every order of what may go wrong: is everything told true?

The explorer tries all interleavings of a client, a server and a network that may lose one message
and double another, while either of the two may crash and any timer may fire at any time.
``bounds.losses`` covers a crash between saving and answering: that is a crash and a lost answer.
"""

from dataclasses import replace

from common.check.explorer import Bounds, Instance, WorldView
from common.contract.events import NodeId
from common.contract.node import Node
from common.values.history import Failed, Ok
from stage1_foundations.failures.account import Account, AccountServer, Deposit, Withdraw
from stage1_foundations.failures.checks import entry_of
from stage1_foundations.failures.client import AccountClient
from stage1_foundations.failures.hasty import HastyClient

SERVER, CLIENT = "n1", "c1"


def on_disk(world: WorldView) -> tuple[int, ...]:
    """The statement as the server's disk has it, whether the server is up or down."""
    saved = world.saved[SERVER].get("service")
    if saved is None:
        return ()
    assert isinstance(saved, tuple), "account and table are saved as a pair"
    account = Account()
    account.restore(saved[0])
    return account.entries


def at_most_once(world: WorldView) -> str | None:
    """No command happens twice."""
    entries = on_disk(world)
    if len(set(entries)) < len(entries):
        return f"the statement is {entries}"
    return None


def told_the_truth(world: WorldView) -> str | None:
    """What is called ok is in the statement, and what is called failed is not."""
    entries = on_disk(world)
    for asked in world.history:
        happened = entry_of(asked) in entries
        if isinstance(asked.outcome, Ok) and not happened:
            return f"{asked}, and the statement is {entries}"
        if isinstance(asked.outcome, Failed) and happened:
            return f"{asked}, and the statement is {entries}"
    return None


def both_are_ok(world: WorldView) -> bool:
    """Both commands end with ok."""
    return len(world.history) == 2 and all(isinstance(each.outcome, Ok) for each in world.history)


def unknown_and_done(world: WorldView) -> bool:
    """A command was called unknown, and it happened."""
    entries = on_disk(world)
    return any(
        not isinstance(each.outcome, Ok | Failed)
        and each.returned_at is not None
        and entry_of(each) in entries
        for each in world.history
    )


def patient_client(id: NodeId, peers: tuple[NodeId, ...]) -> Node:
    """An honest client that tries twice."""
    return AccountClient(id, peers, attempts=2)


HONEST = Instance(
    nodes={SERVER: AccountServer},
    clients={CLIENT: patient_client},
    operations={CLIENT: (Deposit(5), Withdraw(3))},
    bounds=Bounds(losses=1, duplicates=1, crashes=1),
    always=(at_most_once, told_the_truth),
    sometimes=(both_are_ok, unknown_and_done),
    may_crash=(SERVER, CLIENT),
    history=True,
)
"""One server, one honest client, a deposit and a withdrawal that it covers."""

HASTY = replace(HONEST, clients={CLIENT: HastyClient})
"""The same with the client that calls silence a failure: the explorer shows its shortest lie.

It is shorter than one would think: no message has to be lost, and nobody has to crash.
"""
