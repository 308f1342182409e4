"""What earlier runs have found: no mutant is tried twice with the same code and the same suite.

``out/mutants/LAB-DIGEST.jsonl`` has a line for each mutant. The digest is of all that can change
what a suite finds: the lab's files and its suite, with what they import, and the floors below.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.base.output import folder
from common.course.kit.generated.trying import Fate, Ran
from common.course.kit.reach import reach
from common.values.errors import BadInput

BELOW = ("values", "contract", "codec", "sim", "check", "trace", "runtime", "worlds",
         "course/base", "course/suites", "course/kit/generated")  # fmt: skip
"""The folders of ``common`` on which a verdict depends."""

KEPT_FILES = 5
"""So many digests of a lab are kept: enough to go back and forth between two branches."""


class Ended(msgspec.Struct, frozen=True):
    """What became of a mutant.

    Attributes:
        id: the mutant; "" for the reference itself.
        fate: what became of it.
        test: the graded test that failed; "" where there is none.
        why: its sentence.
        seconds: how long it took.
        times: of the reference, how long each test takes.
    """

    id: str
    fate: Fate
    test: str
    why: str
    seconds: float
    times: dict[str, float] = {}

    @classmethod
    def of(cls, id: str, ran: Ran) -> "Ended":
        """What a run has come to."""
        return cls(id, ran.fate, ran.caught_by, ran.why, ran.seconds)


class Kept:
    """The results for a lab, on disk.

    Args:
        out: the folder.
        course: where the lab belongs.
        lab: which lab.

    Raises:
        BadInput: the folder cannot be made, or the file not be read.
    """

    def __init__(self, out: Path, course: Course, lab: Lab) -> None:
        digest = code_digest(course, lab)[:12]
        self.path = folder(out) / f"{lab.id}-{digest}.jsonl"
        self.ended = {each.id: each for each in _read(self.path)}
        others = sorted(
            (path for path in out.glob(f"{lab.id}-*.jsonl") if path != self.path),
            key=lambda path: path.stat().st_mtime,
        )
        self.kills = Counter(each.test for each in self.ended.values() if each.test)
        """How often each test has caught a mutant: with this code, or with the code before."""
        if not self.kills and others:
            self.kills.update(each.test for each in _read(others[-1]) if each.test)
        for path in others[: -KEPT_FILES + 1]:
            path.unlink(missing_ok=True)

    @property
    def reference(self) -> Ended | None:
        """How the reference itself did, or None if that is not known."""
        return self.ended.get("")

    def add(self, ended: Ended) -> None:
        """Keep a result. Raises: BadInput, where the file cannot be written."""
        self.ended[ended.id] = ended
        self.kills.update([ended.test] if ended.test else [])
        try:
            with self.path.open("ab") as file:
                file.write(b"\n" + msgspec.json.encode(ended) + b"\n")
        except OSError as error:
            raise BadInput(f"{self.path} cannot be written: {error.strerror}") from None


def code_digest(course: Course, lab: Lab) -> str:
    """SHA-256 of all on which the fates of a lab's mutants depend."""
    own = [course.root / path for path in lab.paths]
    tests = [path for path in (course.root / lab.suite).rglob("*") if path.is_file()]
    python = [path for path in (*own, *tests) if path.suffix == ".py"]
    below = [path for name in BELOW for path in (course.root / "common" / name).rglob("*.py")]
    digest = hashlib.sha256()
    for path in sorted({*own, *_without_caches(tests), *reach(course, python), *below}):
        digest.update(f"{path.relative_to(course.root).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _without_caches(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if "__pycache__" not in path.parts]


def _read(path: Path) -> Iterator[Ended]:
    """The results in a file; a line that was cut off by a kill does not count."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=Ended)
        except msgspec.MsgspecError:
            continue
