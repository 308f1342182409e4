"""What stands beside the lab ``chat``: its checks, its client, its limits, typing, the room."""

from pathlib import Path
from typing import Any

import pytest

from common.check.verdict import Answer
from common.contract import Fire, Invoke, Receive, Return, Save, Send, SetTimer, Start
from common.sim import LinkModel, Simulation, Workload
from common.values.errors import BadInput
from common.values.faults import Crash, Restart, Schedule
from common.values.history import Failed, History, Ok, Outcome, Unknown
from common.values.units import MS, SECOND
from stage2_communication.chat.checks import (
    LEAVES_AFTER,
    causes_first,
    each_once,
    nothing_lost,
    same_order,
    say_or_look,
    shown_stays,
)
from stage2_communication.chat.client import ChatClient, Done, Refused, Request
from stage2_communication.chat.front.editor import MAX_TYPED, LineEditor, Typed
from stage2_communication.chat.front.folder import RoomFolder
from stage2_communication.chat.front.screen import fitting, harmless
from stage2_communication.chat.messages import (
    MAX_TEXT,
    Join,
    Joined,
    Knock,
    Leave,
    Line,
    Post,
    Posts,
    Read,
    Remove,
    Removed,
    Said,
    Say,
    problem_of,
)
from stage2_communication.chat.spreading import MAX_MEMBERS
from stage2_communication.chat.total import TotalOrderMember

CHECKS = (each_once, nothing_lost, shown_stays, causes_first, same_order)


def history(*happened: tuple[str, object, Outcome]) -> History:
    """One operation after the other: who, what (text to say, or None to read), how it ended."""
    made = History()
    for at, (person, text, outcome) in enumerate(happened):
        function, argument = ("read", 0) if text is None else ("say", text)
        operation = made.invoke(person, function, None, argument, 10 * at)
        made.finish(operation, outcome, 10 * at + 5)
    return made


def looked(*texts: str) -> Ok:
    """What a look at the whole transcript shows: ``author: text`` each."""
    lines = []
    for place, line in enumerate(texts, 1):
        author, _, text = line.partition(": ")
        number = 1 + sum(other.startswith(f"{author}: ") for other in texts[: place - 1])
        lines.append(Line(place, author, number, Said(text)))
    return Ok(tuple(lines))


def test_a_good_history_passes_all_checks() -> None:
    made = history(
        ("a", "why?", Ok()),
        ("b", None, looked("a: why?")),
        ("b", "so", Ok()),
        ("b", None, looked("a: why?", "b: so")),
        ("a", None, looked("a: why?")),
        ("a", "\x00", Failed("no")),
    )
    for check in CHECKS:
        verdict = check(made)
        assert verdict.answer is Answer.YES, verdict.sentence


@pytest.mark.parametrize(
    ("check", "anomaly", "happened"),
    [
        (each_once, "creation", [("a", None, looked("b: what nobody said"))]),
        (each_once, "creation", [("a", "x", Failed("no")), ("a", None, looked("a: x"))]),
        (each_once, "duplication", [("a", "x", Ok()), ("a", None, looked("a: x", "a: x"))]),
        (nothing_lost, "loss", [("a", "x", Ok()), ("a", None, looked())]),
        (
            shown_stays,
            "disorder",
            [("a", None, looked("b: x")), ("a", None, looked("c: y", "b: x"))],
        ),
        (
            same_order,
            "disorder",
            [("a", None, looked("a: x", "b: y")), ("b", None, looked("b: y", "a: x"))],
        ),
        (
            causes_first,
            "causality",
            [
                ("b", None, looked("a: why?")),
                ("b", "so", Ok()),
                ("c", None, looked("b: so", "a: why?")),
            ],
        ),
    ],
)
def test_each_check_finds_what_it_is_for(check: Any, anomaly: str, happened: Any) -> None:
    verdict = check(history(*happened))
    assert verdict.answer is Answer.NO
    assert verdict.anomaly == anomaly


def test_who_has_not_seen_all_lines_cannot_say_that_one_is_lost() -> None:
    def after(start: int, *texts: str) -> tuple[str, object, Outcome]:
        lines = [Line(start + n, "b", start + n, Said(text)) for n, text in enumerate(texts, 1)]
        return "a", start, Ok(tuple(lines))

    def look(*reads: tuple[str, object, Outcome]) -> History:
        made = history(("a", "x", Ok()))
        for at, (person, start, outcome) in enumerate(reads, 10):
            made.finish(made.invoke(person, "read", None, start, 10 * at), outcome, 10 * at + 5)
        return made

    for reads in ([after(9)], [after(2, "r", "s")], [after(2, "r"), after(3)]):
        assert nothing_lost(look(*reads)).answer is Answer.YES, reads
    assert nothing_lost(look(after(2, "r"), after(0, "p", "q"))).answer is Answer.NO
    assert nothing_lost(look(after(0, "p", "q"), after(2))).answer is Answer.NO


