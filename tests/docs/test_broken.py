"""A page shows the broken version of its lab, with a run in which something does go wrong."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from common.course.base.course import Course
from docs.making.asking import Page, Site
from docs.making.errors import PageError
from docs.making.expanding import expand
from docs.making.parts import MAKERS
from docs.making.running import Ran, Runner
from docs.making.staging import DOCS, Stage

COURSE = Course()
MARK = re.compile(r"^<!-- make broken \S+ -->$", re.MULTILINE)
WITHOUT = {"echo", "clocks", "netem", "kv", "etcd"}
"""Labs without an exhibit, whose demo records no run that breaks a property."""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(COURSE, Stage(), Runner(tmp_path / "kept"), {})


class Demo(Runner):
    """Runs nothing: each demo has left one trace in its folder."""

    def __init__(self, folder: Path, result: str, sentence: str) -> None:
        super().__init__(folder)
        self._folder = folder
        left = folder / "out" / "demo" / "echo"
        left.mkdir(parents=True)
        verdict = {"kind": "verdict", "result": result, "sentence": sentence}
        (left / "echo-bad.jsonl").write_text(json.dumps(verdict), encoding="utf-8")

    def run(self, command: Sequence[str]) -> Ran:
        return Ran("", self._folder)


def test_every_other_lab_shows_its_broken_version_before_the_reading_order() -> None:
    for lab in COURSE.labs:
        page = (DOCS / "labs" / f"{lab.id}.md").read_text(encoding="utf-8")
        before = page.partition("## Reading order")[0]
        assert len(MARK.findall(before)) == (lab.id not in WITHOUT), lab.id


def test_an_exhibit_is_shown_with_its_change_and_its_run(site: Site) -> None:
    mark = "<!-- make broken serialization-protobuf-272 -->\n"
    text = expand(Page("labs/serialization.md"), mark, site, MAKERS)
    assert text.startswith('??? bug "A broken version: ')
    assert "run.html?trace=museum/serialization-protobuf-272" in text
    assert "    ```diff" in text
    assert all(line.startswith("    ") for line in text.splitlines()[1:] if line)


def test_a_run_in_which_nothing_is_broken_is_refused(site: Site, tmp_path: Path) -> None:
    site.runner = Demo(tmp_path, "yes", "all is well")
    with pytest.raises(PageError, match="nothing is broken"):
        expand(Page("labs/echo.md"), "<!-- make broken echo-bad -->\n", site, MAKERS)


def test_what_a_broken_run_says_is_on_the_page(site: Site, tmp_path: Path) -> None:
    site.runner = Demo(tmp_path, "no", "It happened 2 times.")
    text = expand(Page("labs/echo.zh.md"), "<!-- make broken echo-bad -->\n", site, MAKERS)
    assert "    It happened 2 times." in text
    assert "run.html?trace=echo/echo-bad&lang=zh" in text
