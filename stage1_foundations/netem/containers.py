"""The echo cluster in Docker: one container per node, plugged into networks of their own.

Docker gives a container what ``namespaces.py`` builds by hand: a network namespace, a ``veth``
pair, a bridge. Here it is asked for through its Python SDK (``pip install docker``). A container
may run ``tc`` on its own device if it has the capability ``NET_ADMIN``, and only that is given.
"""

import secrets
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from types import TracebackType
from typing import Any

from common.values.errors import LabError, MissingTool
from stage1_foundations.netem.experiment import Cluster, CommandFailed
from stage1_foundations.netem.namespaces import ROOT
from stage1_foundations.netem.shape import Command, islands

IMAGE = "course/echo"
DOCKERFILE = "stage1_foundations/netem/Dockerfile"
LABEL = "course.lab"
"""Everything that this lab makes in Docker has this label, with the value ``netem``."""
RUN_LABEL = "course.run"
"""And this one, with a value of its own for each cluster."""
OTHER_WORLDS = (
    "the same lesson runs in user-mode Linux (--world uml), in network namespaces "
    "(--world namespaces, as root), or in the runtime's own fault layer (--world links)"
)


class Containers(Cluster):
    """Echo servers in containers.

    Args:
        nodes: their names.
    """

    def __init__(self, nodes: Sequence[str]) -> None:
        self.nodes = tuple(nodes)
        self._prefix = f"lab-netem-{secrets.token_hex(3)}"
        self._labels = {LABEL: "netem", RUN_LABEL: self._prefix}
        self._client: Any = None
        self._containers: dict[str, Any] = {}
        self._networks: dict[str, Any] = {}
        self._clean_up = ExitStack()

    def __enter__(self) -> "Containers":
        """Build the image, make the network and start the containers.

        Raises:
            MissingTool: there is no Docker, or its engine does not answer.
            LabError: the image cannot be built.
        """
        with ExitStack() as clean_up:
            self._client = connect()
            clean_up.callback(self._client.close)
            build_image(self._client)
            clean_up.callback(remove_all, self._client, f"{RUN_LABEL}={self._prefix}")
            home = self._add_network("home")
            for node in self.nodes:
                self._add_container(node, home)
            for node in self.nodes:
                self._wait_until_it_listens(node)
            self._clean_up = clean_up.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove the containers and the networks; the image stays, for the next time."""
        self._clean_up.close()

    def address(self, node: str) -> str:
        """The IPv4 address of a node in the network that it is plugged into."""
        container = self._containers[node]
        container.reload()
        networks: dict[str, Any] = container.attrs["NetworkSettings"]["Networks"]
        addresses = [str(network["IPAddress"]) for network in networks.values()]
        return addresses[0]

    def device(self, node: str) -> str:
        """The device that has the node's address: its name changes when it is plugged in again."""
        for line in self.execute(node, ("ip", "-oneline", "-4", "address", "show")).splitlines():
            _, device, _, address, *_ = line.split()
            if address.startswith(f"{self.address(node)}/"):
                return device
        raise LabError(f"the container of {node} has no device with its own address")

    def execute(self, node: str, command: Command) -> str:
        """Run a command inside a node's container and return what it prints."""
        code, (output, errors) = self._containers[node].exec_run(command, demux=True)
        if code != 0:
            last_words = (errors or output or b"").decode(errors="replace").strip()
            raise CommandFailed(f"{' '.join(command)} in {node}: {last_words}")
        return (output or b"").decode()

    def disconnect(self, groups: Sequence[Sequence[str]]) -> None:
        """Move the nodes of each side but the first into a network of that side."""
        for number, island in enumerate(islands(self.nodes, groups)[1:], 1):
            network = self._add_network(f"island{number}")
            for node in island:
                self._networks["home"].disconnect(self._containers[node])
                network.connect(self._containers[node])

    def reconnect(self) -> None:
        """Move all nodes back into the first network, and remove the others."""
        for name in [name for name in self._networks if name != "home"]:
            network = self._networks[name]
            network.reload()
            for container in network.containers:
                network.disconnect(container)
                self._networks["home"].connect(container)
            network.remove()
            del self._networks[name]

    def _add_container(self, node: str, network: Any) -> None:
        with uninterrupted():
            self._containers[node] = self._client.containers.run(
                IMAGE,
                name=f"{self._prefix}-{node}",
                hostname=node,
                network=network.name,
                cap_add=["NET_ADMIN"],
                labels=self._labels,
                init=True,
                detach=True,
            )

    def _add_network(self, name: str) -> Any:
        full_name = f"{self._prefix}-{name}"
        with uninterrupted():
            network = self._client.networks.create(full_name, driver="bridge", labels=self._labels)
        self._networks[name] = network
        return network

    def _wait_until_it_listens(self, node: str) -> None:
        """Follow the container's output until the server says so; its end would end the wait."""
        seen = b""
        with closing(self._containers[node].logs(stream=True, follow=True)) as output:
            for chunk in output:
                seen += chunk
                if b"listening" in seen:
                    return
        raise LabError(f"the container of {node} ended: {seen.decode(errors='replace').strip()}")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back for a moment.

    Else one may come while the engine makes something that nobody then knows of, or removes.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def connect() -> Any:
    """A client of the Docker engine.

    Raises:
        MissingTool: there is no Docker SDK, or no engine that answers.
    """
    try:
        import docker
        from docker.errors import DockerException
    except ImportError:
        raise MissingTool(
            f"Docker needs its Python SDK, which is not here: pip install docker; {OTHER_WORLDS}"
        ) from None
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        why = str(error).removeprefix("Error while fetching server API version: ")
        raise MissingTool(
            f"no Docker engine answers ({why}): start one, or else {OTHER_WORLDS}"
        ) from None
    return client


def build_image(client: Any) -> None:
    """Build the image of a node from this repository, as it is now.

    Raises:
        LabError: it cannot be built; the text has the last words of the build.
    """
    from docker.errors import APIError, BuildError

    try:
        client.images.build(path=str(ROOT), dockerfile=DOCKERFILE, tag=IMAGE, rm=True)
    except BuildError as error:
        said = [line["stream"].strip() for line in error.build_log if "stream" in line]
        raise LabError(
            f"the image {IMAGE} cannot be built: {error}; it said: {' / '.join(said[-3:])}"
        ) from None
    except APIError as error:
        raise LabError(
            f"the image {IMAGE} cannot be built: {error.explanation or error}; if its base image "
            f"cannot be had here, {OTHER_WORLDS}"
        ) from None


def remove_leftovers() -> int:
    """Remove every container and network of this lab, of runs that were killed.

    Returns:
        How many there were.

    Raises:
        MissingTool: there is no Docker.
    """
    with closing(connect()) as client:
        return remove_all(client, f"{LABEL}=netem")


def remove_all(client: Any, label: str) -> int:
    """Remove every container and then every network with a label; returns how many there were."""
    mine = {"label": label}
    containers = client.containers.list(all=True, filters=mine)
    for container in containers:
        container.remove(force=True)
    networks = client.networks.list(filters=mine)
    for network in networks:
        network.remove()
    return len(containers) + len(networks)
