"""docs/plans.yaml and docs/roadmap.yaml name labs, parts and pages that exist, and omit none."""

from typing import Any

import pytest
import yaml

from common.course.base.course import ROOT, Course

DOCS = ROOT / "docs"
PLANS: dict[str, Any] = yaml.safe_load((DOCS / "plans.yaml").read_text(encoding="utf-8"))
IDEAS: list[dict[str, Any]] = yaml.safe_load((DOCS / "roadmap.yaml").read_text(encoding="utf-8"))[
    "ideas"
]
BONUS = 9
"""The number of the stage that comes last."""

MOST_READING_AND_TALK = 1.5
"""So many hours of a week may be left over, unless a lab of that week is still to come."""


def hours() -> dict[str, dict[str, float]]:
    """By lab, the hours of its parts."""
    return {lab.id: {part.id: part.hours for part in lab.parts} for lab in Course().labs}


def parts_of(week: dict[str, Any]) -> list[tuple[str, str]]:
    """The parts that a week names; a lab without parts is meant wholly."""
    labs, chosen = hours(), week.get("parts", {})
    return [(lab, part) for lab in week["labs"] for part in chosen.get(lab, labs[lab])]


def coming(entry: dict[str, Any]) -> set[str]:
    """The labs of a week or an idea that were to come, and are there by now."""
    return set(entry.get("coming", [])) & set(Course().ids)


@pytest.mark.parametrize("plan", PLANS["plans"], ids=lambda plan: str(plan["id"]))
def test_the_weeks_of_a_plan_are_numbered_and_name_what_exists(plan: dict[str, Any]) -> None:
    labs = hours()
    assert [week["week"] for week in plan["weeks"]] == list(range(1, len(plan["weeks"]) + 1))
    for week in plan["weeks"]:
        assert 1 <= week["stage"] <= BONUS
        assert set(week.get("parts", {})) <= set(week["labs"]), week["week"]
        assert all(part in labs[lab] for lab, part in parts_of(week)), week["week"]
        assert week["labs"] or week.get("coming") or week["read"], week["week"]


def test_the_hours_of_the_short_plan_hold_its_labs_and_its_reading() -> None:
    labs = hours()
    for week in PLANS["plans"][0]["weeks"]:
        work = sum(labs[lab][part] for lab, part in parts_of(week))
        work += sum(reading["hours"] for reading in week["read"])
        assert work <= week["hours"], week["week"]
        if not week.get("coming"):
            assert week["hours"] - work <= MOST_READING_AND_TALK or not week["labs"], week["week"]


def test_the_long_plan_has_every_part_of_every_lab() -> None:
    weeks = PLANS["plans"][1]["weeks"]
    planned = {pair for week in weeks for pair in parts_of(week)}
    arrived = {lab for week in weeks for lab in coming(week)}
    owed = {(lab, part) for lab, parts in hours().items() for part in parts if lab not in arrived}
    assert owed - planned == set()


def test_every_reading_is_read_in_a_plan() -> None:
    read = {
        item["text"]["en"] for plan in PLANS["plans"] for w in plan["weeks"] for item in w["read"]
    }
    assert {item["text"]["en"] for item in PLANS["readings"].values()} == read


def test_each_idea_of_the_roadmap_leads_to_a_lab_or_a_page() -> None:
    labs = hours()
    for idea in IDEAS:
        words = idea["idea"]["en"]
        assert idea["kind"] in {"lab", "read"}, words
        assert 1 <= idea["stage"] <= BONUS, words
        assert set(idea.get("labs", [])) <= set(labs), words
        for named in idea.get("parts", []):
            lab, part = named.split("/")
            assert lab in idea["labs"], words
            assert part in labs[lab], words
        assert "page" in idea if idea["kind"] == "read" else idea.get("labs") or idea["coming"], (
            words
        )


def test_the_roadmap_has_every_lab_and_its_stages_are_in_order() -> None:
    stages = [idea["stage"] for idea in IDEAS]
    assert stages == sorted(stages)
    named = {lab for idea in IDEAS for lab in idea.get("labs", [])}
    assert set(Course().ids) <= named.union(*map(coming, IDEAS))


def test_pages_that_plans_and_roadmap_name_exist() -> None:
    readings = PLANS["readings"].values()
    named = {entry["page"] for entry in [*IDEAS, *readings] if "page" in entry}
    assert {page for page in named if not (DOCS / page).is_file()} == set()
