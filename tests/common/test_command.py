"""The command's manners: one clear sentence for what cannot be used, JSON for programs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from common.course.base.course import ROOT, Course
from common.course.base.lazy import load
from common.course.command import VERBS, app, run
from tests.support.machine import find_python

SLOW = {
    "pytest", "hypothesis", "libcst", "dask", "distributed", "textual", "asyncio", "watchfiles",
    "multiprocessing", "socket", "pydantic", "typer", "matplotlib", "uvloop",
}  # fmt: skip
"""What takes long to import, and what is for verbs that run something."""

MOST_MODULES = 330
"""A verb that only looks imports about 280, the standard library's included; all verbs, 1,200."""

QUICK: tuple[list[str], ...] = (
    [],
    ["--help"],
    ["list"],
    ["show", "cap"],
    ["hint", "cap"],
    ["progress"],
    ["hint", "-h"],
)

HISTORY = """{:process 0, :type :invoke, :f :write, :value 1}
{:process 0, :type :ok, :f :write, :value 1}
{:process 1, :type :invoke, :f :read, :value nil}
{:process 1, :type :ok, :f :read, :value VALUE}
"""


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """What was said on standard error, as one line."""
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return " ".join(said.split())


@pytest.mark.parametrize("verb", app.commands)
def test_every_verb_has_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb, "--help"]) == 0
    assert f"Example: lab {verb}" in " ".join(capsys.readouterr().out.split())


def test_the_help_says_of_each_verb_what_its_docstring_says_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for heading, verbs in VERBS.items():
        assert f"{heading}:" in said
        for name, verb in verbs.items():
            first, *_ = str(load(name, verb).callback.__doc__).split("\n\n")
            assert f"{name} {' '.join(first.split())}" in said


def imported(folder: Path, arguments: list[str]) -> set[str]:
    """What a process that runs the command has imported in the end."""
    script = "import sys; from common.course.command import run; run(sys.argv[1:]); "
    ran = subprocess.run(
        [sys.executable, "-c", script + "print('', *sys.modules, sep='\\nimported ')", *arguments],
        capture_output=True, text=True, check=True, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    told = (line.partition("imported ") for line in ran.stdout.splitlines())
    return {name for before, _, name in told if name and not before}


def test_verbs_that_only_look_start_at_once(tmp_path: Path) -> None:
    """Modules are counted: that takes no quiet machine. Half of them are the standard library's."""
    assert run(["start", "cap", "--dir", str(tmp_path / "work"), "--json"]) == 0
    history = tmp_path / "history.edn"
    history.write_text(HISTORY.replace("VALUE", "1"), encoding="utf-8")
    check = ["check-history", str(history), "--model", "register"]
    for arguments in (*QUICK, check):
        modules = imported(tmp_path, arguments)
        assert modules >= {"click", "rich"}, arguments
        assert modules & SLOW == set(), arguments
        assert len(modules) < MOST_MODULES, arguments


def test_a_verb_that_runs_a_suite_imports_what_it_needs_when_it_is_called(tmp_path: Path) -> None:
    """The other side: what is not there at the start is there when it is wanted."""
    assert imported(tmp_path, ["start", "cap"]) & SLOW == {"libcst"}


def test_a_shell_completes_verbs_and_labs(tmp_path: Path) -> None:
    def completed(words: str) -> list[str]:
        at = str(words.count(" "))
        asked = {"_LAB_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": at}
        ran = subprocess.run(
            [sys.executable, "-c", "from common.course.command import main; main()"],
            capture_output=True, text=True, check=True, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **asked},
        )  # fmt: skip
        return [line.removeprefix("plain,") for line in ran.stdout.splitlines()]

    assert completed("lab sh") == ["show"]
    assert completed("lab show cas") == ["cassandra"]
    assert "--part" in completed("lab start --")


def test_an_unknown_lab_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("show", "demo", "test", "run", "explore"):
        assert run([verb, "raftt"]) == 3
        assert "error: there is no lab 'raftt'; the labs are: echo" in told(capsys)


def test_an_unknown_verb_and_a_missing_argument_are_one_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["frobnicate"]) == 3
    assert "error: No such command 'frobnicate'" in told(capsys)
    assert run(["shwo"]) == 3
    assert "Did you mean 'show'? (see: lab --help)" in told(capsys)
    assert run(["show"]) == 3
    assert "error: Missing argument 'LAB'. (see: lab show --help)" in told(capsys)


