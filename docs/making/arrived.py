"""Labs that a page calls coming, and that have come: the page links them."""

import re

from docs.making.asking import Page, Site

_COMING = re.compile(r"(`\w+`(?:(?:, |、)`\w+`)*) (\*\(coming\)\*|\*（待实现）\*)")


def with_arrived(page: Page, text: str, site: Site) -> str:
    """The page; of the labs before each *(coming)* those that are there become links.

    So a page is written once and need not be touched when a lab comes.
    """

    def said(found: re.Match[str]) -> str:
        names = re.findall(r"\w+", found[1])
        there = [name for name in names if f"labs/{name}.md" in site.sources]
        comma = "、" if page.language == "zh" else ", "
        owed = comma.join(f"`{name}`" for name in names if name not in there)
        links = [f"[{name}]({page.link(f'labs/{name}.md')})" for name in there]
        return comma.join([*links, *([f"{owed} {found[2]}"] if owed else [])])

    return _COMING.sub(said, text)
