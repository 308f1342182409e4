"""Functions and objects of the student's, as the judge sees them: the call protocol.

They look like the functions and objects themselves, so that a suite reads the same judged and not.
What comes back is a value that the judge has made (see :mod:`common.course.judge.worker.values`),
or another such object; two objects are equal only if they are the same one.
"""

import asyncio
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import msgspec

from common.course.judge.channel import Channel, Silent
from common.course.judge.declared import problem, return_type
from common.course.judge.worker.hashes import Hashes
from common.course.judge.worker.lines import Problem
from common.course.judge.worker.values import Unfit, Values
from common.values.errors import LabError, RemoteProtocolError

MOST_OBJECTS = 20_000
"""So many objects of one process the judge keeps in mind; each takes a kilobyte of its memory."""


class Answer(msgspec.Struct):
    """A line of the process's: what came of a call. What is in it is read when somebody wants it.

    Attributes:
        id: the number of the call.
        value: what it returned, as :class:`~common.course.judge.worker.values.Values` writes it.
        error: how it failed, instead.
    """

    id: int
    value: msgspec.Raw = msgspec.Raw(b"null")
    error: Problem | None = None


class CallFailure(LabError):
    """A process of the student's did not answer a call as it must; the text says why."""

    exit_code = 1

    def __init__(self, text: str, verdict: str = "fail") -> None:
        super().__init__(text)
        self.verdict = verdict


class Calls:
    """One process in which a test calls functions and keeps objects.

    Args:
        channel: the pipe to it.
        known: classes of records and enums, by ``module:Class``.
        error: makes an exception of what the process told.
        declared: what a method, by the names of its class and its own, declares to return.
    """

    def __init__(
        self,
        channel: Channel,
        known: Mapping[str, type],
        error: Callable[[Problem], BaseException],
        declared: Callable[[str, str], Any],
    ) -> None:
        self.declared = declared
        self._channel = channel
        self._error = error
        self._values = Values(known, self._give, self._take)
        self._last = 0
        self._open: set[int] = set()
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._early: dict[int, Answer] = {}
        self._dropped: list[int] = []
        self._hashes = Hashes()
        self._objects = 0
        self._methods: set[tuple[str, str]] = set()

    def find(self, name: str) -> Any:
        """What a public name stands for: ``("function", None)``, ``("value", 5)``."""
        return self._ask({"do": "find", "name": name})

    def call(self, target: Mapping[str, Any], args: Any, kwargs: Any) -> Any:
        """Call a function, or a method of an object."""
        packed = [self._pack(each) for each in args]
        named = {name: self._pack(each) for name, each in kwargs.items()}
        return self._ask({"do": "call", **target, "args": packed, "kwargs": named})

    def get(self, object: "RemoteObject", name: str) -> Any:
        """Read an attribute of an object."""
        known = (object.of, name)
        if known not in self._methods:
            value = self._ask({"do": "get", "object": object.number, "name": name})
            if value is not METHOD:
                return value
            self._methods.add(known)
        return RemoteMethod(object, name)

    def set(self, object: "RemoteObject", name: str, value: object) -> None:
        """Set an attribute of an object."""
        asked = {"do": "set", "object": object.number, "name": name, "value": self._pack(value)}
        self._ask(asked)

    def forget(self, number: int) -> None:
        """The judge has no use for an object any more; it is told later."""
        self._objects -= 1
        self._dropped.append(number)

    def close(self) -> None:
        """End the process."""
        self._channel.close()

    async def wait(self, number: int) -> Any:
        """Await an object."""
        loop = asyncio.get_running_loop()
        request = self._send({"do": "await", "object": number})
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting[request] = future
        if len(self._waiting) == 1:
            loop.add_reader(self._channel.pipe.fileno(), self._readable)
        try:
            answer = await future
        except asyncio.CancelledError:
            self._open.discard(self._send({"do": "cancel", "request": request}))
            raise
        finally:
            self._waiting.pop(request, None)
            self._open.discard(request)
            if not self._waiting:
                loop.remove_reader(self._channel.pipe.fileno())
        return self._result(answer)

    # The pipe.

    def _ask(self, asked: dict[str, Any]) -> Any:
        if len(self._dropped) > 64:
            dropped, self._dropped = self._dropped, []
            self._ask({"do": "drop", "objects": dropped})
        request = self._send(asked)
        while request not in self._early:
            self._receive()
        while self._channel.has_line():  # came with the answer, and no event loop would hear of it
            self._receive()
        return self._result(self._early.pop(request))

    def _send(self, asked: dict[str, Any]) -> int:
        self._last += 1
        try:
            self._channel.write(msgspec.json.encode({"id": self._last, **asked}) + b"\n")
        except Silent as error:
            raise _silent(error) from None
        self._open.add(self._last)
        return self._last

    def _receive(self) -> None:
        try:
            answer = _ANSWER.decode(self._channel.read())
        except Silent as error:
            raise _silent(error) from None
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise CallFailure("the process of the lab's code wrote what is no answer") from None
        if answer.id not in self._open:  # nobody has asked, or it was answered already
            return
        self._open.discard(answer.id)
        future = self._waiting.get(answer.id)
        if future is None:
            self._early[answer.id] = answer
        elif not future.done():
            future.set_result(answer)

    def _readable(self) -> None:
        try:
            self._receive()
            while self._channel.has_line():
                self._receive()
        except CallFailure as error:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(error)

    def _result(self, answer: Answer) -> Any:
        if answer.error is not None:
            raise self._error(answer.error)
        try:
            value = self._values.unpack(msgspec.json.decode(answer.value))
            self._hashes.add(value)  # a suite may make a set of what it is told one by one
            return value
        except (Unfit, RemoteProtocolError) as error:
            raise CallFailure(f"the lab's code returned {error}") from None
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise CallFailure("the process of the lab's code wrote what is no answer") from None

    def _pack(self, value: object) -> Any:
        return self._values.pack(value)

    def _give(self, value: object) -> dict[str, Any]:
        match value:
            case RemoteObject():
                return {"object": value.number}
            case RemoteName():
                return {"name": value.name}
        raise Unfit(f"{value!r} cannot be given to the lab's code: give plain values and records")

    def _take(self, plain: dict[str, Any]) -> Any:
        match plain:
            case {"object": int(number), "of": str(of)}:
                if self._objects >= MOST_OBJECTS:
                    raise Unfit(f"more than {MOST_OBJECTS:,} objects")
                self._objects += 1
                return RemoteObject(self, number, of)
            case {"method": True}:
                return METHOD
            case {"is": "value", "value": value}:
                return ("value", self._values.unpack(value))
            case {"is": "class" | "function" as kind}:
                return (kind, None)
        raise Unfit(f"plain data that stands for nothing: {str(plain)[:80]}")


