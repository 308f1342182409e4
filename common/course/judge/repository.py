"""The last commit of a bare git repository that a stranger has handed in.

Git itself reads the objects, but from a repository of our own, into which we copy the stranger's
objects, file by file and by their names. Nothing else of theirs is ever seen by git: no
configuration (filters, hooks, helpers: ways to have git run programs), no objects borrowed from
elsewhere, no replacements of one object by another. A repository in which anything leads elsewhere,
a link, or waits for somebody, a pipe, is refused as a whole.
"""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from common.course.base.scratch import without_places
from common.course.judge.entries import MAX_ENTRIES, Entry, Unreadable, read_file, too_many

GIT_SECONDS = 30
MAX_FILES = 20_000
"""So many files a repository may have: its objects, one by one or in packs."""
MAX_BYTES = 64 << 20
"""So many bytes its objects may have together, as they are stored."""
MAX_REF_BYTES = 4096
MAX_LISTING_BYTES = 4 << 20
SHA1_LETTERS = 40
HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
OBJECT = re.compile(
    r"objects/([0-9a-f]{2}/[0-9a-f]{38}([0-9a-f]{24})?|pack/pack-[0-9a-f]+\.(pack|idx))\Z"
)
BORROWED = ("objects/info/alternates", "objects/info/http-alternates")
FILE, EXECUTABLE = "100644", "100755"
"""The modes that git has for files; all others are links and other repositories."""


def is_bare(path: Path) -> bool:
    """Whether a folder is a git repository without a working tree."""
    if os.path.lexists(path / ".git"):
        return False
    return all(os.path.lexists(path / name) for name in ("HEAD", "objects", "refs"))


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
        files = list(_files(path))
        if any(name in files for name in BORROWED):
            raise Unreadable(f"{path.name} borrows objects from elsewhere, which is not followed")
        self._commit = _head(path, files)
        self._name = path.name
        own = stack.enter_context(tempfile.TemporaryDirectory())
        self._own = Path(own) / "repository"
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": own,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_DIR": str(self._own),
        }
        kind = "sha1" if len(self._commit) == SHA1_LETTERS else "sha256"
        init = ("init", "--quiet", "--bare", "--template=", f"--object-format={kind}")
        self._run(*init, str(self._own))
        _copy_objects(path, files, self._own)

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
                # Our copy of it is called by the name of the student's own.
                why = without_places((reason or ["?"])[-1], {self._own: self._name})[:200]
                raise Unreadable(f"git cannot read this repository: {why}")
            return answer


def _files(top: Path) -> Iterator[str]:
    """All files of a repository, relative to it.

    Raises:
        Unreadable: something in it is neither a file nor a folder, or there are too many.
    """
    waiting, seen = [""], 0
    while waiting:
        prefix = waiting.pop()
        with os.scandir(top / prefix) as inner:
            entries = list(inner)
        for entry in entries:
            seen += 1
            if seen > MAX_FILES:
                most = f"{MAX_FILES:,} files are the most that is looked at (`git gc` packs them)"
                raise Unreadable(f"{top.name} is a git repository of too many files: {most}")
            if entry.is_dir(follow_symlinks=False):
                waiting.append(f"{prefix}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                yield f"{prefix}{entry.name}"
            else:
                what = "a link" if entry.is_symlink() else "no file"
                raise Unreadable(
                    f"{top.name} is a git repository in which {prefix + entry.name!a} is "
                    f"{what}: nothing in it may lead elsewhere"
                )


def _copy_objects(path: Path, files: Sequence[str], own: Path) -> None:
    """Copy a repository's objects, and nothing else, into our own repository."""
    total = 0
    for name in files:
        if OBJECT.match(name):
            content = read_file(path / name, MAX_BYTES + 1 - total)
            total += len(content)
            if total > MAX_BYTES:
                most = f"{MAX_BYTES:,} bytes are the most that is looked at"
                raise Unreadable(f"{path.name} is a git repository that is too large: {most}")
            target = own / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def _head(path: Path, files: Sequence[str]) -> str:
    """The last commit of the branch that the repository shows first."""
    text = _small(path / "HEAD")
    if text.startswith("ref: "):
        ref = text.removeprefix("ref: ").strip()
        if not re.fullmatch(r"refs(/[\w.-]+)+", ref) or ".." in ref:
            raise Unreadable(f"{path.name}: its HEAD names no branch")
        text = _small(path / ref) if ref in files else _packed(path, ref)
    commit = text.strip()
    if not HASH.match(commit):
        raise Unreadable(f"{path.name} is a git repository without a commit")
    return commit


def _packed(path: Path, ref: str) -> str:
    for line in _small(path / "packed-refs", MAX_LISTING_BYTES).splitlines():
        commit, _, name = line.partition(" ")
        if name == ref:
            return commit
    return ""


def _small(path: Path, most: int = MAX_REF_BYTES) -> str:
    try:
        return read_file(path, most).decode(errors="replace")
    except (OSError, ValueError):
        return ""
