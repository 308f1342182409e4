"""One live run of a lab: a cluster of processes, clients at work, faults, and the verdicts."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from common.check.stories import Stories
from common.check.verdict import Verdict, weighed
from common.codec import CodecName, codec_named
from common.contract.events import NodeId
from common.contract.schema import Schema
from common.course.base.output import folder, write, write_trace
from common.runtime.cluster import Cluster
from common.runtime.declared import spec_of, with_facades
from common.values.errors import BadInput
from common.values.history import Failed, History, Ok, Operation
from common.values.units import MS, SECOND
from common.worlds import Work, Worlds

THINK = (1 * MS, 40 * MS)
"""Least and greatest pause of a client between two operations, in microseconds."""

PATIENCE = 2 * SECOND

SETTLING_SECONDS = 5.0
"""So long a run waits for its first answer at most: until then nodes find each other, and elect."""

LOOK_SECONDS = 0.05

MOST_TRACED = 128 * 1024 * 1024
"""Bytes of all traces of a run that are joined: some minutes. To join them takes six times as much
memory, and of so many events no picture shows a tenth."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How to run.

    Attributes:
        variant: which of the lab's variants; "" for the first.
        members: how many nodes; 0 for as many as the lab wants.
        clients: how many clients; 0 likewise.
        seed: of the clients' choices. What the network and the processes do is not seeded.
        directory: where nodes keep their data, not yet there or empty; a temporary one if None.
        host: the address that nodes listen on.
        port: the first node's port, the others follow; 0 lets the system choose.
        usual_ports: whether real clients find the facades where they look for them by themselves,
            if nobody has those ports.
        files: modules that are a student's: path by name.
        codec: how messages are written.
    """

    variant: str = ""
    members: int = 0
    clients: int = 0
    seed: int = 7
    directory: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    usual_ports: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    codec: CodecName = "messagepack"


class Session:
    """A live run; an asynchronous context manager.

    Args:
        worlds: what to run.
        options: how.

    Attributes:
        worlds: as given.
        variant: the one that runs.
        members, clients: their names.
        cluster: the processes.
        stories: once it is saved, what members that lied told whom, as text.
        hint: how unmodified clients of some real protocol reach it; "" where none can.

    Raises:
        BadInput: there is no such variant, or the directory holds the data of an earlier run.
    """

    def __init__(self, worlds: Worlds, options: SessionOptions) -> None:
        self.worlds = worlds
        self.variant = worlds.variant(options.variant)
        codec_named(options.codec, Schema(()))  # what it needs is installed, or a person is told
        _check_fresh(options.directory)
        self._options = options
        size = worlds.live.resized(options.members, options.clients)
        self.members = size.member_names
        common = Work(self.variant.choose, think=THINK)
        self._works = {**dict.fromkeys(self.variant.asked(size), common), **self.variant.others}
        self.clients = self.variant.clients(size)
        self._scratch = tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True)
        self._stopped = asyncio.Event()
        self.stories = ""
        self._verdicts: dict[str, Verdict] | None = None
        self._workers: list[asyncio.Task[None]] = []
        directory = options.directory or Path(self._scratch.name)
        spec = replace(
            spec_of(worlds, self.variant, directory, self.members),
            host=options.host,
            ports=_ports(self.members, options.port),
            seed=options.seed,
            files=options.files,
            codec=options.codec,
        )
        spec, self.hint = with_facades(spec, worlds, self.variant, usual=options.usual_ports)
        self.cluster = Cluster(spec)

    async def __aenter__(self) -> "Session":
        await self.cluster.start()
        config = {**self.variant.client_config, **self.worlds.live.client_config}
        for id in self.clients:
            assert self.variant.client is not None, "only a class of clients has clients"
            self.cluster.client(self.variant.client, id, **config)
        self._workers = [
            asyncio.create_task(self._work(id, work)) for id, work in self._works.items()
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopped.set()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self.cluster.stop()

    def close(self) -> None:
        """Remove the temporary directory; call it when the trace has been collected."""
        self._scratch.cleanup()

    async def _work(self, id: NodeId, work: Work) -> None:
        """One client, or a person at a member: ask, wait, think, ask again."""
        random = Random(f"{self._options.seed}/{id}")
        number = 0
        while not self._stopped.is_set():
            operation = work.choose(random, id, number)
            number += 1
            await self.cluster.ask(id, operation, PATIENCE)
            await asyncio.sleep(random.randint(*work.think) / SECOND)

    async def settle(self) -> bool:
        """Wait until something has ended ok; says whether it has, in :data:`SETTLING_SECONDS`.

        A run counts its time, and that of its faults, from here on. Otherwise a short one is over
        before there is a leader, or its faults meet a cluster that has not begun. A node that has
        failed ends the wait; :meth:`check_failures` says so.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + SETTLING_SECONDS
        while not (self.tally()["ok"] or self.cluster.failures) and loop.time() < end:
            await asyncio.sleep(LOOK_SECONDS)
        return bool(self.tally()["ok"])

    def check_failures(self) -> None:
        """Raise what has ended a node, if something has.

        Raises:
            LabError: a node broke the contract, or could not start again.
        """
        for failure in self.cluster.failures.values():
            raise failure

    async def drain(self) -> None:
        """Let the operations under way end, and begin no more.

        Raises:
            LabError: a client's code broke the contract.
        """
        self._stopped.set()
        await asyncio.gather(*self._workers)

    def tally(self) -> dict[str, int]:
        """How many operations ended ok, failed, and unknown so far."""
        counted: Counter[str] = Counter()
        for operation in self.cluster.history:
            if operation.returned_at is not None:
                match operation.outcome:
                    case Ok():
                        counted["ok"] += 1
                    case Failed():
                        counted["failed"] += 1
                    case _:
                        counted["unknown"] += 1
        return {name: counted[name] for name in ("ok", "failed", "unknown")}

    def verdicts(self) -> Mapping[str, Verdict]:
        """What the checkers say of the recorded history, by property."""
        if self._verdicts is None:
            checks, history = self.variant.checks.items(), self.cluster.history
            self._verdicts = {name: weighed(check(history), history) for name, check in checks}
        return self._verdicts

    def traced_bytes(self) -> int:
        """How much the members have traced so far."""
        directory = self.cluster.spec.directory
        return sum(path.stat().st_size for path in directory.glob("*/trace-*.jsonl"))

    def save(self, out: Path) -> dict[str, str]:
        """Write history, trace and picture below ``out``; returns their paths.

        A run that was too long for a picture has its history alone (:data:`MOST_TRACED`).
        """
        out = folder(out)
        history = write(out / "history.jsonl", self.cluster.history.to_jsonl())
        if self.traced_bytes() > MOST_TRACED:
            return {"history": str(history)}
        recorded = self.cluster.collect_trace(out / "trace.jsonl")
        self.stories = str(Stories.of_trace(recorded.events))
        end = recorded.events[-1]["t"] if recorded.events else 0
        for name, verdict in self.verdicts().items():
            told: dict[str, object] = {"t": end, "node": None, "kind": "verdict"}
            told |= {"property": name, "result": verdict.answer.value}
            told |= {"sentence": verdict.sentence}
            if calls := _calls(verdict.window, self.cluster.history, recorded.events):
                told["calls"] = calls
            recorded.events.append(told)
        title = f"{self.worlds.lab}: {self.variant.title}"
        trace, page = write_trace(out, "trace", title, "".join(recorded.lines()))
        return {"history": str(history), "trace": str(trace), "page": str(page)}


def _calls(
    window: Iterable[Operation], history: History, events: Iterable[Mapping[str, Any]]
) -> list[int]:
    """The numbers that a merged trace gives to the operations of a proof.

    The clocks of history and trace were read one after the other, so the times differ a little. But
    each client's operations stand in both in the same order.
    """
    numbers: dict[str, list[int]] = {}
    for event in events:
        if event["kind"] == "invoke":
            numbers.setdefault(event["client"], []).append(event["call"])
    found = []
    for each in window:
        begun = [one.invoked_at for one in history if one.process == each.process]
        place, own = begun.index(each.invoked_at), numbers.get(each.process, [])
        if place < len(own):
            found.append(own[place])
    return found


def _check_fresh(directory: Path | None) -> None:
    if directory is not None and directory.is_dir() and any(directory.iterdir()):
        raise BadInput(
            f"{directory} holds the data of an earlier run, and a history that is checked has to "
            "begin with nothing: name a new directory"
        )


def _ports(members: tuple[NodeId, ...], first: int) -> dict[NodeId, int]:
    return {id: first + number for number, id in enumerate(members)} if first else {}