def _silent(error: Silent) -> CallFailure:
    return CallFailure(f"the process of the lab's code: {error}", error.verdict)


_ANSWER = msgspec.json.Decoder(Answer)


def as_declared(name: str, result: Any, declared: Any) -> Any:
    """The result. Raises: CallFailure, if it is not of the type that the lab declares."""
    if text := problem(result, declared):
        raise CallFailure(f"{name}() returned {text}")
    return result


METHOD = object()
"""Told instead of a value: the name is that of a method."""


class RemoteName:
    """A public function or class of the lab: called, it is called in the student's process.

    Args:
        calls: gives the process of the present test.
        name: the public name.
        reference: the judge's own, for what kind of result it has.
    """

    def __init__(self, calls: Callable[[], Calls], name: str, reference: Any) -> None:
        self._calls = calls
        self.name = name
        self.__name__ = name
        self.__doc__ = reference.__doc__
        self._declared = Any if isinstance(reference, type) else return_type(reference)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = self._calls().call({"name": self.name}, args, kwargs)
        return as_declared(self.name, result, self._declared)

    def __repr__(self) -> str:
        return f"<judged {self.name}>"


class RemoteMethod:
    """A method of an object, bound to it."""

    def __init__(self, object: "RemoteObject", name: str) -> None:
        self._object = object
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = self._object._method(self._name, *args, **kwargs)
        calls: Calls = self._object.calls
        declared = calls.declared(self._object.of, self._name)
        return as_declared(self._name, result, declared)


class RemoteObject:
    """An object in the student's process.

    Args:
        calls: the process.
        number: its name there.
        of: the name of its class, for people.
    """

    def __init__(self, calls: Calls, number: int, of: str) -> None:
        self.__dict__.update(calls=calls, number=number, of=of)
        weakref.finalize(self, calls.forget, number).atexit = False

    def _method(self, name: str, *args: Any, **kwargs: Any) -> Any:
        calls: Calls = self.calls
        return calls.call({"object": self.number, "name": name}, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        calls: Calls = self.calls
        return calls.get(self, name)

    def __setattr__(self, name: str, value: object) -> None:
        self.calls.set(self, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.calls.call({"object": self.number}, args, kwargs)

    def __iter__(self) -> Iterator[Any]:
        return RemoteIterator(self._method("__iter__"))

    def __next__(self) -> Any:
        return self._method("__next__")

    def __len__(self) -> int:
        try:
            return int(self._method("__len__"))
        except AttributeError:
            raise TypeError(f"{self!r} has no length") from None

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, key: object) -> Any:
        return self._method("__getitem__", key)

    def __contains__(self, key: object) -> bool:
        return self._method("__contains__", key) is True

    def __await__(self) -> Generator[Any, None, Any]:
        return self.calls.wait(self.number).__await__()  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"<{self.of} of the lab's code>"


class RemoteIterator:
    """Steps through an iterator in the student's process."""

    def __init__(self, iterator: Any) -> None:
        self._iterator = iterator

    def __iter__(self) -> "RemoteIterator":
        return self

    def __next__(self) -> Any:
        return next(self._iterator)
