"""Folders for a while: a killed run leaves none for long, and a living one loses none."""

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from common.course.base.course import ROOT
from common.course.base.scratch import Scratch, sweep

MAKES = """
import sys
from common.course.base.scratch import Scratch
made = Scratch("mark")
(made.path / "file").write_text("x")
print(made.path, flush=True)
sys.stdin.read()
"""


def living(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", MAKES], cwd=ROOT, env={"TMPDIR": str(folder)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().startswith(str(folder / "lab-mark-"))
    return process


def test_what_a_killed_run_has_left_is_gone_and_what_a_living_one_uses_stays(
    tmp_path: Path,
) -> None:
    (tmp_path / "lab-of-somebody-else").mkdir()
    with living(tmp_path) as one, living(tmp_path) as other:
        assert len(list(tmp_path.glob("lab-mark-*"))) == 2
        one.kill()
        one.wait()
        sweep.cache_clear()
        sweep(str(tmp_path))
        (left,) = tmp_path.glob("lab-mark-*")
        assert (left / "file").read_text() == "x"
        other.kill()
        other.wait()
        sweep.cache_clear()
        sweep(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["lab-of-somebody-else"]


def test_a_folder_is_gone_when_it_is_no_longer_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Scratch("mark") as folder:
        (folder / "a").mkdir()
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


@pytest.mark.needs("dask")
def test_two_graders_at_once_do_not_quarrel_over_a_port() -> None:
    from common.course.kit.farm import Done, Farm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        warnings.filterwarnings("error", message="Port .* is already in use")
        with Farm(processes=1) as one, Farm(processes=1) as other:
            for farm in (one, other):
                (done,) = (each for each in farm.run(_twice, {"a": 4}) if isinstance(each, Done))
                assert done.result == 8


def _twice(number: int, tell: object) -> int:
    return number * 2
