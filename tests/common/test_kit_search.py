"""Searches for schedules that break a lab, and what students bring as counter-examples."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.course.base.course import ROOT, Course
from common.course.kit.batches import Batch, Tried, try_batch
from common.course.kit.logbook import Logbook
from common.course.kit.marking import suites_digest
from common.course.kit.mutants import Mutant
from common.course.verbs.schedules import read_schedule
from common.sim.chaos import KINDS
from common.values.errors import BadInput
from tests.support.lab_command import lab

pytestmark = pytest.mark.needs("bwrap", "dask")

LIMIT_SECONDS = 600.0
SHORT = ("link",)
"""Trouble of one kind breaks the wrong register too, and a schedule of it is soon shrunk."""

COURSE = Course()
CONSISTENT = COURSE.lab("cap").path("consistent.py")

RECEIVED = "    def segment_received(self, segment: Segment, sender: NodeId) -> None:\n"
DOC = '        """Keep the segment if it is new and fits, deliver what is due, and say what'
RARE = f'        assert sender in ("a", "b"), "it loses its head"\n{DOC}'
"""A bug that shows only where ends have other names than in any graded test."""

IN_LINK = {"lab": "link", "file": "sliding_window.py", "find": RECEIVED + DOC}


def broken(folder: Path) -> Path:
    """A workspace in which the register takes one replica for a majority."""
    target = folder / "work" / CONSISTENT
    target.parent.mkdir(parents=True)
    text = (ROOT / CONSISTENT).read_text(encoding="utf-8")
    changed = text.replace("if not is_majority(pending.answered, self.replicas):", "if False:")
    assert changed != text
    target.write_text(changed, encoding="utf-8")
    return folder / "work"


def batch(**changes: Any) -> Batch:
    plain = Batch(
        lab="cap",
        variant="",
        first=1,
        count=5,
        kinds=KINDS,
        files={},
        suites=suites_digest(COURSE),
    )
    return replace(plain, **changes)


def test_the_reference_keeps_its_promises_and_does_something() -> None:
    tried = try_batch(batch(count=20))
    assert not tried.failures
    assert tried.ok > 20 * 30


def test_a_wrong_register_is_found_in_the_sandbox_and_its_schedule_shrunk(tmp_path: Path) -> None:
    work = broken(tmp_path)
    before = sorted(work.rglob("*"))
    command = ("sweep", "cap", "--seeds", "3", "--kinds", *SHORT, "--impl", str(work), "--json")
    ran = lab(tmp_path, *command, limit=LIMIT_SECONDS)
    assert ran.returncode == 1, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    found = told["failures"][0]
    assert "not linearizable" in found["sentence"]
    schedule = read_schedule(Path(tmp_path / told["files"][0]))
    assert [fault["fault"] for fault in found["schedule"]] == [
        fault["fault"] for fault in schedule.to_plain()
    ]
    assert len(found["schedule"]) <= 8
    assert sorted(work.rglob("*")) == before, "the workspace is only read"


def test_a_search_goes_on_where_it_stopped(tmp_path: Path) -> None:
    done = Tried(first=1, count=5, ok=9, failures=())
    book = Logbook(tmp_path, batch())
    book.add(done)
    with book.path.open("ab") as file:
        file.write(b'{"first": 6, "cou')  # a kill in the middle of a line
    again = Logbook(tmp_path, batch())
    assert again.tried == {1: done}
    assert again.has(batch())
    assert not again.has(batch(first=6))
    again.add(Tried(first=6, count=5, ok=9, failures=()))
    assert Logbook(tmp_path, batch()).has(batch(first=6))
    assert not Logbook(tmp_path, batch(files={"a.py": b""})).tried


@pytest.mark.proof
def test_the_same_seed_finds_the_same(tmp_path: Path) -> None:
    files = {CONSISTENT: (broken(tmp_path) / CONSISTENT).read_bytes()}
    first, second = (try_batch(batch(count=1, kinds=SHORT, files=files)) for _ in range(2))
    assert first == second


