"""Trying mutants: what is caught, what survives, what is broken, and which slice is tried.

That every mutant is caught is a proof of its own (``tests/proofs/test_mutants.py``).
"""

import json
from pathlib import Path

import pytest

from common.course.base.course import ROOT, Course
from common.course.command import run
from common.course.kit.mutants import Mutant, apply, mutants_of, try_mutant
from common.course.kit.slices import parse_slice, take
from common.values.errors import BadInput


def test_a_change_that_is_no_bug_survives_and_one_that_does_not_load_is_broken() -> None:
    course = Course()
    lab = course.lab("netem")
    real = mutants_of(course, lab)[0]
    first = (course.room_of(lab) / real.file).read_text(encoding="utf-8").splitlines()[0]
    harmless = Mutant(
        name="none", file=real.file, find=first, replace=f"{first} ", caught_by=real.caught_by
    )
    broken = Mutant(
        name="broken", file=real.file, find=real.find, replace="(", caught_by=real.caught_by
    )
    unknown = Mutant(
        name="?", file=real.file, find=real.find, replace="0", caught_by="test_nothing"
    )
    tried = try_mutant(course, lab, broken)
    assert tried.fate == "broken"
    assert tried.why.startswith(lab.path(real.file)), "not where it was tried"
    assert try_mutant(course, lab, unknown).why == "lab netem has no graded test test_nothing"
    assert try_mutant(course, lab, real).fate == "caught"
    assert try_mutant(course, lab, harmless).fate == "survived"


def test_the_text_to_find_has_to_be_there_once(tmp_path: Path) -> None:
    course = Course()
    lab = course.lab("netem")
    mutant = Mutant(name="all", file="shape.py", find="def ", replace="", caught_by="test_x")
    with pytest.raises(BadInput, match="the text to find is in shape.py [0-9]+ times"):
        apply(course, lab, mutant, tmp_path)


def test_the_table_is_json_for_the_docs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mutants", "netem", "--slice", "1/8", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["caught"] == told["mutants"] == len(told["table"]) > 1
    assert {"lab", "bug", "caught_by", "seed", "seconds"} <= set(told["table"][0])


def test_all_slices_together_are_everything_and_each_is_always_the_same() -> None:
    items = list(range(103))
    parts = [parse_slice(f"{number}/10", ROOT) for number in range(1, 11)]
    slices = [take(items, part, str) for part in parts]
    assert sorted(item for part in slices for item in part) == items
    assert all(3 <= len(part) <= 20 for part in slices)
    assert [take(items[1:], part, str) for part in parts] == [
        [item for item in part if item] for part in slices
    ], "what comes or goes moves nothing else"
    assert parse_slice("commit/10", ROOT) == parse_slice("commit/10", ROOT)
    assert parse_slice("day/10", ROOT)[1] == 10


@pytest.mark.parametrize("text", ["", "0/3", "4/3", "x/3", "1/0", "-1/3"])
def test_what_is_no_slice_is_one_sentence(text: str) -> None:
    with pytest.raises(BadInput, match="is no slice"):
        parse_slice(text, ROOT)
