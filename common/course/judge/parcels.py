"""What a submission can come as: a folder, a zip, a tar, a git repository, a single file.

Each lists its entries and reads one of them, within bounds, and trusts no number that the parcel
states about itself. Nothing is unpacked to disk under a name that a stranger chose.
"""

import bz2
import contextlib
import gzip
import lzma
import os
import stat
import tarfile
import tempfile
import zipfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from common.course.judge.entries import (
    DAMAGED,
    MAX_ENTRIES,
    Entry,
    Parcel,
    Unreadable,
    read_file,
    told,
    too_many,
)
from common.course.judge.repository import Repository, is_bare

MEBIBYTE = 1 << 20
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
"""The endings of archives' names; what is in them is told by their bytes."""
MAX_PARCEL_BYTES = 16 * MEBIBYTE
"""The largest archive that is opened."""
MAX_UNPACKED_BYTES = 64 * MEBIBYTE
"""The most that a compressed tar may become."""
MAX_DEPTH = 32
"""So many folders deep."""
CHUNK_BYTES = MEBIBYTE
NEVER = frozenset({".git", ".hg", ".venv", "venv", "node_modules", "__MACOSX"})
"""Folders that are not looked into; every other refusal is told."""


@contextlib.contextmanager
def open_parcel(path: Path) -> Iterator[Parcel]:
    """Open a submission, whatever it is.

    Raises:
        Unreadable: it is nothing that can be opened; the text says why.
    """
    with contextlib.ExitStack() as stack:
        try:
            mode, size = path.stat().st_mode, path.stat().st_size
            folder = _folder(path, stack) if stat.S_ISDIR(mode) else None
        except OSError as error:
            raise Unreadable(f"{path.name} cannot be read: {error.strerror}") from None
        if folder is not None:
            yield folder
            return
        if not stat.S_ISREG(mode):
            raise Unreadable(f"{path.name} is neither a file nor a folder")
        if size > MAX_PARCEL_BYTES:
            limit = f"{MAX_PARCEL_BYTES:,} are the most that is opened"
            raise Unreadable(f"{path.name} has {size:,} bytes, and {limit}")
        yield _archive(path, stack)


def _folder(path: Path, stack: contextlib.ExitStack) -> Parcel:
    return Repository(path, stack) if is_bare(path) else Folder(path)


def _archive(path: Path, stack: contextlib.ExitStack) -> Parcel:
    try:
        if zipfile.is_zipfile(path):
            return Zip(stack.enter_context(zipfile.ZipFile(path)))
        plain = _unpacked(path, stack)
        if plain is not None:
            return Tar(stack.enter_context(tarfile.open(fileobj=plain, mode="r:")))
    except DAMAGED as error:
        raise Unreadable(f"{path.name} is a damaged archive: {told(error)}") from None
    if path.name.lower().endswith(ARCHIVES):
        what = "it has the name of an archive, and neither a zip nor a tar is in it"
        raise Unreadable(f"{path.name} is no archive: {what}")
    return Single(path)


class Folder:
    """A folder, or the working tree of a git repository."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problems: list[str] = []

    def entries(self) -> Sequence[Entry]:
        """What is in it, outer folders first; links are seen, not followed."""
        found: list[Entry] = []
        waiting, seen = deque([("", self._path)]), 0
        while waiting:
            prefix, folder = waiting.popleft()
            try:
                inner = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError as error:
                self.problems.append(f"{prefix or 'the folder'} cannot be read: {error.strerror}")
                continue
            for entry in inner:
                seen += 1
                if seen > MAX_ENTRIES:
                    self.problems.append(too_many())
                    return found
                path = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in NEVER and path.count("/") < MAX_DEPTH:
                        waiting.append((path + "/", Path(entry.path)))
                    continue
                found.append(self._entry(path, entry))
        return found

    @staticmethod
    def _entry(path: str, entry: os.DirEntry[str]) -> Entry:
        about = entry.stat(follow_symlinks=False)
        kind = _kind(about.st_mode)
        runs = bool(about.st_mode & stat.S_IXUSR)
        there = Path(entry.path)
        return Entry(path, kind, about.st_size, runs, lambda most: read_file(there, most))


class Single:
    """A file by itself, handed in without an archive around it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problems: list[str] = []

    def entries(self) -> Sequence[Entry]:
        """The one file."""
        path, size = self._path, self._path.stat().st_size
        return [Entry(path.name, "file", size, False, lambda most: read_file(path, most))]


