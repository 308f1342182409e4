"""A Chinese page has the anchors of the English one, whatever its headings say."""

import pytest

from docs.making.errors import PageError

anchors = pytest.importorskip(
    "docs.making.anchors", reason="the docs site's tools are not installed: make docs does it"
)

ENGLISH = """# A page
## Run it
```
# no heading
```
## `lab run`, and [a link](x.md)
### Given { #own }
## Run it
"""
CHINESE = """# 一页
## 运行
```
# no heading
```
## `lab run` 和[链接](x.md) { .wide }
### 给定 { #own }
## 再运行
"""


def test_the_anchors_of_an_english_page_are_those_that_mkdocs_makes() -> None:
    assert anchors.anchors(ENGLISH) == ["a-page", "run-it", "lab-run-and-a-link", "own", "run-it_1"]


def test_each_chinese_heading_gets_the_anchor_at_its_place() -> None:
    made = anchors.with_anchors("page.zh.md", CHINESE, ENGLISH)
    headings = [line for line in made.splitlines() if line.startswith("#")]
    assert headings == [
        "# 一页 { #a-page }",
        "## 运行 { #run-it }",
        "# no heading",
        "## `lab run` 和[链接](x.md) { #lab-run-and-a-link .wide }",
        "### 给定 { #own }",
        "## 再运行 { #run-it_1 }",
    ]
    assert anchors.anchors(made) == anchors.anchors(ENGLISH)


def test_another_number_of_headings_is_refused_with_both_numbers() -> None:
    with pytest.raises(PageError, match=r"page\.zh\.md.* 1 headings, and the English one 5"):
        anchors.with_anchors("page.zh.md", "# 一页\n", ENGLISH)
