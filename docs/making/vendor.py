"""What the site serves of other people's work: fetched once, checked, kept in ``.cache/vendor``.

Nothing of it is committed. A package comes from its own registry by the registry's own client
(``npm pack``, ``pip download``), and must have the checksum that is written here: so the site is
the same everywhere, and a package that was changed behind its version is refused.
"""

import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import rmtree, which

from common.course.base.course import ROOT
from common.values.errors import BadInput, MissingTool

CACHE = ROOT / ".cache" / "vendor"
LIMIT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Vendored:
    """One package of one version.

    Attributes:
        name: in its registry.
        version: of it.
        sha256: of the archive.
        licence: under which it is served on.
    """

    name: str
    version: str
    sha256: str
    licence: str

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"


class FromNpm(Vendored):
    """A package of the npm registry, a ``.tgz``."""

    __slots__ = ()

    def fetch(self, folder: Path) -> Path:
        """Fetch the archive into a folder. Raises: MissingTool, where there is no npm."""
        if which("npm") is None:
            raise MissingTool(
                f"{self.title} comes from npm, which is not installed: on Debian, apt install npm"
            )
        wanted = f"{self.name}@{self.version}"
        command = ["npm", "pack", wanted, "--silent", "--pack-destination", str(folder)]
        return _fetched(command, folder, self)

    def unpack(self, archive: Path, folder: Path) -> None:
        """Unpack the archive."""
        unpack_npm(archive, folder)


class FromPyPI(Vendored):
    """A pure Python wheel of PyPI."""

    __slots__ = ()

    def fetch(self, folder: Path) -> Path:
        """Fetch the wheel into a folder."""
        command = [
            sys.executable, "-m", "pip", "download", f"{self.name}=={self.version}", "--quiet",
            "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--platform=any",
            "--implementation=py", "--abi=none", f"--dest={folder}",
        ]  # fmt: skip
        return _fetched(command, folder, self)

    def unpack(self, archive: Path, folder: Path) -> None:
        """Unpack the wheel."""
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)


PYODIDE = FromNpm(
    "pyodide",
    "314.0.7",
    "66b7949e5a0cba2250b586d7e368bf12fb482800748d182c4618254b685ffaa0",
    "MPL-2.0",
)
MERMAID = FromNpm(
    "mermaid",
    "11.17.2",
    "6ad2f42c3fc26bbf9e45cbb6d11898972573ea52b33a5f4ff51952899f950ffd",
    "MIT",
)
HYPOTHESIS = FromPyPI(
    "hypothesis",
    "6.155.7",
    "9f634bdb1f9e9b8ab6ba09431cf2deedb750c96978125a6fb3c5a0f6c6db4131",
    "MPL-2.0",
)
"""The last version without a part in Rust: later ones do not run in the browser."""

PYODIDE_FILES = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "pyodide-lock.json",
    "python_stdlib.zip",
)
"""All that a page needs of it; the rest is for other ways to load it."""


def vendored(package: FromNpm | FromPyPI) -> Path:
    """The folder of a package, fetched if it is not there yet.

    Raises:
        BadInput: it cannot be fetched, or is not what it was.
        MissingTool: its registry's client is not installed.
    """
    folder = CACHE / f"{package.name}-{package.version}-{package.sha256[:12]}"
    if folder.is_dir():
        return folder
    fresh = CACHE / f"{folder.name}.{os.getpid()}.new"  # others may fetch it at this moment
    rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    archive = package.fetch(fresh)
    found = sha256(archive.read_bytes()).hexdigest()
    if found != package.sha256:
        rmtree(fresh)
        raise BadInput(
            f"{package.title} has the checksum {found}, not the one in docs/making/vendor.py: "
            "either it was changed behind its version, or the version there was raised without it"
        )
    package.unpack(archive, fresh)
    archive.unlink()
    try:
        fresh.rename(folder)
    except OSError:  # somebody else was faster, and has the same bytes
        rmtree(fresh)
    return folder


def _fetched(command: list[str], folder: Path, package: Vendored) -> Path:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=LIMIT_SECONDS
    )
    found = list(folder.iterdir())
    if done.returncode or len(found) != 1:
        said = done.stderr.strip().rpartition("\n")[2]
        raise BadInput(f"{package.title} cannot be fetched, is there a network? {said}".rstrip())
    return found[0]


def unpack_npm(archive: Path, folder: Path) -> None:
    """Unpack what ``npm pack`` has fetched: the files in it that belong below the folder.

    (Debian 12's Python 3.11.2 has no filters of ``tarfile`` yet, which came with 3.11.4.)
    """
    with tarfile.open(archive) as tar:
        for member in tar:
            to = (folder / member.name).resolve()
            content = tar.extractfile(member) if member.isreg() else None
            if content is not None and to.is_relative_to(folder.resolve()):
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_bytes(content.read())
