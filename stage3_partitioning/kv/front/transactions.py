"""MULTI, EXEC and DISCARD: commands that wait, and are carried out at one moment or not at all.

Commands about keys are one step of the node, so they become durable together as well. Others may
stand among them (DBSIZE, PING); then the parts are carried out one after the other within one turn
of the loop, so that nobody else's command comes in between.
"""

from collections.abc import Sequence
from typing import Any

from stage3_partitioning.kv.front.client import Client, Later
from stage3_partitioning.kv.front.data import Plan
from stage3_partitioning.kv.front.replies import OK, Value, encode, error
from stage3_partitioning.kv.slots import key_slot

CROSS_SLOT = "CROSSSLOT Keys in request don't hash to the same slot"


def multi(client: Client) -> None:
    """MULTI: queue what follows."""
    if client.transaction is not None:
        client.reply(error("ERR MULTI calls can not be nested"))
        return
    client.transaction, client.spoiled = [], False
    client.reply(OK)


def discard(client: Client) -> None:
    """DISCARD: forget what was queued."""
    if client.transaction is None:
        client.reply(error("ERR DISCARD without MULTI"))
        return
    client.transaction = None
    client.reply(OK)


def execute(client: Client) -> None:
    """EXEC: carry out what was queued, or nothing of it."""
    queued, client.transaction = client.transaction, None
    if queued is None:
        client.reply(error("ERR EXEC without MULTI"))
    elif len({key_slot(each.key) for plan in queued for each in plan.commands}) > 1:
        client.reply(error(CROSS_SLOT))
    elif client.spoiled:
        client.reply(error("EXECABORT Transaction discarded because of previous errors."))
    elif any(isinstance(each, Later) for each in queued):
        _mixed(client, queued)
    else:
        _together(client, [each for each in queued if isinstance(each, Plan)])


def _together(client: Client, plans: Sequence[Plan]) -> None:
    """Commands about keys alone: one step of the node."""
    together = tuple(command for plan in plans for command in plan.commands)

    def tell(results: Any) -> Value:
        told: list[Value] = []
        for plan in plans:
            own, results = results[: len(plan.commands)], results[len(plan.commands) :]
            told.append(plan.tell(own))
        return told

    if together:
        client.serve(Plan(together, tell))
    else:
        client.value(tell(()))


def _mixed(client: Client, queued: Sequence[Plan | Later]) -> None:
    """Others among them: look first whether all keys are here, then one part after the other."""
    if not any(each.commands for each in queued):
        _in_order(client, queued)
        return
    head = client.slot()

    def then(redirect: str) -> None:
        client.fill(head, error(redirect) if redirect else b"")
        if not redirect:
            _in_order(client, queued)

    client.look(queued, then)


def _in_order(client: Client, queued: Sequence[Plan | Later]) -> None:
    client.reply(b"*%d\r\n" % len(queued))
    for part in queued:
        if isinstance(part, Later):
            client.other(part.name, part.words)
        elif part.commands:
            client.serve(part)
        else:
            client.reply(encode(part.tell(()), client.version))
