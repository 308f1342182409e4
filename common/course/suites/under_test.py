"""What a graded suite sees of a lab: its public names, and simulations of its nodes.

The names come from the implementation under test while the suite runs. So that editors and mypy
know them all the same, each suite has a view of its lab, ``tests/STAGE/LAB/lab.py``, which takes
their types from the reference, and says so to type checkers alone::

    class CapLab(LabUnderTest):
        \"\"\"What the suite uses of the lab ``cap``.\"\"\"

        if TYPE_CHECKING:
            from stage1_foundations.cap.client import Read, RegisterClient, Write

            wilson_interval = staticmethod(judging.wilson_interval)  # a function

    def test_a_read_returns_the_latest_write(lab: CapLab, sweep: Sweep) -> None: ...
"""

import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TextIO, Unpack

from common.contract.events import NodeId
from common.contract.names import shortest_names, things_named
from common.contract.observer import Observer
from common.sim.host import Factory
from common.sim.simulation import Simulation
from common.trace.format import Meta
from common.trace.recorder import Recorder, open_trace
from common.values.errors import LabError

if TYPE_CHECKING:  # a suite starts sooner without
    from common.course.base.lab import Lab
    from common.worlds import scene

    class Options(scene.Options, total=False):
        """What else a simulation takes."""

        observers: Sequence[Observer]


CHECK_EVERY = 97
"""Every so many steps of a graded simulation are checked for determinism (a prime, so that it does
not fall into step with the protocol)."""

MAX_EVENTS = 200_000
"""Several times what the longest run of any suite takes: a storm of messages ends here."""


class MissingName(LabError, AttributeError):
    """The implementation under test lacks a name that its suite uses."""

    exit_code = 1


class Within:
    """The public names of one module or package of a lab: ``lab.paxos.Prepare``.

    Args:
        lab: the lab.
        path: the name of the module or package, or the end of its full name.
    """

    def __init__(self, lab: "LabUnderTest", path: str) -> None:
        self._lab = lab
        self._path = path

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lab, f"{self._path}.{name}")


class LabUnderTest:
    """The lab's public names as attributes, from whichever implementation is tested.

    To type checkers it has none, and its views have those that they name.

    Args:
        lab: its manifest entry.
        modules: its files, imported.
        trace: where to write the trace of each simulation, or None.
    """

    def __init__(self, lab: "Lab", modules: list[ModuleType], trace: Path | None) -> None:
        self.manifest = lab
        self._modules = modules
        self._trace = trace
        self._traces = 0
        self._files: list[TextIO] = []
        """The traces of the present test."""
        self.make_simulation: Callable[..., Simulation] = Simulation
        """What makes a simulation; ``lab why`` puts one there from which faults can be left out."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            return self._find(name)

    def _find(self, name: str) -> Any:
        """The thing of this name, or, for the name of a module, what is in there by name."""
        found = things_named(name, self._modules)
        if len(found) == 1:
            return next(iter(found.values()))
        where = f"lab {self.manifest.id}"
        if found:
            names = shortest_names(found)
            ways = " or ".join(f"lab.{names[full]}" for full in found)
            raise MissingName(
                f"{where}: {name} may be one of {len(found)} things: say {ways}, or rename one"
            )
        if any(f".{name}." in f".{module.__name__}." for module in self._modules):
            return Within(self, name)
        files = ", ".join(file.path for file in self.manifest.files)
        raise MissingName(f"{where}: there is no {name} in {files}: was it renamed?")

    @property
    def all_classes(self) -> list[type]:
        """The classes of the lab's files; a recorder tells messages apart by them."""
        found = (value for module in self._modules for value in vars(module).values())
        return list(dict.fromkeys(each for each in found if isinstance(each, type)))

    def simulation(
        self,
        nodes: Mapping[NodeId, Factory],
        clients: Mapping[NodeId, Factory] | None = None,
        *,
        seed: int | str,
        **options: "Unpack[Options]",
    ) -> Simulation:
        """A bounded simulation, with handlers checked now and then; recorded if that was asked for.

        Args and errors are those of :class:`common.sim.simulation.Simulation`.
        """
        options.setdefault("check_handlers", CHECK_EVERY)
        options.setdefault("max_events", MAX_EVENTS)
        if self._trace is not None:
            self._traces += 1
            suffix = "" if self._traces == 1 else f"-{self._traces}"
            path = self._trace.with_name(f"{self._trace.stem}{suffix}.jsonl")
            names, others = tuple(nodes), tuple(clients or {})
            meta = Meta(lab=self.manifest.id, nodes=names, clients=others, seed=seed)
            self._files.append(open_trace(path))
            recorder = Recorder(self._files[-1].write, meta, nodes=self.all_classes)
            options["observers"] = [*options.get("observers", ()), recorder]
        return self.make_simulation(nodes, clients, seed=seed, **options)

    def look_into(self, name: str) -> Any:
        """A node class whose nodes a test may look into, attribute by attribute.

        What they show is the word of the code under test: good for a sentence of a paper about one
        server's state, never for a verdict on a cluster.
        """
        return getattr(self, name)

    # What programs on sockets need: a judged one has a network of its own.

    def connect(self, address: tuple[str, int]) -> socket.socket:
        """A connection to a program of the lab. Raises: OSError, where nobody listens."""
        return socket.create_connection(address)

    def listen(self) -> socket.socket:
        """A bound socket to which programs of the lab can connect; the caller listens on it."""
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.bind(("127.0.0.1", 0))
        return made

    def end_test(self) -> None:
        """A test is over: whatever of the lab still runs is ended, and its traces are whole."""
        for file in self._files:
            file.close()
        self._files.clear()

    def close(self) -> None:
        """The suite is over."""
