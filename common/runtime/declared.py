"""From what a lab declares to a cluster of processes: classes, members, settings, facades."""

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from common.contract.events import NodeId
from common.runtime.ports import free_ports, usual_ports
from common.runtime.spec import ClusterSpec
from common.worlds import Variant, Worlds


def spec_of(
    worlds: Worlds, variant: Variant, directory: Path, members: Sequence[NodeId] = ()
) -> ClusterSpec:
    """The cluster that a lab declares, without its facades.

    Args:
        worlds: what the lab declares.
        variant: which way to run it.
        directory: where the nodes keep their data.
        members: their names; as declared unless given.
    """
    return ClusterSpec(
        lab=worlds.lab,
        node=variant.node,
        members=tuple(members) or worlds.live.member_names,
        directory=directory,
        config={**variant.config, **worlds.live.config},
        transport=worlds.transport,
        worlds=f"{worlds.package}.worlds" if worlds.behaviours else "",
    )


def with_facades(
    spec: ClusterSpec, worlds: Worlds, variant: Variant, *, usual: bool = False, **more: Any
) -> tuple[ClusterSpec, str]:
    """The same cluster with the lab's facades in front of its members.

    Args:
        spec: the cluster.
        worlds: what the lab declares.
        variant: which way it is run.
        usual: whether the facades are at the ports that the lab declares, where real clients look
            for them; at any free ones if some of those are taken.
        more: settings of the facades, beside those that all facades have.

    Returns:
        The cluster, and a sentence for people on how to reach the facades. Where a package is
        missing the cluster stays without them, and the sentence says so; "" where the lab has none.
    """
    front = worlds.front_of(variant)
    if front is None:
        return spec, ""
    if front.needs and find_spec(front.needs) is None:
        missing = f"{front.needs} is missing: pip install -e '.[{front.extra}]'"
        return spec, f"{front.hint.partition(':')[0]} are not served, for {missing}"
    count = len(spec.members)
    found = usual_ports(spec.host, front.port, count) if usual and front.port else []
    found = found or free_ports(spec.host, count)
    ports = dict(zip(spec.members, found, strict=True))
    settings = {"host": spec.host, "ports": ports, "config": dict(spec.config), **more}
    facade = f"{worlds.package}.front.facade:make"
    endpoints = ",".join(f"{spec.host}:{port}" for port in found)
    hint = front.hint.format(host=spec.host, port=found[0], endpoints=endpoints)
    return replace(spec, facade=facade, facade_config=settings), hint
