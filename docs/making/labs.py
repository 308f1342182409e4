"""What is made for a lab's page: its facts, its cast, its parts, its papers, lines of code."""

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from common.course.base.course import ROOT, Course
from common.course.base.lab import Lab, Paper, Stage
from common.values.errors import BadInput
from docs.making.asking import Asked, Page, Site
from docs.making.colouring import place_of
from docs.making.messages import KINDS, cast
from docs.making.nav import name_of, page_of

FOLDER = "labs/"
READING = ("Reading order", "阅读顺序")
_NAMED = re.compile(r"`(?P<file>[\w/]+\.py)`")

KIND_NAMES = {
    "node": ("protocol classes", "协议类"),
    "library": ("functions and classes", "函数和类"),
    "program": ("whole programs", "完整程序"),
}


def lab_of(asked: Asked) -> Lab:
    """The lab that is named, or else the one whose page asks.

    Raises:
        PageError: the page is no lab's, and names none.
    """
    id = asked.words[0] if asked.words else asked.page.name
    try:
        return asked.site.course.lab(id)
    except BadInput as error:
        raise asked.error(str(error)) from None


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; an empty one is no text at all."""
    if not rows:
        return ""
    ruled = ["| " + " | ".join(headers) + " |", "|" + " --- |" * len(headers)]
    return "\n".join([*ruled, *("| " + " | ".join(map(_cell, row)) + " |" for row in rows)])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def facts(asked: Asked) -> str:
    """In a box: the idea, the stage, the hours, what comes before, and how to begin."""
    lab, course = lab_of(asked), asked.site.course
    stage = course.stage_of(lab)
    own = f"{stage.sign}. {short(asked, stage)}"
    if page_of(stage) in asked.site.sources:
        own = f"[{own}]({asked.page.link(page_of(stage))})"
    needs = ", ".join(f"[{id}]({asked.page.link(f'labs/{id}.md')})" for id in lab.needs)
    rows = [
        (asked.said("Stage", "阶段"), own),
        (asked.said("Time", "时间"), asked.said(f"{lab.hours:g} hours", f"{lab.hours:g} 小时")),
        (
            asked.said("Graded", "评分"),
            asked.said(
                f"{lab.points} points in {len(lab.tests)} tests",
                f"{len(lab.tests)} 个测试，共 {lab.points} 分",
            ),
        ),
        (asked.said("You write", "你要写"), asked.said(*KIND_NAMES[lab.kind])),
        (asked.said("Do first", "先做"), needs or asked.said("nothing", "无")),
        (asked.said("Real programs", "真实程序"), ", ".join(lab.clients)),
        (
            asked.said("Code", "代码"),
            f"[{asked.said('all files of this lab', '本实验的全部文件')}]"
            f"({asked.page.link(code_page(lab))})",
        ),
        (asked.said("Read", "阅读"), "<br>".join(_paper(asked, each) for each in lab.papers)),
    ]
    items = [
        f"<div markdown><dt>{name}</dt><dd markdown>{value}</dd></div>"
        for name, value in rows
        if value
    ]
    idea = f"<p class='idea' markdown>{asked.told(lab.concept)}</p>"
    return "\n".join(["<div class='facts' markdown>", idea, "<dl markdown>", *items, "</dl></div>"])


def short(asked: Asked, stage: Stage) -> str:
    """The beginning of a stage's title, in the page's language."""
    return re.split("[:：]", asked.told(stage.title))[0]


def parts(asked: Asked) -> str:
    """The parts as a table: what to write, where, how long it takes, and what it is worth."""
    lab = lab_of(asked)
    headers = asked.said(
        "part,what it is about,you write,hours,points", "部分,内容,要写的函数,小时,分数"
    ).split(",")
    rows = []
    for part in lab.parts:
        by_file = dict.fromkeys(hole.file for hole in part.holes)
        wrote = [
            f"`{file}`: " + ", ".join(f"`{h.symbol}`" for h in part.holes if h.file == file)
            for file in by_file
        ]
        rows.append(
            (
                f"`{part.id}`",
                asked.told(part.title),
                "<br>".join(wrote),
                f"{part.hours:g}",
                str(part.points),
            )
        )
    return table(headers, rows)


def whole_cast(asked: Asked) -> str:
    """Every message, timer and operation, with its fields, folded."""
    lab = lab_of(asked)
    found = cast(lab, asked.site.course.root)
    if not found:
        raise asked.error(f"the files of {lab.id} have no message, timer or operation")
    title = asked.said("Every message with its fields, from the code", "全部消息及字段（取自代码）")
    lines = [f'??? abstract "{title}"', ""]
    for kind, names in KINDS.items():
        rows = [(f"`{each.signature}`", each.says) for each in found if each.kind == kind]
        if rows:
            headers = (asked.said(*names), asked.said("what it says", "含义"))
            lines += [*(f"    {line}" for line in table(headers, rows).splitlines()), ""]
    return "\n".join(lines)


def _paper(asked: Asked, paper: Paper) -> str:
    who = f"{paper.author}: " if paper.author else ""
    year = f", {paper.year}" if paper.year else ""
    sections = asked.said(f": {paper.sections}", f"：{paper.sections}") if paper.sections else ""
    return f"{who}*{paper.title}*{year}{sections}"


def playground(asked: Asked) -> str:
    """Where the lab runs in the page, if it is a protocol that can."""
    lab = lab_of(asked)
    if not lab.worlds:
        raise asked.error(f"lab {lab.id} is no cluster, so it has no playground")
    title = asked.said("Run it in this page", "在本页运行")
    names = {"lab": lab.id, "title": asked.told(lab.title), "part": asked.told(lab.parts[0].title)}
    data = " ".join(f'data-{name}="{escape(value)}"' for name, value in names.items())
    return f'## {title}\n\n<div class="playground" {data}></div>'


def together(asked: Asked) -> str:
    """Where this page is a member of the lab, beside the ones that are open in other pages."""
    lab = lab_of(asked)
    if not (asked.site.course.room_of(lab) / "front/tab.py").is_file():
        raise asked.error(f"lab {lab.id} has no front/tab.py, so no page can be a member of it")
    title = asked.said("Edit one text in two pages", "在两个页面里编辑同一文本")
    return f'## {title}\n\n<div class="together" data-lab="{lab.id}"></div>'


def with_facts(text: str) -> str:
    """A lab page's source with its facts asked for, below its title."""
    title, _, rest = text.partition("\n")
    return f"{title}\n\n<!-- make facts -->\n{rest}"


