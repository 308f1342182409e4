"""Histories from elsewhere: our own JSON Lines, Jepsen's log lines, EDN maps.

All three have one line for each invocation and one for each return::

    {"op": 0, "type": "invoke", "process": "c1", "f": "read", "key": null, "value": null, "time": 5}
    INFO  jepsen.util - 0	:invoke	:read	nil
    {:process 0, :type :invoke, :f :append, :key "0", :value "x 0 0 y"}

Jepsen's types are ``:ok``, ``:fail`` (certainly did not happen) and ``:info`` (unknown). In log
lines and EDN maps the order of the lines is the order of events, whatever times they carry. A
``cas`` is called ``compare-and-set`` here. If it failed and repeats its pair without an error, the
object itself said no: that is the outcome ``Ok(False)``, which says more than ``Failed``: at that
moment the value was another one. Lines of a process that is no client (``:nemesis``) are skipped.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from common.check import edn
from common.values.errors import BadInput
from common.values.history import QUESTIONS, Failed, History, Ok, Operation, Outcome, Unknown

_TYPES = ("invoke", "ok", "fail", "info")
_NAMES = {"cas": "compare-and-set"}
_LOG_LINE = re.compile(
    r"(?:.*\s)?INFO\s.*?jepsen\.\w+(?:\s+-|:)?\s+(?P<process>:?\w+)\s+:(?P<type>\w+)\s+"
    r":(?P<function>[\w-]+)(?P<value>(?:\s.*)?)"
)


@dataclass(slots=True)
class _Line:
    """One line of a history: an invocation, or a return."""

    type: str
    process: str
    function: str
    key: object
    value: object
    time: int
    number: object = None
    error: str | None = None


def read_history(text: str, name: str) -> History:
    """Read a history; its first line says in which of the three forms it is.

    Args:
        text: the whole file.
        name: what to call it in errors.

    Raises:
        BadInput: a line cannot be read, or does not fit those before it; the text names the file
            and the line and says what was expected.
    """
    lines = [
        (number, line.strip())
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith(";")
    ]
    if not lines:
        raise BadInput(f"{name} holds no history: not one line")
    read = _form_of(lines[0][1])
    joined = _Joined()
    for number, line in lines:
        try:
            parsed = read(line, number)
            if parsed is not None:
                joined.add(parsed, number)
        except BadInput as error:
            cut = number == lines[-1][0] and not text.endswith("\n")
            hint = " (the file ends in the middle of this line)" if cut else ""
            raise BadInput(f"{name}:{number}: {error}{hint}") from None
    return joined.history()


class _Joined:
    """Joins returns to invocations."""

    def __init__(self) -> None:
        self._operations: list[Operation] = []
        self._open: dict[object, tuple[Operation, int]] = {}
        self._numbers: set[object] = set()

    def add(self, line: _Line, at: int) -> None:
        """Take the next line, which is number ``at`` of the file."""
        joint = ("process", line.process) if line.number is None else ("op", line.number)
        if line.type == "invoke":
            if joint in self._open:
                before = self._open[joint][1]
                what = f"process {line.process}" if line.number is None else f"op {line.number!r}"
                raise BadInput(f"{what} invokes again before its operation of line {before} ended")
            if line.number is not None:
                if line.number in self._numbers:
                    raise BadInput(f"op {line.number!r} is used for a second operation")
                self._numbers.add(line.number)
            operation = Operation(line.process, line.function, line.key, line.value, line.time)
            self._operations.append(operation)
            self._open[joint] = (operation, at)
            return
        if joint not in self._open:
            raise BadInput(f"process {line.process} ends {line.function!r} without invoking it")
        operation, before = self._open.pop(joint)
        if (line.process, line.function) != (operation.process, operation.function):
            raise BadInput(
                f"process {line.process} ends {line.function!r}, but line {before} invoked "
                f"{operation.function!r} by process {operation.process}"
            )
        if line.time < operation.invoked_at:
            raise BadInput(f"the operation ends at {line.time}, before line {before} invoked it")
        operation.returned_at = line.time
        operation.outcome = _outcome(line, operation)

    def history(self) -> History:
        """All operations, in the order of their invocations."""
        return History(sorted(self._operations, key=lambda each: each.invoked_at))


def _outcome(line: _Line, operation: Operation) -> Outcome:
    if line.type == "info":
        return Unknown(line.error or "")
    if line.type == "fail":
        own = line.number is not None
        answered = not own and line.error is None and line.value == operation.argument
        if operation.function == "compare-and-set" and answered:
            return Ok(False)
        return Failed(line.error or "")
    echoed = line.number is None and line.value == operation.argument
    updates = operation.function not in QUESTIONS | {"txn"}
    return Ok() if echoed and updates else Ok(line.value)


def _form_of(line: str) -> Callable[[str, int], _Line | None]:
    if line.startswith("{") and line[1:].lstrip().startswith('"'):
        return _json_line
    if line.startswith(("{", "#", "[")):
        return _edn_line
    return _log_line


def _json_line(line: str, number: int) -> _Line:
    del number
    try:
        parts = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not a JSON object: {error}") from None
    if not isinstance(parts, dict):
        raise BadInput(f"a JSON object is expected, not {line[:40]!r}")
    for part in ("process", "type", "f", "time"):
        if part not in parts:
            raise BadInput(f"the part {part!r} is missing: process, type, f and time are needed")
    time, op = parts["time"], parts.get("op")
    if type(time) is not int:
        raise BadInput(f"time is {time!r}: whole microseconds are expected")
    if isinstance(op, list | dict):
        raise BadInput(f"op is {op!r}: a number is expected")
    return _checked(parts, _plain(parts.get("value")), time, op)


def _edn_line(line: str, number: int) -> _Line | None:
    if line in ("[", "]"):
        return None
    parts, _ = edn.parse(line.removeprefix("["))
    if not isinstance(parts, dict):
        raise BadInput(f"a map such as {{:process 0, :type :invoke ...}} is expected, not {line!r}")
    if not isinstance(parts.get("process"), int):
        if parts.get("process") is not None:
            return None
        raise BadInput("the part :process is missing")
    return _checked(parts, parts.get("value"), number, None)


def _log_line(line: str, number: int) -> _Line | None:
    found = _LOG_LINE.fullmatch(line)
    if found is None:
        raise BadInput(
            f"{line[:60]!r} is not a line of a history: expected something like "
            "'INFO jepsen.util - 0 :invoke :read nil', or a JSON or EDN map"
        )
    if not found["process"].isdigit():
        return None
    told = found["value"].strip()
    value, _ = edn.parse(told)
    parts: dict[str, object] = {
        "process": int(found["process"]), "type": found["type"], "f": found["function"],
    }  # fmt: skip
    if found["type"] in ("fail", "info") and told.startswith(":"):
        parts["error"] = value
        value = None
    return _checked(parts, value, number, None)


def _checked(parts: dict[str, object], value: object, time: int, op: object) -> _Line:
    """A line with its type and function checked."""
    kind, function, process = parts.get("type"), parts.get("f"), parts.get("process")
    if kind not in _TYPES:
        raise BadInput(f"type is {kind!r}: one of {', '.join(_TYPES)} is expected")
    if not isinstance(function, str):
        raise BadInput(f"f is {function!r}: the name of an operation is expected")
    if isinstance(process, bool) or not isinstance(process, str | int):
        raise BadInput(f"process is {process!r}: a name or a number is expected")
    error = parts.get("error")
    return _Line(
        type=str(kind),
        process=str(process),
        function=_NAMES.get(function, function),
        key=_plain(parts.get("key")),
        value=_plain(value),
        time=time,
        number=op,
        error=None if error is None else str(error),
    )


def _plain(value: object) -> object:
    """Lists as tuples, all the way down: what a history holds does not change."""
    if isinstance(value, list | tuple):
        return tuple(_plain(part) for part in value)
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    return value
