"""What each lab takes of the time of all tests, beside what it may take.

``python -m tests.support.budget out/times/graded.json [out/times/test.json]``: what a run of the
graded suites alone has measured, and one of all tests. Sixty labs have to fit into one run of CI,
so each has two budgets of processor time: for its graded suite, which students wait for, and for
all else that ``make test`` does about it, but for the heavy proofs, which are done in turn.

How long the same test takes differs with what else the machine does, even in processor time. So
what seems to take too long is measured again, alone, and the least counts. With ``--tell`` nothing
is measured again and nothing fails: a run of CI is not lost because its machine was slow.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from common.course.base.course import Course
from common.course.base.lab import Lab
from tests.support.times import Spent, Times, read_times

SUITE_SECONDS = 3.0
SLOW_SUITE_SECONDS = 10.0
"""For a lab whose manifest says why its suite cannot be as fast as others (``slow_suite``)."""

REST_SECONDS = 15.0
TOLERANCE = 1.2
"""Processor time differs by a fifth from run to run, on a busy machine by more than the yardstick
takes away; only more than that is too much."""

NAMED = 3
"""So many tests are named where a lab takes too long."""

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Account:
    """What a lab takes of one of its budgets.

    Attributes:
        lab: the lab's id.
        what: which budget.
        seconds: how much it is.
        tests: what each test took.
    """

    lab: str
    what: str
    seconds: float
    tests: Times

    @property
    def used(self) -> float:
        """What all tests took together."""
        return sum(spent.processor for spent in self.tests.values())

    @property
    def overdrawn(self) -> str:
        """A sentence, if that is more than there is; else ""."""
        if self.used <= self.seconds * TOLERANCE:
            return ""
        most = sorted(self.tests.items(), key=lambda each: -each[1].processor)[:NAMED]
        took = ", ".join(f"{spent.processor:.1f} s {_short(test)}" for test, spent in most)
        return (
            f"lab {self.lab}: {self.what} takes {self.used:.1f} s of processor time and may take "
            f"{self.seconds:g}; most is taken by {took}"
        )


def lab_of(test: str, labs: list[Lab]) -> Lab | None:
    """Which lab a test is about, by its id in pytest: its folder, its file or its parameter."""
    place, _, name = test.partition("::")
    folder, _, file = place.rpartition("/")
    parameter = name.partition("[")[2].rstrip("]")
    for lab in sorted(labs, key=lambda lab: -len(lab.id)):  # raftkv before raft
        in_file = file.startswith((f"test_{lab.id}_", f"test_{lab.id}.", f"test_{lab.id}s."))
        if folder.endswith(f"/{lab.id}") or in_file:
            return lab
        if parameter == lab.id or parameter.startswith(f"{lab.id}-"):
            return lab
    return None


def accounts(course: Course, graded: Times, all: Times) -> Iterator[tuple[Account, Account]]:
    """For each lab its graded suite and the rest."""
    suites = _by_lab(course, {test: spent for test, spent in graded.items() if spent.graded})
    other = {test: spent for test, spent in all.items() if not (spent.graded or spent.proof)}
    rests = _by_lab(course, other)
    for lab in course.labs:
        suite = SLOW_SUITE_SECONDS if lab.slow_suite else SUITE_SECONDS
        yield (
            Account(lab.id, "its graded suite", suite, suites[lab.id]),
            Account(lab.id, "all but its graded suite", REST_SECONDS, rests[lab.id]),
        )


def _by_lab(course: Course, times: Times) -> dict[str, dict[str, Spent]]:
    found: dict[str, dict[str, Spent]] = {lab.id: {} for lab in course.labs}
    for test, spent in times.items():
        if lab := lab_of(test, course.labs):
            found[lab.id][test] = spent
    return found


def _short(test: str) -> str:
    place, _, name = test.partition("::")
    return f"{place.rpartition('/')[2]}::{name}"


def measured_alone(tests: Iterable[str]) -> Times:
    """Run some tests again, one after the other, in one process; what each took.

    Args:
        tests: their ids in pytest.
    """
    with tempfile.TemporaryDirectory(prefix="lab-budget-") as folder:
        file = Path(folder, "times.json")
        plugins = ("-p", "tests.support.times", "-p", "tests.support.proofs")
        options = ("-q", "--proofs=none", "--numprocesses=0", f"--times={file}")
        command = [sys.executable, "-m", "pytest", *plugins, *options, *tests]
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
        return read_times([file]) if file.is_file() else {}


def least(account: Account, measure: Callable[[Iterable[str]], Times]) -> Account:
    """The account after its tests were measured again: for each test the lesser figure counts."""
    again = measure(account.tests)
    pairs = {test: (spent, again.get(test, spent)) for test, spent in account.tests.items()}
    return replace(
        account,
        tests={test: min(two, key=lambda spent: spent.processor) for test, two in pairs.items()},
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; returns 1 if a lab takes more than it may."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("graded", type=Path, help="what a run of the graded suites has measured")
    parser.add_argument("all", nargs="*", type=Path, help="what runs of all tests have measured")
    parser.add_argument("--tell", action="store_true", help="tell of it, but do not fail")
    options = parser.parse_args(arguments)
    over = []
    print("lab         graded suite  of      all else  of     (seconds of processor time)")
    for suite, rest in accounts(Course(), read_times([options.graded]), read_times(options.all)):
        rest_used = f"{rest.used:8.1f}" if rest.tests else "       -"
        print(f"{suite.lab:12}{suite.used:12.1f}{suite.seconds:4g}{rest_used:>14}{rest.seconds:4g}")
        over += [account for account in (suite, rest) if account.overdrawn]
    if not options.tell:
        for account in over:
            print(f"lab {account.lab}: {account.what} took {account.used:.1f} s; again, alone ...")
        over = [least(account, measured_alone) for account in over]
    complaints = [account.overdrawn for account in over if account.overdrawn]
    print(*complaints, sep="\n")
    return 1 if complaints and not options.tell else 0


if __name__ == "__main__":
    sys.exit(main())
