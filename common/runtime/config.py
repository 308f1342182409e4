"""What a node process is told when it is made: one JSON file, checked field by field."""

import importlib
import sys
from pathlib import Path
from typing import Any

import msgspec

from common.codec import CodecName
from common.contract.events import NodeId
from common.contract.node import Node
from common.runtime.signatures import Authentication
from common.values.errors import BadInput, ContractError, LabError

FORMAT = 1
"""The version of a node's configuration and of the layout of its data directory."""


class NodeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that the process of one node needs to know.

    Attributes:
        format: the version of this layout.
        lab: the lab that runs, for the header of the trace.
        cluster: the cluster's name; nodes of another one are refused.
        secret: the cluster's secret, in hexadecimal. The file is readable by its owner only.
        node: this node's name.
        index: its place in the cluster, clients included; makes message numbers unique.
        life: which life of the node this is, from 0.
        members: all members of the cluster in order, this one included.
        host: the address to listen on.
        port: the port to listen on; 0 lets the system choose.
        codec: how messages are written.
        datagrams: whether messages to other members travel as UDP datagrams; else by TCP.
        node_class: the protocol, as ``module:Class``.
        config: its keyword arguments.
        directory: where its data, its log file and its traces are.
        trace: whether to write a trace.
        epoch_ns: what ``time.monotonic_ns()`` showed when the cluster began.
        seed: of the node's random numbers and of its links.
        stock_loop: use asyncio's own event loop even where uvloop is installed.
        facade: another protocol in front of the node, as ``module:function``; "" for none.
        facade_config: its settings.
        signing_key: the node's private key, in hexadecimal; "" for a protocol without signatures.
        public_keys: everybody's public keys by then, in hexadecimal, by name; with MACs the keys
            that this node shares with them.
        authentication: how it signs.
        files: modules that are not the course's but a student's: path by name.
        worlds: the module in which the lab declares how its members may lie; "" for none.
    """

    lab: str
    cluster: str
    secret: str
    node: NodeId
    index: int
    life: int
    members: tuple[NodeId, ...]
    node_class: str
    directory: str
    epoch_ns: int
    host: str = "127.0.0.1"
    port: int = 0
    codec: CodecName = "messagepack"
    datagrams: bool = False
    config: dict[str, Any] = {}
    trace: bool = True
    seed: int = 0
    stock_loop: bool = False
    facade: str = ""
    facade_config: dict[str, Any] = {}
    signing_key: str = ""
    public_keys: dict[NodeId, str] = {}
    authentication: Authentication = "signatures"
    files: dict[str, str] = {}
    worlds: str = ""
    format: int = FORMAT

    def write(self, path: Path) -> None:
        """Write the file, readable by its owner only, since the secret is in it."""
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")

    @classmethod
    def read(cls, path: Path) -> "NodeConfig":
        """Read and check the file.

        Raises:
            BadInput: it cannot be read, or a field is wrong; the text says which.
        """
        try:
            config = msgspec.json.decode(path.read_bytes(), type=cls)
            for text in (config.secret, config.signing_key, *config.public_keys.values()):
                bytes.fromhex(text)
        except OSError as error:
            raise BadInput(f"cannot read the configuration {path}: {error.strerror}") from None
        except (msgspec.DecodeError, ValueError) as error:
            raise BadInput(f"the configuration {path} is wrong: {error}") from None
        if config.format != FORMAT:
            raise BadInput(
                f"the configuration {path} has format {config.format}, and this release of the "
                f"course reads {FORMAT}: start the cluster in a new directory"
            )
        return config


def load_class(name: str) -> type[Node]:
    """The Node class that ``module:Class`` names.

    Raises:
        BadInput: there is no such module or class, it is no Node, or its module cannot be run.
        ContractError: a class in the module breaks the contract.
    """
    module_name, _, class_name = name.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), class_name, None)
    except ImportError as error:
        raise BadInput(f"cannot load {name}: {error}; write module:Class") from None
    except LabError:
        raise
    except Exception as error:  # whatever somebody's module does when it is imported
        raise BadInput(f"cannot load {name}: {type(error).__name__}: {error}") from None
    if not (isinstance(found, type) and issubclass(found, Node)):
        raise BadInput(f"cannot load {name}: {class_name!r} is no Node class in {module_name}")
    return found


def name_class(node: type[Node]) -> str:
    """The ``module:Class`` under which another process can load a Node class.

    Raises:
        BadInput: it cannot, because the class is inside a function or in the main script.
    """
    found = getattr(sys.modules.get(node.__module__), node.__name__, None)
    if found is not node or node.__module__ == "__main__":
        raise BadInput(
            f"{node.__qualname__} of {node.__module__} cannot be loaded by another process: "
            "define it at the top level of a module that can be imported"
        )
    return f"{node.__module__}:{node.__name__}"


def make_node(node: type[Node], id: NodeId, peers: tuple[NodeId, ...], **config: Any) -> Node:
    """Make a node; lists in ``config``, as JSON has them, become tuples.

    Raises:
        BadInput: the class does not take these arguments.
        ContractError: its constructor fails.
    """
    values = {name: _frozen(value) for name, value in config.items()}
    try:
        return node(id, peers, **values)
    except TypeError as error:
        raise BadInput(f"{node.__name__} cannot be made with {config}: {error}") from None
    except LabError:
        raise
    except Exception as error:  # whatever a student's constructor may raise
        what = f"{type(error).__name__}: {error}"
        raise ContractError(f"node {id} ({node.__name__}): __init__ raised {what}") from None


def _frozen(value: Any) -> Any:
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value
