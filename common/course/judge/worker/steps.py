"""A node behind a pipe, in Python: reads events, writes effects, by the step protocol."""

import os
from collections.abc import Callable, Mapping
from copy import deepcopy
from random import Random
from typing import Any

import msgspec

from common.codec.json_codec import JsonCodec
from common.contract.effects import Effect
from common.contract.names import full_name
from common.contract.node import Node
from common.contract.rules import check_effects
from common.contract.schema import Schema
from common.course.judge.worker.lines import (
    MAX_LINE,
    Hello,
    Problem,
    StatusLine,
    event_of,
    read_event,
    write_effects,
)
from common.course.judge.worker.modules import place_of
from common.values.errors import ContractError, RemoteProtocolError

CHUNK = 1 << 16
_text = msgspec.json.Encoder().encode


class Pipe:
    """Lines over one descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pending = b""

    def read(self) -> bytes:
        """The next line; empty at the end."""
        parts = [self._pending]
        while True:
            line, found, rest = parts[-1].partition(b"\n")
            if found:
                self._pending = rest
                return b"".join((*parts[:-1], line))
            chunk = os.read(self._descriptor, CHUNK)
            if not chunk:
                return b""
            parts.append(chunk)

    def write(self, line: bytes) -> None:
        """Write a whole line."""
        view = memoryview(line)
        while view:
            view = view[os.write(self._descriptor, view) :]


class Stepping:
    """One life of one node.

    Args:
        pipe: where the judge is.
        find: the class of a node, by its name.
        codecs: the codec that was made beforehand for the node class of this full name, if one was.
        values: reads the configuration.
    """

    def __init__(
        self,
        pipe: Pipe,
        find: Callable[[str], Any],
        codecs: Callable[[str], JsonCodec | None],
        values: Callable[[Any], Any],
    ) -> None:
        self._pipe = pipe
        self._find = find
        self._codecs = codecs
        self._values = values
        self.node: Any = None
        self.codec: JsonCodec | None = None
        self.trouble: BaseException | None = None

    def run(self) -> None:
        """Answer lines until there are no more."""
        while line := self._pipe.read():
            try:
                answer = self._answer(line)
            except Exception as error:
                answer = b'{"error":%b}\n' % _text(problem(error))
            if answer:
                self._pipe.write(answer)

    def _answer(self, line: bytes) -> bytes:
        told = read_event(line)
        if isinstance(told, Hello):
            self._meet(told)
            return b""
        if self.trouble is not None:
            raise self.trouble
        assert self.codec is not None, "a node that is met has a codec"
        if isinstance(told, StatusLine):
            status = self.node.full_status()
            plain = {name: _paired(value) for name, value in status.items()}
            named = {name: msgspec.Raw(self.codec.encode(value)) for name, value in plain.items()}
            return b'{"status":%b}\n' % _text(named)
        return self._step(told)

    def _step(self, told: Any) -> bytes:
        codec = self.codec
        assert codec is not None, "a node that is met has a codec"
        if not told.check:
            return b'{"effects":%b}\n' % self._written(self.node.step(event_of(told, codec)))
        twin = self._copy()
        one = self._written(self.node.step(event_of(told, codec)))
        other = self._written(twin.step(event_of(told, codec)))
        if one == other:
            return b'{"effects":%b}\n' % one
        return b'{"effects":%b,"again":%b}\n' % (one, other)

    def _written(self, effects: list[Effect]) -> bytes:
        assert self.codec is not None, "a node that is met has a codec"
        try:
            return write_effects(effects, self.codec)
        except ContractError:
            check_effects(self.node, effects)  # says it better where something can change
            raise

    def _copy(self) -> Any:
        try:
            return deepcopy(self.node)
        except TypeError as error:
            name = type(self.node).__name__
            raise ContractError(
                f"node {self.node.id} ({name}): its state cannot be copied ({error}): "
                "keep numbers, text, tuples, lists, dictionaries, sets and declared classes"
            ) from error

    def _meet(self, hello: Hello) -> None:
        """Be that node. What goes wrong is told when it is first asked for something."""
        try:
            kind = self._find(hello.node)
            if not (isinstance(kind, type) and issubclass(kind, Node)):
                raise ContractError(f"{hello.node} is no Node: did it lose its base class?")
            packed = msgspec.json.decode(hello.config)
            config = {name: self._values(value) for name, value in packed.items()}
            self.codec = self._codecs(full_name(kind)) or JsonCodec(
                Schema.of(kind), MAX_LINE, eager=False
            )
            self.node = kind(hello.id, tuple(hello.peers), **config)
            if hello.random is not None:
                version, state, following = hello.random
                made = Random(0)
                made.setstate((version, tuple(state), following))
                self.node._random = made
        except (Exception, SystemExit) as error:
            self.trouble = error


def problem(error: BaseException) -> Problem:
    """How a student's own error is told to the judge."""
    if isinstance(error, SyntaxError):
        return Problem(["SyntaxError"], f"{error.filename}:{error.lineno}: {error.msg}")
    try:
        text = str(error)
    except Exception:
        text = ""
    if isinstance(error, (msgspec.MsgspecError, RemoteProtocolError)) and not place_of(error):
        text = f"the worker did not understand the judge: {text}"
    names = [kind.__name__ for kind in type(error).__mro__ if kind is not object]
    return Problem(names, text[:4000], place_of(error))


def _paired(value: object) -> object:
    """A value of a status; a mapping, such as the log that a picture shows, becomes pairs, which
    can be said in a line."""
    if isinstance(value, Mapping):
        return tuple((name, _paired(held)) for name, held in value.items())
    return tuple(map(_paired, value)) if isinstance(value, list) else value
