"""Looks for a run of a lab's cluster that breaks a property, with the files of a workspace.

    python -m docs.making.breaking LAB WORKSPACE TRACE

Seed after seed, with the faults that the seed draws of those which the lab promises to bear. The
first run of which a check says no is written to ``TRACE``, and told in a sentence.
"""

import sys
from pathlib import Path

from common.browser.running import Settings, set_up
from common.check.verdict import Answer
from common.course.base.course import Course
from common.course.base.declared import worlds_of
from common.course.base.implementation import install_overlay
from common.values.units import SECOND

SEEDS = range(1, 41)
UNTIL = 6 * SECOND


def main(lab: str, workspace: Path, trace: Path) -> int:
    """Look; the exit code is 2 where nothing is broken."""
    course = Course()
    install_overlay(workspace, course)
    worlds = worlds_of(course.lab(lab))
    variant = worlds.variant("")
    for seed in SEEDS:
        faults = worlds.chaos(variant, seed)
        scene = set_up(worlds, Settings(seed=seed, until=UNTIL, operations=30, faults=faults))
        scene.run(UNTIL)
        said = {name: scene.judged(name, verdict) for name, verdict in scene.verdicts().items()}
        for name, verdict in said.items():
            if verdict.answer is Answer.NO:
                trace.write_text(scene.lines, encoding="utf-8")
                print(f"a run of the cluster, seed {seed}: {name}: {verdict.sentence}")
                return 0
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
