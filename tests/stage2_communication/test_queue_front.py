"""The NATS front of the lab ``queue``: its bytes, good and bad, beside those of the real server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from stage2_communication.queue.front import connection
from stage2_communication.queue.front.facade import NatsServer
from stage2_communication.queue.front.parser import Command, Parser, ProtocolError
from tests.support.live import live
from tests.support.nats import CONNECT, HOST, PEDANTIC, VERBOSE, real_nats, say

UNKNOWN = b"-ERR 'Unknown Protocol Operation'\r\n"
PARSER_ERROR = b"-ERR 'Parser Error'\r\n"
PONG = b"PONG\r\n"
HEADER = b"NATS/1.0\r\nA: b\r\n\r\n"
END = b"PUB end 0\r\n\r\n"
NO_ECHO = b'CONNECT {"echo":false,"verbose":false}\r\n'

BOTH_SAY: dict[str, tuple[bytes, bytes, bytes]] = {
    "nothing": (CONNECT, b"", PONG),
    "to oneself": (CONNECT, b"SUB a 1\r\nPUB a 2\r\nhi\r\n", b"MSG a 1 2\r\nhi\r\nPONG\r\n"),
    "two spaces and a reply": (
        CONNECT,
        b"SUB a 1\r\nPUB a r.s  3\r\nabc\r\n",
        b"MSG a 1 r.s 3\r\nabc\r\nPONG\r\n",
    ),
    "small letters, tabs and a bare line end": (
        CONNECT,
        b"sub\ta 1\npub a 0\r\n\r\n",
        b"MSG a 1 0\r\n\r\nPONG\r\n",
    ),
    "verbose": (
        VERBOSE,
        b"SUB a 1\r\nPUB a 2\r\nhi\r\nUNSUB 1\r\n",
        b"+OK\r\n+OK\r\n+OK\r\nMSG a 1 2\r\nhi\r\n+OK\r\nPONG\r\n",
    ),
    "no echo": (NO_ECHO, b"SUB a 1\r\nPUB a 1\r\nx\r\n", b"PONG\r\n"),
    "headers": (
        CONNECT,
        b"SUB a 1\r\nHPUB a 18 20\r\n" + HEADER + b"hi\r\n",
        b"HMSG a 1 18 20\r\n" + HEADER + b"hi\r\nPONG\r\n",
    ),
    "nobody answers": (
        CONNECT,
        b"SUB r 1\r\nPUB nobody r 2\r\nhi\r\n",
        b"HMSG r 1 38 38\r\nNATS/1.0 503\r\nNats-Subject: nobody\r\n\r\n\r\nPONG\r\n",
    ),
    "a subscription that ends by itself": (
        CONNECT,
        b"SUB a 1\r\nUNSUB 1 2\r\n" + b"PUB a 1\r\nx\r\n" * 3,
        b"MSG a 1 1\r\nx\r\n" * 2 + PONG,
    ),
    "one that has had enough already": (
        CONNECT,
        b"SUB a 1\r\n" + b"PUB a 1\r\nx\r\n" * 2 + b"UNSUB 1 1\r\nPUB a 1\r\ny\r\n",
        b"MSG a 1 1\r\nx\r\n" * 2 + PONG,
    ),
    "a name for two subscriptions": (
        CONNECT,
        b"SUB a 1\r\nSUB b 1\r\nPUB a 1\r\nx\r\nPUB b 1\r\ny\r\n",
        b"MSG a 1 1\r\nx\r\nPONG\r\n",
    ),
    "an end of nothing": (CONNECT, b"UNSUB 9\r\n", PONG),
    "an empty token": (CONNECT, b"SUB a..b 1\r\n", b"-ERR 'Invalid Subject'\r\nPONG\r\n"),
    "a token after the rest": (CONNECT, b"SUB a.>.b 1\r\n", b"-ERR 'Invalid Subject'\r\nPONG\r\n"),
    "published to an empty token": (
        PEDANTIC,
        b"PUB a..b 2\r\nhi\r\n",
        b"-ERR 'Invalid Publish Subject'\r\nPONG\r\n",
    ),
    "published to a wildcard": (
        PEDANTIC,
        b"PUB a.> 2\r\nhi\r\n",
        b"-ERR 'Invalid Publish Subject'\r\nPONG\r\n",
    ),
    "the same, where nobody is pedantic": (CONNECT, b"PUB a..b 2\r\nhi\r\n", PONG),
    "longer than said": (CONNECT, b"PUB a 2\r\nhello\r\n", UNKNOWN),
    "shorter than said": (CONNECT, b"PUB a 9\r\nhello\r\nPING\r\n", UNKNOWN),
    "no words": (CONNECT, b"PUB\r\n", UNKNOWN),
    "garbage": (CONNECT, b"HELLO there\r\n", UNKNOWN),
    "a browser": (CONNECT, b"GET / HTTP/1.1\r\n\r\n", UNKNOWN),
    "too large": (CONNECT, b"PUB a 9999999\r\n", b"-ERR 'Maximum Payload Violation'\r\n"),
    "a line without end": (
        CONNECT,
        b"PUB " + b"a" * 5000,
        b"-ERR 'maximum control line exceeded'\r\n",
    ),
    "another protocol": (b'CONNECT {"protocol":2}\r\n', b"", b"-ERR 'invalid client protocol'\r\n"),
}
"""What is sent, and what the real server and ours answer, byte by byte."""

WE_SAY = {
    "a size that is none": b"PUB a x\r\n",
    "a size below zero": b"PUB a -1\r\n",
    "a size of many digits": b"PUB a " + b"9" * 30 + b"\r\n",
    "words too many": b"PUB a b c 2\r\nhi\r\n",
    "a subscription without a name": b"SUB a\r\n",
    "headers longer than all": b"HPUB a 22 20\r\n" + HEADER + b"hi\r\n",
    "no JSON": b"CONNECT {\r\n",
    "JSON that is no object": b"CONNECT [1]\r\n",
    "JSON a thousand deep": b"CONNECT " + b"[" * 2000 + b"\r\n",
}
"""Here the real server closes without a word, and ours says that it could not parse it."""


@contextlib.asynccontextmanager
async def serving(login: tuple[str, str] | None = None) -> AsyncIterator[tuple[int, list[str]]]:
    """Our server without a broker: its port, and what it logs."""
    lines: list[str] = []
    server = NatsServer(HOST, 0, "ours", lines.append, login)
    await server.listen()
    try:
        yield server.port, lines
    finally:
        await server.close()


@live
async def test_good_and_bad_input_is_answered_as_the_table_says() -> None:
    async with serving() as (port, _):
        for name, (connect, sent, answer) in BOTH_SAY.items():
            assert await say(port, sent, connect=connect) == answer, name
        for name, sent in WE_SAY.items():
            assert await say(port, sent) == PARSER_ERROR, name
        assert await say(port) == PONG, "and the others are served as before"


@pytest.mark.needs("nats")
@live
async def test_the_real_server_answers_the_same(tmp_path: Path) -> None:
    with real_nats(tmp_path) as port:
        for name, (connect, sent, answer) in BOTH_SAY.items():
            assert await say(port, sent, connect=connect) == answer, name
        for name, sent in WE_SAY.items():
            assert await say(port, sent) == b"", name


@live
async def test_one_of_a_group_hears_and_each_of_the_others() -> None:
    async with serving() as (port, _):
        heard: list[bytes] = []

        async def listen(line: bytes, ready: asyncio.Event) -> None:
            reader, writer = await asyncio.open_connection(HOST, port)
            await reader.readline()
            writer.write(NO_ECHO + line + b"SUB end 9\r\nPING\r\n")
            assert await reader.readline() == PONG
            ready.set()
            while not (line := await reader.readline()).startswith(b"MSG end"):
                heard.append(line + await reader.readline())
            writer.close()

        lines = [b"SUB jobs.* workers 1\r\n"] * 3 + [b"SUB jobs.> 2\r\n"]
        events = [asyncio.Event() for _ in lines]
        async with asyncio.TaskGroup() as group:
            for line, event in zip(lines, events, strict=True):
                group.create_task(listen(line, event))
            for event in events:
                await event.wait()
            assert await say(port, b"PUB jobs.eu 1\r\nx\r\n" * 10, END) == PONG
        assert heard.count(b"MSG jobs.eu 1 1\r\nx\r\n") == 10, "one of the three workers each"
        assert heard.count(b"MSG jobs.eu 2 1\r\nx\r\n") == 10


@live
async def test_who_does_not_read_is_cut_off_and_nobody_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "MOST_PENDING", 200_000)
    async with serving() as (port, lines):
        reader, writer = await asyncio.open_connection(HOST, port, limit=1024)
        writer.write(CONNECT + b"SUB a 1\r\nPING\r\n")
        while await reader.readline() != PONG:
            pass
        message = b"PUB a 100000\r\n" + b"x" * 100_000 + b"\r\n"
        for _ in range(200):
            assert await say(port, message) == PONG
            if lines:
                break
        assert "is a slow consumer: cut off" in lines[0]
        writer.close()


@live
async def test_who_has_to_say_its_name_is_not_served_before() -> None:
    violation = b"-ERR 'Authorization Violation'\r\n"
    async with serving(("ann", "secret")) as (port, _):
        right = b'CONNECT {"verbose":false,"user":"ann","pass":"secret"}\r\n'
        assert await say(port, connect=right) == PONG
        assert await say(port, connect=right.replace(b"secret", b"other")) == violation
        assert await say(port, connect=CONNECT) == violation
        assert await say(port, b"SUB a 1\r\n", connect=b"") == violation


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_commands_are_the_same_in_whatever_pieces_they_come(size: int) -> None:
    sent = b"PUB a b 5\r\n1\r\n23\r\nPING\r\nHPUB c 18 20\r\n" + HEADER + b"hi\r\nSUB d q 1\r\n"
    parser = Parser()
    commands = [
        command for at in range(0, len(sent), size) for command in parser.feed(sent[at : at + size])
    ]
    assert commands == [
        Command(b"PUB", [b"a", b"b"], b"", b"1\r\n23"),
        Command(b"PING", []),
        Command(b"HPUB", [b"c"], HEADER, b"hi"),
        Command(b"SUB", [b"d", b"q", b"1"]),
    ]


def test_what_is_good_before_what_is_bad_is_carried_out() -> None:
    parser = Parser()
    commands = parser.feed(b"PING\r\nNONSENSE\r\nPING\r\n")
    assert next(commands).verb == b"PING"
    with pytest.raises(ProtocolError, match="Unknown Protocol Operation"):
        next(commands)


def parsed(pieces: list[bytes]) -> tuple[list[Command], str]:
    """The commands of what comes in pieces, and what is said of the first bad one."""
    parser = Parser()
    found: list[Command] = []
    for piece in pieces:
        try:
            found += parser.feed(piece)
        except ProtocolError as error:
            return found, str(error)
    return found, ""


def test_whatever_comes_is_a_command_or_a_protocol_error_in_whatever_pieces() -> None:
    words = [
        b"PUB",
        b"HPUB",
        b"SUB",
        b"PING",
        b"CONNECT {}",
        b"a",
        b"..",
        b">",
        b"1",
        b"-1",
        b"9" * 12,
    ]
    ends = [b" ", b" ", b" ", b"\r\n", b"\r\n", b"\n", b"\t", b"\0", b"x" * 70, b"\xff"]
    problems = set()
    for seed in range(400):
        random = Random(f"front/{seed}")
        sent = b"".join(random.choice(words) + random.choice(ends) for _ in range(12))
        whole = parsed([sent])
        cuts = sorted(random.randrange(len(sent) + 1) for _ in range(4))
        pieces = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
        commands, problem = parsed(pieces)
        assert problem == whole[1]
        assert commands[: len(whole[0])] == whole[0]
        problems.add(problem)
    assert problems >= {"", "Unknown Protocol Operation", "Parser Error"}
