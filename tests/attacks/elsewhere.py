"""The same attacks against a second lab: what stops them must not be a property of the first.

An attack is carried over by other names: the class and the methods in which its code sits are those
of the other lab. One that speaks of messages of its own lab stays there, and so does one that
solves its lab's exercise for some seeds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain

import msgspec

from common.course.base.course import ROOT, Course
from tests.attacks.attacking import Attack


@dataclass(frozen=True, slots=True)
class Place:
    """Where an attack's code goes in the other lab.

    Attributes:
        lab: the other lab's id.
        into: the file of it.
        names: the other lab's names, by those that the attack uses.
        test: the graded test that the attack wants there.
    """

    lab: str
    into: str
    names: Mapping[str, str]
    test: str


REGISTER = Place(
    "cap",
    "consistent.py",
    {
        "StopAndWaitSender": "ConsistentReplica",
        "StopAndWaitReceiver": "ConsistentReplica",
        "send_more": "on_start",
        "timed_out": "try_again",
        "frame_received": "query_received",
        "ack_received": "query_reply_received",
        "stage1_foundations/link": "stage1_foundations/cap",
        "stage1_foundations.link": "stage1_foundations.cap",
        "stop_and_wait": "consistent",
        "link/consistent": "cap/consistent",
        "test_link": "test_cap",
    },
    "test_it_is_linearizable_under_partitions_and_links_cut_one_way",
)
CLOCK = Place(
    "clocks",
    "lamport.py",
    {
        "RetransmissionTimeout": "LamportClock",
        "back_off": "tick",
        "sample": "witness",
        "timeout_us": "time",
        "retransmission_timeout": "lamport",
    },
    "test_lamport_clocks_advance_by_no_more_than_they_must",
)
LINK = Place(
    "link",
    "stop_and_wait.py",
    {"ConsistentReplica": "StopAndWaitSender"},
    "test_a_perfect_link_carries_each_item_with_one_frame_and_one_acknowledgement",
)
PLACES = {
    ("link", "stop_and_wait.py"): REGISTER,
    ("link", ""): REGISTER,
    ("link", "retransmission_timeout.py"): CLOCK,
    ("cap", "consistent.py"): LINK,
}


def elsewhere(attack: Attack) -> Attack | None:
    """The attack against the other lab; None if it is about its own lab alone."""
    place = PLACES.get((attack.lab, attack.into))
    if place is None or attack.wall == "secret seeds":
        return None
    code = _renamed(attack.code, place)
    files = {_renamed(path, place): _renamed(text, place) for path, text in attack.files.items()}
    links = {_renamed(path, place): _renamed(leads, place) for path, leads in attack.links.items()}
    own = _classes(attack.lab) - _classes(place.lab)
    if own & set(re.findall(r"\w+", " ".join((code, *files, *files.values())))):
        return None
    return msgspec.structs.replace(
        attack, lab=place.lab, into=place.into if attack.into else "", code=code, files=files,
        links=links, tests=[place.test],
    )  # fmt: skip


def _renamed(text: str, place: Place) -> str:
    for name, other in place.names.items():
        text = re.sub(rf"\b{re.escape(name)}\b", other, text)
    return text


@cache
def _classes(lab: str) -> frozenset[str]:
    """The names of the classes in a lab's files."""
    texts = ((ROOT / path).read_text(encoding="utf-8") for path in Course().lab(lab).paths)
    found = (re.findall(r"^class (\w+)", text, re.MULTILINE) for text in texts)
    return frozenset(chain.from_iterable(found))
