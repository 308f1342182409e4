"""The picture of each demonstration in which something is wrong opens where it is to be seen."""

import json
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from common.course.base.course import Course
from common.course.base.naming import find
from common.trace.viewer.page import build_page
from common.values.report import Report, Trace
from tests.e2e.test_viewer import FLAGS
from tests.support.viewer_page import Page

pytestmark = [pytest.mark.needs("browser"), pytest.mark.proof]

OPENS_AT = {
    ("cap", "cap-broken"): ("c2's read ends: ok nothing", 2),
    ("cap", "cap-available"): ("c2's read ends: ok 2000003", 2),
    ("cassandra", "cassandra-back"): ("n2's get ends: ok [Shown(row: profi…", 1),
    ("chat", "chat-arrival"): ("cat receives Posts from bob", 0),
    ("dynamo", "dynamo-promise"): ("c2's get ends: ok [old]", 3),
    ("election", "election-bully"): ("n2 receives Coordinator from n3", 0),
    ("failures", "hasty-slow"): ("c2's statement ends: ok [5, 5]", 1),
    ("failures", "hasty-shortest"): ("n1 receives Request from c1", 0),
    ("failures", "slow-or-dead"): ("n1's classify ends: ok suspected", 0),
    ("gossip", "gossip-dropped"): ("n1's get ends: ok [value, [1, n1]]", 2),
    ("link", "link-fire-and-forget"): ("b's take ends: ok line 12", 0),
    ("log", "log-high-watermark"): ("n2's contents ends: ok [[0, c]]", 3),
    ("multileader", "multileader-bytheclock-behind"): ("n2's get ends: ok 10", 3),
    ("pbft", "pbft-two-liars"): ("c2's get ends: ok nothing", 2),
    ("pbft", "three-generals"): ("n2 receives Oral from n3", 0),
    ("queue", "queue-lazy"): ("c1's post ends: ok 1", 2),
    ("raft", "raft-figure8-broken"): ("n5 receives RequestVoteReply from n4", 0),
    ("raft", "raft-slow-clock-lease"): ("c1's get ends: ok old", 2),
    ("raftkv", "raftkv-twice"): ("c1's get ends: ok 1 2 3 4 5 6 7 7 7…", 2),
    ("replication", "replication-believing"): ("n2 receives Replace from n1", 0),
    ("replication", "replication-lag-0"): ("c2's get ends: ok nothing", 2),
    ("rpc", "rpc-careless"): ("c2's statement ends: ok [5, 5]", 1),
}
"""By lab and trace: the sentence of the event at which its page opens, and how many operations the
verdict blames. Traces that are not here have no verdict that says no."""


@cache
def traces(lab: str) -> dict[str, Trace]:
    """What a lab's demonstration recorded, by name."""
    report: Report = find(Course().lab(lab).demo, lab)(7)
    return {part.name: part for part in report.parts if isinstance(part, Trace)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.mark.parametrize(("lab", "name"), OPENS_AT)
def test_the_picture_opens_where_it_is_to_be_seen(
    browser: Any, tmp_path: Path, lab: str, name: str
) -> None:
    sentence, blamed = OPENS_AT[lab, name]
    trace = traces(lab)[name]
    path = tmp_path / "page.html"
    path.write_text(build_page(trace.lines.splitlines(), trace.title), "utf-8")
    page = Page(browser, path, viewport={"width": 1440, "height": 2400})
    assert page.text(".stv-sentence") == sentence
    verdicts = map(json.loads, trace.lines.splitlines())
    calls = next(v.get("calls", []) for v in verdicts if v.get("result") == "no")
    assert len(calls) == blamed
    outlined = ".calls .outline" if blamed else ".marks .outline"
    assert 1 <= page.count(outlined) <= max(1, blamed), "what is in view of it"
    assert page.count("[data-relation=past]") > 1, "its causes are lit"
    assert page.complaints == []
    page.context.close()


@pytest.mark.parametrize("lab", [lab.id for lab in Course().labs])
def test_no_other_demonstration_has_a_verdict_that_says_no(lab: str) -> None:
    wrong = {name for name, trace in traces(lab).items() if '"result":"no"' in trace.lines}
    assert wrong == {name for of, name in OPENS_AT if of == lab}
