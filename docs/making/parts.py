"""What a page can ask for by ``<!-- make NAME WORDS -->``."""

from collections.abc import Mapping

from docs.making import labs, plans, roadmap, runs
from docs.making.asking import Maker

MAKERS: Mapping[str, Maker] = {
    "cast": labs.whole_cast,
    "demo": runs.demo,
    "facts": labs.facts,
    "parts": labs.parts,
    "plan": plans.plan,
    "playground": labs.playground,
    "roadmap": roadmap.roadmap,
    "stage": labs.stage_labs,
    "viewer": runs.viewer,
}
"""By name, who makes it."""
