"""Commands about the connection, the server and its keys as a whole."""

import time
from collections.abc import Callable
from typing import Any

from common.runtime.resp.replies import OK, RespError, Simple, Value, Verbatim
from common.runtime.resp.words import arity_problem, subcommand, text, unknown_subcommand
from stage3_partitioning.kv.front.client import Client
from stage3_partitioning.kv.front.cluster import cluster
from stage3_partitioning.kv.front.options import SYNTAX, glob, integer, read_scan
from stage3_partitioning.kv.front.table import TABLE
from stage3_partitioning.kv.messages import Flush, Kind, Scan, Size
from stage3_partitioning.kv.store import as_integer

VERSION = "7.0.15"
"""The Redis whose words and texts are followed."""

FLUSH_AT_ONCE = 10_000
"""So many keys are deleted in one step of the node; others get their turn between two."""

KINDS: dict[bytes | None, Kind] = {None: "any", b"string": "text", b"list": "list"}
"""By type, as Redis calls it, what SCAN is to name."""

CLIENT_TYPES = ("normal", "master", "slave", "replica", "pubsub")

Words = list[bytes]


def unknown_command(words: Words) -> str:
    """The error for a command that is not there, in Redis' words."""
    told = ""
    for word in words[1:]:
        if len(told) >= 128:
            break
        told += f"'{_until_zero(word)[: 128 - len(told)]}' "
    name = _until_zero(words[0])[:128]
    return f"ERR unknown command '{name}', with args beginning with: {told}"


def _until_zero(word: bytes) -> str:
    """As C prints it: to Redis a zero byte ends a text."""
    return text(word.partition(b"\0")[0])


# The connection.


def _ping(client: Client, words: Words) -> None:
    if len(words) > 2:
        raise RespError(arity_problem("ping"))
    client.value(words[1] if len(words) == 2 else Simple("PONG"))


def _echo(client: Client, words: Words) -> None:
    client.value(words[1])


def _quit(client: Client, _: Words) -> None:
    client.reply(OK)
    client.end()


def _reset(client: Client, _: Words) -> None:
    client.version, client.name, client.transaction = 2, "", None
    client.watched = {}
    client.value(Simple("RESET"))


def _select(client: Client, words: Words) -> None:
    if integer(words[1]) != 0:
        raise RespError("ERR SELECT is not allowed in cluster mode")
    client.reply(OK)


def _auth(client: Client, words: Words) -> None:
    if len(words) == 2:
        raise RespError(
            "ERR AUTH <password> called without any password configured for the default user. "
            "Are you sure your configuration is correct?"
        )
    if len(words) > 3:
        raise RespError(SYNTAX)
    _check_user(words[1])
    client.reply(OK)


def _check_user(name: bytes) -> None:
    """The one user is called default, and needs no password, whatever is given."""
    if name != b"default":
        raise RespError("WRONGPASS invalid username-password pair or user is disabled.")


def _asking(client: Client, _: Words) -> None:
    client.asking = True
    client.reply(OK)


def _hello(client: Client, words: Words) -> None:
    version, name = client.version, client.name
    if len(words) > 1:
        try:
            version = integer(words[1])
        except RespError:
            raise RespError("ERR Protocol version is not an integer or out of range") from None
        if version not in (2, 3):
            raise RespError("NOPROTO unsupported protocol version")
    rest = words[2:]
    while rest:
        option = rest[0].upper()
        if option == b"AUTH" and len(rest) >= 3:
            _check_user(rest[1])
            rest = rest[3:]
        elif option == b"SETNAME" and len(rest) >= 2:
            name = _client_name(rest[1])
            rest = rest[2:]
        else:
            raise RespError(f"ERR Syntax error in HELLO option '{text(rest[0])}'")
    client.version, client.name = version, name
    client.value(
        {
            "server": "redis",
            "version": VERSION,
            "proto": version,
            "id": client.id,
            "mode": "cluster",
            "role": "master",
            "modules": [],
        }
    )


def _client_name(word: bytes) -> str:
    if any(not 33 <= sign <= 126 for sign in word):
        raise RespError("ERR Client names cannot contain spaces, newlines or special characters.")
    return text(word)


def _client(client: Client, words: Words) -> None:
    match subcommand(words):
        case ["id"]:
            client.value(client.id)
        case ["getname"]:
            client.value(client.name or None)
        case ["setname", _]:
            client.name = _client_name(words[2])
            client.reply(OK)
        case ["setinfo", option, _] if option.lower() in ("lib-name", "lib-ver"):
            _client_name(words[3])
            client.reply(OK)
        case ["setinfo", option, _]:
            raise RespError(f"ERR Unrecognized option '{option}'")
        case ["reply", mode] if mode.lower() in ("on", "off", "skip"):
            client.hush(mode.lower())
            client.reply(OK)
        case ["reply", _]:
            raise RespError(SYNTAX)
        case ["info"]:
            client.value(Verbatim(client.facade.describe(client)))
        case ["list", *_]:
            listed = map(client.facade.describe, _listed(client, words[2:]))
            client.value(Verbatim("".join(listed)))
        case [name, *_] if name in ("id", "getname", "setname", "setinfo", "info", "reply"):
            raise RespError(arity_problem(f"client|{name}"))
        case _:
            raise RespError(unknown_subcommand(words))


