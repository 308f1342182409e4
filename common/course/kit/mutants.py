"""Mutants: realistic bugs, as small replacements in a reference, each with the test to catch it.

They are data in ``tests/mutants/LAB.yaml``, under ``mutants``. A mutant that survives its test is a
hole in the suite: a student who has that bug would get wrong marks.

Beside them, under ``equivalent``, are the generated mutants (:mod:`common.course.kit.generated`)
that are no bugs, each with the reason why nobody can see the difference.
"""

import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from common.course.base.course import Course
from common.course.base.lab import Lab, Strict
from common.course.base.scratch import Scratch, without_scratch
from common.course.suites.suite import SuiteOptions, SuiteResult, run_suite
from common.values.errors import BadInput, LabError

FOLDER = "tests/mutants"

_SEED = re.compile(r"--seed (\d+)")

Fate = Literal["caught", "survived", "broken"]
"""``broken``: the test did not come to an end of its own: the mutant does not even load, or there
is no such test."""


class Mutant(Strict, frozen=True):
    """One bug.

    Attributes:
        name: what is wrong, as a sentence.
        file: where, relative to the lab's room.
        find: the text of the reference that is replaced.
        replace: what stands there instead.
        caught_by: the graded test that fails for it.
    """

    name: str
    file: str
    find: str
    replace: str
    caught_by: str


class Equivalent(Strict, frozen=True):
    """A generated mutant that no test can catch.

    Attributes:
        id: its name, as ``lab mutants --generated`` tells it.
        why: why nobody can see the difference.
    """

    id: str
    why: Annotated[str, msgspec.Meta(min_length=1)]


class MutantsFile(Strict, frozen=True):
    """What ``tests/mutants/LAB.yaml`` has in it."""

    mutants: list[Mutant]
    equivalent: list[Equivalent] = []


@dataclass(frozen=True, slots=True)
class Caught:
    """What became of a mutant.

    Attributes:
        lab: the lab's id.
        mutant: the bug.
        fate: what came of it.
        seed: the seed at which the test failed, or None for a test without seeds.
        seconds: how long the test took to find it.
        why: the test's sentence, or why there is none.
    """

    lab: str
    mutant: Mutant
    fate: Fate
    seed: int | None
    seconds: float
    why: str

    def to_plain(self) -> dict[str, object]:
        """As an object for JSON."""
        return {
            "lab": self.lab,
            "bug": self.mutant.name,
            "file": self.mutant.file,
            "caught_by": self.mutant.caught_by,
            "fate": self.fate,
            "seed": self.seed,
            "seconds": self.seconds,
            "why": self.why,
        }


def mutants_of(course: Course, lab: Lab) -> list[Mutant]:
    """A lab's named mutants, in the order of their file.

    Raises: what :func:`read_mutants` does.
    """
    return read_mutants(course, lab).mutants


