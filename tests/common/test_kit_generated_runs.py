"""`lab mutants --generated`: a weak suite leaves survivors, a strong one none; nothing twice."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.course.base.course import ROOT, Course
from common.course.kit.generated.kept import code_digest
from common.course.kit.generated.making import generate
from common.course.kit.generated.proving import Choice, Proof
from common.course.kit.generated.recording import FILE, read
from common.course.kit.generated.trying import Processes, Ran
from common.course.suites.suite import SuiteOptions, run_suite
from common.values.errors import BadInput
from tests.support.lab_command import lab
from tests.support.tiny_course import LAB, STAGE, STRONG, WEAK, make_course

pytestmark = [pytest.mark.slow, pytest.mark.proof]

SURVIVE_THE_WEAK = {
    "Counter.on_start:assignment-left-out",
    "Counter.add:condition-always",
    "Counter.add:comparison-moved",
    "Counter.add:own-other",
    "Counter.add:assignment-left-out",
    "Counter.add:save-left-out",
}


class Tiny:
    """The tiny course, and the command in it."""

    def __init__(self, place: Path) -> None:
        self.root = make_course(place / "course", WEAK)
        self.place = place

    def run(self, *more: str, code: int) -> dict[str, Any]:
        """Run the command; returns its object."""
        words = ("mutants", "--generated", "--json", "--processes", "1", *more)
        ran = lab(self.place, *words, root=self.root)
        assert ran.returncode == code, ran.stdout + ran.stderr
        told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
        return told

    def words(self, *more: str) -> str:
        """Run the command; returns what it says to people."""
        return lab(self.place, "mutants", "--generated", *more, root=self.root).stdout

    def explain(self, reasons: dict[str, str]) -> None:
        """Write the lab's mutants file."""
        entries = [{"id": id, "why": why} for id, why in reasons.items()]
        path = self.root / f"tests/mutants/{LAB}.yaml"
        path.write_text(yaml.safe_dump({"mutants": [], "equivalent": entries}), encoding="utf-8")

    def use(self, suite: str) -> None:
        """Take another suite."""
        path = self.root / f"tests/{STAGE}/{LAB}/test_counter.py"
        path.write_text(suite, encoding="utf-8")

    def kept(self) -> list[Path]:
        """The files of results, the newest first."""
        files = (self.place / "out/mutants").glob("*.jsonl")
        return sorted(files, key=lambda path: -path.stat().st_mtime_ns)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return Tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def weak(tiny: Tiny) -> dict[str, Any]:
    """The first run: all mutants, under the weak suite, several at a time."""
    return tiny.run("--processes", "3", code=1)


def survivors(told: dict[str, Any]) -> list[str]:
    return [each["id"] for lab in told["labs"] for each in lab["survivors"]]


def test_a_weak_suite_leaves_survivors_which_are_named_with_their_diffs(
    weak: dict[str, Any],
) -> None:
    assert {id.rpartition(":")[0] for id in survivors(weak)} == SURVIVE_THE_WEAK
    assert (weak["mutants"], weak["answered"], weak["passed"]) == (12, 5, False)
    saved = next(each for each in weak["labs"][0]["survivors"] if "save" in each["id"])
    assert saved["what"] == '`self.save("all", (self.total, self.latest))` left out'
    assert '-            self.save("all", (self.total, self.latest))' in saved["diff"]


def test_what_was_tried_is_not_tried_again_and_a_run_that_was_killed_goes_on(
    tiny: Tiny, weak: dict[str, Any]
) -> None:
    (path,) = tiny.kept()
    before = path.read_bytes()
    assert tiny.run(code=1)["labs"][0]["survivors"] == weak["labs"][0]["survivors"]
    assert path.read_bytes() == before, "nothing was tried"
    lines = [line for line in before.splitlines(keepends=True) if line.strip()]
    path.write_bytes(b"".join(lines[:-2]) + lines[-2][:20])
    assert survivors(tiny.run(code=1)) == survivors(weak)
    assert path.read_bytes().count(b'"id"') == len(lines) + 1, "two again, and half a line"


def test_a_survivor_is_answered_by_a_reason(tiny: Tiny, weak: dict[str, Any]) -> None:
    tiny.explain(dict.fromkeys(survivors(weak)[1:], "nobody looks at it"))
    told = tiny.run(code=1)
    assert survivors(told) == survivors(weak)[:1], "91.7 % are fewer than 95 %"
    tiny.explain(dict.fromkeys(survivors(weak), "nobody looks at it"))
    told = tiny.run(code=0)
    assert (told["answered"], told["labs"][0]["explained"], told["passed"]) == (12, 7, True)
    assert "explained: nobody looks at it" in tiny.words("--only", "save-left-out")


def test_a_reason_for_what_is_no_mutant_any_more_is_reported_and_fails(
    tiny: Tiny, weak: dict[str, Any]
) -> None:
    saved = next(id for id in survivors(weak) if "save-left-out" in id)
    old = saved[:-4] + "0000"
    tiny.explain({**dict.fromkeys(survivors(weak), "nobody looks at it"), old: "old"})
    told = tiny.run(code=1)
    assert told["labs"][0]["stale"] == [
        {"id": old, "why": f"is no mutant any more; is it now {saved}?"}
    ]
    assert f"stale {old} in tests/mutants/counter.yaml is no mutant any more" in tiny.words()


