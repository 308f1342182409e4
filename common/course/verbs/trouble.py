"""What is wrong in a live cluster, in few words: for the dashboard."""

from collections.abc import Iterable, Sequence

from common.contract.events import NodeId
from common.course.why.story import subject
from common.values import faults
from common.values.faults import Fault, Schedule, fault_to_plain
from common.values.units import show_time


def trouble_of(id: NodeId, standing: Iterable[Fault]) -> list[str]:
    """What has been done to a node and not undone.

    Args:
        id: the node's.
        standing: the faults of the cluster of which something is left, in order.
    """
    links: dict[str, object] = {}
    found: list[str] = []
    for fault in standing:
        match fault:
            case faults.Partition(_, groups):
                own = next((group for group in groups if id in group), (id,))
                if len(own) < max(map(len, groups)):
                    found.append("cut off")
            case faults.Block(_, source, target) if source == id:
                found.append(f"unheard by {target}")
            case faults.Link(_, source) if source in (Schedule.everyone, id):
                links |= fault_to_plain(fault)
            case faults.Clock(_, node, skew, drift) if node == id and (skew or drift):
                found.append("clock wrong")
            case faults.Disk(_, node, latency) if node == id and latency:
                found.append("disk slow")
            case faults.Corrupt(_, node, behaviour) if node == id and behaviour != "honest":
                found.append("lies")
    return found + _links(links)


def _links(parts: dict[str, object]) -> list[str]:
    found = []
    latency, loss = parts.get("latency"), parts.get("loss")
    if isinstance(latency, list | tuple) and latency[1]:
        found.append("slow")
    if isinstance(loss, float | int) and loss:
        found.append(f"loses {loss:.0%}")
    return found


def network(standing: Iterable[Fault]) -> str:
    """Who can reach whom while the network is cut; "" while it is whole."""
    for fault in standing:
        if isinstance(fault, faults.Partition):
            return "  ──//──  ".join(" ".join(group) for group in fault.groups)
    return ""


def told(happened: Sequence[Fault]) -> list[str]:
    """Faults in words, each with the time at which it happened."""
    lines = []
    for fault in happened:
        parts = fault_to_plain(fault)
        event = {"node": parts.pop("node", None), "kind": parts.pop("fault"), **parts}
        lines.append(f"{show_time(fault.at // 1_000 * 1_000):>9}  {subject(event)}")
    return lines
