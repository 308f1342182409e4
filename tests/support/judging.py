"""Labs behind the judge's pipes, for tests of the judge itself."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from common.course.base.course import ROOT, Course
from common.course.base.implementation import load
from common.course.judge import sandbox
from common.course.judge.judged import JudgedLab


def needs_a_sandbox() -> None:
    """Skip where there is none; on CI that is a failure."""
    if not sandbox.available("bubblewrap"):
        if os.environ.get("CI") == "true":
            pytest.fail("on CI nothing may be missing: there is no sandbox here", pytrace=False)
        pytest.skip("there is no sandbox here")


@contextmanager
def judged(id: str, workspace: Path | None = None) -> Iterator[JudgedLab]:
    """The lab with this id, judged; its sandbox is ended afterwards."""
    needs_a_sandbox()
    course = Course()
    lab = course.lab(id)
    made = JudgedLab(course, lab, load(lab), None, workspace, unsafe=False)
    try:
        yield made
    finally:
        made.end_test()
        made.close()


def changed(folder: Path, files: Mapping[str, tuple[str, str]]) -> Path:
    """A workspace with copies of the course's files in which one text is replaced by another."""
    for name, (old, new) in files.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        assert old in text, f"{name} has changed"
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace(old, new), encoding="utf-8")
    return folder


def script(folder: Path, text: str) -> Path:
    """A workspace whose nodes are a shell script."""
    folder.mkdir(exist_ok=True)
    run = folder / "run"
    run.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    run.chmod(0o755)
    return folder
