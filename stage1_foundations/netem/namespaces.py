"""The echo cluster in network namespaces: several networks in one kernel, without any container.

A network namespace (``man 7 network_namespaces``) has devices, addresses and routes of its own. A
``veth`` pair is a cable: what goes in at one end comes out at the other. Each node gets a namespace
with one end, called ``eth0``; all other ends are plugged into a bridge, which is a switch, in one
more namespace, the hub. Nothing is left in the machine's own network. Needs root and ``ip``.
"""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from common.values.errors import LabError, MissingTool
from stage1_foundations.netem.experiment import PORT, Cluster, CommandFailed
from stage1_foundations.netem.shape import Command, islands

ROOT = Path(__file__).resolve().parents[2]
DEVICE = "eth0"
COMMAND_SECONDS = 300
"""No command inside a node takes longer."""


class Namespaces(Cluster):
    """Echo servers in network namespaces.

    Args:
        nodes: their names; at most nine characters each, 200 of them at most.

    Attributes:
        prefix: how the names of its namespaces begin, different in each run.
    """

    def __init__(self, nodes: Sequence[str]) -> None:
        self.nodes = tuple(nodes)
        self.prefix = f"lab{secrets.token_hex(3)}"
        self._hub = self._namespace("hub")
        self._clean_up = ExitStack()

    def __enter__(self) -> "Namespaces":
        """Build the network and start the servers.

        Raises:
            MissingTool: this is not root, or there is no ``ip``.
        """
        if why := missing():
            raise MissingTool(why)
        with ExitStack() as clean_up:
            self._add_namespace(self._hub, clean_up)
            self._add_bridge("home")
            for node in self.nodes:
                self._add_namespace(self._namespace(node), clean_up)
                self._plug_in(node)
            servers = {node: self._serve(node, clean_up) for node in self.nodes}
            for node, server in servers.items():
                wait_until_it_listens(node, server)
            self._clean_up = clean_up.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the servers and take the network down."""
        self._clean_up.close()

    @property
    def python(self) -> Command:
        """The interpreter that runs this: namespaces share the machine's files."""
        return (sys.executable, "-S")

    def address(self, node: str) -> str:
        """The IPv4 address of a node, unique in its cluster (which shares it with nobody)."""
        return f"10.77.0.{self.nodes.index(node) + 1}"

    def device(self, node: str) -> str:
        """The node's end of its cable, called alike in all nodes."""
        return DEVICE

    def execute(self, node: str, command: Command) -> str:
        """Run a command inside a node's namespace and return what it prints."""
        return run("ip", "netns", "exec", self._namespace(node), *command)

    def disconnect(self, groups: Sequence[Sequence[str]]) -> None:
        """Plug the nodes of each side into a bridge of their own."""
        for number, island in enumerate(islands(self.nodes, groups)):
            self._add_bridge(f"island{number}")
            for node in island:
                self._in_hub("link", "set", node, "master", f"island{number}")

    def reconnect(self) -> None:
        """Plug all nodes into the first bridge, and take the others away."""
        for node in self.nodes:
            self._in_hub("link", "set", node, "master", "home")
        for number in range(len(self.nodes)):
            if f"island{number}:" in self._in_hub("-o", "link", "show", "type", "bridge"):
                self._in_hub("link", "del", f"island{number}")

    def _namespace(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def _in_hub(self, *arguments: str) -> str:
        return run("ip", "-n", self._hub, *arguments)

    def _add_namespace(self, name: str, clean_up: ExitStack) -> None:
        run("ip", "netns", "add", name)
        clean_up.callback(run, "ip", "netns", "delete", name)
        run("ip", "-n", name, "link", "set", "lo", "up")

    def _add_bridge(self, name: str) -> None:
        self._in_hub("link", "add", name, "type", "bridge")
        self._in_hub("link", "set", name, "up")

    def _plug_in(self, node: str) -> None:
        """Lay a cable from the node to the hub."""
        own = self._namespace(node)
        peer = ("peer", "name", node, "netns", self._hub)
        run("ip", "link", "add", DEVICE, "netns", own, "type", "veth", *peer)
        self._in_hub("link", "set", node, "master", "home", "up")
        run("ip", "-n", own, "address", "add", f"{self.address(node)}/24", "dev", DEVICE)
        run("ip", "-n", own, "link", "set", DEVICE, "up")

    def _serve(self, node: str, clean_up: ExitStack) -> "subprocess.Popen[str]":
        """Start the node's echo server."""
        inside = ("ip", "netns", "exec", self._namespace(node), *self.python)
        serve = ("-m", "stage1_foundations.echo.tcp", "serve", "--host", self.address(node))
        server = subprocess.Popen(
            (*inside, *serve, "--port", str(PORT)),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        clean_up.callback(_stop, server)
        return server


def wait_until_it_listens(node: str, server: "subprocess.Popen[str]") -> None:
    """Wait for the line with which an echo server says so; its end would end the wait as well.

    Raises:
        LabError: the server ended instead.
    """
    assert server.stdout is not None, "its output is a pipe"
    if not server.stdout.readline().startswith("listening"):
        raise LabError(f"the echo server of {node} ended before it listened: run it by hand")


def missing() -> str:
    """What network namespaces need and this machine lacks, as a sentence; "" if nothing."""
    other = "user-mode Linux needs no root (--world uml), the fault layer neither (--world links)"
    if shutil.which("ip") is None or shutil.which("tc") is None:
        return f"network namespaces need ip and tc, which are not here: install iproute2; {other}"
    if os.geteuid() != 0:
        return f"network namespaces need root, and this is user {os.geteuid()}: {other}"
    return ""


def run(*command: str) -> str:
    """Run a command and return what it prints.

    Raises:
        CommandFailed: it ended with another exit code than 0, or not at all.
    """
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise CommandFailed(f"{' '.join(command)} took over {COMMAND_SECONDS} s") from None
    if done.returncode != 0:
        raise CommandFailed(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _stop(server: subprocess.Popen[str]) -> None:
    with server:
        server.kill()
