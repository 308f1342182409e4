"""The commands of Redis clients, and of Redis servers that follow: what each one does.

A command returns the bytes of its reply, or something to wait for. Commands of one client are begun
in order, and answered in order, but the next one is begun before the last one has its answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol, TypeAlias, cast

from common.contract import NodeId
from common.runtime.resp.replies import OK, RespError, Simple, Value, encode, error
from common.runtime.resp.words import arity_problem, subcommand, text, unknown_subcommand
from common.values.history import Failed, Ok, Outcome
from stage3_partitioning.replication.front.following import Following
from stage3_partitioning.replication.front.stream import Follower, Stream, as_bytes, as_text
from stage3_partitioning.replication.fronted import (
    FULL,
    NOT_LEADER,
    Change,
    Read,
    Who,
    Write,
    Written,
)
from stage3_partitioning.replication.log import Position

VERSION = "7.0.15"
READ_ONLY = "READONLY You can't write against a read only replica."
REFUSALS = {NOT_LEADER: READ_ONLY, FULL: FULL}
"""What a client is told in Redis' words; by what the node says."""
MOST_PORT = 65535

Words: TypeAlias = list[bytes]
Reply: TypeAlias = bytes | Awaitable[bytes]


class Front(Protocol):
    """The socket of a node, as commands see it."""

    stream: Stream
    following: Following | None
    host: str
    node: NodeId

    def ask(self, operation: object) -> Awaitable[Outcome]:
        """Let the node do something; it begins at once."""

    def address(self, node: NodeId) -> tuple[str, int]:
        """Where a node's front is."""

    def follow(self, host: str, port: int) -> None:
        """Follow a real Redis."""

    def lead(self) -> None:
        """Follow no Redis any more."""


class Client(Follower, Protocol):
    """One connection, as commands see it.

    Attributes:
        version: of RESP, 2 or 3.
        port: where a Redis that follows listens itself, as it says.
        written: the position of this client's last write that is done.
    """

    version: int
    port: int
    written: Position

    @property
    def front(self) -> Front:
        """The socket behind it."""

    def address(self) -> str:
        """From where it comes."""

    def earlier(self) -> Awaitable[None]:
        """Ends when all that it has asked for up to now is answered."""


def value(client: Client, told: Value) -> bytes:
    """The bytes of a reply."""
    return encode(told, client.version)


# Keys.


def _write(client: Client, changes: Sequence[Change], told: "Value | None" = None) -> Reply:
    """Make changes; reply with what is given, or with how many of the keys were there."""
    if client.front.following is not None:
        raise RespError(READ_ONLY)
    return _written(client, client.front.ask(Write(tuple(changes))), told)


async def _written(client: Client, pending: Awaitable[Outcome], told: "Value | None") -> bytes:
    outcome = await pending
    if isinstance(outcome, Failed):
        raise RespError(REFUSALS.get(outcome.reason, f"ERR {outcome.reason}"))
    if not isinstance(outcome, Ok):
        raise RespError("ERR nobody can tell whether it was written: another member may lead")
    written = cast(Written, outcome.value)
    client.written = written.position
    return value(client, written.there if told is None else told)


def _set(client: Client, words: Words) -> Reply:
    if len(words) > 3:
        raise RespError("ERR syntax error: the keys of this store have no options")
    return _write(client, [Change(as_text(words[1]), as_text(words[2]))], Simple("OK"))


def _mset(client: Client, words: Words) -> Reply:
    if len(words) % 2 == 0:
        raise RespError(arity_problem("mset"))
    pairs = zip(words[1::2], words[2::2], strict=True)
    changes = [Change(as_text(key), as_text(word)) for key, word in pairs]
    return _write(client, changes, Simple("OK"))


def _delete(client: Client, words: Words) -> Reply:
    return _write(client, [Change(as_text(key), None) for key in dict.fromkeys(words[1:])])


def _read(client: Client, words: Words, tell: Callable[[list[bytes | None]], Value]) -> Reply:
    """Read keys, and reply with what ``tell`` makes of their values."""
    return _been_read(client, client.front.ask(Read(tuple(map(as_text, words[1:])))), tell)


