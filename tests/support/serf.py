"""Real Serf agents, for tests in which our members are among them."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from common.runtime.ports import free_ports

READY_SECONDS = 20.0
HOST = "127.0.0.1"


class Agent:
    """An unmodified Serf agent, as a process.

    Args:
        name: the member's.
        directory: where it writes its log.
        joins: the address of a member of the cluster to join; "" for none.
        address: where to listen; a free port unless given.

    Attributes:
        address: where members reach it.
    """

    def __init__(self, name: str, directory: Path, joins: str = "", address: str = "") -> None:
        self.name = name
        port, rpc = free_ports(HOST, 2)
        self.address = address or f"{HOST}:{port}"
        self._rpc = f"-rpc-addr={HOST}:{rpc}"
        self._log = directory / f"{name}.log"
        join = [f"-join={joins}"] if joins else []
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["serf", "agent", f"-node={name}", f"-bind={self.address}", self._rpc,
                 "-profile=local", *join],
                stdout=log, stderr=log,
            )  # fmt: skip
        end = time.monotonic() + READY_SECONDS
        while self.name not in self.members():
            assert time.monotonic() < end, f"{name} does not answer: {self.log()[-500:]}"
            time.sleep(0.05)

    def members(self) -> dict[str, str]:
        """What ``serf members`` says: states by name; nothing where the agent does not answer."""
        asked = subprocess.run(
            ["serf", "members", self._rpc, "-format=json"], capture_output=True, check=False
        )
        if asked.returncode:
            return {}
        rows = json.loads(asked.stdout)["members"]
        return {row["name"]: row["status"] for row in rows}

    def join(self, address: str) -> None:
        """Tell it to join somebody: ``serf join``."""
        subprocess.run(["serf", "join", self._rpc, address], check=True, capture_output=True)

    def leave(self) -> None:
        """Tell it to leave in good order: ``serf leave``."""
        subprocess.run(["serf", "leave", self._rpc], check=True, capture_output=True)
        self._process.wait()

    def log(self) -> str:
        """All that it has logged."""
        return self._log.read_text()

    def again(self, joins: str) -> "Agent":
        """Another life of it at the same address, after it was killed."""
        return Agent(self.name, self._log.parent, joins, self.address)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def two_agents(directory: Path) -> Iterator[tuple[Agent, Agent]]:
    """A cluster of two agents; what is left of it at the end is killed."""
    agents: list[Agent] = []
    try:
        agents.append(Agent("real1", directory))
        agents.append(Agent("real2", directory, agents[0].address))
        yield agents[0], agents[1]
    finally:
        for agent in agents:
            agent.kill()
