"""``lab run chat`` on real terminals: people who talk, join late, leave, crash, and come back."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lab_command import lab
from tests.support.terminal import Terminal

MEGABYTE = 1_000_000


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Terminal]:
    with Terminal(tmp_path, "run", "chat") as terminal:
        terminal.see("the room is open")
        yield terminal


def join(folder: Path, name: str) -> Terminal:
    terminal = Terminal(folder, "run", "chat", "--join", name)
    terminal.see(f"* {name} has joined")
    return terminal


def conversation(terminal: Terminal, *people: str) -> list[str]:
    """What people said, in the order in which it is shown."""
    said = re.compile(f"({'|'.join(people)}): ")
    return [line for line in terminal.lines() if said.match(line)]


def test_people_at_terminals_see_the_same_and_may_come_late_crash_return_and_leave(
    tmp_path: Path, host: Terminal
) -> None:
    with join(tmp_path, "ann") as ann, join(tmp_path, "bob") as bob:
        for number in range(5):
            for terminal, name in ((host, "host"), (ann, "ann"), (bob, "bob")):
                terminal.say(f"{name} says {number}")
        for terminal in (host, ann, bob):
            for name in ("host", "ann", "bob"):
                terminal.see(f"{name}: {name} says 4")
        everybody = ("host", "ann", "bob", "cat")
        heard = conversation(host, *everybody)
        assert len(heard) == 15
        assert conversation(ann, *everybody) == conversation(bob, *everybody) == heard

        with join(tmp_path, "cat") as cat:
            cat.see("bob: bob says 4")
            assert conversation(cat, *everybody) == heard, "a late joiner is shown the history"
            cat.say("what did I miss?")
            for terminal in (host, ann, bob, cat):
                terminal.see("cat: what did I miss?")

            bob.kill()
            ann.say("bob?")
            ann.see("without a word of bob")
            assert "ann: bob?" not in ann.seen, "bob has not acknowledged it"
            with Terminal(tmp_path, "run", "chat", "--join", "bob") as again:
                for terminal in (host, ann, cat, again):
                    terminal.see("ann: bob?")
                again.say("I am back")
                cat.see("bob: I am back")
                assert conversation(again, *everybody)[:15] == heard, "from its disk"

                cat.say("/leave")
                cat.see("you are no longer in the room")
                assert cat.end() == 0
                ann.say("without cat")
                host.see("ann: without cat")

                again.process.send_signal(signal.SIGINT)
                assert again.end() == 0
            ann.say("bob again?")
            ann.see("say /remove bob")
            host.say("/remove bob")
            for terminal in (host, ann):
                terminal.see("* bob is no longer here")
                terminal.see("ann: bob again?")
            assert conversation(ann, *everybody) == conversation(host, *everybody)
            host.say("/leave")
            ann.see("host has closed the room")
            assert ann.end() == 0
            host.see("the room is closed")
            assert host.end() == 0
    assert list((tmp_path / "out/run/chat/room").iterdir()) == [], "nothing is left of a room"


def test_bad_input_at_a_terminal_is_one_sentence_each(tmp_path: Path, host: Terminal) -> None:
    host.say("x" * MEGABYTE)
    host.see(f"a post has at most 1000 characters, and this line has {MEGABYTE}")
    host.say("y" * 1001)
    host.see("this one has 1001")
    host.say("bell \x07 here")
    host.see("U+0007, a control character")
    host.say("/remove nobody")
    host.see("! not removed: nobody here is called nobody")
    host.say("/dance")
    host.see("! there is no /dance")
    host.say("fine")
    host.see("host: fine")
    with join(tmp_path, "ann") as ann:
        with Terminal(tmp_path, "run", "chat", "--join", "ann") as second:
            second.see("ann sits in this room already, in another terminal")
            assert second.end() == 3
        ann.type("half a lin\x7fne")
        host.say("meanwhile")
        ann.see("host: meanwhile")
        ann.say(", whole")
        host.see("ann: half a line, whole")
        ann.say("/remove host")
        ann.see("only host, who opened the room, removes members")
        ann.say("/leave")
        assert ann.end() == 0
    with Terminal(tmp_path, "run", "chat", "--join", "ann") as again:
        again.see("a name never comes back")
        assert again.end() == 0


def test_without_a_terminal_or_a_room_the_command_says_what_to_do(tmp_path: Path) -> None:
    alone = lab(tmp_path, "run", "chat", "--join", "ann")
    assert alone.returncode == 3
    assert "there is no room in out/run/chat/room: open one in another terminal" in alone.stderr
    for arguments, sentence in (
        (("chat", "--join", "ann", "--headless"), "--join is for people at terminals"),
        (("cap", "--join", "ann"), "--join is for people at terminals"),
        (("chat", "--join", "ann", "--nodes", "3"), "--join takes a seat among people"),
        (("chat", "--join", "ann", "--variant", "nonsense"), "has no variant 'nonsense'"),
    ):
        refused = lab(tmp_path, "run", *arguments)
        assert refused.returncode == 3, refused.stdout
        assert sentence in refused.stderr


@pytest.mark.proof
def test_the_opener_may_crash_and_a_script_may_take_part(tmp_path: Path) -> None:
    with Terminal(tmp_path, "run", "chat", "--variant", "causal") as host:
        host.see("causal order")
        with join(tmp_path, "ann") as ann:
            host.kill()
            ann.say("anybody?")
            ann.see("ann: anybody?")
            with Terminal(tmp_path, "run", "chat") as back:
                back.see("ann: anybody?")
                bad = lab(tmp_path, "run", "chat", "--join", "An na")
                assert bad.returncode == 3
                assert "'An na' is no name" in bad.stderr
                scripted = lab(tmp_path, "run", "chat", "--join", "bot", stdin="one\ntwo\n")
                assert scripted.returncode == 0, scripted.stderr
                assert "bot: two" in scripted.stdout
                ann.see("bot: two")
