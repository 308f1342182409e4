"""What judging costs: a graded suite in process and judged, by turns.

``vs_in_process_*`` is in-process time over judged time: 0.2 means that judged takes five times as
long. Bounds: a judged Raft suite takes at most ten times as long, and less than two minutes.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _bench import in_turns, report

ROOT = Path(__file__).resolve().parents[2]
SUITES = {
    "raft": ("tests/stage4_consensus/raft", 1),
    "link": ("tests/stage1_foundations/link", 1),
}
"""By name: the suite, and how often it is run each way."""

STEPS = 3000


def run(suite: str, judged: bool) -> float:
    """Seconds that the graded tests of a suite take; starting pytest is not counted."""
    with tempfile.TemporaryDirectory() as scratch:
        grades = Path(scratch) / "grades.json"
        command = [sys.executable, "-m", "pytest", "-q", suite, f"--grades={grades}"]
        command += ["--judged"] if judged else []
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        tests = json.loads(grades.read_text(encoding="utf-8"))["tests"]
    assert all(test["verdict"] == "pass" for test in tests), "the reference passes"
    return float(sum(test["seconds"] for test in tests))


def step_us() -> dict[str, float]:
    """Microseconds of one step of the echo's server, in process and over the judge's pipe."""
    sys.path.insert(0, str(ROOT))
    from common.contract import Receive, Start
    from common.course.base.course import Course
    from common.course.base.implementation import load
    from common.course.judge.judged import JudgedLab
    from common.course.suites.under_test import LabUnderTest

    course = Course()
    lab = course.lab("echo")
    judged = JudgedLab(course, lab, load(lab), None, None, unsafe=False)

    def measure(under_test: Any) -> float:
        node = under_test.Echo("n1", ("c1",))
        node.step(Start(0, {}))
        event = Receive(0, "c1", under_test.Ping(1, "hello"))
        begun = time.perf_counter()
        for _ in range(STEPS):
            node.step(event)
        return (time.perf_counter() - begun) / STEPS * 1e6

    def life(under_test: Any) -> float:
        begun = time.perf_counter()
        for _ in range(100):
            under_test.Echo("n1", ("c1",)).step(Start(0, {}))
        return (time.perf_counter() - begun) / 100 * 1e6

    plain = LabUnderTest(lab, load(lab), None)
    try:
        return in_turns(
            {
                "step_us": lambda: measure(plain),
                "step_judged_us": lambda: measure(judged),
                "life_us": lambda: life(plain),
                "life_judged_us": lambda: life(judged),
            },
            3,
        )
    finally:
        judged.close()


def main() -> None:
    """Measure and report."""
    figures = step_us()
    ratios = {}
    for name, (suite, rounds) in SUITES.items():
        found = in_turns(
            {
                f"{name}_s": lambda suite=suite: run(suite, False),  # type: ignore[misc]
                f"{name}_judged_s": lambda suite=suite: run(suite, True),  # type: ignore[misc]
            },
            rounds,
        )
        figures |= found
        ratios[f"vs_in_process_{name}"] = found[f"{name}_s"] / found[f"{name}_judged_s"]
    report("judge", figures, ratios, __doc__ or "")


if __name__ == "__main__":
    main()
