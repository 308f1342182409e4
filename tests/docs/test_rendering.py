"""Pages are kept from one build to the next, and the site is that of a build from nothing.

A small site in both languages, with the course's configuration, is changed step by step. After each
step it is built twice: with the pages that were kept, and by MkDocs alone. All bytes are the same,
or both are refused with the same words.
"""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
import yaml

from common.values.errors import BadInput
from docs.making.building import configure, run_mkdocs
from docs.making.slots import Slots, key_of
from docs.making.staging import DOCS

pytestmark = pytest.mark.needs("docs")

PLAIN, KEPT = "plain", "kept"
HOME = """---
tags: [one]
---
# Home

A :material-graph: of `code`, and [a place](b.md#place).

=== "A tab"

    ``` { .python title="a file" }
    x = 1  # <one>
    ```

??? note "Folded"

    | a | b |
    | --- | --- |
    | 1 | <a id="row"></a>2 |

```mermaid
graph LR; a --> b
```
"""
PAGES = {
    "index.md": HOME,
    "index.zh.md": "# 主页\n\n线性一致性与[分区](b.md#place)、[这里](#home)\n\n## 这里 { #home }\n",
    "b.md": "# Second\n\n## Place\n\nText.\n\n## Place\n\n[Up](#place_1), ![](a.svg)\n",
    "b.zh.md": "# 第二页\n\n## 地方 { #place }\n\n共识算法。\n",
    "c.md": "---\nsearch: {exclude: true}\n---\n# Third\n\n[Home](index.md#row)\n",
    "c.zh.md": "# 第三页\n\n超时。\n",
    "d.md": "# Fourth\n\n[Third](c.md) and [second](./b.md).\n",
    "a.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>\n",
}


