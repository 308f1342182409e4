"""The text in pages of the docs site: what people type into older texts, cuts, and bad input."""

import json
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from stage7_advanced.crdt.front.tab import EVERY, MOST, OTHERS, Tab
from stage7_advanced.crdt.operations import MAX_TYPED


class Field:
    """What is around a replica in a page: the field in which a person types, and the channel."""

    def __init__(self, name: str, channel: "Channel") -> None:
        self.name, self.channel = name, channel
        self.tab = Tab(name, 0)
        self.heard: list[tuple[str, Any]] = []
        self.value, self.view, self.shows = "", "", True
        self.cursor = (0, 0)
        self.answer: dict[str, Any] = {}

    def ask(self) -> None:
        """Let Python take a turn; its answer is not shown so far."""
        told = {
            "now": self.channel.now,
            "heard": self.heard,
            "shows": self.shows,
            "wrote": None if self.value == self.view else self.value,
            "cursor": self.cursor,
        }
        self.heard = []
        self.answer = json.loads(json.dumps(self.tab.turn(json.loads(json.dumps(told)))))
        self.view, self.shows = self.value, False
        for to, said in self.answer["say"]:
            self.channel.carry(self.name, to, said)

    def show(self) -> None:
        """Show the answer, if the person has typed nothing meanwhile."""
        if self.answer and self.value == self.view:
            self.value = self.view = self.answer["text"]
            self.cursor = tuple(self.answer["cursor"])
            self.shows = True

    def turn(self, value: str | None = None) -> str:
        """Let the person write, if they do; then show what comes of it."""
        self.value = self.value if value is None else value
        self.ask()
        self.show()
        return self.value


class Channel:
    """What is between pages, and their clock."""

    def __init__(self, *names: str) -> None:
        self.now = 0
        self.cut: set[str] = set()
        self.pages = {name: Field(name, self) for name in names}

    def join(self, name: str) -> Field:
        """Open another page."""
        self.pages[name] = Field(name, self)
        return self.pages[name]

    def carry(self, sender: str, to: str, said: Any) -> None:
        """Every page that is not cut off hears it."""
        for name, page in self.pages.items():
            if name != sender and not {name, sender} & self.cut and to in ("", name):
                page.heard.append((sender, said))

    def rest(self, rounds: int = 8) -> set[str]:
        """Let time pass; what do pages show in the end?"""
        for _ in range(rounds):
            self.now += EVERY
            for page in self.pages.values():
                page.turn()
        return {page.value for page in self.pages.values()}


@pytest.fixture
def two() -> Channel:
    return Channel("a", "b")


def test_two_pages_show_the_same_and_a_third_one_is_told_everything(two: Channel) -> None:
    two.pages["a"].turn("buy tea")
    two.rest()
    two.pages["b"].turn("buy hot tea")
    two.pages["a"].turn("buy tea, eggs")
    assert two.rest() == {"buy hot tea, eggs"}
    two.join("c")
    assert two.rest() == {"buy hot tea, eggs"}


def test_a_page_that_is_cut_off_goes_on_and_both_sides_meet_again(two: Channel) -> None:
    two.pages["a"].turn("one two three")
    two.rest()
    two.cut = {"b"}
    two.pages["b"].cursor = (3, 3)
    two.pages["b"].turn("one three")
    two.pages["a"].cursor = (18, 18)
    two.pages["a"].turn("one two and a half three")
    assert two.rest() == {"one three", "one two and a half three"}
    two.cut = set()
    assert two.rest() == {"one and a half three"}, "two is erased, and its sequel stays"


def test_what_is_typed_while_python_works_is_a_change_to_the_older_text(two: Channel) -> None:
    a, b = two.pages.values()
    a.turn("milk eggs")
    two.rest()
    b.turn("oat milk eggs")
    a.ask()  # and while it works, the person goes on in what is shown, without "oat"
    a.value = "milk, eggs"
    a.show()
    assert a.value == "milk, eggs", "the person's field is not touched"
    a.turn()
    a.turn()
    assert two.rest() == {"oat milk, eggs"}


def test_the_cursor_stays_behind_its_character(two: Channel) -> None:
    a, b = two.pages.values()
    a.turn("tea")
    two.rest()
    a.cursor = (3, 3)
    b.turn("hot \U0001f375 tea")
    two.rest()
    assert (a.value, a.cursor) == ("hot \U0001f375 tea", (9, 9))
    b.turn("hot")
    two.rest()
    assert (a.value, a.cursor) == ("hot", (3, 3)), "where its character was"


def test_a_megabyte_that_is_pasted_fills_the_text_and_no_more(two: Channel) -> None:
    a = two.pages["a"]
    a.value = "x" * 1_000_000
    a.ask()
    assert a.answer["full"]
    assert a.answer["text"] == "x" * MOST
    a.value = a.view = a.answer["text"]
    a.shows = True
    assert a.turn("y") == "y", "it is erased in pieces, too"
    assert len(a.tab.replica.edits) == 2 * MOST // MAX_TYPED + 1


@pytest.mark.parametrize("seed", range(10))
def test_whatever_people_do_at_once_all_pages_show_the_same(seed: int) -> None:
    random, channel = Random(seed), Channel("a", "b", "c")
    for _ in range(60):
        page = random.choice(list(channel.pages.values()))
        channel.cut = set(random.sample("abc", random.randrange(3)))
        channel.now += random.randrange(EVERY)
        match random.randrange(3):
            case 0:
                page.ask()
            case 1:
                page.show()
            case _:
                at = random.randrange(len(page.value) + 1)
                end = min(len(page.value), at + random.randrange(3))
                word = "".join(random.choices("ab ", k=random.randrange(3)))
                page.value = page.value[:at] + word + page.value[end:]
    channel.cut = set()
    assert len(channel.rest(rounds=20)) == 1


NONSENSE: Sequence[Any] = (
    None,
    "text",
    {},
    {"have": 7},
    {"have": [["a"]]},
    {"have": [["a", "1"]]},
    {"have": [[1, 1]]},
    {"edits": [["a", [["a", 1]]]]},
    {"edits": [["a", [["a", 1]], [["b"]]]]},
    {"edits": [["a", [["a", 1]], [[["a", 1], "xy", None, "right"]]]]},
    {"edits": [["a", [["a", 1]], [[["a", 1], "x", None, "above"]]]]},
    {"edits": [["a", [["a", 0]], [[["a", -1]]]]]},
)


@pytest.mark.parametrize("said", NONSENSE, ids=repr)
def test_nonsense_of_another_page_is_one_sentence_and_the_text_stays(said: Any) -> None:
    a = Channel("a").pages["a"]
    a.turn("tea")
    a.heard = [("b", said)]
    assert a.turn() == "tea"
    assert "another page has said what no text says" in a.answer["problem"]
    assert OTHERS not in a.answer["problem"]
