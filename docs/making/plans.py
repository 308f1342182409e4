"""The study plans: week by week, to tick, to print, and to take along as a calendar.

``docs/plans.yaml`` says what each week has. The calendar begins on a Monday of long ago; the page
moves it to the Monday that the reader chooses (``docs/assets/plans.mjs``).
"""

from datetime import date, timedelta
from functools import cache
from itertools import groupby
from typing import Any

import msgspec

from docs.making.asking import Asked
from docs.making.labs import short
from docs.making.roadmap import in_language, labs_of
from docs.making.staging import DOCS

FIRST_MONDAY = date(2024, 1, 1)
FOLDER = "plans/"


@cache
def plans() -> dict[str, dict[str, Any]]:
    """The plans, by their ids."""
    written = msgspec.yaml.decode((DOCS / "plans.yaml").read_bytes())["plans"]
    return {plan["id"]: plan for plan in written}


def plan(asked: Asked) -> str:
    """``plan six-months``: the whole plan, stage by stage."""
    id = asked.words[0] if asked.words else ""
    if id not in plans():
        raise asked.error(f"there is no plan {id!r}: there are {', '.join(plans())}")
    weeks = plans()[id]["weeks"]
    file = f"{FOLDER}{id}.{asked.page.language}.ics"
    asked.site.stage.add(file, calendar(asked, id))
    parts = [_head(asked, id, file)]
    for number, of_stage in groupby(weeks, key=lambda week: week["stage"]):
        stage = next(s for s in asked.site.course.stages if s.number == number)
        own = list(of_stage)
        first, last = own[0]["week"], own[-1]["week"]
        which = f"{first}" if first == last else f"{first}–{last}"
        weeks_said = asked.said(
            f"weeks {which}" if first != last else f"week {which}", f"第 {which} 周"
        )
        parts.append(
            f"## {short(asked, stage)}{asked.said(': ', '：')}{weeks_said} {{ #week-{first}-on }}"
        )
        parts += [_week(asked, week) for week in own]
    return "\n\n".join(parts)


def _head(asked: Asked, id: str, file: str) -> str:
    """Progress, the calendar, print."""
    says = asked.said(
        "First Monday|Download the calendar (.ics)|Print|Forget all ticks|done",
        "从哪个星期一开始|下载日历（.ics）|打印|清除全部勾选|已完成",
    ).split("|")
    monday, download, printing, forget, done = says
    return "\n".join(
        [
            f'<div class="plan-head" data-plan="{id}" data-first="{FIRST_MONDAY}" markdown>',
            f'<p><progress value="0" max="1" aria-label="{done}"></progress> '
            f'<output aria-live="polite">0 %</output> {done}</p>',
            f'<label>{monday} <input type="date" step="7"></label> ',
            f'[{download}]({asked.page.link(file)}){{ .md-button download="{id}.ics" }}',
            f'<button type="button" class="md-button" data-do="print">{printing}</button>',
            f'<button type="button" class="md-button" data-do="forget">{forget}</button>\n</div>',
        ]
    )


def _week(asked: Asked, week: dict[str, Any]) -> str:
    number = week["week"]
    title = asked.said(f"Week {number}", f"第 {number} 周")
    hours = asked.said(f"{week['hours']:g} hours", f"{week['hours']:g} 小时")
    things = [*_readings(asked, week), *_labs(asked, week)]
    items = [
        f'* <input type="checkbox" data-tick="{number}/{n}" aria-labelledby="thing-{number}-{n}"> '
        f'<span id="thing-{number}-{n}">{thing}</span>'
        for n, thing in enumerate(things)
    ]
    return "\n".join(
        [
            '<section class="week" markdown>\n',
            f"### {title} <small>{hours}</small> {{ #week-{number} data-toc-label='{title}' }}\n",
            f"{in_language(asked, week['goal'])}\n",
            *items,
            "\n</section>",
        ]
    )


def _readings(asked: Asked, week: dict[str, Any]) -> list[str]:
    found = []
    for reading in week["read"]:
        text, page = in_language(asked, reading["text"]), reading.get("page")
        ours = asked.page.link(page) if page in asked.site.sources else ""
        if reading.get("url"):
            text = f"[{text}]({reading['url']})"
            if ours:
                text += asked.said(f", and [our page on it]({ours})", f"，以及[本站的讲解]({ours})")
        elif ours:
            text = f"[{text}]({ours})"
        found.append(f"{text} <small>{reading['hours']:g} h</small>")
    return found


def _labs(asked: Asked, week: dict[str, Any]) -> list[str]:
    """The labs of a week; of those that take several weeks, the parts."""
    found = []
    for lab_id in labs_of(asked, week):
        lab = asked.site.course.lab(lab_id)
        named = week.get("parts", {}).get(lab_id)
        chosen = [part for part in lab.parts if named is None or part.id in named]
        link = f"[{lab_id}]({asked.page.link(f'labs/{lab_id}.md')})"
        parts = ", ".join(part.id for part in chosen)
        hours = sum(part.hours for part in chosen)
        found.append(
            asked.said(f"Lab {link}: {parts}", f"实验 {link}：{parts}")
            + f" <small>{hours:g} h</small>"
        )
    for coming in week.get("coming", ()):
        if coming not in asked.site.course.ids:
            found.append(asked.said(f"Lab {coming}, when it is there", f"实验 {coming}（完成后）"))
    return found


def calendar(asked: Asked, id: str) -> bytes:
    """The plan as a calendar file: one entry for each week."""
    from icalendar import Calendar, Event

    made = Calendar()
    made.add("prodid", "-//Distributed systems you can run//Study plans//EN")
    made.add("version", "2.0")
    made.add("x-wr-calname", in_language(asked, plans()[id]["title"]))
    for week in plans()[id]["weeks"]:
        entry, number = Event(), week["week"]
        begins = FIRST_MONDAY + timedelta(weeks=number - 1)
        title = asked.said(f"Week {number}", f"第 {number} 周")
        entry.add("uid", f"{id}-{number}@distributed-systems-course")
        entry.add("dtstamp", FIRST_MONDAY)
        entry.add("dtstart", begins)
        entry.add("dtend", begins + timedelta(weeks=1))
        entry.add("summary", f"{title}: {in_language(asked, week['goal'])}")
        texts = [in_language(asked, reading["text"]) for reading in week["read"]]
        texts += [f"lab start {lab}" for lab in labs_of(asked, week)]
        entry.add("description", "\n".join([*texts, f"{week['hours']:g} h"]))
        made.add_component(entry)
    return bytes(made.to_ical())
