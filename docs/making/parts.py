"""What a page can ask for by ``<!-- make NAME WORDS -->``."""

from collections.abc import Mapping

from docs.making import broken, labs, museum, plans, reference, roadmap, runs, tables
from docs.making.asking import Maker

MAKERS: Mapping[str, Maker] = {
    "attacks": tables.attacks,
    "benchmarks": tables.benchmarks,
    "broken": broken.broken,
    "cast": labs.whole_cast,
    "demo": runs.demo,
    "facts": labs.facts,
    "floors": reference.floors,
    "museum": museum.museum,
    "mutants": tables.mutants,
    "parts": labs.parts,
    "plan": plans.plan,
    "playground": labs.playground,
    "roadmap": roadmap.roadmap,
    "stage": labs.stage_labs,
    "together": labs.together,
    "verbs": reference.verbs,
    "viewer": runs.viewer,
}
"""By name, who makes it."""
