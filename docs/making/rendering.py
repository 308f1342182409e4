"""A page's Markdown becomes HTML once, and again only when something that it depends on is new.

MkDocs builds all pages in each build. Markdown is the largest part of that work, and is a function
of a few things: the text, the page's own place, the settings of the Markdown extensions, the
versions of what is installed, and the files that the page links to. So the HTML is kept with all of
these, and is taken again only if each of them is the same.

How do we know that nothing is forgotten? While a page is made, MkDocs is given less than it has:

* ``Settings`` has the four settings that the key has, and no others;
* ``Known`` answers where a file is, and nothing else. Each answer is written down, also that there
  is no such file. If one answer is another one now, the page is made again.

If MkDocs asks for more, that is an error. So is a Markdown extension that this module does not
know: one that reads files would be wrong in silence. A page about which MkDocs says anything, such
as a link that leads nowhere, is not kept: it is made again, and so the sentence is said again.

All else is done for all pages in each build: navigation, titles, templates, links to anchors.
"""

import logging
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.toc import get_toc

from docs.making.slots import Slots, key_of

FUNCTIONS_OF_TEXT = frozenset(("admonition", "attr_list", "fenced_code", "md_in_html", "tables",
    "toc", "pymdownx.details", "pymdownx.emoji", "pymdownx.highlight", "pymdownx.inlinehilite",
    "pymdownx.superfences", "pymdownx.tabbed"))  # fmt: skip
"""Markdown extensions that read the text, their settings, and what is installed; no other files."""

MADE = {"content", "toc", "_title_from_render", "present_anchor_ids", "links_to_anchors"}
"""What MkDocs writes into a page when it makes it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All of the configuration that a page can be made with."""

    markdown_extensions: list[str]
    mdx_configs: dict[str, Any]
    validation: Any
    use_directory_urls: bool

    def __getitem__(self, name: str) -> Any:
        return {"markdown_extensions": self.markdown_extensions, "mdx_configs": self.mdx_configs}[
            name
        ]


class Known:
    """The files of the site, of which a page can be told where one is. It is written down."""

    def __init__(self, files: Any) -> None:
        self._files = files
        self.told: dict[str, list[str] | None] = {}
        self.paths: dict[Any, str] = {}

    def get_file_from_path(self, path: str) -> Any:
        """The file that a link with this path leads to, or None."""
        file = self._files.get_file_from_path(path)
        self.told[path] = place_of(file)
        if file is not None:
            self.paths.setdefault(file, path)
        return file


def place_of(file: Any) -> list[str] | None:
    """All that a link depends on of a file."""
    return file and [file.src_uri, file.dest_uri, file.url, file.inclusion.name]


@cache
def installed() -> list[str]:
    """Python, and all packages with their versions."""
    packages = (f"{each.name} {each.version}" for each in distributions())
    return [platform.python_version(), *sorted(packages)]


class Pages:
    """Makes the pages of a site, or takes them as they were made.

    Args:
        folder: where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._slots = Slots(folder)
        self._tools = [installed(), Path(__file__).read_text(encoding="utf-8")]
        self._settings: Settings | None = None
        self._made_with = ""
        self.anew: list[str] = []
        self.kept: list[str] = []

    def begin(self, config: Any) -> None:
        """The build of one language begins.

        Raises:
            PluginError: an extension may depend on more than we know.
        """
        icons = config.mdx_configs.get("pymdownx.emoji", {}).get("options", {})
        if icons:
            raise PluginError("pymdownx.emoji has options: see that its files are in the key")
        if unknown := set(config.markdown_extensions) - FUNCTIONS_OF_TEXT:
            raise PluginError(
                f"the Markdown extension {sorted(unknown)[0]} is new: if it makes HTML of nothing "
                "but a page's text, its settings and what is installed, add it to "
                "FUNCTIONS_OF_TEXT in docs/making/rendering.py"
            )
        self._settings = Settings(
            config.markdown_extensions,
            config.mdx_configs,
            config.validation,
            config.use_directory_urls,
        )
        self._made_with = key_of(
            self._tools,
            config.markdown_extensions,
            config.mdx_configs,
            config.validation,
            config.use_directory_urls,
        )

    def make(self, page: Any, files: Any) -> None:
        """Make a page, or take it as it was; instead of MkDocs' ``Page.render``."""
        key = key_of(self._made_with, page.markdown, place_of(page.file))
        found = self._slots.get(page.file.dest_uri, key)
        if found is not None and all(
            place_of(files.get_file_from_path(path)) == place
            for path, place in found["told"].items()
        ):
            _fill(page, files, found)
            self.kept.append(page.file.dest_uri)
            return
        self.anew.append(page.file.dest_uri)
        known, before = Known(files), dict(vars(page))
        with _heard() as said:
            type(page).render(page, self._settings, known)
        written = {name for name, value in vars(page).items() if before.get(name) is not value}
        assert written <= MADE, f"MkDocs writes {written - MADE}, too: keep it with a page"
        if not said and page.links_to_anchors is not None:
            self._slots.put(page.file.dest_uri, key, _value(page, known))

    def forget(self) -> None:
        """Forget pages that this build did not have."""
        self._slots.forget()


def _value(page: Any, known: Known) -> dict[str, Any]:
    """A page that was made, for JSON."""
    paths = {**known.paths, page.file: None}
    return {
        "told": known.told,
        "content": page.content,
        "toc": [_token(item) for item in page.toc],
        "title": page._title_from_render,
        "anchors": sorted(page.present_anchor_ids),
        "links": [[paths[file], links] for file, links in page.links_to_anchors.items()],
    }


def _token(item: Any) -> dict[str, Any]:
    """A heading, as ``get_toc`` takes it."""
    children = [_token(child) for child in item.children]
    return {"name": item.title, "id": item.id, "level": item.level, "children": children}


def _fill(page: Any, files: Any, value: dict[str, Any]) -> None:
    """The same page, from JSON."""
    page.content = value["content"]
    page.toc = get_toc(value["toc"])
    page._title_from_render = value["title"]
    page.present_anchor_ids = set(value["anchors"])
    page.links_to_anchors = {
        page.file if path is None else files.get_file_from_path(path): links
        for path, links in value["links"]
    }


class _Listener(logging.Handler):
    """Writes down what it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record)


@contextmanager
def _heard() -> Iterator[list[logging.LogRecord]]:
    """What MkDocs says meanwhile."""
    listener = _Listener()
    logger = logging.getLogger("mkdocs")
    logger.addHandler(listener)
    try:
        yield listener.said
    finally:
        logger.removeHandler(listener)
