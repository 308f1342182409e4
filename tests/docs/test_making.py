"""The maker of the docs: what a page may ask for, and what it is told if there is no such thing."""

import json
import re
from pathlib import Path

import pytest

from common.check.verdict import Answer
from common.course.base.course import ROOT, Course
from common.values.errors import BadInput
from docs.making import colouring, including, measuring, museum, nav, plans, reference
from docs.making.asking import Asked, Page, Site
from docs.making.exhibiting import VAGUE
from docs.making.expanding import commands, expand
from docs.making.importing import Imports
from docs.making.keeping import kept
from docs.making.labs import with_lines
from docs.making.parts import MAKERS
from docs.making.running import Runner
from docs.making.showing import show_of
from docs.making.shown import SHOWN
from docs.making.staging import Stage, sources

PAGE = Page("labs/echo.md")
CHINESE = Page("labs/echo.zh.md")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(Course(), Stage(), Runner(tmp_path / "kept"), {})


def made(text: str, site: Site, page: Page = PAGE) -> str:
    return expand(page, text, site, MAKERS)


def test_code_is_included_by_its_symbol(site: Site) -> None:
    text = made("Look:\n\n```include stage1_foundations/echo/node.py Ping Echo\n```\n", site)
    assert "class Ping:" in text
    assert "class Echo(Node):" in text
    assert "class Caller" not in text


def test_a_method_is_included_without_its_class(site: Site) -> None:
    text = made("```include stage4_consensus/raft/election.py Election.campaign\n```\n", site)
    assert "\ndef campaign(self, " in text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("```include stage1_foundations/echo/node.py Pong.pung\n```", "has no Pong.pung"),
        ("```include no/such.py Ping\n```", "there is no file no/such.py"),
        ("```include stage1_foundations/echo/node.py\n```", "say which symbols"),
        ("```run lab demo nothing\n```", "there is no lab 'nothing'"),
        ("```run rm -rf /\n```", "is not run for a page"),
        ("```run lab list\nfilled\n```", "leave it empty"),
        ("<!-- make gold -->", "nothing makes 'gold'"),
        ("<!-- make plan for-ever -->", "there is no plan 'for-ever'"),
        ("<!-- make stage 12 -->", "there is no stage '12'"),
    ],
)
def test_what_there_is_not_is_a_sentence_with_page_and_line(
    site: Site, asked: str, said: str
) -> None:
    with pytest.raises(BadInput) as error:
        made(f"# Title\n\n{asked}\n", site)
    assert str(error.value).startswith("docs/labs/echo.md, line 3: ")
    assert said in str(error.value)


def test_fences_that_ask_for_nothing_stay_as_they_are(site: Site) -> None:
    text = "````md\n```run lab list\n```\n````\n\n```python\nx = 1\n```\n"
    assert made(text, site) == text
    assert list(commands(text)) == []


def test_the_output_of_a_command_is_made_again_only_if_what_it_read_changed(
    tmp_path: Path,
) -> None:
    course = tmp_path / "course"
    course.mkdir()
    (course / "answer.py").write_text("WORD = 'one'\n")
    (course / "said.py").write_text("import answer, os\nprint(answer.WORD, os.getpid())\n")
    (course / "other.py").write_text("")
    command = ("python", "-m", "said")

    def output() -> list[str]:
        return Runner(tmp_path / "kept", course).run(command).output.split()

    first = output()
    (course / "other.py").write_text("WORD = 'three'\n")
    assert output() == first
    (course / "answer.py").write_text("WORD = 'another'\n")
    word, process = output()
    assert word == "another"
    assert process != first[1]


