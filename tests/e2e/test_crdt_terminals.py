"""``lab run crdt`` on real terminals: people who edit one text, crash, leave, and come back."""

from pathlib import Path

import pytest

from tests.support.lab_command import lab
from tests.support.terminal import Terminal

LEFT, HOME, BACKSPACE, DELETE, UP, QUIT = "\x1b[D", "\x1b[H", "\x7f", "\x1b[3~", "\x1b[A", "\x04"


def test_people_edit_one_text_and_who_is_killed_comes_back_to_what_the_others_did(
    tmp_path: Path,
) -> None:
    with Terminal(tmp_path, "run", "crdt") as host:
        host.see("you are host, alone")
        with Terminal(tmp_path, "run", "crdt", "--join", "ann") as ann:
            host.see("with ann")
            host.type("buy tea")
            ann.see("buy tea")
            ann.type("\x1b[F\r2 eggs")
            host.see("2 eggs")
            host.type(LEFT * 3 + "hot ")
            ann.see("buy hot tea")
            ann.type(UP + HOME + "please ")
            host.see("please buy hot tea")
            host.type("iced " + BACKSPACE * 5 + "very ")
            ann.see("please buy hot very tea")
            ann.kill()
        host.see("alone")
        host.type(DELETE * 3 + "milk")
        host.see("please buy hot very milk")
        with Terminal(tmp_path, "run", "crdt", "--join", "ann") as ann:
            ann.see("please buy hot very milk")
            ann.type("well: ")
            host.see("well: please buy")
            host.type(QUIT)
            assert host.end() == 0
            ann.see("alone")
            ann.type("no, ")
            ann.see("well: no, please")
            with Terminal(tmp_path, "run", "crdt") as host_again:
                host_again.see("well: no, please buy hot very milk")
                host_again.type(QUIT)
                assert host_again.end() == 0
            ann.type(QUIT)
            assert ann.end() == 0
            assert ann.seen.endswith("well: no, please buy hot very milk\r\n2 eggs\r\n")


def test_bad_input_is_one_sentence_and_a_script_may_take_part(tmp_path: Path) -> None:
    for arguments, sentence in (
        (("--join", "ann"), "there is no room in out/run/crdt/text: open one in another terminal"),
        (("--join", "zoe"), "there is no seat 'zoe': the seats are host, ann, bob, cat, dan, eve"),
        (("--join", "ann", "--variant", "deltas"), "leave --variant out"),
    ):
        refused = lab(tmp_path, "run", "crdt", *arguments)
        assert refused.returncode == 3, refused.stdout
        assert sentence in refused.stderr
    with Terminal(tmp_path, "run", "crdt") as host:
        host.see("you are host")
        with Terminal(tmp_path, "run", "crdt", "--join", "ann") as ann:
            ann.see("with host")
            with Terminal(tmp_path, "run", "crdt", "--join", "ann") as second:
                second.see("ann sits in this room already, in another terminal")
                assert second.end() == 3
            scripted = lab(tmp_path, "run", "crdt", "--join", "bob", stdin="from a pipe")
            assert scripted.returncode == 0, scripted.stderr
            assert "from a pipe" in scripted.stdout
            ann.see("from a pipe")


@pytest.mark.proof
def test_a_megabyte_that_is_pasted_fills_the_text_and_no_more(tmp_path: Path) -> None:
    with Terminal(tmp_path, "run", "crdt") as host:
        host.see("you are host")
        host.type("x" * 1_000_000)
        host.see("the text is full: it has at most 100,000 characters")
        host.type(QUIT)
        assert host.end() == 0
        assert host.seen.endswith("x" * 100_000 + "\r\n")
