"""What the launcher and a node process say to each other: JSON lines over stdin and stdout."""

from typing import Any, TypeAlias

import msgspec

from common.contract.events import NodeId
from common.values.errors import RemoteProtocolError

MAX_LINE_BYTES = 1024 * 1024


class Begin(msgspec.Struct, tag="begin", tag_field="do", frozen=True):
    """Start the node. ``book`` has everyone's address, ``faults`` what is wrong by now."""

    book: dict[NodeId, tuple[str, int]]
    faults: list[dict[str, Any]]


class Know(msgspec.Struct, tag="know", tag_field="do", frozen=True):
    """Somebody has a new address."""

    book: dict[NodeId, tuple[str, int]]


class Trust(msgspec.Struct, tag="trust", tag_field="do", frozen=True):
    """Public keys of nodes that have joined, in hexadecimal, where nodes sign."""

    keys: dict[NodeId, str]


class DoFault(msgspec.Struct, tag="fault", tag_field="do", frozen=True):
    """A fault happens now; written as in a schedule file."""

    fault: dict[str, Any]


class AskStatus(msgspec.Struct, tag="status", tag_field="do", frozen=True):
    """How is it? ``id`` comes back with the answer."""

    id: int


class DoInvoke(msgspec.Struct, tag="invoke", tag_field="do", frozen=True):
    """Let an operation happen to the node; it is a JSON document of its own (see JsonCodec)."""

    call: int
    operation: str


class Stop(msgspec.Struct, tag="stop", tag_field="do", frozen=True):
    """End in good order."""


Command: TypeAlias = Begin | Know | Trust | DoFault | AskStatus | DoInvoke | Stop


class Ready(msgspec.Struct, tag="ready", tag_field="event", frozen=True):
    """The process listens on ``port`` and waits for :class:`Begin`."""

    port: int


class Status(msgspec.Struct, tag="status", tag_field="event", frozen=True):
    """The answer to :class:`AskStatus`.

    Attributes:
        id: of the question.
        fields: what the node's ``status()`` says.
        counters: steps, messages, frames, flushes since the process started.
        queues: frames that wait, by peer, where any do.
    """

    id: int
    fields: dict[str, Any]
    counters: dict[str, int]
    queues: dict[NodeId, int]


class Returned(msgspec.Struct, tag="returned", tag_field="event", frozen=True):
    """An operation ended; the outcome is a JSON document of its own (see JsonCodec)."""

    call: int
    outcome: str


class Error(msgspec.Struct, tag="error", tag_field="event", frozen=True):
    """The process ends because of this, said in one sentence."""

    sentence: str


Report: TypeAlias = Ready | Status | Returned | Error

_encoder = msgspec.json.Encoder()
_commands = msgspec.json.Decoder(Command)
_reports = msgspec.json.Decoder(Report)


def to_line(spoken: Command | Report) -> bytes:
    """The line that says it, line end included."""
    return _encoder.encode(spoken) + b"\n"


def read_command(line: bytes) -> Command:
    """What the launcher said.

    Raises:
        RemoteProtocolError: the line is no command.
    """
    try:
        command: Command = _commands.decode(line)
        return command
    except msgspec.DecodeError as error:
        raise RemoteProtocolError(f"{line[:80]!r} is no command: {error}") from None


def read_report(line: bytes) -> Report:
    """What a node process said.

    Raises:
        RemoteProtocolError: the line is no report.
    """
    try:
        report: Report = _reports.decode(line)
        return report
    except msgspec.DecodeError as error:
        raise RemoteProtocolError(f"{line[:80]!r} is no report: {error}") from None
