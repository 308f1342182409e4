"""What cluster to launch, and the directory that it lives in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from common.codec import CodecName
from common.contract.events import NodeId
from common.contract.node import Node
from common.runtime.config import FORMAT
from common.runtime.signatures import Authentication
from common.values.errors import BadInput
from common.worlds.declaration import Transport

DESCRIPTION = "cluster.json"
LAUNCHER_TRACE = "trace-launcher.jsonl"


@dataclass(frozen=True, kw_only=True)
class ClusterSpec:
    """What cluster to launch.

    Attributes:
        lab: the lab's id, for traces.
        node: the class of the members; each process finds it again by its name.
        members: their names, in order.
        directory: where each node has a directory of its own; data there from an earlier run of
            the same cluster is used again.
        config: keyword arguments of the node class; JSON values.
        host: the address that nodes listen on.
        ports: the ports of some members; those of the others the system chooses.
        transport: what carries messages between members; clients connect by TCP in any case.
        codec: how messages are written, those of clients too. On disk it is always MessagePack.
        trace: whether to record traces.
        seed: of the nodes' random numbers. Real time is not seeded: runs differ all the same.
        facade: another protocol in front of each member (:mod:`common.runtime.facade`), as
            ``module:function``; "" for none.
        facade_config: its settings, the same for all members; JSON values.
        files: modules that the members take from a student's files: path by name.
        authentication: how nodes that sign do it.
        worlds: the module in which the lab declares how its members may lie; "" for none.
    """

    lab: str
    node: type[Node]
    members: tuple[NodeId, ...]
    directory: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    host: str = "127.0.0.1"
    ports: Mapping[NodeId, int] = field(default_factory=dict)
    transport: Transport = "tcp"
    codec: CodecName = "messagepack"
    trace: bool = True
    seed: int = 0
    facade: str = ""
    facade_config: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    authentication: Authentication = "signatures"
    worlds: str = ""


class _Description(msgspec.Struct, frozen=True):
    """What stands in the directory of a cluster: whose data it is, and in which format."""

    format: int
    lab: str
    members: tuple[NodeId, ...]


def prepare(spec: ClusterSpec) -> None:
    """Make the directories of a cluster, or check that those there are of the same cluster.

    Traces of an earlier run are removed; what nodes saved stays.

    Raises:
        BadInput: the directory is of another cluster, of another format, or cannot be used.
    """
    ours = _Description(FORMAT, spec.lab, spec.members)
    path = spec.directory / DESCRIPTION
    try:
        spec.directory.mkdir(parents=True, exist_ok=True)
        if path.exists():
            _check_same(path, msgspec.json.decode(path.read_bytes(), type=_Description), ours)
        else:
            path.write_bytes(msgspec.json.encode(ours) + b"\n")
        for old in spec.directory.glob("*/trace-*.jsonl"):
            old.unlink()
        for member in spec.members:
            (spec.directory / member).mkdir(exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"cannot use the directory {spec.directory}: {error.strerror}: choose another one"
        ) from None
    except msgspec.DecodeError as error:
        raise BadInput(f"{path} describes no cluster: {error}: choose another directory") from None


def _check_same(path: Path, theirs: _Description, ours: _Description) -> None:
    if theirs.format != ours.format:
        raise BadInput(
            f"{path} has format {theirs.format}, and this release of the course reads "
            f"{ours.format}: start the cluster in a new directory"
        )
    if theirs != ours:
        raise BadInput(
            f"{path} belongs to a cluster of {theirs.lab} with the members "
            f"{', '.join(theirs.members)}: start this one in a directory of its own"
        )
