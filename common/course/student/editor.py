"""What makes a workspace pleasant to work in: a guide to read, and settings for VS Code."""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.course.base.course import ROOT
from common.course.student.workspace import Workspace, fingerprint, read, write

GUIDE = """# Your workspace

Your files of the course. They have the same names as the course's own, and take their place
whenever your code is tested. Write where it says `raise NotImplementedError`: the docstring above
it says what belongs there.

| you want | type |
| --- | --- |
| to see where you are, and what is next | `lab` |
| to begin a lab, or its next part | `lab start raft` |
| to have all its parts at once | `lab start raft --all` |
| to test on every save | `lab watch` |
| to test the part that is open | `lab test` |
| to test all parts of the lab | `lab test --all` |
| to know why it failed, with a picture | `lab why` |
| to see that failure again, in a debugger | `lab replay --pdb` |
| a hint; the next time it says more | `lab hint` |
| the course's own code, after passing | `lab solution` |
| every interleaving of a small instance | `lab explore raft` |
| real processes, real sockets | `lab run raft` |
| one function, or a lab, as it was | `lab reset raft Election.campaign` |

`lab start` never overwrites what you wrote, and `lab reset` keeps a copy in `.lab/backups`. Keep
this folder under version control: it is yours. `.lab/progress.json` remembers what passed; losing
it loses nothing, since `lab test` finds it out again.

All that a node may do stands on one page, `docs/reference/node.md` of the course, with ways to find
a mistake without `print`; its words are explained in `docs/glossary.md`, in English and Chinese.

In VS Code, open this folder: tests, hints and the debugger are under *Terminal, Run Task* and *Run
and Debug*; types and docstrings come up on hover.
"""

IGNORED = ".lab/\nout/\n__pycache__/\n"


def write_guide(workspace: Workspace) -> None:
    """Write the README and the editor's settings, where they are not there yet.

    Raises:
        BadInput: a file cannot be written.
    """
    root = workspace.root
    outside = os.path.relpath(ROOT, root)
    course = str(ROOT) if outside.count("..") > 1 else outside
    texts = {
        "README.md": GUIDE,
        ".gitignore": IGNORED,
        ".vscode/settings.json": _json(_settings(course)),
        ".vscode/tasks.json": _json(_tasks(course, workspace.course.packages)),
        ".vscode/launch.json": _json(_launch(course)),
    }
    for name, text in texts.items():
        path = root / name
        if not path.exists() or fingerprint(read(path)) == fingerprint(text):
            write(path, text)


def _settings(course: str) -> dict[str, Any]:
    """Where the editor finds the course's modules, and which Python it runs."""
    inside = seen_from(course)
    return {
        "python.analysis.extraPaths": [inside],
        "python.analysis.typeCheckingMode": "standard",
        "python.analysis.diagnosticMode": "openFilesOnly",
        # Names that an empty body does not use yet are no mistake.
        "python.analysis.diagnosticSeverityOverrides": {
            "reportUnusedImport": "none",
            "reportUnusedFunction": "none",
            "reportPrivateUsage": "none",
        },
        "python.defaultInterpreterPath": _python(inside),
        "python.testing.pytestEnabled": False,
        "files.exclude": {"**/__pycache__": True, ".lab": True},
    }


def _tasks(course: str, packages: Sequence[str]) -> dict[str, Any]:
    """The command's verbs as tasks; a failure's line can be clicked."""
    stages = "|".join(map(re.escape, packages))
    matcher = {
        "owner": "lab",
        "fileLocation": ["autoDetect", "${workspaceFolder}"],
        "pattern": {
            "regexp": rf"^\s*(.*) \((?:.*?)((?:{stages})/[\w/]+\.py):(\d+)(?:, in (\w+))?\)",
            "message": 1,
            "file": 2,
            "line": 3,
        },
    }
    tasks = [
        {
            "label": f"lab {verb}",
            "type": "process",
            "command": _python(seen_from(course)),
            "args": ["-m", "common.course.command", verb],
            "options": _environment(course),
            "presentation": {"panel": "dedicated", "clear": True},
            "problemMatcher": matcher,
            **more,
        }
        for verb, more in _TASKS.items()
    ]
    return {"version": "2.0.0", "tasks": tasks}


_TASKS: Mapping[str, dict[str, Any]] = {
    "test": {"group": {"kind": "test", "isDefault": True}},
    "watch": {"isBackground": True},
    "why": {},
    "hint": {},
    "progress": {},
}


def _launch(course: str) -> dict[str, Any]:
    """The last failure that was explained, again: breakpoints in one's own handlers hold."""
    return {
        "version": "0.2.0",
        "configurations": [
            {
                "name": "the failure that lab why explained",
                "type": "debugpy",
                "request": "launch",
                "module": "common.course.command",
                "args": ["replay"],
                "cwd": "${workspaceFolder}",
                "env": _environment(course)["env"],
                "python": _python(seen_from(course)),
                "console": "integratedTerminal",
                "justMyCode": True,
                "subProcess": True,
            }
        ],
    }


def _environment(course: str) -> dict[str, Any]:
    return {"cwd": "${workspaceFolder}", "env": {"PYTHONPATH": seen_from(course)}}


def seen_from(course: str) -> str:
    """The course's folder as VS Code writes it."""
    return course if Path(course).is_absolute() else f"${{workspaceFolder}}/{course}"


def _python(course: str) -> str:
    """The interpreter that has the course's libraries."""
    for name in ("bin/python", "Scripts/python.exe"):
        if (ROOT / ".venv" / name).exists():
            return f"{course}/.venv/{name}"
    return sys.executable


def _json(plain: dict[str, Any]) -> str:
    return json.dumps(plain, indent=2) + "\n"
