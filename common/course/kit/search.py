"""One search for a schedule that breaks a lab: clients at work, random trouble, the lab's checkers.

What runs is a rehearsal of what the lab declares: its nodes, its clients, what they choose, and its
checks. A failure is a checker's *no*, or an error in a node.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from common.check.verdict import Answer
from common.course.kit.shrinking import shrink
from common.values.errors import LabError
from common.values.faults import Schedule
from common.values.history import Ok
from common.values.units import SECOND
from common.worlds import Scene, Variant, Worlds

UNTIL = 8 * SECOND
"""How long a rehearsal takes; six seconds of it are calm."""

MAX_EVENTS = 300_000


@dataclass(frozen=True, slots=True)
class Found:
    """What a run has shown.

    Attributes:
        seed: of the run.
        failure: what went wrong, a sentence; "" if nothing did.
        ok: operations that ended ok: a search that never gets anything done finds nothing.
        schedule: the schedule of a failure.
    """

    seed: int
    failure: str
    ok: int
    schedule: Schedule | None = None


def run_one(worlds: Worlds, variant: Variant, seed: int, schedule: Schedule) -> Found:
    """Run a lab under a schedule, and check what the clients saw."""
    scene: Scene | None = None
    try:
        scene = worlds.rehearsal(
            variant, seed=seed, schedule=schedule, recorded=False, max_events=MAX_EVENTS
        )
        scene.run(UNTIL)
        failure = _checked(scene)
    except (LabError, AssertionError) as error:
        failure = f"{type(error).__name__}: {error}".removesuffix(": ")
    except Exception as error:  # a node's own mistake is what we search for
        failure = f"{type(error).__name__} in a node: {error}"
    if failure and scene is not None and (told := str(scene.stories)):
        failure = f"{failure}\n{told}"
    history = () if scene is None else scene.history
    ok = sum(isinstance(operation.outcome, Ok) for operation in history)
    return Found(seed, failure, ok)


def try_seed(worlds: Worlds, variant: Variant, seed: int, kinds: Sequence[str]) -> Found:
    """Draw a schedule, and run it."""
    schedule = worlds.chaos(variant, seed, kinds)
    found = run_one(worlds, variant, seed, schedule)
    return replace(found, schedule=schedule) if found.failure else found


def shrunk(worlds: Worlds, variant: Variant, found: Found) -> Found:
    """The same failure under as few faults as still make one."""
    assert found.schedule is not None, "a failure has its schedule"
    seed = found.seed
    small = shrink(found.schedule, lambda part: bool(run_one(worlds, variant, seed, part).failure))
    again = run_one(worlds, variant, seed, small)
    return Found(seed, again.failure, again.ok, small)


def _checked(scene: Scene) -> str:
    for name, verdict in scene.verdicts().items():
        if verdict.answer is Answer.NO:
            return f"not {name}: {verdict.sentence}"
    return ""