def read_mutants(course: Course, lab: Lab) -> MutantsFile:
    """The file of a lab's mutants.

    Raises:
        BadInput: there is no such file, or it is none of mutants; the text names the place.
    """
    path = course.root / FOLDER / f"{lab.id}.yaml"
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=MutantsFile)
    except FileNotFoundError:
        raise BadInput(f"lab {lab.id} has no mutants: there is no {FOLDER}/{lab.id}.yaml") from None
    except msgspec.ValidationError as error:
        raise BadInput(f"{path}: {error}") from None
    except (msgspec.DecodeError, OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as YAML: {str(error).splitlines()[0]}") from None


def all_mutants(course: Course, labs: Iterable[Lab]) -> list[tuple[Lab, Mutant]]:
    """The mutants of several labs, with their labs."""
    return [(lab, mutant) for lab in labs for mutant in mutants_of(course, lab)]


def apply(course: Course, lab: Lab, mutant: Mutant, workspace: Path) -> None:
    """Write a workspace with the lab's files, one of which has the bug.

    The others are there too, word for word: to the judge a file that is not there is unwritten.

    Raises:
        BadInput: the text to replace is not in the reference, or is there more than once.
    """
    room = course.room_of(lab)
    if mutant.file not in {file.path for file in lab.files}:
        raise BadInput(
            f"lab {lab.id}: mutant {mutant.name!r}: {mutant.file} is no file of the lab; files are "
            f"named relative to {lab.folder}"
        )
    source = (room / mutant.file).read_text(encoding="utf-8")
    found = source.count(mutant.find)
    if found != 1:
        raise BadInput(
            f"lab {lab.id}: mutant {mutant.name!r}: the text to find is in {mutant.file} "
            f"{found} times; it has to be there once"
        )
    lay_out(course, lab, workspace, {mutant.file: source.replace(mutant.find, mutant.replace)})


def lay_out(course: Course, lab: Lab, workspace: Path, changed: Mapping[str, str]) -> None:
    """Write a workspace with all files of a lab, some of them with another text.

    Args:
        course: where the lab belongs.
        lab: which lab.
        workspace: the folder.
        changed: the other texts, by path relative to the lab's room.
    """
    for file in lab.files:
        path = workspace / lab.path(file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.path in changed:
            path.write_text(changed[file.path], encoding="utf-8")
        else:
            shutil.copyfile(course.room_of(lab) / file.path, path)


def try_mutant(
    course: Course, lab: Lab, mutant: Mutant, options: SuiteOptions | None = None
) -> Caught:
    """Run the test that is to catch a mutant on it.

    Args:
        course: where the lab belongs.
        lab: whose mutant it is.
        mutant: which.
        options: of the suite; the workspace and the test are filled in here.
    """
    with Scratch("mutant") as scratch:
        try:
            test = find_test(lab, mutant.caught_by)
            apply(course, lab, mutant, scratch)
            given = options or SuiteOptions()
            chosen = SuiteOptions(
                impl=scratch, judged=given.judged, unsafe=given.unsafe, tests=(test,)
            )
            result = run_suite(course, lab, chosen)
        except LabError as error:
            why = without_scratch(str(error), scratch, course)
            return Caught(lab.id, mutant, "broken", None, 0.0, why)
        why = without_scratch(result.tests[0].why.strip(), scratch, course)
    return _fate(lab, mutant, result, why)


def _fate(lab: Lab, mutant: Mutant, result: SuiteResult, why: str) -> Caught:
    ended = result.tests[0]
    fate: Fate = "survived" if ended.passed else "caught" if ended.replay else "broken"
    seed = _SEED.search(ended.replay)
    return Caught(lab.id, mutant, fate, int(seed[1]) if seed else None, ended.seconds, why)


def find_test(lab: Lab, name: str) -> str:
    """The id in pytest of a graded test, given its name.

    Raises:
        BadInput: the lab's suite has no such test.
    """
    for test in lab.tests:
        if test.name == name:
            return test.id
    raise BadInput(f"lab {lab.id} has no graded test {name}")


def try_all(
    course: Course,
    chosen: Sequence[tuple[Lab, Mutant]],
    processes: int,
    on_end: Callable[[Caught], None],
    options: SuiteOptions | None = None,
) -> list[Caught]:
    """Try mutants, several at a time.

    Args:
        course: the course.
        chosen: which.
        processes: how many suites run at once.
        on_end: called as each ends, in any order.
        options: of the suites.

    Returns:
        What became of them, in the order of ``chosen``.
    """
    ended: dict[int, Caught] = {}
    with ThreadPoolExecutor(processes) as pool:
        jobs = {
            pool.submit(try_mutant, course, lab, mutant, options): number
            for number, (lab, mutant) in enumerate(chosen)
        }
        try:
            for job in _as_they_end(set(jobs)):
                ended[jobs[job]] = job.result()
                on_end(job.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [ended[number] for number in sorted(ended)]


def _as_they_end(jobs: set[Future[Caught]]) -> Iterator[Future[Caught]]:
    while jobs:
        done, jobs = wait(jobs, return_when=FIRST_COMPLETED)
        yield from done