def test_the_command_alone_shows_the_course_and_what_is_next(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([]) == 0
    said = capsys.readouterr()
    assert "Foundations" in said.out
    assert "next: lab start echo" in said.out
    assert not said.err


def test_an_interruption_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: Course) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(Course, "__init__", interrupt)
    assert run(["list"]) == 130
    assert told(capsys) == "interrupted; everything that was started has been stopped"


def test_the_list_for_programs_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "--json"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [lab["id"] for lab in json.loads(printed[-1])["labs"]] == [
        lab.id for lab in Course().labs
    ]


def test_a_trace_cut_in_half_is_refused_with_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["demo", "echo", "--out", str(tmp_path), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    whole = Path(next(path for path in shown["files"] if path.endswith(".jsonl")))
    cut = tmp_path / "cut.jsonl"
    text = whole.read_text(encoding="utf-8")
    cut.write_text(text[: len(text) // 2].rstrip("\n}"), encoding="utf-8")
    assert run(["view", str(cut)]) == 3
    assert "cut.jsonl:" in told(capsys)
    assert run(["view", str(cut), "--torn-ok"]) == 0
    assert cut.with_suffix(".html").exists()
    for target in ("shiviz", "otlp", "perfetto"):
        assert run(["export", str(whole), "--to", target]) == 0
    assert run(["export", str(whole), "--to", "paper"]) == 3


def test_what_is_no_trace_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in (("empty", b""), ("binary", b"\xff\x00\xfe"), ("other", b'{"a":1}\n')):
        path = tmp_path / name
        path.write_bytes(content)
        assert run(["view", str(path)]) == 3
        assert str(path) in told(capsys).replace(" ", "") or name in told(capsys)
    assert run(["view", str(tmp_path / "none")]) == 3


@pytest.mark.parametrize(("value", "code"), [("1", 0), ("nil", 1)])
def test_check_history_answers_by_exit_code(tmp_path: Path, value: str, code: int) -> None:
    path = tmp_path / "history.edn"
    path.write_text(HISTORY.replace("VALUE", value), encoding="utf-8")
    assert run(["check-history", str(path), "--model", "register"]) == code


def test_check_history_that_runs_out_of_steps_says_unknown(tmp_path: Path) -> None:
    path = tmp_path / "history.edn"
    path.write_text(HISTORY.replace("VALUE", "1"), encoding="utf-8")
    assert run(["check-history", str(path), "--model", "register", "--steps", "0"]) == 2


def test_check_history_refuses_what_it_cannot_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "history.edn"
    path.write_text("{:process 0, :type :maybe}\n", encoding="utf-8")
    assert run(["check-history", str(path), "--model", "register"]) == 3
    assert "history.edn:1: " in told(capsys)
    assert run(["check-history", str(path), "--model", "poem"]) == 3
    assert "there is no model 'poem': there are register" in told(capsys)
    assert run(["check-history", str(tmp_path / "none"), "--model", "register"]) == 3
    assert "cannot be read" in told(capsys)


def test_a_schedule_that_names_an_unknown_node_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("- {at: 1s, fault: crash, node: n9}\n", encoding="utf-8")
    assert run(["run", "cap", "--headless", "--duration", "1s", "--faults", str(path)]) == 3
    assert "names the node 'n9', which this cluster does not have" in told(capsys)


def test_a_bad_duration_and_a_bad_variant_are_one_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["run", "cap", "--headless", "--duration", "soon"]) == 3
    assert "'soon' is not a time" in told(capsys)
    assert run(["run", "cap", "--headless", "--variant", "perfect"]) == 3
    assert "has no variant 'perfect': it has consistent, available" in told(capsys)


def test_a_python_that_is_too_old_is_told_so() -> None:
    too_old = next((found for minor in (10, 9, 8) if (found := find_python(minor))), None)
    if too_old is None:
        pytest.skip("there is no Python before 3.11 here")
    asked = subprocess.run(
        [too_old, "-c", "import common"], capture_output=True, text=True, check=False
    )
    assert asked.returncode != 0
    assert "the course needs Python 3.11 or later" in asked.stderr
    assert "Traceback" not in asked.stderr
    made = subprocess.run(
        ["make", "run", f"PYTHON={too_old}", "VENV=.venv-too-old"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "the course needs Python 3.11 or later, and" in made.stderr
    assert not Path(".venv-too-old").exists()


def test_the_module_can_be_run_too() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "common.course.command", "list", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(ran.stdout)["labs"]