def with_lines(page: Page, text: str, site: Site) -> str:
    """A lab page in which its reading order says how long each file is, and leads to its code."""
    lab = site.course.lab(page.name)
    told: set[str] = set()
    is_reading = False
    lines = []
    for line in text.splitlines():
        if line.startswith("## "):
            is_reading = line.removeprefix("## ").strip() in READING
        if is_reading:
            line = _NAMED.sub(lambda found: _counted(page, lab, found, told), line)
        lines.append(line)
    return "\n".join(lines) + "\n"


def _counted(page: Page, lab: Lab, found: re.Match[str], told: set[str]) -> str:
    """A file's name, linked to its code, with its lines where it is named first."""
    file = found["file"].removeprefix(f"{lab.folder}/")
    path = ROOT / lab.folder / file
    if file in told or file not in code_files(lab):
        return found[0]
    told.add(file)
    count = len(path.read_text(encoding="utf-8").splitlines())
    unit = "行" if page.language == "zh" else "lines"
    link = f"{page.link(code_page(lab))}#{anchor(file)}"
    return f"[{found[0]}]({link}) <small>{count} {unit}</small>"


def code_page(lab: Lab) -> str:
    """Where all code of a lab can be read."""
    return f"code/{lab.id}.md"


def anchor(file: str) -> str:
    """The anchor of a file on that page."""
    return file.removesuffix(".py").replace("/", "-").replace("_", "-")


def code_files(lab: Lab, root: Path = ROOT) -> list[str]:
    """The lab's Python files: the protocol in its order, then what stands beside it."""
    own = [file.path for file in lab.files]
    room = root / lab.folder
    beside = sorted(path.relative_to(room).as_posix() for path in room.glob("*.py"))
    return [*own, *(path for path in beside if path not in own and path != "__init__.py")]


def code(lab: Lab, course: Course) -> str:
    """The page with all code of a lab: to read, where nothing is installed."""
    lines = [
        "---", "search: {exclude: true}", "hide: [navigation]", "---",
        f"# The code of {lab.id}", "",
        f"[{lab.title}](../{FOLDER}{lab.id}.md): its files, the protocol first, in the order in "
        "which they stand on each other. This is the reference: it has the exercises solved. Write "
        "yours first.", "",
    ]  # fmt: skip
    for file in code_files(lab):
        text = (course.root / lab.folder / file).read_text(encoding="utf-8")
        count = len(text.splitlines())
        label = f'{{ #{anchor(file)} data-toc-label="{file}" }}'
        heading = f"## `{lab.folder}/{file}` <small>{count} lines</small> {label}"
        lines += [heading, "", place_of(text), ""]
    return "\n".join(lines)


def stage_labs(asked: Asked) -> str:
    """The labs of one stage as a table: ``stage 4``."""
    number = asked.words[0] if asked.words else ""
    stage = next((s for s in asked.site.course.stages if number in (s.sign, name_of(s))), None)
    if stage is None:
        raise asked.error(
            f"there is no stage {number!r}: the signs are 1 to 8, and + for the bonus"
        )
    headers = asked.said("lab,the idea,hours,papers", "实验,内容,小时,论文").split(",")
    rows = []
    for id in stage.labs:
        lab = asked.site.course.lab(id)
        read = "<br>".join(_paper(asked, paper) for paper in lab.papers)
        link = f"[**{id}**]({asked.page.link(f'labs/{id}.md')})"
        rows.append(
            (f"{link}<br>{asked.told(lab.title)}", asked.told(lab.concept), f"{lab.hours:g}", read)
        )
    return table(headers, rows)
