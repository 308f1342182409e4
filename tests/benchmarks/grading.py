"""What hostile submissions cost the others: a class of twenty, with and without five of them.

``lab grade`` marks fifteen honest submissions of the lab link, once alone and once with five others
beside them that burn the processor, fork, take memory, never answer or drown the judge in messages.
``beside_hostile_ones`` is the seconds of an honest submission's tests beside them over the seconds
without. Bound: at most 1.2. Each submission is judged on one core, as many at once as there are.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from _bench import in_turns, report

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from common.course.base.course import Course  # noqa: E402
from common.course.base.holes import handout  # noqa: E402
from tests.attacks.attacking import attacks  # noqa: E402
from tests.support import class_of_students as students  # noqa: E402

LINK = Course(ROOT).lab("link")
HONEST = tuple(f"honest-{number:02}" for number in range(15))
ATTACKS = (
    "bombs_with_forks", "bombs_with_memory", "never_comes_back_from_a_call", "sends_a_storm",
    "sleeps",
)  # fmt: skip
BUDGET = 80
"""Seconds of processor time of one submission: what the hostile ones use up is bounded so, and an
honest one needs a tenth."""

COURSE = f"""\
title: A class
points: 1
labs:
  - {{id: {LINK.id}, weight: 1, budget: {BUDGET}}}
"""


def hostile(folder: Path, name: str) -> None:
    """Hand in one of the attacks on the lab."""
    attack = next(each for each in attacks() if each.name == name)
    assert attack.lab == LINK.id
    texts = handout(Course(ROOT), LINK)
    texts[LINK.path(attack.into)] += "\n\n" + attack.code
    for path, text in texts.items():
        target = folder / f"hostile-{name}" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def seconds(names: tuple[str, ...]) -> float:
    """Grade a class: the seconds of an honest submission's tests, on average."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        for student in HONEST:
            students.handed_in(place / "class", student, LINK)
        for name in names:
            hostile(place / "class", name)
        (place / "course.yaml").write_text(COURSE, encoding="utf-8")
        command = [sys.executable, "-m", "common.course.command", "grade", str(place / "class")]
        command += ["--out", str(place / "out"), "--course", str(place / "course.yaml")]
        command += ["--key", str(place / "key"), "--diagrams", "0", "--seeds", "1", "--json"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        return sum(_marked(place / "out" / student) for student in HONEST) / len(HONEST)


def _marked(folder: Path) -> float:
    read: dict[str, Any] = json.loads((folder / f"{LINK.id}.json").read_text("utf-8"))
    tests = read["report"]["tests"]
    assert tests, "it was graded"
    assert all(test["verdict"] == "pass" for test in tests), "an honest one passes"
    return float(sum(test["seconds"] for test in tests))


def main() -> None:
    """Measure and report."""
    figures = in_turns(
        {
            "alone_s": lambda: seconds(()),
            "beside_hostile_ones_s": lambda: seconds(ATTACKS),
        },
        1,
    )
    ratio = figures["beside_hostile_ones_s"] / figures["alone_s"]
    report("grading", figures, {"beside_hostile_ones": ratio}, __doc__ or "")


if __name__ == "__main__":
    main()
