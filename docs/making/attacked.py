"""Has every attack of the corpus tried, and writes down what became of it.

    python -m docs.making.attacked

hands in each hostile submission of ``tests/attacks/corpus`` once, which takes ten minutes or
more. It writes ``docs/results/attacks.json``: which of them gained or harmed something, with date
and machine. The table of attacks shows it.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

from common.course.base.course import ROOT
from common.values.errors import BadInput
from docs.making.measuring import RESULTS, when, write

TESTS = "tests/attacks/test_attacks.py"
TRIED = "test_it_gains_nothing_and_harms_nobody"


def outcomes(report: Path) -> dict[str, bool]:
    """By the name of an attack, whether it was held, from what pytest wrote with ``--junitxml``.

    Raises:
        BadInput: no attack was tried, or some were skipped.
    """
    found: dict[str, bool] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name, _, attack = case.get("name", "").partition("[")
        if name != TRIED:
            continue
        if case.find("skipped") is not None:
            raise BadInput("attacks were skipped: there is no sandbox here")
        ended = {child.tag for child in case}
        found[attack.removesuffix("]")] = not ended & {"failure", "error"}
    if not found:
        raise BadInput(f"{TESTS} tried no attack")
    return found


def main(folder: Path = RESULTS) -> int:
    """Try them all; the exit code is 1 where one was not held."""
    with TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        chosen = ["-k", TRIED, "-m", "proof", f"--junitxml={report}"]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TESTS, *chosen]
        subprocess.run(command, cwd=ROOT, check=False)
        try:
            found = outcomes(report)
        except (OSError, BadInput) as error:
            print(f"error: {error}", file=sys.stderr)
            return 3
    lost = sorted(name for name, held in found.items() if not held)
    write("attacks", {**when(), "tried": len(found), "lost": lost}, folder)
    print(f"{len(found)} attacks tried, {len(found) - len(lost)} held; make docs shows it")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
