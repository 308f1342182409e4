"""A run of a suite: a stray warning or an unclosed socket costs the test that made it, no more."""

from pathlib import Path

import pytest

from common.course.base.course import ROOT, Course
from common.course.suites.suite import SuiteOptions, SuiteResult, run_suite

SERVER = "stage1_foundations/echo/server.py"
STARTS = "        try:\n            self._listener = await asyncio.start_server("
STOPS = "        self.stopping = True\n"
ONE_TEST = "a_client_too_many_is_hung_up_on_until_another_leaves"
"""The only one that asks for a server of one connection."""

SOME = "too_many or every_payload or ends_its_side or longest_payload or in_one_read"
"""Some tests of servers, and some of frames."""

LEAVES_A_SOCKET = """\
        if self.max_connections == 1:
            circle = [socket.socket()]
            circle.append(circle)
"""
LEAVES_A_THREAD = """\
        if self.max_connections == 1:
            import threading
            threading.Thread(target=lambda: 1 / 0).start()
"""
AWAITS_NOBODY = """\
        if self.max_connections == 1:
            asyncio.sleep(1)
"""
LEFT_BY_ALL = "        raise NotImplementedError(socket.socket())\n"


def suite_of(folder: Path, more: str, before: str = STOPS) -> SuiteResult:
    """The suite of echo, on a right server that does something more, as it stops or elsewhere."""
    text = (ROOT / SERVER).read_text(encoding="utf-8")
    assert text.count(before) == 1
    path = folder / SERVER
    path.parent.mkdir(parents=True)
    path.write_text(text.replace(before, more + before), encoding="utf-8")
    course = Course()
    return run_suite(course, course.lab("echo"), SuiteOptions(impl=folder, seeds=1, only=SOME))


def failed(result: SuiteResult) -> dict[str, str]:
    assert not result.cut_short
    assert result.collected == len(result.tests)
    return {test.name: test.why for test in result.failed}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (LEAVES_A_SOCKET, "unclosed <socket"),
        (LEAVES_A_THREAD, "ZeroDivisionError in a thread: division by zero"),
        (AWAITS_NOBODY, "coroutine 'sleep' was never awaited"),
    ],
)
def test_what_was_left_behind_costs_the_test_that_left_it_and_says_what(
    more: str, says: str, tmp_path: Path
) -> None:
    whys = failed(suite_of(tmp_path, more))
    assert list(whys) == [ONE_TEST]
    assert "every check holds, but something was left behind: " in whys[ONE_TEST]
    assert says in whys[ONE_TEST]


def test_a_test_that_fails_anyway_says_why_and_the_next_one_does_not_pay_for_its_socket(
    tmp_path: Path,
) -> None:
    whys = failed(suite_of(tmp_path, f"{LEAVES_A_SOCKET}            raise RuntimeError('no')\n"))
    assert list(whys) == [ONE_TEST]
    assert whys[ONE_TEST].startswith("RuntimeError: no")


def test_sockets_left_by_every_test_end_no_run(tmp_path: Path) -> None:
    """On Python 3.11.2 a warning while pytest wrote its report ended the run."""
    whys = failed(suite_of(tmp_path, LEFT_BY_ALL, STARTS))
    assert len(whys) == 4
    assert not any("left behind" in why for why in whys.values())


def test_a_warning_as_the_file_is_read_costs_nothing(tmp_path: Path) -> None:
    assert not failed(suite_of(tmp_path, '        "\\d"\n'))


def test_code_that_ends_the_program_loses_no_test_without_a_word(tmp_path: Path) -> None:
    result = suite_of(tmp_path, "        import os\n        os._exit(0)\n")
    lost = (result.collected or 0) - len(result.tests)
    assert lost > 0
    assert f"the run ended early: {lost} of {result.collected} tests have no" in result.cut_short
    assert result.to_plain()["cut_short"] == result.cut_short


def test_what_else_is_installed_has_no_say_in_a_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rude-1.dist-info").mkdir()
    (tmp_path / "rude-1.dist-info/METADATA").write_text("Name: rude\nVersion: 1\n", "utf-8")
    (tmp_path / "rude-1.dist-info/entry_points.txt").write_text(
        "[pytest11]\nrude = rude\n", "utf-8"
    )
    (tmp_path / "rude.py").write_text("def pytest_runtest_call():\n    raise ValueError\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert not failed(suite_of(tmp_path, ""))


def test_only_what_has_points_is_run_and_a_whole_run_is_not_called_cut_short() -> None:
    """Beside the suite of link stand tests of the course's own files."""
    course = Course()
    lab = course.lab("link")
    result = run_suite(course, lab, SuiteOptions(seeds=1))
    assert not failed(result)
    assert result.possible == lab.points
