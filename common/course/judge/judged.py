"""A lab under test whose code runs behind pipes: what ``--judged`` puts in the place of the lab.

The suite, the simulator and the checkers run here, on the judge's own messages and records. Node
classes, functions and other classes of the lab are stand-ins for those in the sandbox.
"""

import enum
import functools
import gc
import os
import socket
import sys
import weakref
from collections.abc import Callable
from dataclasses import is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from common.codec.json_codec import JsonCodec
from common.contract.kinds import kind_of
from common.contract.names import full_name
from common.contract.node import Node
from common.contract.schema import Schema
from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.judge import core
from common.course.judge.calls import Calls, RemoteName
from common.course.judge.channel import Channel, Together
from common.course.judge.declared import return_type
from common.course.judge.errors import raised, registered
from common.course.judge.nodes import NodeKind, RemoteNode
from common.course.judge.nursery import Ended, Nursery
from common.course.judge.other_language import spawn_run
from common.course.judge.submission import gather, plain
from common.course.judge.worker.lines import MAX_LINE, Problem
from common.course.judge.worker.values import Unfit, Values
from common.course.suites.under_test import LabUnderTest, MissingName, Within
from common.values.errors import ContractError

MOST_NODES = 64
"""When so many nodes live, those of simulations that nobody holds any more are let go."""

OURS = ("common.values.", "common.contract.")