def test_code_that_ends_its_process_ends_the_search_with_a_sentence() -> None:
    files = {CONSISTENT: b"import os\nos._exit(0)\n"}
    with pytest.raises(BadInput, match="the search ended at seed 1: "):
        try_batch(batch(files=files))


def test_what_is_no_cluster_and_what_is_no_trouble_are_one_sentence(tmp_path: Path) -> None:
    ran = lab(tmp_path, "sweep", "netem")
    assert ran.returncode == 3
    assert "lab netem is no cluster, so there are no schedules to search" in ran.stderr
    ran = lab(tmp_path, "sweep", "cap", "--kinds", "earthquake")
    assert "'earthquake' is no kind of trouble; there are: partition" in ran.stderr


def claim(folder: Path, **plain: Any) -> Path:
    path = folder / "claim.yaml"
    path.write_text(yaml.safe_dump({"lab": "cap", "name": "It loses its head", **plain}), "utf-8")
    return path


@pytest.mark.proof
def test_a_wrong_variant_that_passes_is_printed_as_a_mutant(tmp_path: Path) -> None:
    schedule = [{"at": 0, "fault": "link", "latency": [80_000, 100_000]}]
    path = claim(tmp_path, **IN_LINK, replace=RECEIVED + RARE, schedule=schedule)
    ran = lab(tmp_path, "bounty", str(path), limit=LIMIT_SECONDS)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "the suite passes, and at seed 1 it is wrong: AssertionError" in ran.stdout
    (entry,) = yaml.safe_load(ran.stdout[ran.stdout.index("# to be written") :])
    assert Mutant(**entry).file == IN_LINK["file"]


@pytest.mark.proof
def test_a_variant_that_the_suite_catches_is_no_bounty(tmp_path: Path) -> None:
    path = claim(tmp_path, **IN_LINK, replace=RECEIVED + "        return\n" + DOC)
    ran = lab(tmp_path, "bounty", str(path), limit=LIMIT_SECONDS)
    assert ran.returncode == 1, ran.stderr
    assert "no bounty: the suite catches it already, with test_" in ran.stdout


def test_a_schedule_that_the_reference_survives_is_no_bounty(tmp_path: Path) -> None:
    path = claim(tmp_path, schedule=[{"at": 1000, "fault": "crash", "node": "n1"}])
    ran = lab(tmp_path, "bounty", str(path), limit=LIMIT_SECONDS)
    assert ran.returncode == 1
    assert "the reference of lab cap keeps its promises under it" in ran.stdout


@pytest.mark.parametrize(
    ("plain", "says"),
    [
        ({"lab": "cup"}, "claim.yaml:1: there is no lab 'cup'"),
        ({}, "it has neither a file with a bug nor a schedule"),
        ({"file": "x.py"}, "x.py is no file of lab cap"),
        ({"file": "consistent.py", "find": "this is not in it"}, "the text to find is 0 times"),
        ({"schedule": [{"at": 1, "fault": "crash", "node": "n9"}]}, "names the node 'n9'"),
        ({"schedul": []}, "unknown field `schedul`"),
        (
            {**IN_LINK, "test": "test_x"},
            "no graded test test_x",
        ),
    ],
)
def test_a_claim_that_says_nothing_is_one_sentence(
    plain: dict[str, Any], says: str, tmp_path: Path
) -> None:
    ran = lab(tmp_path, "bounty", str(claim(tmp_path, **plain)))
    assert ran.returncode == 3
    assert says in ran.stderr


@pytest.mark.proof
def test_a_claim_with_a_test_and_a_seed_is_checked_on_both(tmp_path: Path) -> None:
    test = "test_a_sliding_window_delivers_everything_once_and_in_order_whatever_the_network_does"
    claimed = {**IN_LINK, "replace": RECEIVED + RARE, "test": test, "seed": 3}
    ran = lab(tmp_path, "bounty", str(claim(tmp_path, **claimed)), limit=LIMIT_SECONDS)
    assert ran.returncode == 1, ran.stderr
    assert "passes with it at seed 3 as well" in ran.stdout
