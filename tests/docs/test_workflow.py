"""The workflow that publishes the site uploads what ``make docs`` builds, and may publish it."""

import re

import yaml

from common.course.base.course import ROOT
from common.course.verbs.documenting import SITE

WORKFLOWS = ROOT / ".github" / "workflows"
OLDEST = {
    "checkout": 5, "setup-python": 6, "setup-node": 5, "cache": 5, "configure-pages": 6,
    "upload-artifact": 6, "upload-pages-artifact": 5, "deploy-pages": 5,
}  # fmt: skip
"""The first version of each action that runs on Node 24; GitHub has no older Node since 2026-09."""


def test_what_is_published_is_what_make_docs_builds() -> None:
    flow = yaml.safe_load((WORKFLOWS / "pages.yml").read_text(encoding="utf-8"))
    build, publish = flow["jobs"]["build"], flow["jobs"]["publish"]
    steps = {step.get("uses", step.get("run")).partition("@")[0]: step for step in build["steps"]}
    assert "make docs" in steps
    assert steps["actions/upload-pages-artifact"]["with"]["path"] == SITE
    assert flow["permissions"] == {"contents": "read", "pages": "write", "id-token": "write"}
    assert publish["needs"] == "build"
    assert publish["environment"]["name"] == "github-pages"


def test_each_action_runs_on_a_node_that_github_still_has() -> None:
    templates = ROOT / "common" / "course" / "kit" / "templates"
    for path in (*WORKFLOWS.glob("*.yml"), templates / "practice.yml"):
        used = re.findall(r"uses: actions/([\w-]+)@v(\d+)", path.read_text(encoding="utf-8"))
        assert [(name, n) for name, n in used if int(n) < OLDEST[name]] == [], path.name