def test_what_cannot_be_posted_is_said_in_a_sentence() -> None:
    assert problem_of("x" * MAX_TEXT) is None
    assert problem_of("naïve: 你好, 👩‍💻, a\u00a0b") is None
    for text, word in (
        ("x" * (MAX_TEXT + 1), "1001"),
        (" ", "nothing to say"),
        ("a\nb", "U+000A"),
        ("\x1b[2J", "U+001B"),
        ("\ud800", "U+D800"),
        ("abc\u202etxt", "U+202E"),
    ):
        assert word in str(problem_of(text)), repr(text)


def test_clients_that_repeat_are_heard_once_over_crashes() -> None:
    """As ``lab run chat --headless``, in virtual time: bad links, a member killed repeatedly."""

    def member(id: str, peers: tuple[str, ...]) -> TotalOrderMember:
        return TotalOrderMember(id, peers, founders=("n1", "n2", "n3"))

    for seed in range(10):
        faults: list[Any] = []
        for at in range(200, 2000, 300):
            faults += [Crash(at * MS, "n2"), Restart((at + 100) * MS, "n2")]
        simulation = Simulation(
            {f"n{number}": member for number in range(1, 5)},
            {f"c{number}": ChatClient for number in range(1, 5)},
            seed=seed,
            link=LinkModel(loss=0.1, duplicate=0.3, reorder=0.2),
            schedule=Schedule(faults),
        )
        Workload(simulation, say_or_look, count=30, think=(0, 60 * MS), patience=10 * SECOND)
        simulation.run(60 * SECOND)
        ended = [isinstance(one.outcome, Ok) for one in simulation.history]
        left = 30 - LEAVES_AFTER
        assert sum(ended) >= len(ended) - left, "c3's last words fail, since it has left"
        for check in CHECKS:
            verdict = check(simulation.history)
            assert verdict.answer is Answer.YES, verdict.sentence


def asks(client: ChatClient, operation: object) -> list[Any]:
    """Let a client ask; returns the effects."""
    return client.step(Invoke(0, client.last_number + 1, operation))


def test_a_client_that_goes_on_leaves_unknown_what_it_asked_before() -> None:
    client = ChatClient("c2", ("n1", "n2"))
    client.step(Start(0, {}))
    assert Send("n2", Request(1, Say("a"))) in asks(client, Say("a"))
    effects = asks(client, Say("b"))
    (left,) = [each for each in effects if isinstance(each, Return)]
    assert left == Return(1, Unknown("this client went on to something else"))
    assert Send("n2", Request(2, Say("b"))) in effects
    assert client.step(Receive(0, "n2", Done(1, None))) == [], "it is too late for an answer"
    assert Return(2, Ok(None)) in client.step(Receive(0, "n2", Done(2, None)))


def test_a_silent_member_is_asked_less_and_less_often_and_what_was_said_is_unknown() -> None:
    for asked, end in ((Say("a"), Unknown), (Read(0), Failed)):
        client = ChatClient("c2", ("n1", "n2"), attempts=6)
        client.step(Start(0, {}))
        effects, waits, sent = asks(client, asked), [], 0
        while timers := [each for each in effects if isinstance(each, SetTimer)]:
            sent += sum(isinstance(each, Send) and each.to == "n2" for each in effects)
            waits.append(timers[0].after)
            effects = client.step(Fire(0, timers[0].id, timers[0].timer))
        (ended,) = [each for each in effects if isinstance(each, Return)]
        assert isinstance(ended.outcome, end)
        assert (sent, len(waits)) == (6, 6)
        assert waits[0] < waits[1] < waits[2], waits
        assert max(waits) <= SECOND * 5 // 4, waits


def test_what_a_client_was_refused_stays_refused_over_a_crash() -> None:
    member = TotalOrderMember("n1", ("n2",), founders=("n2",))
    request = Request(7, Say("hello"))
    disk: dict[Any, object] = {}
    for joined in (False, True):
        if joined:
            disk["post", "n2", 1] = Post("n2", 1, 1, Joined("n1"))
            member = TotalOrderMember("n1", ("n2",), founders=("n2",))
        effects = [*member.step(Start(0, disk)), *member.step(Receive(0, "c1", request))]
        disk |= {effect.key: effect.value for effect in effects if isinstance(effect, Save)}
        answers = [effect.message for effect in effects if isinstance(effect, Send)]
        assert any(isinstance(answer, Refused) and answer.number == 7 for answer in answers)
    later = member.step(Receive(0, "c1", Request(8, Say("hello"))))
    assert any(isinstance(effect, Send) and isinstance(effect.message, Posts) for effect in later)


def test_what_could_not_be_removed_is_not_removed_by_a_late_copy() -> None:
    """x knocks after n1 has said that nobody is called x. Then the request comes once more."""
    member = TotalOrderMember("n1", (), founders=("n1",))
    member.step(Start(0, {}))
    request = Receive(0, "c1", Request(7, Remove("x")))
    refused = Send("c1", Refused(7, "nobody here is called x"))
    assert refused in member.step(request)
    member.step(Receive(0, "x", Knock(())))
    assert member.room.has("x")
    assert Send("c1", Refused(7, "this was refused before")) in member.step(request)
    assert member.room.has("x")
    member.step(Receive(0, "c1", Request(8, Remove("x"))))
    assert not member.room.has("x"), "a new request is another matter"


