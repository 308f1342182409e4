"""Real runs in the pages: what ``lab demo`` says and records, shown by the viewer itself."""

import re
from collections.abc import Iterator

from common.course.base.lab import Lab
from common.trace.viewer.page import script, style
from common.values.errors import BadInput
from docs.making.asking import Asked, Page, Site
from docs.making.labs import lab_of
from docs.making.running import block
from docs.making.scenes import SCENES
from docs.making.staging import Stage

FOLDER = "runs/"
VIEWER = "assets/run.html"
_PICTURE = re.compile(r"!\[(?P<says>[^\]]*)\]\((?P<up>(?:\.\./)*)images/(?P<name>[\w-]+)\.png\)")


def add_viewer(stage: Stage) -> None:
    """The viewer's script and style, as all pages and the playground use them."""
    stage.add("assets/viewer.js", script())
    stage.add("assets/viewer.css", style())


def demo_of(lab: str) -> tuple[str, ...]:
    """The command whose run a page shows."""
    return ("lab", "demo", lab)


def commands(text: str) -> Iterator[tuple[str, ...]]:
    """The demos of which a source shows pictures or what they say."""
    for found in _PICTURE.finditer(text):
        if found["name"] in SCENES:
            yield demo_of(SCENES[found["name"]][0])


def with_runs(page: Page, text: str, site: Site) -> str:
    """A page in which each picture of a run is the run."""

    def shown(found: re.Match[str]) -> str:
        if found["name"] not in SCENES:
            return found[0]
        lab, trace, event = SCENES[found["name"]]
        add_trace(site, lab, trace)
        return figure(page, lab, trace, event, found["says"], found["name"])

    return _PICTURE.sub(shown, text)


def figure(
    page: Page, lab: str, trace: str, event: int, says: str, picture: str, plays: bool = False
) -> str:
    """A run in the viewer; until it is there, and where there are no scripts, a picture of it."""
    says = " ".join(says.split())
    at = f'data-trace="{lab}/{trace}" data-event="{event}" data-title="{lab}"'
    image = f"![{says}]({page.link(f'images/{picture}.png')}){{ loading=lazy }}"
    return "\n".join(
        [
            f'<figure class="run" {at}{" data-plays" if plays else ""} markdown>',
            f'<div class="run-place" markdown>\n{image}\n</div>',
            f"<figcaption>{says}</figcaption>\n</figure>",
        ]
    )


def add_trace(site: Site, lab: str, trace: str) -> None:
    """Put a trace of a demo into the site.

    Raises:
        BadInput: the demo fails, or records no such trace.
    """
    file = site.runner.run(demo_of(lab)).folder / "out" / "demo" / lab / f"{trace}.jsonl"
    if not file.is_file():
        raise BadInput(f"lab demo {lab} records no trace {trace}")
    site.stage.add(f"{FOLDER}{lab}/{trace}.jsonl", file.read_bytes())


def viewer(asked: Asked) -> str:
    """``viewer LAB TRACE EVENT [play]``: a run of a lab's demo, in the viewer."""
    match asked.words:
        case (lab, trace, event, *play) if event.isdigit() and play in ([], ["play"]):
            title = asked.said(f"A real run of the lab {lab}", f"实验 {lab} 的一次真实运行")
            add_trace(asked.site, lab, trace)
            names = [name for name, scene in SCENES.items() if scene[:2] == (lab, trace)]
            picture = names[0] if names else lab
            return figure(asked.page, lab, trace, int(event), title, picture, bool(play))
    raise asked.error("a viewer needs LAB TRACE EVENT, and perhaps: play")


def link_to(page: Page, trace: str, words: str) -> str:
    """A link to a run in the viewer, on a page of its own that speaks this page's language."""
    language = "" if page.language == "en" else f"&lang={page.language}"
    return f"[{words}]({page.link(VIEWER)}?trace={trace}{language})"


def demo(asked: Asked) -> str:
    """What the lab's demo says, folded, and the runs that it recorded, each one a link."""
    lab = lab_of(asked)
    command = demo_of(lab.id)
    ran = asked.run(command)
    folder = ran.folder / "out" / "demo" / lab.id
    title = asked.said("What `lab demo {}` says", "`lab demo {}` 的输出").format(lab.id)
    lines = [f'??? example "{title}"', ""]
    output = ran.output.partition("\nnext: ")[0]
    lines += [f"    {line}" for line in block(" ".join(command), output).splitlines()]
    links = [_link(asked, lab, path.stem) for path in sorted(folder.glob("*.jsonl"))]
    if links:
        lead = asked.said("The runs that it records, in the viewer:", "它记录的运行：")
        lines += ["", f"{lead} {' · '.join(links)}"]
    return "\n".join(lines)


def _link(asked: Asked, lab: Lab, trace: str) -> str:
    add_trace(asked.site, lab.id, trace)
    return link_to(asked.page, f"{lab.id}/{trace}", trace.removeprefix(f"{lab.id}-"))
