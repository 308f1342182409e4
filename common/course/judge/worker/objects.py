"""Functions and objects behind a pipe: the call protocol, from the student's side.

A line asks for one thing and one line answers it, by the same ``id``::

    {"id": 4, "do": "call", "object": 2, "name": "feed", "args": [{"bytes": "AAAA"}], "kwargs": {}}
    {"id": 4, "value": {"list": [{"bytes": "aGVsbG8="}]}}

Objects live here; the judge has their numbers. What is awaited is answered when it is done, so
that answers may come in another order than questions. A program on sockets runs in an event loop,
so that it goes on while nobody asks.
"""

import asyncio
import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from common.course.judge.worker.steps import CHUNK, Pipe, problem
from common.course.judge.worker.values import Unfit, Values

MOST_OBJECTS = 100_000
_MISSING = object()


class Objects:
    """Serves one test's calls.

    Args:
        pipe: where the judge is.
        find: the public name of a lab; raises AttributeError.
        known: classes of records and enums, by ``module:Class``.
    """

    def __init__(self, pipe: Pipe, find: Callable[[str], Any], known: Mapping[str, type]) -> None:
        self._pipe = pipe
        self._find = find
        self._values = Values(known, self._keep, self._kept, trusts=True)
        self._objects: dict[int, Any] = {}
        self._last = 0
        self._waiting: dict[int, asyncio.Task[None]] = {}
        self._pending: list[bytes] = []

    def run(self) -> None:
        """Answer until the judge is gone."""
        while line := self._pipe.read():
            self._answer(msgspec.json.decode(line))

    def run_in_a_loop(self, descriptor: int) -> None:
        """The same within an event loop, which reads the pipe by this descriptor."""
        asyncio.run(self._serve(descriptor))

    async def _serve(self, descriptor: int) -> None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.set_exception_handler(lambda _, __: None)
        loop.add_reader(descriptor, self._readable, descriptor, ended)
        await ended.wait()
        os._exit(0)

    def _readable(self, descriptor: int, ended: asyncio.Event) -> None:
        chunk = os.read(descriptor, CHUNK)
        if not chunk:
            ended.set()
            return
        first, *more = chunk.split(b"\n")
        self._pending.append(first)
        for start in more:
            line, self._pending = b"".join(self._pending), [start]
            self._answer(msgspec.json.decode(line))

    def _answer(self, asked: dict[str, Any]) -> None:
        number = asked["id"]
        try:
            if asked["do"] == "await":
                self._waiting[number] = asyncio.ensure_future(self._await(number, asked))
                return
            value = self._values.pack(self._do(asked))
            self._say({"id": number, "value": value})
        except BaseException as error:
            self._complain(number, error)

    async def _await(self, number: int, asked: dict[str, Any]) -> None:
        try:
            value = self._values.pack(await self._objects[asked["object"]])
            self._say({"id": number, "value": value})
        except BaseException as error:
            self._complain(number, error)
        finally:
            self._waiting.pop(number, None)

    def _do(self, asked: dict[str, Any]) -> Any:
        match asked["do"]:
            case "find":
                return _Kind(self._find(asked["name"]))
            case "get":
                return self._attribute(asked)
            case "set":
                setattr(self._target(asked), asked["name"], self._values.unpack(asked["value"]))
            case "call":
                return self._call(asked)
            case "drop":
                for number in asked["objects"]:
                    self._objects.pop(number, None)
            case "cancel":
                task = self._waiting.get(asked["request"])
                if task is not None:
                    task.cancel()
            case other:
                raise Unfit(f"there is no request {other!r}")
        return None

    def _attribute(self, asked: dict[str, Any]) -> Any:
        target = self._target(asked)
        value = inspect.getattr_static(type(target), asked["name"], _MISSING)
        if inspect.isfunction(value) or isinstance(value, (staticmethod, classmethod)):
            return _Method()
        return getattr(target, asked["name"])

    def _call(self, asked: dict[str, Any]) -> Any:
        args = [self._values.unpack(each) for each in asked["args"]]
        kwargs = {name: self._values.unpack(each) for name, each in asked["kwargs"].items()}
        target = self._target(asked)
        name = asked.get("name")
        if "object" not in asked or name is None:
            return target(*args, **kwargs)
        return getattr(target, name)(*args, **kwargs)

    def _target(self, asked: dict[str, Any]) -> Any:
        if "object" in asked:
            return self._objects[asked["object"]]
        return self._find(asked["name"])

    def _keep(self, value: object) -> dict[str, Any]:
        if isinstance(value, _Kind):
            return value.plain(self._values)
        if isinstance(value, _Method):
            return {"method": True}
        if len(self._objects) >= MOST_OBJECTS:
            raise Unfit(f"there are more than {MOST_OBJECTS} objects")
        self._last += 1
        self._objects[self._last] = value
        return {"object": self._last, "of": type(value).__name__[:100]}

    def _kept(self, plain: dict[str, Any]) -> object:
        match plain:
            case {"object": int(number)}:
                return self._objects[number]
            case {"name": str(name)}:
                return self._find(name)
        raise Unfit(f"plain data that stands for nothing: {str(plain)[:80]}")

    def _complain(self, number: int, error: BaseException) -> None:
        self._say({"id": number, "error": msgspec.to_builtins(problem(error))})

    def _say(self, answer: dict[str, Any]) -> None:
        self._pipe.write(msgspec.json.encode(answer) + b"\n")


class _Kind:
    """What a public name stands for."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def plain(self, values: Values) -> dict[str, Any]:
        if isinstance(self.value, type):
            return {"is": "class"}
        if callable(self.value):
            return {"is": "function"}
        return {"is": "value", "value": values.pack(self.value)}


class _Method:
    """Stands for a method: the judge calls it by its name."""
