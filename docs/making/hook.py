"""What MkDocs calls while it builds (``hooks`` in ``out/mkdocs.yml``): pages are kept.

Without this hook the site is the same one, and takes longer: a test says so.
"""

import json
import os
from pathlib import Path
from typing import Any

from material.plugins.search.plugin import SearchPlugin

from docs.making.indexing import KeptIndex
from docs.making.rendering import Pages
from docs.making.slots import PAGES_FOLDER, Slots

FOLDER = Path(os.environ.get("DOCS_PAGES", PAGES_FOLDER))
PAGES = Pages(FOLDER / "pages")
ENTRIES = Slots(FOLDER / "entries")
FAILED: list[Exception] = []


def on_pre_build(config: Any) -> None:
    """The build of a language begins; all plugins have changed what they change in its settings."""
    PAGES.begin(config)
    for plugin in config.plugins.values():
        if isinstance(plugin, SearchPlugin):
            plugin.search_index = KeptIndex(ENTRIES, plugin.config)


def on_pre_page(page: Any, **_: Any) -> None:
    """A page will be made."""
    page.render = lambda config, files: PAGES.make(page, files)


def on_build_error(error: Exception) -> None:
    """MkDocs refuses the site."""
    FAILED.append(error)


def on_shutdown() -> None:
    """MkDocs has ended. A site that is refused may lack pages: then nothing is forgotten."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    counts = {"anew": PAGES.anew, "kept": PAGES.kept}
    (FOLDER / "counts.json").write_text(json.dumps(counts), encoding="utf-8")
    if not FAILED:
        PAGES.forget()
        ENTRIES.forget()
