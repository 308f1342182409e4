"""All files of the site: every source made into a page, and pages that have no source."""

from collections.abc import Iterator

from common.course.base.course import Course
from docs.making import anchors, bundle, diagrams, labs, runs, terms
from docs.making.arrived import with_arrived
from docs.making.asking import Page, Site
from docs.making.expanding import commands, expand
from docs.making.importing import imports
from docs.making.parts import MAKERS
from docs.making.running import Runner
from docs.making.staging import Stage, assets, sources


def staged(course: Course) -> Stage:
    """The whole site, ready for MkDocs.

    Raises:
        PageError: a page asks for what there is not; the text names page and line.
    """
    site = Site(course, Stage(), Runner(), dict(sources()))
    for path, content in assets():
        site.stage.add(path, content)
    runs.add_viewer(site.stage)
    diagrams.add_script(site.stage)
    for path, content in bundle.made(course):
        site.stage.add(path, content)
    site.runner.run_all(sorted({each for text in site.sources.values() for each in _wanted(text)}))
    for path, text in site.sources.items():
        site.stage.add(path, _made(Page(path), text, site))
    for path in site.sources:
        _same_anchors(Page(path), site.stage)
    for lab in course.labs:
        site.stage.add(labs.code_page(lab), labs.code(lab, course))
    imports().keep()
    return site.stage


def _same_anchors(page: Page, stage: Stage) -> None:
    """A Chinese page has the anchors of the English one: a link to a place works in both."""
    english = page.path.replace(".zh.md", ".md")
    if page.language == "zh" and english in stage.files:
        texts = (stage.files[path].decode() for path in (page.path, english))
        stage.add(page.path, anchors.with_anchors(page.path, *texts))


def _wanted(text: str) -> Iterator[tuple[str, ...]]:
    """The commands whose output a page will ask for: they are run before, side by side."""
    yield from map(tuple, commands(text))
    yield from runs.commands(text)


def _made(page: Page, text: str, site: Site) -> str:
    if page.path.startswith(terms.FOLDERS):
        text = terms.with_terms(page, text)
    if page.path.startswith(labs.FOLDER):
        text = labs.with_facts(text)
    text = with_arrived(page, text, site)
    text = expand(page, runs.with_runs(page, text, site), site, MAKERS)
    return labs.with_lines(page, text, site) if page.path.startswith(labs.FOLDER) else text
