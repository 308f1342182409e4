"""What a page's source asks its maker for, and what the maker knows when it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePosixPath
from typing import TypeAlias

import msgspec

from common.course.base.course import Course
from common.values.errors import LabError
from docs.making.errors import PageError
from docs.making.running import Ran, Runner
from docs.making.staging import DOCS, PAGE, Stage

LANGUAGES = ("en", "zh")


@dataclass(slots=True)
class Site:
    """What all pages are made from, and where their files go."""

    course: Course
    stage: Stage
    runner: Runner
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its path in the site, and its language."""

    path: str

    @property
    def language(self) -> str:
        """``zh`` for ``page.zh.md``, else ``en``."""
        end = PurePosixPath(self.path.removesuffix(PAGE)).suffix.removeprefix(".")
        return end if end in LANGUAGES else LANGUAGES[0]

    @property
    def name(self) -> str:
        """The last part of its path without endings: ``raft`` for ``labs/raft.zh.md``."""
        return PurePosixPath(self.path).name.partition(".")[0]

    def link(self, path: str) -> str:
        """From this page to another file of the site, both relative to the site."""
        up = len(PurePosixPath(self.path).parts) - 1
        return "../" * up + path


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that a page asks for.

    Attributes:
        page: which page asks.
        line: where, from 1.
        words: what stands after the name of what it asks for.
        site: all that is known.
    """

    page: Page
    line: int
    words: tuple[str, ...]
    site: Site

    def error(self, what: str) -> PageError:
        """A sentence about what was asked for, with its place."""
        return PageError(f"docs/{self.page.path}", self.line, what)

    def run(self, command: Sequence[str]) -> Ran:
        """What a command of the course says.

        Raises:
            PageError: it failed.
        """
        try:
            return self.site.runner.run(command)
        except LabError as error:
            raise self.error(str(error)) from None

    def said(self, english: str, chinese: str) -> str:
        """The words in the page's language."""
        return chinese if self.page.language == "zh" else english

    def told(self, text: str) -> str:
        """A manifest's sentence in the page's language; in English where it has no other."""
        english = " ".join(text.split())
        return self.said(english, _chinese().get(english, english))


@cache
def _chinese() -> dict[str, str]:
    """What the manifests say, in English and in Chinese."""
    entries = msgspec.yaml.decode((DOCS / "course.zh.yaml").read_bytes())
    return {entry["en"]: entry["zh"] for entry in entries}


Maker: TypeAlias = Callable[[Asked], str]
"""Makes one part of a page: Markdown."""