def _listed(client: Client, options: Words) -> list[Client]:
    """The clients of CLIENT LIST: all, those of a type, or those of some numbers in that order."""
    there = client.facade.clients()
    match [text(word).lower() for word in options[:1]], len(options):
        case [], _:
            return there
        case ["type"], 2:
            type = text(options[1])
            if type.lower() not in CLIENT_TYPES:
                raise RespError(f"ERR Unknown client type '{type}'")
            return there if type.lower() == "normal" else []  # there are no others here
        case ["id"], count if count > 1:
            numbers = [as_integer(word) for word in options[1:]]
            if None in numbers:
                raise RespError("ERR Invalid client ID")
            known = {each.id: each for each in there}
            return [known[number] for number in numbers if number in known]
    raise RespError(SYNTAX)


# The server.


def _command(client: Client, words: Words) -> None:
    match subcommand(words) if len(words) > 1 else []:
        case []:
            client.value([entry.described() for entry in TABLE.values()])
        case ["count"]:
            client.value(len(TABLE))
        case ["count", *_]:
            raise RespError(arity_problem("command|count"))
        case ["list"]:
            client.value(list(TABLE))
        case ["info", *names]:
            entries = [TABLE.get(name.lower()) for name in names or TABLE]
            client.value([None if each is None else each.described() for each in entries])
        case ["docs", *_]:
            client.value({})
        case ["getkeys", *_] if len(words) < 4:
            raise RespError(arity_problem("command|getkeys"))
        case ["getkeys", name, *_]:
            entry = TABLE.get(name.lower())
            if entry is None:
                raise RespError("ERR Invalid command specified")
            if not entry.first:
                raise RespError("ERR The command has no key arguments")
            if not entry.fits(len(words) - 2):
                raise RespError("ERR Invalid number of arguments specified for command")
            client.value(entry.keys(words[2:]))
        case _:
            raise RespError(unknown_subcommand(words))


def _config(client: Client, words: Words) -> None:
    match subcommand(words):
        case ["get", *_] if len(words) > 2:
            patterns = [glob(word.lower()) for word in words[2:]]
            client.value(
                {
                    name: value
                    for name, value in client.facade.settings().items()
                    if any(each.fullmatch(name.encode()) for each in patterns)
                }
            )
        case ["set", *_] if len(words) > 3:
            raise RespError(
                f"ERR Unknown option or number of arguments for CONFIG SET - '{text(words[2])}'"
            )
        case ["resetstat"]:
            client.reply(OK)
        case ["get" | "set" as name, *_]:
            raise RespError(arity_problem(f"config|{name}"))
        case _:
            raise RespError(unknown_subcommand(words))


def _info(client: Client, words: Words) -> None:
    wanted = {text(word).lower() for word in words[1:]} - {"all", "default", "everything"}
    client.ask(Size(), lambda keys: Verbatim(client.facade.info(wanted, keys)))


def _time(client: Client, _: Words) -> None:
    now = time.time_ns() // 1_000
    client.value([str(now // 1_000_000), str(now % 1_000_000)])


# The keys as a whole: those of this server.


def _dbsize(client: Client, _: Words) -> None:
    client.ask(Size(), lambda size: size)


def _scan(client: Client, words: Words) -> None:
    options = read_scan(words)

    def tell(found: Any) -> Value:
        following, keys = found
        match = options.match
        named = [key for key in keys if match is None or match.fullmatch(key)]
        return [str(following), named if options.type in KINDS else []]

    kind = KINDS.get(options.type, "any")
    client.ask(Scan(options.cursor, options.count, kind), tell)


def _keys(client: Client, words: Words) -> None:
    pattern = glob(words[1])
    every = Scan(0, 2**62)
    client.ask(every, lambda found: [key for key in found[1] if pattern.fullmatch(key)])


def _flush(client: Client, words: Words) -> None:
    """Delete all keys that are here, some at a time."""
    if len(words) > 2 or (len(words) == 2 and words[1].upper() not in (b"ASYNC", b"SYNC")):
        raise RespError(SYNTAX)
    slot = client.slot()

    def then(outcome: Any) -> None:
        if outcome.value:
            client.facade.door.invoke(Flush(FLUSH_AT_ONCE), then)
        else:
            client.fill(slot, OK)

    client.facade.door.invoke(Flush(FLUSH_AT_ONCE), then)


def _ok(client: Client, _: Words) -> None:
    client.reply(OK)


def _unwatch(client: Client, _: Words) -> None:
    client.watched = {}
    client.reply(OK)


SERVER_COMMANDS: dict[str, Callable[[Client, Words], None]] = {
    "ping": _ping,
    "echo": _echo,
    "quit": _quit,
    "reset": _reset,
    "unwatch": _unwatch,
    "select": _select,
    "auth": _auth,
    "asking": _asking,
    "readonly": _ok,
    "readwrite": _ok,
    "hello": _hello,
    "client": _client,
    "command": _command,
    "config": _config,
    "info": _info,
    "time": _time,
    "dbsize": _dbsize,
    "scan": _scan,
    "keys": _keys,
    "flushall": _flush,
    "flushdb": _flush,
    "cluster": cluster,
}
"""By name of the command."""