class Small:
    """A small site, built with kept pages and from nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.docs = folder / KEPT / "docs"
        shutil.copytree(DOCS / "theme", folder / "theme")
        self.docs.mkdir(parents=True)
        (folder / PLAIN).mkdir()
        (folder / PLAIN / "docs").symlink_to(self.docs)
        for name, text in PAGES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        (self.docs / name).write_text(text, encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.docs / name).read_text("utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def build(self) -> tuple[set[str], str]:
        """The pages that were made anew, and why the site was refused."""
        with ThreadPoolExecutor(2) as pool:
            plain, kept = pool.map(self.refusal, (PLAIN, KEPT))
        assert kept == plain
        if not kept:
            assert self._files(KEPT) == self._files(PLAIN)
        counts = json.loads((self.folder / "pages" / "counts.json").read_text())
        assert not set(counts["anew"]) & set(counts["kept"])
        return {page.removesuffix("/index.html") for page in counts["anew"]}, kept

    def refusal(self, which: str) -> str:
        """Why the site is refused, built in one of the two ways; empty if it is not."""
        config = self.folder / which / "mkdocs.yml"
        nav = sorted(path.name for path in self.docs.glob("?.md"))
        configure(config, ["index.md", *nav], self.folder / "theme")
        if which == PLAIN:
            own = yaml.safe_load(config.read_text("utf-8"))
            del own["hooks"]
            config.write_text(yaml.safe_dump(own, allow_unicode=True), encoding="utf-8")
        try:
            run_mkdocs(config, self.folder / ("pages" if which == KEPT else "none"))
        except BadInput as error:
            return str(error)
        return ""

    def _files(self, which: str) -> dict[str, bytes]:
        site = self.folder / which / "site"
        found = {path.relative_to(site).as_posix(): path for path in site.rglob("*")}
        return {name: path.read_bytes() for name, path in found.items() if path.is_file()}


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Small:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")  # the day is in the sitemap
    return Small(tmp_path)


def test_whatever_changes_only_pages_with_a_new_input_are_made_and_the_site_is_the_same(
    small: Small,
) -> None:
    everything = {"index.html", "b", "c", "d", "zh", "zh/b", "zh/c", "zh/d"}
    assert small.build() == (everything, "")

    small.change("index.md", "A :", "Another :")  # a text
    small.change("d.md", "# Fourth", "# Last")  # a title: navigation, "next" below the third page
    assert small.build() == ({"index.html", "d", "zh/d"}, "")
    assert "Last" in (small.folder / KEPT / "site" / "c" / "index.html").read_text("utf-8")

    small.change("b.md", "## Place\n", "## Room\n")  # an anchor that others link to
    (small.docs / "c.md").unlink()  # a page that others link to
    (small.docs / "c.zh.md").unlink()
    made, refused = small.build()
    assert made == {"b", "d", "zh/d"}
    assert "'index.md' contains a link 'b.md#place'" in refused
    assert "'b.md' contains a link '#place_1', but there is no such anchor" in refused
    assert "'d.md' contains a link 'c.md'" in refused

    small.change("b.md", "#place_1", "#room_1")
    small.change("index.md", "b.md#place", "b.md#room")
    small.change("d.md", "[Third](c.md)", "Third")
    template = small.folder / "theme" / "main.html"  # a template of the theme
    template.write_text(template.read_text() + "{% block footer %}changed{% endblock %}")
    assert small.build() == ({"index.html", "b", "d", "zh/d"}, "")
    assert "changed" in (small.folder / KEPT / "site" / "zh" / "b" / "index.html").read_text(
        "utf-8"
    )

    small.change("b.zh.md", "共识算法", "[共识](lost.md)")  # an unknown link, said each time
    made, refused = small.build()
    assert made == {"zh/b"}
    assert "'b.zh.md' contains a link 'lost.md'" in refused
    assert small.refusal(KEPT) == refused


def test_a_page_is_made_with_settings_and_places_of_files_and_nothing_else() -> None:
    rendering = pytest.importorskip("docs.making.rendering")
    file = mock.Mock(src_uri="a.md", dest_uri="a/", url="a/")
    file.inclusion.name = "IN"
    known = rendering.Known(SimpleNamespace(get_file_from_path={"a.md": file}.get, src_uris=[]))
    assert known.get_file_from_path("a.md") is file
    assert known.get_file_from_path("b.md") is None
    assert known.told == {"a.md": ["a.md", "a/", "a/", "IN"], "b.md": None}
    with pytest.raises(AttributeError):
        known.src_uris  # noqa: B018
    settings = rendering.Settings([], {}, None, True)
    with pytest.raises(AttributeError):
        settings.theme  # noqa: B018
    with pytest.raises(KeyError):
        settings["theme"]


class FakePage:
    """A page that is made by hand."""

    def __init__(self, source: str) -> None:
        self.markdown = "the same text"
        self.file = mock.Mock(src_uri=source, dest_uri="x/index.html", url="x/")
        self.file.inclusion.name = "IN"

    def render(self, settings: Any, known: Any) -> None:
        self.content = known.get_file_from_path("a.md")
        self.toc: list[Any] = []
        self._title_from_render = None
        self.present_anchor_ids: set[str] = set()
        self.links_to_anchors: dict[Any, Any] = {}


def test_the_same_text_in_another_folder_is_another_page(tmp_path: Path) -> None:
    rendering = pytest.importorskip("docs.making.rendering")
    config = SimpleNamespace(
        markdown_extensions=[], mdx_configs={}, validation={}, use_directory_urls=True
    )
    nothing = SimpleNamespace(get_file_from_path=lambda path: None)
    for source, is_kept in (("x.md", False), ("x.md", True), ("x/index.md", False)):
        pages = rendering.Pages(tmp_path)
        pages.begin(config)
        pages.make(FakePage(source), nothing)
        assert bool(pages.kept) == is_kept


@pytest.mark.parametrize(
    ("extensions", "said"),
    [
        ({"pymdownx.snippets": {}}, "pymdownx.snippets is new"),
        ({"pymdownx.emoji": {"options": {"custom_icons": ["icons"]}}}, "emoji has options"),
    ],
)
def test_an_extension_that_may_read_files_is_refused(
    tmp_path: Path, extensions: dict[str, dict[str, Any]], said: str
) -> None:
    rendering = pytest.importorskip("docs.making.rendering")
    config = SimpleNamespace(markdown_extensions=list(extensions), mdx_configs=extensions)
    with pytest.raises(Exception, match=said):
        rendering.Pages(tmp_path).begin(config)


def test_what_is_kept_under_another_key_is_not_found_and_what_nobody_asks_for_is_forgotten(
    tmp_path: Path,
) -> None:
    slots = Slots(tmp_path / "slots")
    assert slots.get("page", "key") is None
    slots.put("page", "key", {"a": 1})
    slots.put("other", "key", {"b": 2})
    assert slots.get("page", "key") == {"a": 1}
    assert slots.get("page", "another") is None
    later = Slots(tmp_path / "slots")
    assert later.get("page", "key") == {"a": 1}
    later.forget()
    assert Slots(tmp_path / "slots").get("other", "key") is None


def test_a_key_has_functions_by_name_and_file_and_refuses_what_has_no_name() -> None:
    assert key_of({"f": key_of}) == key_of({"f": key_of})
    assert key_of({"f": key_of}) != key_of({"f": configure})
    with pytest.raises(TypeError, match="not the same in each process"):
        key_of(object())
