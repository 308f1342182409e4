"""Makes a local stand-in for a public Python base image, where none can be pulled.

The Dockerfiles of the course keep the public names. On a machine that can reach a registry nothing
is needed; on one that cannot, this builds an image of the same name from the machine's own parts:
the Python that runs this, its shared libraries, a shell, ``tc`` and ``ip``::

    python -m tests.support.base_image python:3.11-slim
"""

import io
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from common.values.errors import MissingTool

PROGRAMS = ("sh", "tc", "ip", "ls", "cat", "sleep", "env")
LEFT_OUT = re.compile(
    r"(^|/)(test|tests|idlelib|tkinter|turtledemo|ensurepip|lib2to3|site-packages|__pycache__"
    r"|config-\d[^/]*)(/|$)|\.a$"
)
"""Parts of the standard library that no node needs."""


def make_available(name: str, client: Any) -> str:
    """See to it that a base image is there: have it, pull it, or build a stand-in.

    Args:
        name: of the image, with its tag: ``python:3.11-slim``.
        client: of the Docker engine.

    Returns:
        ``there``, ``pulled`` or ``stand-in``.

    Raises:
        MissingTool: a program of the stand-in is not on this machine.
    """
    from docker.errors import APIError, ImageNotFound

    try:
        client.images.get(name)
        return "there"
    except ImageNotFound:
        pass
    try:
        client.images.pull(name)
        return "pulled"
    except APIError:
        repository, tag = name.split(":")
        client.api.import_image_from_data(stand_in(), repository=repository, tag=tag)
        return "stand-in"


def stand_in() -> bytes:
    """The stand-in's files as a tar archive."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for folder in ("tmp", "etc", "proc", "sys", "dev", "run"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        binaries = [Path(sys.executable).resolve(), *map(_find, PROGRAMS)]
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        library = Path(sysconfig.get_path("stdlib"))
        archive.add(binaries[0], f"usr/local/bin/{version}")
        _link(archive, "usr/local/bin/python", version)
        _link(archive, "usr/local/bin/python3", version)
        for program in binaries[1:]:
            archive.add(program.resolve(), f"bin/{program.name}")
        archive.add(library, f"usr/local/lib/{version}", filter=_without_ballast)
        extensions = (library / "lib-dynload").glob("*.so")
        for path in sorted(_shared_libraries([*binaries, *extensions])):
            archive.add(Path(path).resolve(), path.lstrip("/"))
            if "libpython" in path:  # found by its own path where it was built, not here
                archive.add(Path(path).resolve(), f"usr/lib/{Path(path).name}")
    return data.getvalue()


def _find(program: str) -> Path:
    path = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        raise MissingTool(f"the stand-in of a base image needs {program}: install it")
    return Path(path)


def _link(archive: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    archive.addfile(entry)


def _without_ballast(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if LEFT_OUT.search(entry.name) else entry


def _shared_libraries(binaries: Iterable[Path]) -> set[str]:
    """The paths of all shared libraries that some programs are linked with."""
    found: set[str] = set()
    for binary in binaries:
        listed = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=False)
        found.update(re.findall(r"(/\S+) \(0x", listed.stdout))
    return found


if __name__ == "__main__":
    from stage1_foundations.netem.containers import connect

    for image in sys.argv[1:]:
        print(f"{image}: {make_available(image, connect())}")
