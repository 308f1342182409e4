"""Reading a trace file, checked line by line against the format."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from common.trace.format import KINDS, SCHEMA, WORLD_KINDS, Event, Meta, Trace
from common.values.errors import BadInput

MAX_LINE = 4 * 1024 * 1024
"""Characters of one line; a longer one belongs to no trace of ours."""


def read(path: Path, *, torn_ok: bool = False) -> Trace:
    """Read a whole trace file.

    Args:
        path: the file.
        torn_ok: leave out a last line that is incomplete, as a process that was killed leaves it.

    Raises:
        BadInput: the file cannot be read, is no trace, or is damaged; the text names the line.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise BadInput(f"the trace {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not a trace: byte {error.start} is not UTF-8 text") from None
    return parse(text, str(path), torn_ok=torn_ok)


def parse(text: str, name: str = "the trace", *, torn_ok: bool = False) -> Trace:
    """Read a trace from the text of its file; ``name`` stands in for the file in errors.

    Raises:
        BadInput: as :func:`read`.
    """
    torn = not text.endswith("\n")
    lines = text.split("\n")
    if not torn or (torn_ok and len(lines) > 1):
        lines.pop()
    if not lines or not lines[0]:
        raise BadInput(f"{name} is empty: it should begin with the header of a trace")
    meta = _meta(lines[0], f"{name}:1")
    trace = Trace(meta)
    for number, line in enumerate(lines[1:], 2):
        trace.events.append(_event(line, f"{name}:{number}", last=number == len(lines)))
    return trace


def _load(line: str, where: str) -> dict[str, Any] | None:
    if len(line) > MAX_LINE:
        raise BadInput(f"{where}: the line is {len(line)} characters long: this is not a trace")
    try:
        loaded = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return loaded if isinstance(loaded, dict) else None


def _meta(line: str, where: str) -> Meta:
    plain = _load(line, where)
    if plain is None or plain.get("kind") != "meta":
        raise BadInput(f'{where}: not a trace: its first line should be {{"kind":"meta",...}}')
    if plain.get("schema") != SCHEMA:
        raise BadInput(
            f"{where}: the trace has schema {plain.get('schema')!r}, and this version reads only "
            f"{SCHEMA}: use the version of the course that wrote it, or record it again"
        )
    for name, kinds in (("lab", (str,)), ("world", (str,)), ("started", (str, type(None)))):
        if not isinstance(plain.get(name), kinds):
            raise BadInput(f"{where}: the header's {name!r} is {plain.get(name)!r}, not text")
    for name in ("nodes", "clients"):
        if not _texts(plain.get(name)):
            raise BadInput(f"{where}: the header's {name!r} is not a list of names")
    seed = plain.get("seed")
    if isinstance(seed, bool) or not isinstance(seed, int | str | None):
        raise BadInput(f"{where}: the header's 'seed' is {seed!r}, not a number or text")
    return Meta(
        plain["lab"],
        tuple(plain["nodes"]),
        tuple(plain["clients"]),
        seed,
        plain["world"],
        plain.get("started"),
    )


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _event(line: str, where: str, *, last: bool) -> Event:
    event = _load(line, where)
    if event is None:
        why = "the file is cut in the middle of its last line" if last else "not a JSON object"
        raise BadInput(f"{where}: {why}: {line[:40]!r}")
    t, node, kind = event.get("t"), event.get("node"), event.get("kind")
    if type(t) is not int or t < 0:
        raise BadInput(f"{where}: 't' is {t!r}, not a whole number of microseconds")
    if not isinstance(node, str | None):
        raise BadInput(f"{where}: 'node' is {node!r}, not a name")
    wanted = KINDS.get(kind) if isinstance(kind, str) else None
    if wanted is None:
        raise BadInput(f"{where}: {kind!r} is no kind of event")
    if node is None and kind not in WORLD_KINDS and kind != "verdict":
        raise BadInput(f"{where}: a {kind} happens at a node, and 'node' is missing")
    for name, kinds in wanted.items():
        value = event.get(name, ...)
        if value is ... or not isinstance(value, kinds) or (int in kinds and value is True):
            found = "is missing" if value is ... else f"is {value!r}"
            raise BadInput(f"{where}: the field {name!r} of a {kind} {found}")
    _check_tail(event, where)
    return event


def _check_tail(event: Event, where: str) -> None:
    if event["kind"] == "verdict":
        calls, at = event.get("calls", []), event.get("at", 0)
        if not isinstance(calls, list) or not all(type(call) is int for call in calls):
            raise BadInput(f"{where}: 'calls' is {calls!r}, not a list of numbers of operations")
        if type(at) is not int:
            raise BadInput(f"{where}: 'at' is {at!r}, not a whole number of microseconds")
    if not isinstance(event.get("state", {}), dict):
        raise BadInput(f"{where}: 'state' is {event['state']!r}, not an object")
    clock = event.get("clock", {})
    if not isinstance(clock, dict) or not all(type(count) is int for count in clock.values()):
        raise BadInput(f"{where}: 'clock' is {clock!r}, not an object of whole numbers")


def read_all(paths: Iterable[Path], *, torn_ok: bool = False) -> list[Trace]:
    """Read several trace files, in the order given (see :func:`common.trace.merge.merge`).

    Args:
        paths: the files.
        torn_ok: as for :func:`read`. A file without a whole line is left out then: its process was
            killed before it had anything to tell.

    Raises:
        BadInput: as :func:`read`.
    """
    return [read(path, torn_ok=torn_ok) for path in paths if not torn_ok or _has_begun(path)]


def _has_begun(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.readline().endswith(b"\n")
    except OSError:
        return True  # reading it says what is wrong