class JudgedLab(LabUnderTest):
    """The lab's public names, answered for by sandboxed processes.

    Args:
        course: the course.
        lab: the lab's manifest entry.
        modules: the references of its files; their messages and records are the judge's.
        trace: where to write the trace of each simulation, or None.
        workspace: the student's folder; None to judge the references.
        unsafe: run without a sandbox where none is to be had.

    Raises:
        MissingTool: no sandbox is to be had here.
        BadInput: the workspace cannot be used.
    """

    def __init__(
        self,
        course: Course,
        lab: Lab,
        modules: list[ModuleType],
        trace: Path | None,
        workspace: Path | None,
        unsafe: bool,
    ) -> None:
        super().__init__(lab, modules, trace)
        self._cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
        core.take_one()
        self._submission = gather(course, lab, workspace)
        self._unsafe = unsafe
        self._errors = registered(modules)
        self._known = _records(set(self._submission.sources), self._submission.holed)
        self._program = lab.kind == "program"
        self._written = Together()
        self._sandbox: Nursery | None = None
        self._unusable = ""
        self._calls: Calls | None = None
        self._nodes: weakref.WeakSet[RemoteNode] = weakref.WeakSet()
        self._values = Values(self._known, _by_name, _nothing)
        self._stand_ins: dict[str, Any] = {}
        self._types: dict[tuple[str, str], Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._stand_ins:
            found = self._find(name)
            if isinstance(found, Within):
                return found
            value, lasting = self._stand_in(name, found)
            if not lasting:
                return value
            self._stand_ins[name] = value
        return self._stand_ins[name]

    def _stand_in(self, name: str, reference: Any) -> tuple[Any, bool]:
        """What stands for a public name, and whether it does so in other tests too."""
        if isinstance(reference, type):
            if issubclass(reference, Node):
                return self._node_kind(name, reference), True
            if issubclass(reference, BaseException) or reference in self._known.values():
                return reference, True
            return RemoteName(self._present_calls, name, reference), True
        if callable(reference):
            return RemoteName(self._present_calls, name, reference), True
        if self._is_plain(reference):
            return reference, True  # a constant is the lab's, not the student's to change
        _, value = self._present_calls().find(name)
        return value, False

    def _is_plain(self, value: object) -> bool:
        """Whether it is a number, a text, or made of such: nothing that could act."""
        try:
            self._values.pack(value)
        except (ContractError, Unfit):
            return False
        return True

    def _node_kind(self, name: str, reference: type[Node]) -> NodeKind:
        codec = JsonCodec(Schema.of(reference), MAX_LINE)
        return NodeKind(
            name,
            self.manifest.id,
            reference,
            codec,
            self._spawn,
            self._values.pack,
            self._error,
            self._nodes.add,
            twice=self._submission.run is None,
        )

    def _spawn(self) -> tuple[Channel, Callable[[], None]]:
        if self._submission.run is not None:
            return spawn_run(self._submission.run, self._unsafe, self._written)
        sandbox = self._present_sandbox()
        child, channel = sandbox.node()
        return channel, functools.partial(sandbox.bury, child)

    def simulation(self, *args: Any, **options: Any) -> Any:
        """As for any lab; see :meth:`LabUnderTest.simulation`."""
        if len(self._nodes) > MOST_NODES:
            gc.collect()
        return super().simulation(*args, **options)

    # Processes.

    def _present_sandbox(self) -> Nursery:
        if self._sandbox is None:
            setup = plain(self._submission)
            setup["known"] = list(self._known)
            setup["guarded"] = all(file.kind != "program" for file in self.manifest.files)
            setup["schemas"] = self._schemas()
            self._sandbox = self._start(setup)
        return self._sandbox

    def _start(self, setup: dict[str, Any]) -> Nursery:
        """Start a sandbox; one that could not be prepared is not tried again for each test."""
        if self._unusable:
            raise Ended(self._unusable)
        try:
            return Nursery(setup, self._unsafe, self._written)
        except Ended as error:
            self._unusable = str(error)
            raise

    def _schemas(self) -> dict[str, list[str]]:
        """By the full name of a node class, the classes of its messages."""
        found: dict[str, list[str]] = {}
        for module in self._modules:
            for value in vars(module).values():
                if isinstance(value, type) and issubclass(value, Node) and value is not Node:
                    schema = Schema.of(value)
                    kinds = [*schema.kinds.values(), *schema.enums.values()]
                    names = [f"{kind.__module__}:{kind.__qualname__}" for kind in kinds]
                    found[full_name(value)] = names
        return found

    def _present_calls(self) -> Calls:
        if self._submission.run is not None:
            raise MissingName(
                f"this test of lab {self.manifest.id} calls functions of the lab in Python: "
                "a run script answers for nodes only"
            )
        if self._calls is None:
            role = "program" if self._program else "objects"
            _, channel = self._present_sandbox().fork(role)
            self._calls = Calls(channel, self._known, self._error, self._declared)
        return self._calls

    def _declared(self, kind: str, method: str) -> Any:
        """What a method of one of the lab's classes declares to return."""
        if (kind, method) not in self._types:
            classes = [vars(module).get(kind) for module in self._modules]
            found = next((each for each in classes if each is not None), None)
            self._types[kind, method] = return_type(getattr(found, method, None))
        return self._types[kind, method]

    def _error(self, problem: Problem) -> BaseException:
        if problem.kinds[:1] == ["AttributeError"] and problem.text.endswith("was it renamed?"):
            return MissingName(f"lab {self.manifest.id}: {problem.text}")
        return raised(problem, self._errors)

    def look_into(self, name: str) -> Any:
        """A node class whose nodes live among the objects of the present test."""
        return RemoteName(self._present_calls, name, self._find(name))

    def connect(self, address: tuple[str, int]) -> socket.socket:
        """A connection to a program of the lab, in its own network."""
        return self._present_sandbox().connect(*address)

    def listen(self) -> socket.socket:
        """A socket to which programs of the lab can connect, in their own network."""
        return self._present_sandbox().listen()

    def end_test(self) -> None:
        """End the processes of one test: the next one finds nothing of it."""
        super().end_test()
        for node in list(self._nodes):
            node.close()
        self._nodes.clear()
        if self._calls is not None:
            self._calls.close()
            self._calls = None
        self._written.clear()
        if self._program:
            self._end_sandbox()

    def close(self) -> None:
        """The suite is over: end the sandbox."""
        self._end_sandbox()
        core.give_back(self._cores)

    def _end_sandbox(self) -> None:
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None


def _records(modules: set[str], holed: set[str]) -> dict[str, type]:
    """The classes whose values cross as values: records and enums without a hole in them."""
    found: dict[str, type] = {}
    for module in list(sys.modules.values()):
        name = getattr(module, "__name__", "")
        if name not in modules and not name.startswith(OURS):
            continue
        for value in list(vars(module).values()):
            own = isinstance(value, type) and value.__module__ == name
            if own and f"{name}:{value.__name__}" not in holed:
                ours = name.startswith(OURS) and is_dataclass(value)
                if kind_of(value) or issubclass(value, enum.Enum) or _is_frozen(value) or ours:
                    found[f"{name}:{value.__qualname__}"] = value
    return found


def _is_frozen(kind: type) -> bool:
    parameters = getattr(kind, "__dataclass_params__", None)
    return is_dataclass(kind) and bool(getattr(parameters, "frozen", False))


def _by_name(value: object) -> dict[str, Any]:
    """What a node's configuration may hold beside plain values: names of the lab."""
    if isinstance(value, NodeKind):
        return {"name": value.__name__}
    if isinstance(value, RemoteName):
        return {"name": value.name}
    raise ContractError(
        f"{value!r} cannot cross to a node in a process of its own: configure it with plain values"
    )


def _nothing(plain: dict[str, Any]) -> object:
    raise Unfit(f"plain data that stands for nothing: {str(plain)[:80]}")
