"""The output of commands, made when the site is built, and kept until what they depend on changes.

A command runs in an empty folder of its own, 80 columns wide. Which files of the course it read is
written down (``traced``), so its output is made anew exactly when one of these files changed. What
it wrote into its folder is kept too: the traces and charts of ``lab demo``.
"""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from common.course.base.course import ROOT, Course
from common.values.errors import BadInput

KEPT = ROOT / ".cache" / "docs"
BYTECODE = ROOT / ".cache" / "bytecode"
LIMIT_SECONDS = 120
MODULES = {"lab": "common.course.command"}
PLAIN = {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb", "PYTHONHASHSEED": "0"}


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did: what it printed, and the folder with what it wrote."""

    output: str
    folder: Path


class Runner:
    """Runs commands, each one once.

    Args:
        kept: where outputs are kept from one build to the next.
        root: the course.
    """

    def __init__(self, kept: Path = KEPT, root: Path = ROOT) -> None:
        self._kept = kept
        self._root = root
        self._known: dict[str, str] = {}
        self._locks: dict[tuple[str, ...], threading.Lock] = {}

    def run_all(self, commands: Iterable[Sequence[str]]) -> None:
        """Run these at once, as many as there are processors; their errors come when asked."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(self._tried, map(tuple, commands)))

    def run(self, command: Sequence[str]) -> Ran:
        """What this command does; made anew only if a file that it reads has changed.

        Args:
            command: ``lab ...``, or ``python -m MODULE ...``.

        Raises:
            BadInput: it is another command, or it fails; the text has its last line.
        """
        words = tuple(command)
        with self._locks.setdefault(words, threading.Lock()):
            place = self._kept / hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
            if not self._is_current(place):
                self._run(words, place)
            return Ran((place / "output").read_text(encoding="utf-8"), place / "folder")

    def _tried(self, command: tuple[str, ...]) -> None:
        try:
            self.run(command)
        except BadInput:
            return  # it is said where a page asks for it

    def _is_current(self, place: Path) -> bool:
        try:
            kept = json.loads((place / "depends").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return bool(kept == self._hashes(kept))

    def _hashes(self, paths: Iterable[str]) -> dict[str, str]:
        return {path: self._hash(path) for path in paths}

    def _hash(self, path: str) -> str:
        """Of a file's bytes; of ``*``, of all code of the course; empty if nothing is there."""
        if path not in self._known:
            self._known[path] = hashlib.sha256(self._content(path)).hexdigest()
        return self._known[path]

    def _content(self, path: str) -> bytes:
        if path == "*":
            stages = [each.parent for each in self._root.glob("*/stage.yaml")]
            folders = [self._root / "common", *stages]
            files = sorted(file for folder in folders for file in folder.rglob("*.py"))
            hashes = [self._hash(file.relative_to(self._root).as_posix()) for file in files]
            return "".join(hashes).encode()
        try:
            return (self._root / path).read_bytes()
        except OSError:
            return b""

    def _run(self, words: tuple[str, ...], place: Path) -> None:
        module, arguments = _module(words)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as scratch:
            read, folder = Path(scratch, "read"), Path(scratch, "folder")
            folder.mkdir()
            tracer = [sys.executable, "-m", "docs.making.traced", str(read), str(self._root)]
            path = os.pathsep.join(filter(None, [str(self._root), os.environ.get("PYTHONPATH")]))
            try:
                done = subprocess.run(
                    [*tracer, module, *arguments], cwd=folder, check=False, text=True,
                    capture_output=True, timeout=LIMIT_SECONDS,
                    env={**_environment(), **PLAIN, "PYTHONPATH": path},
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                raise BadInput(
                    f"{shlex.join(words)} had not ended after {LIMIT_SECONDS} s"
                ) from None
            if done.returncode:
                last = done.stderr.strip() or done.stdout.strip() or "it said nothing"
                raise BadInput(
                    f"{shlex.join(words)} failed with {done.returncode}: {last.splitlines()[-1]}"
                )
            paths = {*read.read_text(encoding="utf-8").split(), *self._rooms(words)}
            shutil.copytree(folder, place / "folder")
            (place / "output").write_text(done.stdout, encoding="utf-8")
            (place / "depends").write_text(json.dumps(self._hashes(sorted(paths)), indent=0))

    def _rooms(self, words: tuple[str, ...]) -> list[str]:
        """The files of the labs that a command names, whether it reads them or not."""
        course = Course(self._root)
        rooms = [course.room_of(course.lab(word)) for word in words if word in course.ids]
        found = [path for room in rooms for path in room.rglob("*") if path.is_file()]
        return [path.relative_to(self._root).as_posix() for path in found if path.suffix != ".pyc"]


def block(command: str, output: str) -> str:
    """A command and what it says, as a fenced block."""
    lines = [line.rstrip() for line in output.rstrip().splitlines()]
    return "\n".join(["```console", f"$ {command}", *lines, "```"])


def _environment() -> dict[str, str]:
    """Where Python may keep no bytecode beside the sources, the commands share some elsewhere.

    Else each of them would compile the course, which takes longer than most demos.
    """
    found = dict(os.environ)
    if found.pop("PYTHONDONTWRITEBYTECODE", ""):
        found["PYTHONPYCACHEPREFIX"] = str(BYTECODE)
    return found


def _module(words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    match words:
        case (name, *arguments) if name in MODULES:
            return MODULES[name], tuple(arguments)
        case ("python", "-m", module, *arguments):
            return module, tuple(arguments)
    raise BadInput(
        f"{shlex.join(words)!r} is not run for a page: only lab ... and python -m ... are"
    )
