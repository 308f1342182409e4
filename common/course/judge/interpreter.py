"""What a Python program needs of this machine, found by asking the interpreter itself.

The interpreter may live anywhere (the system's, pyenv's, a virtual environment over either); a
sandbox shows it, its standard library and the shared libraries of both at the very places where
they are outside, and nothing else.
"""

import functools
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

LOADER_CACHE = Path("/etc/ld.so.cache")
"""Where the dynamic linker finds libraries in unusual folders."""
SITE_PACKAGES = ("site-packages", "dist-packages")
"""Folders within a standard library that do not belong to it."""
NOT_NEEDED = ("_tkinter", "_test", "xx")
"""Extension modules whose libraries (those of a window system) no submission has a use for."""
ASK_SECONDS = 20

PYTHON = os.path.realpath(sys.executable)
"""The interpreter, inside and outside."""


@functools.cache
def needed() -> tuple[Path, ...]:
    """Files and folders to show: interpreter, standard library, shared libraries."""
    library = Path(sysconfig.get_path("stdlib")).resolve()
    wanted = [Path(PYTHON), library, *_shared_libraries(library)]
    if LOADER_CACHE.exists():
        wanted.append(LOADER_CACHE)
    return tuple(dict.fromkeys(wanted))


@functools.cache
def hidden() -> tuple[Path, ...]:
    """Folders within those that stay empty: what was installed on top of the standard library."""
    library = Path(sysconfig.get_path("stdlib")).resolve()
    return tuple(path for name in SITE_PACKAGES if (path := library / name).is_dir())


def _shared_libraries(library: Path) -> list[Path]:
    """What the interpreter and each extension module of its standard library load."""
    extensions = sorted(library.glob("lib-dynload/*.so"))
    found = libraries_of([path for path in extensions if not path.name.startswith(NOT_NEEDED)])
    return [path for path in found if not path.resolve().is_relative_to(library)]


def libraries_of(extensions: Sequence[Path]) -> list[Path]:
    """What the dynamic linker would load for the interpreter and these extension modules.

    The linker is asked as ``ldd`` asks it, but once for all of them, which takes a tenth of the
    time; only where a path has a character that separates paths must ``ldd`` itself be asked.
    """
    modules = [str(path) for path in extensions]
    if any(re.search(r"[ :]", module) for module in modules):
        command, environment = ["ldd", PYTHON, *modules], dict(os.environ)
    else:
        environment = {"LD_TRACE_LOADED_OBJECTS": "1", "LD_PRELOAD": ":".join(modules)}
        command = [PYTHON]
    asked = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=ASK_SECONDS,
        check=False,
    )
    named = re.findall(r"^\s*(?:\S+ => )?(/.+) \(0x", asked.stdout.decode(), re.MULTILINE)
    own = {path.resolve() for path in extensions}
    return [path for name in named if (path := Path(name)).resolve() not in own]