def test_a_command_that_fails_is_told_with_its_last_line(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text("raise SystemExit('it is wrong')\n")
    with pytest.raises(BadInput, match="python -m wrong failed with 1: it is wrong"):
        Runner(tmp_path / "kept", tmp_path).run(("python", "-m", "wrong"))


def test_the_reading_order_says_how_long_each_file_is_and_leads_to_it(site: Site) -> None:
    text = "# Echo\n\n`node.py`\n\n## Reading order\n\n1. `node.py`, then `node.py` again\n"
    count = len((ROOT / "stage1_foundations/echo/node.py").read_text("utf-8").splitlines())
    found = with_lines(PAGE, text, site)
    assert found.count("lines") == 1
    assert f"[`node.py`](../code/echo.md#node) <small>{count} lines</small>, then" in found


def test_links_of_a_page_lead_up_to_the_site() -> None:
    assert PAGE.link("code/raft.md") == "../code/raft.md"
    assert Page("index.zh.md").link("code/raft.md") == "code/raft.md"
    assert (PAGE.language, CHINESE.language, CHINESE.name) == ("en", "zh", "echo")


def test_every_stage_and_lab_is_in_the_navigation() -> None:
    course = Course()
    pages = {f"labs/{id}.md" for id in course.ids} | {"stages/stage4.md", "decisions/0001-x.md"}
    said = json.dumps(nav.navigation(course, pages))
    assert all(f'"labs/{id}.md"' in said for id in course.ids)
    assert '"stages/stage4.md", {"raft"' in said
    assert "STAGES" not in said
    assert "DECISIONS" not in said


@pytest.mark.needs("icalendar")
@pytest.mark.parametrize("id", plans.plans())
def test_a_plan_is_a_calendar_with_a_week_for_each_week(site: Site, id: str) -> None:
    from icalendar import Calendar

    asked = Asked(Page(f"plans/{id}.zh.md"), 1, (id,), site)
    found = Calendar.from_ical(plans.calendar(asked, id))
    weeks = found.walk("VEVENT")
    assert len(weeks) == len(plans.plans()[id]["weeks"])
    assert all(week.decoded("dtstart").weekday() == 0 for week in weeks)
    assert len({week["uid"] for week in weeks}) == len(weeks)


def test_the_roadmap_calls_a_page_by_its_title_in_the_language_of_the_reader(site: Site) -> None:
    site.sources = dict(sources())
    page = "concepts/young-bloods.md"
    for path, title in (("roadmap.md", "Hodges' notes"), ("roadmap.zh.md", "Hodges 的笔记")):
        text = MAKERS["roadmap"](Asked(Page(path), 1, (), site))
        assert re.search(rf"\[{title}[^\]]*\]\({page}\)", text)


@pytest.mark.needs("icalendar")
def test_a_reading_with_a_page_of_ours_leads_to_both(site: Site) -> None:
    site.sources = dict(sources())
    text = plans.plan(Asked(Page("plans/six-months.md"), 1, ("six-months",), site))
    hodges = next(line for line in text.splitlines() if "Hodges: Notes" in line)
    assert "](https://www.somethingsimilar.com/" in hodges
    assert "[our page on it](../concepts/young-bloods.md)" in hodges


def test_every_published_bug_is_a_mutant_and_has_its_own_place() -> None:
    found = list(museum.exhibits(Course()))
    assert {each.about["ref"] for each in found} == {each["ref"] for each in museum.published()}
    assert len({each.key for each in found}) == len(found)
    assert [each.key for each in found if not each.about["broke"].endswith(".")] == []


@pytest.mark.parametrize(
    ("name", "about", "expected"),
    [
        ("Lost (KIP-101)", {"ref": "KIP-101"}, True),
        ("Lost (KIP-1011)", {"ref": "KIP-101"}, False),
        ("Lost (al8n/memberlist#197)", {"ref": "list#197"}, False),
        ("Lost (vacp2p/nim#28)", {"ref": "nim#28"}, True),
        ("Lost (KIP-101)", {"ref": "KIP-101", "lab": "raft"}, False),
    ],
)
def test_a_mutant_is_about_what_its_name_has_as_a_whole(
    name: str, about: dict[str, str], expected: bool
) -> None:
    assert museum.is_about(Course().lab("log"), name, about) == expected


def test_every_exhibit_of_the_museum_has_been_recorded() -> None:
    """``python -m docs.making.exhibiting KEY`` records one."""
    keys = {each.key for each in museum.exhibits(Course())}
    known = measuring.measured("museum")
    assert set(known) == keys
    assert {path.stem for path in museum.TRACES.glob("*.jsonl")} == keys, "see docs/making/shown"
    assert [key for key, facts in known.items() if not facts["shown"]] == []
    assert {key for key, facts in known.items() if "right" in facts} == set(SHOWN)


@pytest.mark.parametrize("key", SHOWN)
def test_a_scene_of_the_museum_shows_that_the_reference_has_no_such_bug(key: str) -> None:
    _, verdict = show_of(key)()
    assert verdict.answer is Answer.YES
    assert verdict.sentence == measuring.measured("museum")[key]["right"]


def test_a_playground_is_told_the_titles_in_the_language_of_its_page(site: Site) -> None:
    english, chinese = (made("<!-- make playground -->", site, page) for page in (PAGE, CHINESE))
    lab = Course().lab("echo")
    assert f'data-part="{lab.parts[0].title}"' in english
    assert f'data-title="{lab.title}"' in english
    assert 'data-part="字节流中的消息"' in chinese
    assert lab.title not in chinese


def test_the_floors_are_drawn_from_the_imports() -> None:
    imports = reference.package_imports(Course())
    assert imports["values"] == set()
    assert imports["contract"] == {"values"}
    assert "runtime" not in imports["labs"] | imports["sim"]


def test_constants_and_nested_symbols_are_known() -> None:
    found = including.definitions("A = 1\nB: int = 2\nclass C:\n    D = 3\n    def e(self): ...\n")
    assert set(found) == {"A", "B", "C", "C.D", "C.e"}


def test_files_are_made_again_only_if_what_they_are_made_of_changed(tmp_path: Path) -> None:
    made: list[str] = []

    def files(text: str) -> dict[str, bytes]:
        def make() -> dict[str, bytes]:
            made.append(text)
            return {"a": text.encode(), "b": b""}

        return kept("lab", {"same": b"", "text": text.encode()}, make, tmp_path)

    assert files("one") == {"a": b"one", "b": b""}
    assert files("one") == files("one")
    assert files("two")["a"] == b"two"
    assert files("one")["a"] == b"one"
    assert made == ["one", "two", "one"]
    assert [len(list(path.iterdir())) for path in tmp_path.iterdir()] == [1], "nothing old is left"


def test_a_page_is_a_member_of_labs_that_have_a_tab(site: Site) -> None:
    crdt = made("<!-- make together -->\n", site, Page("labs/crdt.md"))
    assert '<div class="together" data-lab="crdt"></div>' in crdt
    with pytest.raises(BadInput, match=r"lab echo has no front/tab\.py"):
        made("<!-- make together -->\n", site)


def test_code_is_coloured_once_and_put_into_the_pages_of_both_languages(tmp_path: Path) -> None:
    kept_in, site = tmp_path / "coloured", tmp_path / "site"
    place = colouring.place_of("x = 1  # <one>\n", kept_in)
    assert colouring.place_of("x = 1  # <one>\n", kept_in) == place
    old = colouring.place_of("gone = 2\n", kept_in)
    assert old != place
    pages = [site / "code" / "a.html", site / "zh" / "code" / "a.html"]
    for page in pages:
        page.parent.mkdir(parents=True)
        page.write_text(f"<p>{place}</p>")
    colouring.fill(site, kept_in)
    assert {page.read_text() for page in pages} == {pages[0].read_text()}
    assert 'class="highlight"' in pages[0].read_text()
    assert "&lt;one&gt;" in pages[0].read_text()
    assert len(list(kept_in.iterdir())) == 1, "what no page has is forgotten"


def test_the_run_of_an_exhibit_says_what_its_test_says() -> None:
    assert [
        path.stem for path in museum.TRACES.glob("*.jsonl") if VAGUE in path.read_text("utf-8")
    ] == []


def test_the_order_in_which_files_are_named_does_not_make_them_new(tmp_path: Path) -> None:
    made_of = {"one": b"1", "two": b"2"}
    first = kept("lab", made_of, lambda: {"a": b"made"}, tmp_path)
    reverse = dict(reversed(made_of.items()))
    assert kept("lab", reverse, lambda: {"a": b"made again"}, tmp_path) == first
    exchanged = {"one": b"2", "two": b"1"}
    assert kept("lab", exchanged, lambda: {"a": b"other"}, tmp_path) == {"a": b"other"}


def test_what_a_file_imports_is_read_again_only_if_its_text_is_new(tmp_path: Path) -> None:
    file, kept_in = tmp_path / "file.py", tmp_path / "imports.json"

    def found() -> list[str]:
        known = Imports(kept_in)
        modules = known.of(file)
        known.keep()
        return modules

    file.write_text("import os\nfrom common.values import units\n")
    assert found() == ["common.values", "common.values.units", "os"]
    kept_in.write_text(kept_in.read_text().replace('"os"', '"kept"'))
    assert found()[-1] == "kept"
    file.write_text("import sys\n")
    assert found() == ["sys"]
    assert "kept" not in kept_in.read_text(), "what nobody asked for is forgotten"
