"""Our texts beside Yjs and Automerge: the same scripts, and the same texts or known differences."""

from pathlib import Path
from typing import Any

import pytest

from stage7_advanced.crdt.fugue import FugueText
from stage7_advanced.crdt.rga import RgaText
from tests.stage7_advanced.crdt.desks import PEOPLE
from tests.support.crdt_scripts import (
    Script,
    at_random,
    lines,
    peers_in,
    play,
    played_by_peers,
    words,
)

SCRIPTS = 60


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return peers_in(tmp_path_factory.mktemp("peers"))


@pytest.mark.proof
@pytest.mark.needs("node", "npm")
def test_an_rga_is_automerge_sign_for_sign(modules: Path) -> None:
    """Whatever people type and erase, wherever: it is the same algorithm."""
    scripts = [at_random(RgaText, f"rga/{seed}", 40, 0.2) for seed in range(SCRIPTS)]
    scripts += [words(0, "milk", "eggs", "12345", backwards=way) for way in (False, True)]
    theirs = played_by_peers(modules, scripts)["automerge"]
    assert [play(RgaText, script) for script in scripts] == theirs


@pytest.mark.proof
@pytest.mark.needs("node", "npm")
def test_who_keep_to_their_own_lines_see_the_same_in_every_text(modules: Path) -> None:
    scripts = [lines(f"lines/{seed}", 4) for seed in range(SCRIPTS)]
    theirs = played_by_peers(modules, scripts)
    ours = [play(FugueText, script) for script in scripts]
    assert ours == [play(RgaText, script) for script in scripts]
    assert ours == theirs["yjs"] == theirs["automerge"]


@pytest.mark.proof
@pytest.mark.needs("node", "npm")
def test_fugue_is_yjs_for_words_at_one_place_and_differs_beside_gravestones(modules: Path) -> None:
    bracket: Script = [("type", 0, 0, "["), ("type", 0, 1, "."), ("type", 0, 2, "]"), ("hear all",)]
    at_one_place = [
        begin + words(at, "milk", "eggs", "12345", backwards=way)
        for way in (False, True)
        for begin, at in (([], 0), (bracket, 1), (bracket, 2))
    ]
    beside = [*bracket, ("erase", 0, 1), ("type", 1, 1, "y"), ("type", 0, 1, "x")]
    rare = [at_random(FugueText, f"fugue/{seed}", 30, 0.0) for seed in range(SCRIPTS)]
    theirs = played_by_peers(modules, [*at_one_place, beside, *rare])["yjs"]
    ours = [play(FugueText, script) for script in [*at_one_place, beside, *rare]]
    same = len(at_one_place)
    assert ours[:same] == theirs[:same]
    assert all(word in text for text in theirs[:same] for word in ("milk", "eggs", "12345"))
    assert (ours[same], theirs[same]) == ("[xy]", "[yx]"), (
        "n1 types behind its own gravestone, in Yjs; Fugue types before it, beside what is shown"
    )
    agreed = sum(map(str.__eq__, ours[same + 1 :], theirs[same + 1 :]))
    assert agreed >= 0.9 * SCRIPTS, f"without gravestones only {agreed} of {SCRIPTS} are the same"


@pytest.mark.needs("pycrdt")
def test_pycrdt_shows_what_fugue_shows_where_people_keep_to_words_and_lines() -> None:
    scripts = [lines(f"pycrdt/{seed}", 3) for seed in range(10)]
    scripts += [words(0, "milk", "eggs", "12345", backwards=way) for way in (False, True)]
    for script in scripts:
        assert play(PycrdtCopy, script) == play(FugueText, script), script


class PycrdtCopy:
    """A copy of pycrdt's text in the form of ours: an operation is an update."""

    def __init__(self, replica: str) -> None:
        from pycrdt import Doc, Text

        self.doc: Any = Doc(client_id=PEOPLE.index(replica) + 1)
        self.doc["text"] = self.shared = Text()

    def text(self) -> str:
        """What is shown."""
        return str(self.shared)

    def insert(self, index: int, sign: str) -> bytes:
        """Type; returns the update."""
        before = self.doc.get_state()
        self.shared.insert(index, sign)
        update: bytes = self.doc.get_update(before)
        return update

    def delete(self, index: int) -> bytes:
        """Delete; returns the update."""
        before = self.doc.get_state()
        del self.shared[index : index + 1]
        update: bytes = self.doc.get_update(before)
        return update

    def apply(self, update: bytes) -> None:
        """Do what somebody else did."""
        self.doc.apply_update(update)