def test_a_room_is_bounded_in_members_and_in_posts_that_wait() -> None:
    names = tuple(f"n{number}" for number in range(MAX_MEMBERS + 1))

    def member(id: str, peers: tuple[str, ...]) -> TotalOrderMember:
        return TotalOrderMember(id, peers, founders=("n0",))

    simulation = Simulation(dict.fromkeys(names, member), seed=1)
    asked = [simulation.call(name, Join()) for name in names[1:]]
    simulation.run(60 * SECOND)
    refused = [one for one in asked if not isinstance(one.outcome, Ok)]
    assert len(refused) == 1
    assert "the room is full" in str(refused[0])
    simulation.inject(Crash(0, "n3" if "n3" not in str(refused[0]) else "n4"))
    said = [simulation.call("n0", Say(str(number))) for number in range(101)]
    simulation.run(61 * SECOND)
    assert [one for one in said if isinstance(one.outcome, Failed)] == said[100:]
    assert "100 posts wait here already for a word of n" in str(said[100])
    opener = simulation.call("n0", Leave())
    simulation.run(62 * SECOND)
    assert "n0 cannot leave" in str(opener)


def test_negative_places_are_read_as_the_beginning() -> None:
    simulation = Simulation({"n1": TotalOrderMember}, seed=1)
    simulation.call("n1", Say("x"))
    read = simulation.call("n1", Read(-5))
    simulation.run(1 * SECOND)
    assert read.outcome == Ok((Line(1, "n1", 1, Said("x")),))


def test_typing_is_collected_bounded_and_cleaned_of_keys() -> None:
    editor = LineEditor(keys=True)
    assert editor.feed("héllo".encode()[:2]) == []
    assert editor.feed("héllo".encode()[2:] + b"!!\x7f\x1b[D\x1b[3~\x1bOC?\r") == [
        Typed("héllo!?", 7)
    ]
    assert editor.feed(b"wrong\x15right\n") == [Typed("right", 5)]
    assert editor.feed(b"x" * 1_000_000 + b"\n") == [Typed("x" * MAX_TYPED, 1_000_000)]
    assert editor.feed(b"\xff\n") == [Typed("\N{REPLACEMENT CHARACTER}", 1)]
    assert [editor.feed(b"half\x04"), editor.ended] == [[], False], "Ctrl-D in a line is nothing"
    assert [editor.feed(b"\x15\x04"), editor.ended] == [[], True]
    pipe = LineEditor(keys=False)
    assert pipe.feed(b"one\n\x04two") == [Typed("one", 3)]
    assert pipe.feed(b"") == [Typed("\x04two", 4)]
    assert pipe.ended


def test_nothing_that_others_say_can_command_a_terminal() -> None:
    assert harmless("a\x1b[2Jb\r\u202e") == "a\ufffd[2Jb\ufffd\ufffd"
    assert fitting("hello", 3) == "llo"
    assert fitting("a你好", 4) == "你好"
    assert fitting("", 4) == ""


def test_a_room_has_one_opener_and_each_name_one_process(tmp_path: Path) -> None:
    folder = RoomFolder(tmp_path / "room")
    with pytest.raises(BadInput, match="there is no room in"):
        folder.card()
    card = folder.open("")
    assert card.variant == "total"
    assert (tmp_path / "room" / "room.json").stat().st_mode & 0o77 == 0, "a secret is in it"
    place = folder.sit(card, card.opener)
    other = RoomFolder(tmp_path / "room")
    with pytest.raises(BadInput, match="a room is open in"):
        other.open("")
    with pytest.raises(BadInput, match="sits in this room already"):
        other.sit(card, card.opener)
    with pytest.raises(BadInput, match="is no name"):
        other.sit(card, "../../etc")
    assert other.is_present(card, card.opener)
    assert not other.is_present(card, "nobody")
    folder.publish(place, ("127.0.0.1", 1234))
    assert other.book(card) == {card.opener: ("127.0.0.1", 1234)}
    assert other.is_open(card)
    folder.stand_up()
    assert RoomFolder(tmp_path / "room").open("total") == card, "a crashed opener comes back"
    with pytest.raises(BadInput, match="is total, not causal"):
        folder.open("causal")
    folder.close(card)
    with pytest.raises(BadInput, match="there is no room in"):
        folder.card()
    (tmp_path / "room" / "room.json").write_text("{")
    with pytest.raises(BadInput, match="is no card of a room"):
        other.card()


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="no room can be opened in"):
        RoomFolder(tmp_path / "file" / "room").open("")


def test_a_removal_is_told_in_a_transcript() -> None:
    simulation = Simulation(dict.fromkeys(("n1", "n2"), TotalOrderMember), seed=1)
    simulation.run(10 * MS)
    simulation.call("n2", Leave())
    simulation.run(1 * SECOND)
    read = simulation.call("n1", Read(0))
    simulation.run(2 * SECOND)
    assert read.outcome == Ok((Line(1, "n1", 1, Removed("n2")),))
