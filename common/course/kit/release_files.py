"""The files of a handout that the course itself does not have: README, Makefile, CI."""

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files

import msgspec
import yaml

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.kit.course_file import CourseFile

_MYPY_FILES = re.compile(r"^files = \[.*\]$", re.MULTILINE)


def make(course: Course, exercises: Sequence[Lab], supplied: Sequence[Lab]) -> dict[str, str]:
    """By path in the handout, the files' texts."""
    started = {lab.id: lab.path(lab.holes[0].file) for lab in exercises}
    first = exercises[0]
    project = (course.root / "pyproject.toml").read_text(encoding="utf-8")
    words = {
        "title": "Distributed systems, one runnable lab at a time",
        "first": first.id,
        "folder": first.folder,
        "exercises": "\n".join(f"* `{lab.id}`: {lab.title} ({lab.hours:g} h)" for lab in exercises),
        "supplied": _supplied(supplied),
        "labs": " ".join(f"{lab}={file}" for lab, file in started.items()),
    }
    ignored = (course.root / ".gitignore").read_text(encoding="utf-8").splitlines()
    return {
        # Students commit their workspace.
        ".gitignore": "".join(f"{line}\n" for line in ignored if line != "/work/"),
        "README.md": filled("README.md", words),
        "Makefile": filled("Makefile", words),
        ".github/workflows/practice.yml": filled("practice.yml", words),
        "pyproject.toml": _MYPY_FILES.sub('files = ["work"]', project),
    }


def public_rules(rules: CourseFile, labs: Sequence[str]) -> str:
    """The part of the course file that students may know: due dates, weights, what hints cost."""
    plain = {
        "title": rules.title,
        "points": sum(lab.weight for lab in rules.labs if lab.id in labs),
        "late": msgspec.to_builtins(rules.late),
        "hints": list(rules.hints),
        "labs": [
            {"id": lab.id, "weight": lab.weight} | ({"due": lab.due} if lab.due else {})
            for lab in rules.labs
            if lab.id in labs
        ],
    }
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def filled(name: str, words: Mapping[str, str]) -> str:
    """A template with its ``%words%`` filled in."""
    text = files("common.course.kit").joinpath("templates", name).read_text("utf-8")
    for word, value in words.items():
        text = text.replace(f"%{word}%", value)
    return text


def _supplied(labs: Sequence[Lab]) -> str:
    if not labs:
        return ""
    listed = ", ".join(f"`{lab.id}`" for lab in labs)
    return f"\nSupplied, since the labs above stand on them, to be read: {listed}.\n"
