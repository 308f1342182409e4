"""Reads the corpus of hostile submissions, and has each judged as ``lab grade`` would.

An attack is what a student has written *into the untouched handout*: pieces of code appended to
its files, or files of its own. It is taken in, judged by the real suite in a copy of the course,
and then everything is looked at: the verdicts, the report, the course, what was left behind.
"""

import contextlib
import hashlib
import itertools
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from common.course.base.course import ROOT, Course
from common.course.base.holes import handout
from common.course.base.lab import Lab
from common.course.judge.intake import room_of, take_in
from common.course.suites.suite import ALONE
from tests.attacks import weighing

CORPUS = Path(__file__).parent / "corpus"
COPIED = ("common", "stage*", "bonus_*", "tests", "docs", "pyproject.toml")
"""What of the repository the judge needs."""
TIMEOUT_SECONDS = 170
"""Whatever still runs then has beaten the judge."""


class Second(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same attack in another lab, where other names are not enough.

    Attributes:
        lab, into, code, tests: as of an :class:`Attack`.
        after: the code follows that of the attack up to this line; "" for none of it.
    """

    lab: str
    into: str
    code: str
    tests: list[str]
    after: str = ""


class Attack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One hostile submission.

    Attributes:
        name: short, for ``-k``.
        tries: one sentence: what it tries.
        wall: what stops it: a row of the table in ``docs/reference/judge.md``.
        lab: which lab is attacked.
        into: the file of the lab to which ``code`` is appended.
        code: what the student wrote.
        solved: whether the files are the references, so that ``code`` spoils a right solution.
        files: other files of the submission, by path; the handout's are there already.
        links: symbolic links of the submission, by path, and where they lead.
        zipped: whether all is handed in as a zip, under exactly these names.
        tests: the graded tests that it wants the points of, and must not get.
        options: more options for the suite.
        second: how it goes in another lab; else :mod:`tests.attacks.elsewhere` says it.
        only_here: why there is no second lab for it; "" if there is one.
    """

    name: str
    tries: str
    wall: str
    lab: str
    tests: list[str]
    into: str = ""
    code: str = ""
    solved: bool = False
    files: dict[str, str] = {}
    links: dict[str, str] = {}
    zipped: bool = False
    options: list[str] = []
    second: Second | None = None
    only_here: str = ""


@cache
def attacks() -> tuple[Attack, ...]:
    """The whole corpus."""
    found: list[Attack] = []
    for path in sorted(CORPUS.glob("*.yaml")):
        found += msgspec.yaml.decode(path.read_bytes(), type=list[Attack])
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a submission.

    Attributes:
        earned: points.
        verdicts: by test, in the report.
        whys: what the report says of the tests that did not pass.
        code: of the suite's process.
        said: all that the suite printed and wrote.
        seconds: how long it took.
        memory_bytes: the largest process of the judge or of the submission, while it lasted.
        judge_bytes: by how much the judge itself grew in its most costly test.
        judge_seconds: the processor time of the judge itself for its most costly seed.
        report_bytes: how long the report is.
        leaked: whether a secret of the judge's environment is in what it said.
        left: temporary folders that were left behind.
    """

    earned: int
    verdicts: dict[str, str]
    whys: list[str]
    code: int
    said: str
    seconds: float
    memory_bytes: int
    judge_bytes: int
    judge_seconds: float
    report_bytes: int
    leaked: bool
    left: list[str]


class Classroom:
    """A copy of the course in which submissions are judged.

    Args:
        folder: an empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "course"
        self.folder = folder
        ignore = shutil.ignore_patterns("__pycache__", "data", "benchmarks", "fuzz")
        for pattern in COPIED:
            for path in sorted(ROOT.glob(pattern)):
                target = self.root / path.name
                if path.is_dir():
                    shutil.copytree(path, target, ignore=ignore)
                else:
                    shutil.copyfile(path, target)
        self.course = Course(self.root)
        self._numbers = itertools.count()
        self.fresh = self.digest()
        """What :meth:`digest` said before anybody was judged."""

    def digest(self) -> str:
        """A hash of every file of the course: its name, its mode and its bytes."""
        whole = hashlib.sha256()
        for top, folders, names in os.walk(self.root):
            folders.sort()
            for name in sorted(names):
                path = Path(top, name)
                mode = path.lstat().st_mode
                content = os.readlink(path) if path.is_symlink() else path.read_bytes()
                whole.update(f"{path} {mode} {len(content)}".encode())
                whole.update(content if isinstance(content, bytes) else content.encode())
        return whole.hexdigest()

    def submission(self, attack: Attack) -> Path:
        """What the student hands in, as a folder or a zip."""
        made = self.folder / f"submission-{next(self._numbers)}"
        lab = self.course.lab(attack.lab)
        texts = handout(self.course, lab)
        if attack.solved:
            texts = {path: (self.root / path).read_text(encoding="utf-8") for path in texts}
        if attack.into:
            texts[lab.path(attack.into)] += "\n\n" + attack.code
        texts |= attack.files
        if attack.zipped:
            archive = made.with_suffix(".zip")
            with zipfile.ZipFile(archive, "w") as opened:
                for path, text in texts.items():
                    opened.writestr(path, text)
            return archive
        for path, text in texts.items():
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            (made / path).write_text(text, encoding="utf-8")
        for path, leads in attack.links.items():
            (made / path).unlink(missing_ok=True)
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            (made / path).symlink_to(leads.replace("COURSE", str(self.root)))
        return made

    def workspace(self, submission: Path, lab: Lab) -> Path:
        """The clean workspace that the judge makes of it."""
        into = self.folder / f"workspace-{next(self._numbers)}"
        take_in(submission, room_of(self.course, lab), into)
        return into

    def judge(
        self, lab: Lab, tests: list[str], workspace: Path | None, *options: str, judged: bool = True
    ) -> Judged:
        """Run graded tests of a lab on a workspace, or on the reference."""
        number = next(self._numbers)
        grades = self.folder / f"grades-{number}.json"
        scratch = self.folder / f"scratch-{number}"
        scratch.mkdir()
        secret = secrets.token_hex(16)
        command = [sys.executable, "-B", "-m", "pytest", "-q", ALONE, "--tb=short"]
        command += [f"--grades={grades}"]
        command += [f"--rootdir={self.root}", f"--config-file={self.root / 'pyproject.toml'}"]
        command += ["-p", weighing.__name__]
        command += ["--judged"] if judged else []
        command += [f"--impl={workspace}"] if workspace is not None else []
        command += [*options, *self._chosen(lab, tests)]
        environment = {**os.environ, "TMPDIR": str(scratch), "COURSE_SECRET": secret}
        environment["PYTHONPATH"] = str(self.root)
        weighed = self.folder / f"weighed-{number}.json"
        environment[weighing.INTO] = str(weighed)
        environment["HYPOTHESIS_STORAGE_DIRECTORY"] = str(scratch / "hypothesis")
        started = time.monotonic()
        output = self.folder / f"output-{number}.txt"
        code, memory, said = _run(command, self.root, environment, output)
        seconds = time.monotonic() - started
        report = grades.read_text(encoding="utf-8") if grades.is_file() else "{}"
        plain: dict[str, Any] = json.loads(report)
        cost = json.loads(weighed.read_text(encoding="utf-8")) if weighed.is_file() else {}
        return Judged(
            earned=plain.get("earned", -1),
            verdicts={
                each["test"].rpartition("::")[2].partition("[")[0]: each["verdict"]
                for each in plain.get("tests", [])
            },
            whys=[each["why"] for each in plain.get("tests", [])],
            code=code,
            said=said + report,
            seconds=seconds,
            memory_bytes=memory,
            judge_bytes=cost.get("memory_bytes", 0),
            judge_seconds=cost.get("seconds", 0.0),
            report_bytes=len(report.encode(errors="replace")),
            leaked=secret in said + report,
            left=[path.name for path in scratch.iterdir() if path.name.startswith("lab-")],
        )

    def _chosen(self, lab: Lab, tests: list[str]) -> list[str]:
        """The tests' names as pytest wants them."""
        found = []
        for test in tests:
            files = sorted((self.root / lab.suite).glob("*.py"))
            holder = [path for path in files if f"def {test}(" in path.read_text(encoding="utf-8")]
            assert len(holder) == 1, f"lab {lab.id} has one test {test}"
            found.append(f"{holder[0]}::{test}")
        return found


def _run(
    command: list[str], folder: Path, environment: dict[str, str], output: Path
) -> tuple[int, int, str]:
    """Run to the end, or for a bounded time: exit code, largest process, and what it said."""
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    late = threading.Timer(TIMEOUT_SECONDS, _end, [process.pid])
    late.start()
    _, status, used = os.wait4(process.pid, 0)
    late.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    with output.open("rb") as file:
        said = file.read(1 << 20).decode(errors="replace")
    return process.returncode, used.ru_maxrss * 1024, said


def _end(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