async def _been_read(
    client: Client, pending: Awaitable[Outcome], tell: Callable[[list[bytes | None]], Value]
) -> bytes:
    outcome = await pending
    assert isinstance(outcome, Ok), "a node answers its front"
    found = cast(tuple[str | None, ...], outcome.value)
    return value(client, tell([None if each is None else as_bytes(each) for each in found]))


def _get(client: Client, words: Words) -> Reply:
    return _read(client, words, lambda found: found[0])


def _mget(client: Client, words: Words) -> Reply:
    return _read(client, words, lambda found: found)


def _exists(client: Client, words: Words) -> Reply:
    return _read(client, words, lambda found: sum(each is not None for each in found))


# Followers.


def _replconf(client: Client, words: Words) -> Reply:
    """A Redis that follows says who it is, or what it has. Each option has one argument."""
    if len(words) % 2 == 0:
        raise RespError("ERR syntax error")
    for option, given in zip(words[1::2], words[2::2], strict=True):
        name = option.lower()
        if name in (b"ack", b"listening-port") and not given.isdigit():
            raise RespError("ERR value is not an integer or out of range")
        if name == b"ack":
            client.front.stream.acknowledged(client, int(given))
            return b""  # nobody waits for a reply
        if name == b"listening-port":
            client.port = min(int(given), MOST_PORT)
        elif name not in (b"ip-address", b"capa", b"getack", b"rdb-only", b"rdb-filter-only"):
            raise RespError(f"ERR Unrecognized REPLCONF option: {text(option)}")
    return OK


def _psync(client: Client, words: Words) -> Reply:
    """Follow this stream from a byte on; a number that is none is one of no stream."""
    plain = words[2].removeprefix(b"-")
    if not plain.isdigit() or len(plain) > 20:
        raise RespError("ERR value is not an integer or out of range")
    client.front.stream.welcome(client, text(words[1]), int(words[2]))
    return b""


def _wait(client: Client, words: Words) -> Reply:
    """Wait until followers have what this client has written before."""
    if not words[1].isdigit() or not words[2].isdigit():
        raise RespError("ERR value is not an integer or out of range")
    return _waited(client, int(words[1]), int(words[2]) / 1000 or None, client.earlier())


async def _waited(
    client: Client, many: int, seconds: float | None, earlier: Awaitable[None]
) -> bytes:
    await earlier
    return value(client, await client.front.stream.wait_for(many, client.written, seconds))


async def _replicaof(client: Client, words: Words) -> bytes:
    """Follow a real Redis; ``NO ONE`` ends that."""
    host, port = text(words[1]), words[2]
    if (host.lower(), port.lower()) == ("no", b"one"):
        client.front.lead()
        return OK
    if not port.isdigit() or not 0 < int(port) <= MOST_PORT:
        raise RespError("ERR Invalid master port")
    if (await _who(client))[0] != client.front.node:
        raise RespError("ERR only the leader of this cluster can follow a Redis: ask it")
    client.front.follow(host, int(port))
    return OK


async def _who(client: Client) -> tuple[NodeId | None, int, int]:
    outcome = await client.front.ask(Who())
    assert isinstance(outcome, Ok), "a node answers its front"
    return cast(tuple[NodeId | None, int, int], outcome.value)


def _followers(client: Client) -> list[Client]:
    return [cast(Client, each) for each in client.front.stream.followers]


async def _role(client: Client, _: Words) -> bytes:
    leader, _epoch, _offset = await _who(client)
    stream, following = client.front.stream, client.front.following
    if following is not None:
        state = "connected" if following.up else "connect"
        return value(client, ["slave", following.host, following.port, state, following.offset])
    if leader != client.front.node:
        host, port = client.front.address(leader) if leader else ("", 0)
        return value(client, ["slave", host, port, "connected", stream.offset])
    told = [[each.address(), str(each.port), str(each.acknowledged)] for each in _followers(client)]
    return value(client, ["master", stream.offset, told])


