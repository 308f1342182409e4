"""``lab run``: real processes, a real fault, a checked history, a picture; and the dashboard."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import DataTable, Static

from common.check.verdict import Answer
from common.contract import CallId, on
from common.course.command import run
from common.course.verbs import running, session
from common.course.verbs.dashboard import Dashboard
from common.course.verbs.session import SessionOptions
from common.runtime.member import State
from common.trace.reader import read
from stage1_foundations.cap.worlds import WORLDS as CAP
from stage1_foundations.echo.node import Caller, Say
from stage1_foundations.echo.worlds import WORLDS as ECHO
from stage4_consensus.raft.worlds import WORLDS as RAFT

WAIT_SECONDS = 60


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    code = run([*arguments, "--json"])
    printed: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return code, printed


def test_a_cluster_under_a_schedule_is_recorded_checked_and_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text(
        "- {at: 500ms, fault: partition, groups: [[n1, c1], [n2, n3, c2, c3]]}\n"
        "- {at: 1500ms, fault: heal}\n"
        "- {at: 1800ms, fault: crash, node: n2}\n"
        "- {at: 2200ms, fault: restart, node: n2}\n",
        encoding="utf-8",
    )
    arguments = ("run", "cap", "--variant", "consistent", "--duration", "3s")
    code, result = run_json(capsys, *arguments, "--faults", str(faults), "--out", str(tmp_path))
    assert code == 0
    assert result["result"] == "yes"
    files = result["files"]
    assert isinstance(files, dict)
    trace = read(Path(files["trace"]))
    kinds = {event["kind"] for event in trace.events}
    assert {"send", "recv", "drop", "partition", "heal", "crash", "restart", "invoke"} <= kinds
    assert trace.meta.world == "sockets"
    assert Path(files["page"]).read_text(encoding="utf-8").startswith("<!doctype html>")
    history = files["history"]
    assert run(["check-history", history, "--model", "register"]) == 0


def test_a_run_that_is_too_long_for_a_picture_is_checked_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MOST_TRACED", 1_000)
    code = run(["run", "cap", "--headless", "--duration", "1s", "--out", str(tmp_path)])
    told = " ".join(capsys.readouterr().out.split())
    assert code == 0
    assert "No picture: the run traced more than" in told
    assert "let it run for a shorter time" in told
    files = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert files == ["history.jsonl"]


class MuteCaller(Caller):
    """Asks nobody, so that nothing that it is asked ever ends."""

    @on(Say)
    def say_asked(self, operation: Say, call: CallId) -> None:
        """Nothing."""


def test_a_run_in_which_nothing_was_done_shows_nothing_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = replace(ECHO.variant(), client=MuteCaller)
    mute = replace(ECHO, variants={"node": variant})
    monkeypatch.setattr(running, "worlds_of", lambda _lab: mute)
    monkeypatch.setattr(session, "SETTLING_SECONDS", 0.1)
    arguments = ["run", "echo", "--duration", "300ms", "--faults", "none", "--out", str(tmp_path)]
    code, result = run_json(capsys, *arguments)
    assert code == 2
    assert result["result"] == "unknown"
    outcomes: Any = result["outcomes"]
    assert outcomes["ok"] == 0
    assert outcomes["unknown"] >= 2
    verdicts: Any = result["verdicts"]
    [verdict] = verdicts.values()
    said = f"This shows nothing: none of {outcomes['unknown']} operations ended ok."
    assert verdict == {"answer": "unknown", "sentence": said}
    files: Any = result["files"]
    trace = read(Path(files["trace"]))
    assert [e["result"] for e in trace.events if e["kind"] == "verdict"] == ["unknown"]
    assert run([*arguments, "--headless"]) == 2
    said = capsys.readouterr().out
    assert "? unknown" in said
    assert "let the clients work for longer (--duration)" in " ".join(said.split())


def test_a_taken_port_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = ["run", "cap", "--headless", "--port", str(port), "--out", str(tmp_path)]
        assert run(arguments) != 0
        said = " ".join(capsys.readouterr().err.split())
    assert f"port {port}" in said
    assert "Traceback" not in said


def test_data_of_an_earlier_run_is_refused_because_its_history_could_not_be_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "n1").mkdir()
    assert run(["run", "cap", "--headless", "--data", str(tmp_path)]) == 3
    said = " ".join(capsys.readouterr().err.split())
    assert "holds the data of an earlier run" in said


def test_interrupting_a_run_leaves_no_process_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "common.course.command", "run", "cap", "--headless"]
    began = subprocess.Popen(
        [*command, "--duration", "60s", "--data", str(tmp_path / "data")],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, start_new_session=True,
    )  # fmt: skip
    try:
        assert began.stdout is not None
        began.stdout.readline()  # said once the cluster is up
        assert processes_in(tmp_path)
        os.killpg(began.pid, signal.SIGINT)
        _, errors = began.communicate(timeout=WAIT_SECONDS)
    finally:
        began.kill()
        began.communicate()
    assert "Traceback" not in errors
    assert began.returncode == 130
    assert processes_in(tmp_path) == []


def processes_in(folder: Path) -> list[str]:
    """The command lines of all processes that name a folder."""
    listed = subprocess.run(
        ["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True
    )
    return [line for line in listed.stdout.splitlines() if f"{folder}/data" in line
            and "common.runtime.process" in line]  # fmt: skip


async def until(what: Callable[[], bool], pause: Callable[[], Awaitable[None]]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not what():
            await pause()


def test_the_dashboard_kills_restarts_pauses_and_cuts_off_by_key(tmp_path: Path) -> None:
    async def play() -> Dashboard:
        app = Dashboard(CAP, SessionOptions(variant="consistent"), None)
        async with app.run_test(size=(120, 40)) as pilot:

            async def pause() -> None:
                await pilot.pause(0.05)

            def state() -> State:
                assert app.session is not None
                return app.session.cluster.members["n1"].state

            await until(lambda: app.query_one(DataTable).row_count == 3, pause)
            assert app.session is not None
            tally = app.session.tally
            await until(lambda: tally()["ok"] > 5, pause)
            for key, wanted in (("k", State.DOWN), ("r", State.UP), ("p", State.PAUSED),
                                ("p", State.UP)):  # fmt: skip
                await pilot.press(key)
                await until(lambda wanted=wanted: state() is wanted, pause)  # type: ignore[misc]
            for key in ("x", "h", "s", "l", "h"):
                await pilot.press(key)
            before = tally()["ok"]
            await until(lambda: tally()["ok"] > before + 5, pause)
            await pilot.press("q")
            await until(lambda: not app.is_running or app._exit, pause)
        return app

    app = asyncio.run(play())
    assert app.error is None
    assert app.session is not None
    files = app.session.save(tmp_path)
    assert {verdict.answer for verdict in app.session.verdicts().values()} == {Answer.YES}
    assert read(Path(files["trace"])).events
    app.session.close()


def test_at_80_columns_the_dashboard_says_what_is_wrong_with_whom() -> None:
    async def play() -> None:
        app = Dashboard(RAFT, SessionOptions(), None)
        async with app.run_test(size=(80, 24)) as pilot:

            async def pause() -> None:
                await pilot.pause(0.05)

            def shown(name: str) -> str:
                part = app.query_one(name, Static)
                return str(part.render()) if part.display else ""

            def state(id: str) -> str:
                return str(app.query_one(DataTable).get_row(id)[1])

            await until(lambda: shown("#starting") == "starting n1, n2, n3, n4, n5 ...", pause)
            assert not app.query_one(DataTable).display, "no empty table"
            await until(lambda: app.query_one(DataTable).row_count == 5, pause)
            assert shown("#starting") == ""
            table = app.query_one(DataTable)
            await until(lambda: "up" in state("n1"), pause)
            table.move_cursor(row=0)
            await pilot.press("x", "s")
            await until(lambda: "cut off, slow" in state("n1"), pause)
            assert "network cut: n1 c1  ──//──  n2 n3 n4 n5" in shown("#network")
            assert "the network is cut: n1, c1 | n2" in shown("#faults")
            assert "links from n1 to all: 100 ms to 300 ms late" in shown("#faults")
            await pilot.press("h", "p")
            await until(lambda: "n1 is paused: p again resumes it" in shown("#network"), pause)
            assert "//" not in shown("#network")
            assert "paused" in state("n1")
            await pilot.press("p", "l")
            await until(lambda: "loses 20%" in state("n1"), pause)
            assert shown("#network") == ""
            assert "n1 goes on" in shown("#faults"), "faults stay in view above the stream"
            assert shown("#counts").startswith("ok "), "one line, no giant digits"
            assert app.query_one("#counts").size.height == 1
            wide = sum(column.get_render_width(table) for column in table.ordered_columns[:4])
            assert wide < 80, "what is wrong is in view"
            await pilot.press("q")
            await until(lambda: not app.is_running or app._exit, pause)
        assert app.error is None
        assert app.session is not None
        app.session.close()

    asyncio.run(play())


def test_the_key_that_kills_is_for_the_leader_until_the_cursor_is_moved(tmp_path: Path) -> None:
    async def play() -> None:
        app = Dashboard(RAFT, SessionOptions(), None)
        async with app.run_test(size=(120, 40)) as pilot:

            async def pause() -> None:
                await pilot.pause(0.05)

            def chosen() -> tuple[str, str, State]:
                table = app.query_one(DataTable)
                id, _, role, *_ = table.get_row_at(table.cursor_row)
                assert app.session is not None
                return id, role, app.session.cluster.members[id].state

            await until(lambda: app.query_one(DataTable).row_count == 5, pause)
            for _ in range(2):
                await until(lambda: chosen()[1:] == ("leader", State.UP), pause)
                killed = chosen()[0]
                await pilot.press("k")
                await until(lambda: chosen()[2] is State.DOWN, pause)
                assert chosen()[0] == killed, "the cursor stays where it has killed"
                await pilot.press("r")
            await until(lambda: chosen()[1] == "leader", pause)
            leads, other = chosen()[0], "up" if chosen()[0] == "n5" else "down"
            await pilot.press(other)
            await pilot.pause(1.5)
            assert chosen()[0] != leads, "once it was moved, the cursor stays where it is"
            await pilot.press("q")
            await until(lambda: not app.is_running or app._exit, pause)
        assert app.error is None
        assert app.session is not None
        app.session.close()

    asyncio.run(play())


def test_a_students_own_code_runs_as_processes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    assert run(["start", "cap", "--all", "--dir", str(work)]) == 0
    capsys.readouterr()
    arguments = ["run", "cap", "--duration", "1s", "--out", str(tmp_path), "--json"]
    # In a process of its own: the code of a workspace must be imported before the course's.
    command = [sys.executable, "-m", "common.course.command", *arguments, "--impl", str(work)]
    asked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert asked.returncode == 1
    assert "raised NotImplementedError" in asked.stderr
    assert "cap/consistent.py" in "".join(asked.stderr.split())
    assert run([*arguments, "--impl", str(tmp_path / "nowhere")]) == 3
    assert "there is no workspace" in " ".join(capsys.readouterr().err.split())
