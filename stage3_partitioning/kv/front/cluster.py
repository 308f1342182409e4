"""CLUSTER: what cluster clients ask to find the shard of a key."""

from typing import Any

from common.runtime.resp.replies import RespError, Value, Verbatim
from common.runtime.resp.words import arity_problem, subcommand, unknown_subcommand
from stage3_partitioning.kv.front.client import Client, Facade
from stage3_partitioning.kv.front.options import integer
from stage3_partitioning.kv.messages import Known, Overview, SlotKeys
from stage3_partitioning.kv.slots import SLOTS, key_slot

WORDS = {
    "info": 0,
    "myid": 0,
    "slots": 0,
    "shards": 0,
    "nodes": 0,
    "keyslot": 1,
    "countkeysinslot": 1,
    "getkeysinslot": 2,
}
"""By subcommand, how many words follow it."""


def cluster(client: Client, words: list[bytes]) -> None:
    """Answer a CLUSTER command."""
    name, *rest = subcommand(words)
    facade = client.facade
    if name not in WORDS:
        raise RespError(unknown_subcommand(words))
    if len(rest) != WORDS[name]:
        raise RespError(arity_problem(f"cluster|{name}"))
    match name:
        case "keyslot":
            client.value(key_slot(words[2]))
        case "countkeysinslot":
            slot = _slot(words[2], "ERR Invalid slot")
            client.ask(SlotKeys(slot, 2**62), len)
        case "getkeysinslot":
            slot, count = integer(words[2]), integer(words[3])
            if not 0 <= slot < SLOTS or count < 0:
                raise RespError("ERR Invalid slot or number of keys")
            client.ask(SlotKeys(slot, count), list)
        case "myid":
            client.value(facade.node_id(facade.door.node))
        case "info":
            client.ask(Overview(), lambda known: cluster_info(facade, known))
        case "slots":
            client.ask(Overview(), lambda known: cluster_slots(facade, known))
        case "shards":
            client.ask(Overview(), lambda known: cluster_shards(facade, known))
        case "nodes":
            client.ask(Overview(), lambda known: cluster_nodes(facade, known))


def _slot(word: bytes, problem: str) -> int:
    slot = integer(word)
    if not 0 <= slot < SLOTS:
        raise RespError(problem)
    return slot


def cluster_slots(facade: Facade, known: Known) -> Value:
    """CLUSTER SLOTS: each run of slots, and who holds it."""
    no_metadata: dict[str, Value] = {}
    return [
        [first, last, [facade.host, facade.ports[node], facade.node_id(node), no_metadata]]
        for first, last, node in known.runs
    ]


def cluster_shards(facade: Facade, known: Known) -> Value:
    """CLUSTER SHARDS: each node, and the slots that it holds."""
    shards: list[Value] = []
    for node in facade.door.members:
        slots: list[Value] = [
            bound for first, last, owner in known.runs if owner == node for bound in (first, last)
        ]
        described: dict[str, Any] = {
            "id": facade.node_id(node),
            "port": facade.ports[node],
            "ip": facade.host,
            "endpoint": facade.host,
            "role": "master",
            "replication-offset": 0,
            "health": "online",
        }
        shards.append({"slots": slots, "nodes": [described]})
    return shards


def cluster_nodes(facade: Facade, known: Known) -> Value:
    """CLUSTER NODES: a line for each node; of this one also the slots that move just now."""
    lines = []
    for node in facade.door.members:
        me = node == facade.door.node
        slots = [
            f"{first}" if first == last else f"{first}-{last}"
            for first, last, owner in known.runs
            if owner == node
        ]
        if me and known.leaving is not None:
            slots.append(f"[{known.leaving[0]}->-{facade.node_id(known.leaving[1])}]")
        if me and known.coming is not None:
            slots.append(f"[{known.coming[0]}-<-{facade.node_id(known.coming[1])}]")
        port = facade.ports[node]
        flags = "myself,master" if me else "master"
        address = f"{facade.host}:{port}@{port}"
        parts = [facade.node_id(node), address, flags, "-", "0", "0", str(known.epoch), "connected"]
        lines.append(" ".join([*parts, *slots]))
    return Verbatim("\n".join(lines) + "\n")


def cluster_info(facade: Facade, known: Known) -> Value:
    """CLUSTER INFO: all slots are held by somebody, always."""
    figures = {
        "cluster_state": "ok",
        "cluster_slots_assigned": SLOTS,
        "cluster_slots_ok": SLOTS,
        "cluster_slots_pfail": 0,
        "cluster_slots_fail": 0,
        "cluster_known_nodes": len(facade.door.members),
        "cluster_size": len({node for _, _, node in known.runs}),
        "cluster_current_epoch": known.epoch,
        "cluster_my_epoch": known.epoch,
    }
    return Verbatim("".join(f"{name}:{value}\r\n" for name, value in figures.items()))
