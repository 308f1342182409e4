"""The last commit of a bare git repository that a stranger has handed in.

Git itself reads the objects, but from a repository of our own that borrows the stranger's: whatever
is configured in theirs (filters, hooks, helpers: ways to have git run programs) is never read.
"""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from common.course.judge.entries import MAX_ENTRIES, Entry, Unreadable, too_many

GIT_SECONDS = 30
MAX_REF_BYTES = 4096
MAX_LISTING_BYTES = 4 << 20
HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
FILE, EXECUTABLE = "100644", "100755"
"""The modes that git has for files; all others are links and other repositories."""


def is_bare(path: Path) -> bool:
    """Whether a folder is a git repository without a working tree."""
    return (path / "HEAD").is_file() and (path / "objects").is_dir() and (path / "refs").is_dir()


class Repository:
    """A bare repository.

    Args:
        path: its folder.
        stack: closes what was opened, at the end.
    """

    def __init__(self, path: Path, stack: contextlib.ExitStack) -> None:
        self.problems: list[str] = []
        self._git = shutil.which("git")
        if self._git is None:
            raise Unreadable(f"{path.name} is a git repository, and git is not installed here")
        objects = path / "objects"
        if (objects / "info" / "alternates").exists() or objects.is_symlink():
            raise Unreadable(f"{path.name} borrows objects from elsewhere, which is not followed")
        self._commit = _head(path)
        own = stack.enter_context(tempfile.TemporaryDirectory())
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": own,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_DIR": f"{own}/repository",
        }
        self._run("init", "--quiet", "--bare", f"{own}/repository")
        self._environment["GIT_OBJECT_DIRECTORY"] = str(objects.resolve())

    def entries(self) -> Sequence[Entry]:
        """The files of the last commit."""
        listing = self._run("ls-tree", "-r", "-z", "--long", self._commit, most=MAX_LISTING_BYTES)
        found: list[Entry] = []
        for line in listing.split(b"\0")[:-1]:
            if len(found) >= MAX_ENTRIES:
                self.problems.append(too_many())
                break
            about, _, name = line.partition(b"\t")
            mode, _, object, size = about.decode("ascii", "replace").split()
            found.append(self._entry(name.decode(errors="backslashreplace"), mode, object, size))
        return found

    def _entry(self, name: str, mode: str, object: str, size: str) -> Entry:
        kind = "file" if mode in (FILE, EXECUTABLE) else "a link"
        length = int(size) if size.isdigit() else 0

        def content(most: int) -> bytes:
            return self._run("cat-file", "blob", object, most=most)

        return Entry(name, kind, length, mode == EXECUTABLE, content)

    def _run(self, *words: str, most: int = MAX_REF_BYTES) -> bytes:
        """What git answers, at most so many bytes of it."""
        assert self._git is not None, "there is a git"
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(
                [self._git, *words],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
            ) as process,
        ):
            assert process.stdout is not None, "its output is a pipe"
            late = threading.Timer(GIT_SECONDS, process.kill)
            late.start()
            answer = process.stdout.read(most)
            if len(answer) == most:
                process.kill()  # it has more to say than we want to hear
            code = process.wait()
            late.cancel()
            if code != 0 and len(answer) < most:
                said.seek(0)
                reason = said.read(MAX_REF_BYTES).decode(errors="replace").strip().splitlines()
                raise Unreadable(f"git cannot read this repository: {(reason or ['?'])[-1][:200]}")
            return answer


def _head(path: Path) -> str:
    """The last commit of the branch that the repository shows first."""
    text = _small(path / "HEAD")
    if text.startswith("ref: "):
        ref = text.removeprefix("ref: ").strip()
        if not re.fullmatch(r"refs(/[\w.-]+)+", ref) or ".." in ref:
            raise Unreadable(f"{path.name}: its HEAD names no branch")
        text = _small(path / ref) or _packed(path, ref)
    commit = text.strip()
    if not HASH.match(commit):
        raise Unreadable(f"{path.name} is a git repository without a commit")
    return commit


def _packed(path: Path, ref: str) -> str:
    with contextlib.suppress(OSError), (path / "packed-refs").open(encoding="utf-8") as file:
        for line in file.read(MAX_LISTING_BYTES).splitlines():
            commit, _, name = line.partition(" ")
            if name == ref:
                return commit
    return ""


def _small(path: Path) -> str:
    if path.is_symlink():
        return ""
    try:
        with path.open("rb") as file:
            return file.read(MAX_REF_BYTES).decode(errors="replace")
    except OSError:
        return ""