class Zip:
    """A zip archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.problems: list[str] = []

    def entries(self) -> Sequence[Entry]:
        """What its directory lists."""
        listed = self._archive.infolist()
        if len(listed) > MAX_ENTRIES:
            self.problems.append(too_many())
        return [
            self._entry(info)
            for info in listed[:MAX_ENTRIES]
            if not (info.is_dir() or _never(info.filename))
        ]

    def _entry(self, info: zipfile.ZipInfo) -> Entry:
        mode = info.external_attr >> 16
        kind = _kind(mode) if stat.S_IFMT(mode) else "file"

        def content(most: int) -> bytes:
            with self._archive.open(info) as file:
                return file.read(most)

        path = info.filename.replace("\\", "/")  # some programs on Windows write these
        return Entry(path, kind, info.file_size, bool(mode & stat.S_IXUSR), content)


class Tar:
    """A tar archive, no longer compressed."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self.problems: list[str] = []

    def entries(self) -> Sequence[Entry]:
        """What is in it, in its order."""
        found: list[Entry] = []
        try:
            for number, member in enumerate(self._archive):
                if number >= MAX_ENTRIES:
                    self.problems.append(too_many())
                    break
                if member.size < 0:
                    raise Unreadable("this is a damaged archive: a file in it has a negative size")
                if not (member.isdir() or _never(member.name)):
                    found.append(self._entry(member))
        except DAMAGED as error:
            raise Unreadable(f"this is a damaged archive: {told(error)}") from None
        return found

    def _entry(self, member: tarfile.TarInfo) -> Entry:
        kind = "file" if member.isreg() else "a link" if _is_link(member) else "a device"

        def content(most: int) -> bytes:
            file = self._archive.extractfile(member)
            return b"" if file is None else file.read(most)

        path = member.name.removeprefix("./")
        return Entry(path, kind, member.size, bool(member.mode & stat.S_IXUSR), content)


def _is_link(member: tarfile.TarInfo) -> bool:
    return member.issym() or member.islnk()


def _unpacked(path: Path, stack: contextlib.ExitStack) -> IO[bytes] | None:
    """A tar archive's bytes, decompressed within bounds; None if it is no tar archive."""
    openers: dict[bytes, Callable[..., Any]] = {
        b"\x1f\x8b": gzip.open,
        b"BZh": bz2.open,
        b"\xfd7zXZ": lzma.open,
    }
    with path.open("rb") as raw:
        start = raw.read(6)
    opener = next((opens for magic, opens in openers.items() if start.startswith(magic)), None)
    if opener is None:
        file: IO[bytes] = stack.enter_context(path.open("rb"))
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller's stack closes it
        stack.enter_context(file)
        with opener(path, "rb") as compressed:
            total = 0
            while chunk := compressed.read(CHUNK_BYTES):
                total += len(chunk)
                if total > MAX_UNPACKED_BYTES:
                    most = f"{MAX_UNPACKED_BYTES:,} bytes"
                    raise Unreadable(f"{path.name} becomes more than {most} when it is unpacked")
                file.write(chunk)
        file.seek(0)
    block = file.read(tarfile.BLOCKSIZE)
    file.seek(0)
    looks_like_tar = opener is not None or block[257:262] == b"ustar"
    return file if looks_like_tar else None


def _kind(mode: int) -> str:
    if stat.S_ISREG(mode):
        return "file"
    return "a link" if stat.S_ISLNK(mode) else "a device"


def _never(path: str) -> bool:
    return any(part in NEVER for part in path.replace("\\", "/").split("/")[:-1])
