"""Pages that call a lab coming: once the lab is there, they link it."""

from common.course.base.course import Course
from docs.making.arrived import with_arrived
from docs.making.asking import Page, Site
from docs.making.running import Runner
from docs.making.staging import Stage

SITE = Site(Course(), Stage(), Runner(), {"labs/raft.md": "", "labs/cap.md": ""})


def made(text: str, path: str = "stages/stage4.md") -> str:
    return with_arrived(Page(path), text, SITE)


def test_a_lab_that_has_come_is_a_link() -> None:
    assert made("`raft` *(coming)*; more") == "[raft](../labs/raft.md); more"
    assert made("`raft` *\uff08待实现\uff09*", "a.zh.md") == "[raft](labs/raft.md)"


def test_of_several_only_the_others_are_still_coming() -> None:
    said = made("| `paxos`, `raft`, `zab` *(coming)* |")
    assert said == "| [raft](../labs/raft.md), `paxos`, `zab` *(coming)* |"


def test_all_else_stays_as_it_is() -> None:
    for text in ("`paxos` *(coming)*", "`raft`", "a lab is coming in stage 8 (`raft`)"):
        assert made(text) == text
