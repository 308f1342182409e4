"""MULTI, EXEC and DISCARD: commands that wait, and are carried out at one moment or not at all.

Commands about keys are one step of the node, so they become durable together as well. Others may
stand among them (DBSIZE, PING); then the parts are carried out one after the other within one turn
of the loop, so that nobody else's command comes in between.

WATCH makes EXEC depend on keys: nothing is carried out unless they hold what they held then. Redis
looks whether they were touched. Here a key that has the same value again counts as not changed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from common.runtime.resp.replies import OK, NoArray, Value, encode, error
from stage3_partitioning.kv.commands import Held
from stage3_partitioning.kv.front.client import Client, Later
from stage3_partitioning.kv.front.plans import Plan
from stage3_partitioning.kv.front_commands import Expect
from stage3_partitioning.kv.slots import key_slot

CROSS_SLOT = "CROSSSLOT Keys in request don't hash to the same slot"

Watched = Mapping[bytes, Held | None]


def multi(client: Client, _: Sequence[bytes]) -> None:
    """MULTI: queue what follows."""
    if client.transaction is not None:
        client.reply(error("ERR MULTI calls can not be nested"))
        return
    client.transaction, client.spoiled = [], False
    client.reply(OK)


def discard(client: Client, _: Sequence[bytes]) -> None:
    """DISCARD: forget what was queued."""
    if client.transaction is None:
        client.reply(error("ERR DISCARD without MULTI"))
        return
    client.transaction, client.watched = None, {}
    client.reply(OK)


def watch(client: Client, words: Sequence[bytes]) -> None:
    """WATCH key [key ...]: remember what they hold; who watches a key already remembers that."""
    keys = words[1:]
    if client.transaction is not None:
        client.reply(error("ERR WATCH inside MULTI is not allowed"))
        return
    if len(set(map(key_slot, keys))) > 1:
        client.reply(error(CROSS_SLOT))
        return
    slot = client.slot()

    def then(values: Sequence[Any], redirect: str) -> None:
        client.watched = {**dict(zip(keys, values, strict=False)), **client.watched}
        client.fill(slot, error(redirect) if redirect else OK)

    client.read(keys, then)


def execute(client: Client, _: Sequence[bytes]) -> None:
    """EXEC: carry out what was queued, or nothing of it."""
    queued, client.transaction = client.transaction, None
    watched, client.watched = client.watched, {}
    if queued is None:
        client.watched = watched
        client.reply(error("ERR EXEC without MULTI"))
    elif len({key_slot(each.key) for plan in queued for each in plan.commands}) > 1:
        client.reply(error(CROSS_SLOT))
    elif client.spoiled:
        client.reply(error("EXECABORT Transaction discarded because of previous errors."))
    elif any(isinstance(each, Later) for each in queued):
        _mixed(client, queued, watched)
    else:
        _together(client, [each for each in queued if isinstance(each, Plan)], watched)


def _together(client: Client, plans: Sequence[Plan], watched: Watched) -> None:
    """Commands about keys alone: one step of the node."""
    expected = tuple(Expect(key, value) for key, value in watched.items())
    together = (*expected, *(command for plan in plans for command in plan.commands))

    def tell(results: Any) -> Value:
        if not all(results[: len(expected)]):
            return NoArray()
        results = results[len(expected) :]
        told: list[Value] = []
        for plan in plans:
            own, results = results[: len(plan.commands)], results[len(plan.commands) :]
            told.append(plan.tell(own))
        return told

    if together:
        client.serve(Plan(together, tell))
    else:
        client.value(tell(()))


def _mixed(client: Client, queued: Sequence[Plan | Later], watched: Watched) -> None:
    """Others among them: look first whether all keys are here, then one part after the other."""
    if not watched and not any(each.commands for each in queued):
        _in_order(client, queued)
        return
    head = client.slot()

    def found(values: Sequence[Any], redirect: str) -> None:
        if redirect or list(values) != list(watched.values()):
            told = error(redirect) if redirect else encode(NoArray(), client.version)
            client.fill(head, told)
        else:
            client.fill(head, b"")
            _in_order(client, queued)

    def here(redirect: str) -> None:
        if redirect or not watched:
            found((), redirect)
        else:
            client.read(list(watched), found)

    if any(each.commands for each in queued):
        client.look(queued, here)
    else:
        here("")


def _in_order(client: Client, queued: Sequence[Plan | Later]) -> None:
    client.reply(b"*%d\r\n" % len(queued))
    for part in queued:
        if isinstance(part, Later):
            client.other(part.name, part.words)
        elif part.commands:
            client.serve(part)
        else:
            client.reply(encode(part.tell(()), client.version))
