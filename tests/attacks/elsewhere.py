"""The same attacks against a second lab: what stops them must not be a property of the first.

An attack is carried over by other names: the class and the methods in which its code sits, its
messages and its timers are those of the other lab. Where that is not enough, the attack itself says
how it goes there (``second``), or why there is no other lab for it (``only_here``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain

import msgspec

from common.course.base.course import ROOT, Course
from tests.attacks.attacking import Attack, Second


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
        "self.receiver": "self.peers[0]",
        "Frame": "WriteRequest",
        '"type":"WriteRequest","number":%b,"item":7': '"type":"Query","round":%b',
        '"type":"Ack","number"': '"type":"UpdateReply","round"',
        '"type":"FrameTimeout","number":0': '"type":"TryAgain","client":"c1"',
        "FrameTimeout(0)": 'TryAgain("c1")',
        '"item":"item 0"': '"value":0',
        '"to":"b"': '"to":"n2"',
        "['\"b\"']": "['\"n2\"']",
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
    {
        "ConsistentReplica": "StopAndWaitSender",
        "stage1_foundations/cap": "stage1_foundations/link",
        "UpdateReply": "Ack",
        '"type":"TryAgain","client":"c1"': '"type":"FrameTimeout","number":0',
    },
    "test_a_perfect_link_carries_each_item_with_one_frame_and_one_acknowledgement",
)
THEORY = Place(
    "link",
    "theory.py",
    {"encode_frame": "window_to_fill"},
    "test_the_least_window_that_fills_a_link_is_its_bandwidth_delay_product",
)
FRAMES = Place(
    "echo",
    "frames.py",
    {
        "stop_and_wait_goodput": "encode_frame",
        "sliding_window_goodput": "encode_frame",
        "window_to_fill": "encode_frame",
        "lambda round_trip_us, transmission_us": "lambda *given, **named",
    },
    "test_a_frame_is_the_length_in_four_bytes_and_then_the_payload",
)
VOTERS = Place(
    "cap",
    "consistent.py",
    {"Election": "ConsistentReplica", "start_following": "on_start", "Core": "Node"},
    REGISTER.test,
)
CLIENT = Place(
    "replication",
    "client.py",
    {"RegisterClient": "Client", "Read": "Get", "Write": "Put"},
    "test_whenever_a_client_is_told_enough_followers_have_the_write_on_disk",
)
PLACES = {
    ("link", "stop_and_wait.py"): REGISTER,
    ("link", ""): REGISTER,
    ("link", "retransmission_timeout.py"): CLOCK,
    ("link", "theory.py"): FRAMES,
    ("cap", "consistent.py"): LINK,
    ("cap", "client.py"): CLIENT,
    ("cap", ""): LINK,
    ("echo", "frames.py"): THEORY,
    ("echo", "server.py"): THEORY,
    ("raft", "election.py"): VOTERS,
}


def elsewhere(attack: Attack) -> Attack | None:
    """The attack against the other lab; None if it is about its own lab alone."""
    if attack.only_here:
        return None
    if attack.second is not None:
        return _told(attack, attack.second)
    place = PLACES[attack.lab, attack.into]
    code = _renamed(attack.code, place)
    files = {_renamed(path, place): _renamed(text, place) for path, text in attack.files.items()}
    links = {_renamed(path, place): _renamed(leads, place) for path, leads in attack.links.items()}
    own = _classes(attack.lab) - _classes(place.lab)
    left = own & set(re.findall(r"\w+", " ".join((code, *files, *files.values()))))
    assert not left, f"{attack.name} speaks of {left}, which lab {place.lab} has not"
    return msgspec.structs.replace(
        attack, lab=place.lab, into=place.into if attack.into else "", code=code, files=files,
        links=links, tests=[place.test],
    )  # fmt: skip


def _told(attack: Attack, second: Second) -> Attack:
    before, line, _ = attack.code.partition(second.after) if second.after else ("", "", "")
    return msgspec.structs.replace(
        attack, lab=second.lab, into=second.into, code=before + line + second.code, files={},
        links={}, tests=second.tests,
    )  # fmt: skip


def _renamed(text: str, place: Place) -> str:
    for name, other in place.names.items():
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", other.replace("\\", r"\\"), text)
    return text


@cache
def _classes(lab: str) -> frozenset[str]:
    """The names of the classes in a lab's files."""
    texts = ((ROOT / path).read_text(encoding="utf-8") for path in Course().lab(lab).paths)
    found = (re.findall(r"^class (\w+)", text, re.MULTILINE) for text in texts)
    return frozenset(chain.from_iterable(found))