async def _info(client: Client, _: Words) -> bytes:
    leader, epoch, offset = await _who(client)
    stream, following = client.front.stream, client.front.following
    leads = leader == client.front.node and following is None
    lines = ["# Server", f"redis_version:{VERSION}", f"node:{client.front.node}", "# Replication"]
    lines += [f"role:{'master' if leads else 'slave'}", f"epoch:{epoch}", f"log_offset:{offset}"]
    if following is not None:
        lines += [f"master_host:{following.host}", f"master_port:{following.port}"]
        lines += [f"master_link_status:{'up' if following.up else 'down'}"]
        lines += [f"slave_repl_offset:{following.offset}", f"master_link_problem:{following.why}"]
    lines += [f"connected_slaves:{len(stream.followers)}"]
    for number, each in enumerate(_followers(client)):
        state = "online" if each.online else "wait_bgsave"
        lag = stream.offset - each.acknowledged
        lines.append(
            f"slave{number}:ip={each.address()},port={each.port},state={state},"
            f"offset={each.acknowledged},lag_bytes={lag}"
        )
    lines += [f"master_replid:{stream.id}", f"master_repl_offset:{stream.offset}"]
    return value(client, "".join(f"{line}\r\n" for line in lines))


# The connection.


def _ping(client: Client, words: Words) -> Reply:
    return value(client, words[1] if len(words) > 1 else Simple("PONG"))


def _echo(client: Client, words: Words) -> Reply:
    return value(client, words[1])


def _select(_: Client, words: Words) -> Reply:
    if words[1] != b"0":
        raise RespError("ERR DB index is out of range")
    return OK


def _hello(client: Client, words: Words) -> Reply:
    if len(words) > 1:
        if words[1] not in (b"2", b"3"):
            raise RespError("NOPROTO unsupported protocol version")
        client.version = int(words[1])
    told: dict[str, Value] = {"server": "redis", "version": VERSION, "proto": client.version}
    return value(client, {**told, "mode": "standalone", "role": "master", "modules": []})


def _client(client: Client, words: Words) -> Reply:
    match subcommand(words):
        case ["setname" | "setinfo", *_]:
            return OK
        case ["getname"]:
            return value(client, None)
    raise RespError(unknown_subcommand(words))


def _nothing(client: Client, _: Words) -> Reply:
    return value(client, [])


Command: TypeAlias = Callable[[Client, Words], Reply]
COMMANDS: dict[str, tuple[int, Command]] = {
    "get": (2, _get),
    "set": (-3, _set),
    "mget": (-2, _mget),
    "mset": (-3, _mset),
    "del": (-2, _delete),
    "unlink": (-2, _delete),
    "exists": (-2, _exists),
    "replconf": (-1, _replconf),
    "psync": (3, _psync),
    "wait": (3, _wait),
    "replicaof": (3, _replicaof),
    "slaveof": (3, _replicaof),
    "role": (1, _role),
    "info": (-1, _info),
    "ping": (-1, _ping),
    "echo": (2, _echo),
    "select": (2, _select),
    "hello": (-1, _hello),
    "client": (-2, _client),
    "command": (-1, _nothing),
    "config": (-2, _nothing),
}
"""By name: how many words, the name included (at least so many if it is negative), and what it
does."""


def begin(client: Client, words: Words) -> Reply:
    """Begin a command; what is wrong with it is its reply.

    Who follows says REPLCONF, and gets no reply: the stream has none in it.
    """
    name = text(words[0]).lower()
    if client in client.front.stream.followers:
        if name == "replconf":
            with suppress(RespError):
                _replconf(client, words)
        return b""
    arity, command = COMMANDS.get(name, (0, _nothing))
    if not arity:
        return error(f"ERR unknown command '{name[:128]}'")
    if len(words) != arity if arity > 0 else len(words) < -arity:
        return error(arity_problem(name))
    try:
        reply = command(client, words)
    except RespError as refusal:
        return error(str(refusal))
    return reply if isinstance(reply, bytes) else asyncio.ensure_future(_checked(reply))


async def _checked(reply: Awaitable[bytes]) -> bytes:
    try:
        return await reply
    except RespError as refusal:
        return error(str(refusal))
