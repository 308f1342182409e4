"""From a benchmark to the docs' table: what is missing or fails stops nothing, each is shown."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from common.course.base.course import ROOT, Course
from docs.making import measuring, tables
from docs.making.asking import Asked, Page, Site
from docs.making.running import Runner
from docs.making.staging import Stage

BENCHMARKS = ROOT / "tests" / "benchmarks"
RESULT = {"name": "fast", "machine": "2 cores", "figures": {"a_us": 1.5}, "ratios": {"vs_b": 2}}


def benchmarks_in(folder: Path) -> str:
    """A program that runs ``make bench`` over three benchmarks of its own."""
    (folder / "absent.py").write_text("import sys\nprint('error: no b', file=sys.stderr)\nexit(4)")
    (folder / "broken.py").write_text("raise ValueError('it is wrong')\n")
    (folder / "fast.py").write_text(f"print('first')\nprint({json.dumps(json.dumps(RESULT))})\n")
    return (
        f"import sys; from pathlib import Path; sys.path.insert(0, {str(BENCHMARKS)!r}); "
        f"import _table; sys.exit(_table.main(sys.argv[1:], Path({str(folder)!r}), Path('out')))"
    )


def test_a_missing_peer_and_a_failure_stop_no_other_benchmark(tmp_path: Path) -> None:
    program = [sys.executable, "-c", benchmarks_in(tmp_path)]
    ran = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stderr
    assert "absent (1 of 3) ..." in ran.stdout
    assert "left out: absent: no b\n" in ran.stdout
    assert "failed: broken: ValueError: it is wrong\n" in ran.stdout
    (kept,) = measuring.results(tmp_path / "out" / "benchmarks.json")
    assert (kept.name, kept.figures, kept.ratios) == ("fast", {"a_us": 1.5}, {"vs_b": 2.0})
    assert "vs_b | 2.00x" in (tmp_path / "out" / "benchmarks.md").read_text()
    one = subprocess.run([*program, "fast"], cwd=tmp_path, capture_output=True, check=False)
    assert one.returncode == 0
    wrong = subprocess.run(
        [*program, "slow"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "no benchmark slow; there are: absent, broken, fast" in wrong.stderr


def test_what_is_written_down_stays_beside_what_was_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, list_ = tmp_path / "fast.log", tmp_path / "list.json"
    log.write_text(f"round 1\n{json.dumps(RESULT)}\n")
    list_.write_text(json.dumps([{**RESULT, "name": "other", "date": "2026-01-02"}]))
    assert measuring.main([str(list_)], tmp_path) == 0
    assert measuring.main([str(log)], tmp_path) == 0
    found = measuring.measured("benchmarks", tmp_path)
    assert list(found) == ["fast", "other"]
    assert found["other"]["date"] == "2026-01-02"
    assert found["fast"]["date"] >= "2026-01-02"
    for text, says in (("{}\n", "has no results of a benchmark"), (None, "cannot be read")):
        other = tmp_path / "other.json"
        if text:
            other.write_text(text)
        else:
            other.unlink()
        assert measuring.main([str(other)], tmp_path) == 3
        assert says in capsys.readouterr().err


def test_every_benchmark_is_on_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shown = {"raft": {**RESULT, "name": "raft", "date": "2026-01-02"}}
    monkeypatch.setattr(tables, "measured", lambda kind: shown)
    site = Site(Course(), Stage(), Runner(tmp_path), {})
    page = tables.benchmarks(Asked(Page("tables/benchmarks.md"), 1, (), site))
    scripts = {path.stem for path in BENCHMARKS.glob("[a-z]*.py")}
    assert {line[3:].split()[0] for line in page.splitlines() if line[:3] == "## "} == scripts
    assert page.count("No figures are written down yet") == len(scripts) - 1
    assert "| `vs_b` | **2.00** |" in page
    assert "*Measured on 2026-01-02: 2 cores.*" in page
