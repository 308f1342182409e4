"""Work for many processors, on Dask: processes of this machine, or a cluster with a scheduler.

The same function runs either way, so a result cannot depend on where it was made. A worker that
dies is no failure of the job that it had: the scheduler gives the job to another.
"""

import importlib
import logging
import os
import queue
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from common.course.base.scratch import Scratch
from common.values.errors import BadInput, LabError, MissingTool

Job = TypeVar("Job")
Result = TypeVar("Result")

Tell = Callable[[object], None]
"""Called by a job with what others shall hear of while it runs; plain values."""

CONNECT_SECONDS = "20s"
MOST_DEATHS = 3
"""A job during which so many workers died is given up."""


@dataclass(frozen=True, slots=True)
class Told:
    """A job said something while it runs."""

    key: str
    what: Any


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """A job has ended.

    Attributes:
        key: which.
        result: what it returned, or None.
        error: what it raised, or None.
    """

    key: str
    result: Result | None
    error: BaseException | None


class WorkerDied(LabError):
    """A job was given up because workers die of it."""

    exit_code = 4


class Farm:
    """Workers to give jobs to; a context manager.

    Args:
        scheduler: the address of a scheduler, ``tcp://host:8786``; None for processes here.
        processes: how many processes, if they are here.

    Raises:
        MissingTool: the packages for it are not installed.
        BadInput: no scheduler answers at that address.
    """

    def __init__(self, scheduler: str | None = None, processes: int | None = None) -> None:
        try:
            self._dask: Any = importlib.import_module("dask")
            self._distributed: Any = importlib.import_module("distributed")
        except ModuleNotFoundError:
            raise MissingTool(
                "this needs Dask, which is not installed: in the course's folder, run "
                "make .venv/.grade, or pip install -e '.[grade]'"
            ) from None
        self._scheduler = scheduler
        self._processes = processes or os.cpu_count() or 1
        self._stack = ExitStack()
        self._client: Any = None

    def __enter__(self) -> Self:
        settings = {
            "distributed.scheduler.allowed-failures": MOST_DEATHS,
            "distributed.logging.distributed": "critical",
        }
        with self._stack:
            self._stack.enter_context(self._dask.config.set(settings))
            address = self._scheduler
            if address is None:
                place = self._stack.enter_context(Scratch("farm"))
                cluster = self._distributed.LocalCluster(
                    n_workers=self._processes, threads_per_worker=1, processes=True,
                    host="127.0.0.1", memory_limit=0, dashboard_address="127.0.0.1:0",
                    scheduler_kwargs={"dashboard": False},
                    local_directory=str(place), silence_logs=logging.CRITICAL,
                )  # fmt: skip
                address = self._stack.enter_context(cluster)
            try:
                client = self._distributed.Client(
                    address, timeout=CONNECT_SECONDS, set_as_default=False
                )
            except (OSError, ValueError, ImportError) as error:
                first = (str(error) or type(error).__name__).splitlines()[0]
                raise BadInput(f"no Dask scheduler answers at {address}: {first}") from None
            self._client = self._stack.enter_context(client)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def run(
        self, work: Callable[[Job, Tell], Result], jobs: Mapping[str, Job]
    ) -> Iterator[Told | Done[Result]]:
        """Give out jobs, and hear of them in the order in which things happen.

        Args:
            work: a function of a module that the workers have too.
            jobs: by name.
        """
        heard: queue.Queue[Told | Done[Result]] = queue.Queue()
        topic = f"lab-{uuid.uuid4().hex}"
        self._client.subscribe_topic(topic, lambda event: heard.put(Told(*event[1])))
        futures = {
            name: self._client.submit(_work, work, job, name, topic, key=f"{topic}-{name}")
            for name, job in jobs.items()
        }
        for name, future in futures.items():
            future.add_done_callback(lambda future, name=name: heard.put(_done(name, future)))
        left = len(futures)
        try:
            while left:
                event = heard.get()
                left -= isinstance(event, Done)
                yield event
        finally:
            self._client.unsubscribe_topic(topic)
            self._client.cancel(list(futures.values()), force=True)


def _work(work: Callable[[Any, Tell], Any], job: Any, name: str, topic: str) -> Any:
    """Runs on the worker."""
    from distributed import get_worker

    worker = get_worker()
    return work(job, lambda what: worker.log_event(topic, (name, what)))


def _done(name: str, future: Any) -> Done[Any]:
    """How a future ended; called in a thread of Dask's."""
    from distributed.scheduler import KilledWorker

    if future.status == "finished":
        return Done(name, future.result(), None)
    if future.status == "cancelled":
        return Done(name, None, KeyboardInterrupt())
    error: BaseException = future.exception()
    if isinstance(error, KilledWorker):
        error = WorkerDied(
            f"{MOST_DEATHS + 1} workers died while they had this job: too little memory, perhaps"
        )
    return Done(name, None, error)
