"""What the search knows of a page is found once, and again only when the page is another one.

To read the HTML of all pages again, and to cut their Chinese into words, takes half as long as
Markdown. The theme's search makes its entries from the page that it is given and from the words
that ``jieba`` knows, and from nothing else.
"""

from pathlib import Path
from typing import Any

from material.plugins.search import plugin

from docs.making.rendering import installed
from docs.making.slots import Slots, key_of


class KeptIndex(plugin.SearchIndex):  # type: ignore[misc]
    """The theme's index, which takes the entries of a page as they were made.

    Args:
        slots: where they are kept.
        config: the search's settings.
    """

    def __init__(self, slots: Slots, config: Any) -> None:
        super().__init__(**config)
        self._slots = slots
        words = [Path(file).read_text("utf-8") for file in _dictionaries(config)]
        # The plugin reads the words once for each language, and each time they weigh more.
        self._made_with = [installed(), words, plugin.jieba.dt.total]

    def add_entry_from_context(self, page: Any) -> None:
        """Add the entries of a page."""
        toc = [_heading(item) for item in page.toc]
        meta = repr(sorted(page.meta.items()))
        key = key_of(self._made_with, page.content, toc, page.url, str(page.title), meta)
        found = self._slots.get(page.url, key)
        if found is not None:
            self.entries += found["entries"]
            return
        count = len(self.entries)
        super().add_entry_from_context(page)
        self._slots.put(page.url, key, {"entries": self.entries[count:]})


def _dictionaries(config: Any) -> list[str]:
    return [file for file in (config.jieba_dict, config.jieba_dict_user) if file]


def _heading(item: Any) -> list[Any]:
    return [item.id, item.url, [_heading(child) for child in item.children]]
