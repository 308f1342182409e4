"""The front of a machine: takes its node's orders, and has them carried out in other processes.

On a worker it begins and stops attempts, and serves the output of maps. On the coordinator it puts
the output of reduces in its place. It decides nothing.
"""

import asyncio
import contextlib
import os
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.contract.events import NodeId
from common.runtime.facade import Door
from common.runtime.ports import take_port
from common.values.history import Ok
from stage6_compute.mapreduce.front.children import Child
from stage6_compute.mapreduce.front.orders import Order, split_from_text
from stage6_compute.mapreduce.front.problems import disk_problem
from stage6_compute.mapreduce.front.shuffle import Piece, ShuffleServer
from stage6_compute.mapreduce.front.task import attempt_path, part_name
from stage6_compute.mapreduce.machine import NextOrder, Published, Reported
from stage6_compute.mapreduce.messages import (
    Done,
    Drop,
    Execute,
    Publish,
    Result,
    Source,
    Stop,
    TaskFailed,
    Unreachable,
    Work,
)


def make(door: Door, settings: Mapping[str, Any]) -> "Hands":
    """The front of a machine.

    Args:
        door: to its node.
        settings: ``host``, and the ``ports`` of workers, by name; the ``directory`` that they keep
            pieces in, each in one of its own; the ``token`` that is asked of those who fetch them.
    """
    return Hands(door, settings)


class Hands:
    """Carries out what a node orders."""

    def __init__(self, door: Door, settings: Mapping[str, Any]) -> None:
        self._door = door
        self._host: str = settings["host"]
        self._ports: Mapping[NodeId, int] = settings["ports"]
        self._token: str = settings["token"]
        self._pieces = Path(settings["directory"], door.node)
        self._server: ShuffleServer | None = None
        self._idle: list[Child] = []
        self._busy: dict[int, Child] = {}
        """By attempt."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Serve pieces, of which a new life has none; and begin to take orders."""
        if self._door.node in self._ports:
            shutil.rmtree(self._pieces, ignore_errors=True)
            self._pieces.mkdir(parents=True)
            where = f"{self._host}:{self._ports[self._door.node]}"
            self._server = await take_port("workers", where, self._serve)
            threading.Thread(target=self._server.serve_forever, daemon=True).start()
            child = Child()
            await child.start()
            self._idle.append(child)
        self._begin(self._take_orders())

    async def _serve(self) -> ShuffleServer:
        address = (self._host, self._ports[self._door.node])
        return ShuffleServer(address, self._pieces, self._token)

    async def close(self) -> None:
        """End everything."""
        for task in self._tasks:
            task.cancel()
        for child in (*self._idle, *self._busy.values()):
            await child.close()
        if self._server is not None:
            self._server.server_close()

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take_orders(self) -> None:
        while True:
            outcome = await self._door.ask(NextOrder())
            if not isinstance(outcome, Ok):
                return  # the node cannot go on
            match outcome.value:
                case Execute(work):
                    self._begin(self._execute(work))
                case Stop(attempt):
                    child = self._busy.pop(attempt, None)
                    if child is not None:
                        child.kill()
                case Drop(job):
                    shutil.rmtree(self._pieces / str(job), ignore_errors=True)
                case Publish() as publish:
                    why_not = put_in_place(publish)
                    await self._door.ask(Published(publish.task, why_not))

    async def _execute(self, work: Work) -> None:
        child = self._idle.pop() if self._idle else Child()
        self._busy[work.attempt] = child
        report = await child.do(self._order(work))
        self._idle.append(child)
        if self._busy.pop(work.attempt, None) is not None:  # else it was stopped
            await self._door.ask(Reported(work.attempt, _result(report)))

    def _order(self, work: Work) -> Order:
        return Order(
            work.task.job,
            work.task.phase,
            work.task.index,
            work.attempt,
            work.program,
            work.output,
            work.partitions,
            split_from_text(work.split),
            [
                Piece(each.map, each.attempt, each.worker, self._host, self._ports[each.worker])
                for each in work.sources
            ],
            list(work.skip),
            self._door.node,
            str(self._pieces),
            self._token,
        )


def _result(report: Mapping[str, Any]) -> Result:
    match report["kind"]:
        case "done":
            return Done((), tuple(sorted(report["counters"].items())))
        case "lost":
            return Unreachable(tuple(Source(*piece[:3]) for piece in report["pieces"]))
        case _:
            return TaskFailed(report["why"], report["record"])


def put_in_place(publish: Publish) -> str:
    """Rename the file of an attempt to that of its part: all at once, and once only (3.3).

    Returns:
        Why it cannot be; "" if it is done, now or before.
    """
    source = attempt_path(publish.output, publish.task.index, publish.attempt)
    target = Path(publish.output, part_name(publish.task.index))
    try:
        os.replace(source, target)
    except FileNotFoundError:
        if not target.exists():
            return f"{source} has vanished: leave the output directory alone while a job runs"
    except OSError as error:
        return disk_problem(error, str(target))
    with contextlib.suppress(OSError):  # a file system that cannot sync a directory does it itself
        directory = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    return ""
