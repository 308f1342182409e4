"""Runs a module and writes down which files of the course it read: what its output depends on.

    python -m docs.making.traced FILE ROOT MODULE ARGUMENT ...

``FILE`` gets one path a line, relative to ``ROOT``; a line ``*`` says that processes were started,
which may have read anything.
"""

import atexit
import os
import runpy
import sys
from pathlib import Path

STARTS = {"subprocess.Popen", "os.fork", "os.posix_spawn", "os.exec", "os.system"}
NOT_SOURCES = {".git", ".venv", ".cache", "out", "__pycache__"}


def main() -> None:
    """Run the module as ``python -m`` does; what it exits with is this process's exit code."""
    file, root, module, *arguments = sys.argv[1:]
    seen: set[str] = set()

    def hear(event: str, about: tuple[object, ...]) -> None:
        if event == "open" and isinstance(about[0], str):
            seen.add(about[0])
        elif event in STARTS:
            seen.add("*")

    def tell() -> None:
        modules = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
        paths = {path for each in [*seen, *filter(None, modules)] if (path := _own(each, root))}
        Path(file).write_text("".join(f"{path}\n" for path in sorted(paths)), encoding="utf-8")

    sys.addaudithook(hear)
    atexit.register(tell)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _own(path: str, root: str) -> str | None:
    """The path relative to the course, if it is a source of the course."""
    if path == "*":
        return path
    relative = os.path.relpath(path, root)
    parts = relative.split(os.sep)
    if parts[0] == ".." or NOT_SOURCES & set(parts) or not os.path.isfile(path):
        return None
    return relative


if __name__ == "__main__":
    main()