def test_a_strong_suite_catches_all_and_makes_reasons_stale(
    tiny: Tiny, weak: dict[str, Any]
) -> None:
    tiny.use(STRONG)
    tiny.explain({survivors(weak)[-1]: "nobody looks at it"})
    told = tiny.run(code=1)
    assert (told["answered"], survivors(told)) == (12, [])
    assert told["labs"][0]["stale"][0]["why"] == (
        "is caught by test_a_crash_forgets_nothing, so it needs no explanation"
    )
    tiny.explain({})
    assert tiny.run(code=0)["percent"] == 100
    assert len(tiny.kept()) == 2, "what the weak suite found is kept beside it"


def test_a_reference_that_fails_its_own_suite_is_refused(tiny: Tiny) -> None:
    tiny.use(STRONG.replace("lab.Added(1, 10)", "lab.Added(1, 11)"))
    ran = lab(tiny.place, "mutants", "--generated", root=tiny.root)
    assert ran.returncode == BadInput.exit_code
    assert "the reference of lab counter itself fails test_a_crash_forgets_nothing" in ran.stderr
    assert "mend that first" in ran.stderr


def test_a_slice_and_a_limit_are_always_the_same_and_all_slices_are_everything() -> None:
    course = Course()
    every = generate(course, course.lab("netem"))
    slices = [Choice((number, 10)).of(every) for number in range(10)]
    assert set.union(*slices) == {("netem", mutant.id) for mutant in every}
    assert sum(map(len, slices)) == len(every)
    few = Choice(limit=7).of(every)
    assert few == Choice(limit=7).of(every[::-1])
    assert len(few) == 7
    assert len(few & Choice(limit=7).of(every[1:])) >= 6, "one mutant more changes one choice"


def test_figures_are_written_for_the_docs_with_their_day_and_commit(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    for words in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "all")):
        subprocess.run(["git", "-C", str(tiny.root), *words], check=True)
    told = tiny.run("--limit", "4", "--publish", code=1)
    figures = read(tiny.root / FILE)[LAB]
    assert (figures.tried, figures.generated) == (4, 12)
    assert figures.caught + figures.explained + len(figures.survivors) == told["mutants"]
    assert len(figures.commit) == 12
    assert figures.date


def test_options_of_generated_mutants_are_for_them_alone() -> None:
    for wrong in (
        ("--limit", "3"),
        ("--only", "save"),
        ("--publish",),
        ("--generated", "--judged"),
    ):
        ran = lab(ROOT, "mutants", "netem", *wrong)
        assert ran.returncode == BadInput.exit_code
        assert ran.stderr.startswith("error: ")


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with Processes(1) as made:
        yield made


def ran(processes: Processes, text: str, seconds: float = 60) -> Ran:
    """The suite of netem with this text in the place of its file."""
    course, ended = Course(), list[Ran]()
    netem = course.lab("netem")
    processes.each(
        [text],
        lambda process, text: process.run(course, netem, {netem.files[0].path: text}, (), seconds),
        ended.append,
    )
    return ended[0]


def test_what_never_ends_what_does_not_load_and_what_eats_the_memory_are_caught(
    processes: Processes,
) -> None:
    endless = ran(processes, "while True: pass", seconds=3)
    assert (endless.fate, endless.why) == ("caught", "the suite had not ended after 3 s")
    broken = ran(processes, "(")
    assert broken.fate == "caught"
    assert broken.why.startswith("stage1_foundations/netem/shape.py:1"), "not where it was tried"
    assert "was never closed" in broken.why
    assert ran(processes, "x = bytearray(1 << 40)").fate == "caught"
    assert ran(processes, "import os; os._exit(0)").fate == "caught"


def test_a_warm_process_gives_the_verdicts_that_lab_test_gives(processes: Processes) -> None:
    course = Course()
    netem = course.lab("netem")
    text = (course.room_of(netem) / netem.files[0].path).read_text(encoding="utf-8")
    warm = ran(processes, text)
    assert warm.fate == "survived"
    cold = run_suite(course, netem, SuiteOptions())
    assert {test.test for test in warm.result.tests} == {test.test for test in cold.tests}


def test_the_tests_of_the_exercises_part_come_first_and_of_them_those_that_catch_most(
    tmp_path: Path,
) -> None:
    course = Course()
    cap = course.lab("cap")
    proof = Proof(course, cap, tmp_path)
    names = [
        f"{cap.suite}/{name}"
        for name in (
            "test_cap_available.py::test_a", "test_cap_consistent.py::test_b",
            "test_cap_consistent.py::test_c",
        )
    ]  # fmt: skip
    order = proof.order(
        "ConsistentReplica.on_start", dict(zip(names, (0.1, 2.0, 0.1), strict=True))
    )
    assert order == [names[2], names[1], names[0]]


def test_a_result_is_of_the_code_that_it_stands_on_and_of_no_other(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", WEAK)
    course = Course(root)
    counter = course.lab(LAB)
    before = code_digest(course, counter)
    (root / "docs/labs/counter.md").write_text("words", encoding="utf-8")
    (root / "common/course/kit/page.py").write_text("", encoding="utf-8")
    assert code_digest(course, counter) == before
    for name in ("common/sim/disk.py", f"{STAGE}/{LAB}/node.py", f"tests/{STAGE}/{LAB}/data.txt"):
        (root / name).write_text("x = 1\n", encoding="utf-8")
        assert code_digest(course, counter) != before
        before = code_digest(course, counter)
