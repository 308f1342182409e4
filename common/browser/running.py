"""A lab in the simulator, with what a person has set in the page.

The same question gives the same trace, byte by byte, here and on CPython: that is why a link can
share a run.
"""

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from common.browser.course import PortableCourse, PortableLab
from common.browser.mistakes import Mistake, mistake
from common.browser.overlay import LearnersFiles
from common.check.verdict import Answer, Verdict
from common.contract.rules import check_protocol_source, check_shares_nothing
from common.sim.network import LinkModel
from common.trace.viewer.page import MAX_EVENTS as MAX_EVENTS_SHOWN
from common.trace.viewer.page import in_page
from common.values.errors import BadInput
from common.values.faults import Schedule
from common.values.units import MS, SECOND
from common.worlds import Scene, Size, Work, Worlds

MAX_EVENTS = 50_000
"""A run that takes more events than this is stopped: a storm of messages ends here."""

LONGEST = 30 * SECOND
MOST_OPERATIONS = 500
LARGEST = 25
"""What a page may ask for at most: virtual time, operations of each client, members."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person has set.

    Attributes:
        variant: which of the lab's variants; "" for the first.
        seed: decides everything that is drawn by chance.
        members: how many nodes; 0 for as many as the lab declares.
        latency: least and greatest delay of a message, in microseconds.
        loss: probability that a message is lost.
        duplicate: probability that it arrives twice.
        operations: how much each client asks for.
        until: how long the run takes, in microseconds of virtual time.
        faults: what goes wrong, and when.
    """

    variant: str = ""
    seed: int = 1
    members: int = 0
    latency: tuple[int, int] = (1 * MS, 5 * MS)
    loss: float = 0.0
    duplicate: float = 0.0
    operations: int = 10
    until: int = 2 * SECOND
    faults: Schedule = field(default_factory=Schedule)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Settings":
        """The settings that a page sends.

        Raises:
            BadInput: something in it cannot be; the text says what.
        """
        least, greatest = plain.get("latency", cls().latency)
        made = cls(
            variant=str(plain.get("variant", "")),
            seed=_whole(plain, "seed", 1, 0, 2**53),
            members=_whole(plain, "members", 0, 0, LARGEST),
            latency=(int(least), int(greatest)),
            loss=_part(plain, "loss"),
            duplicate=_part(plain, "duplicate"),
            operations=_whole(plain, "operations", 10, 0, MOST_OPERATIONS),
            until=_whole(plain, "until", 2 * SECOND, 0, LONGEST),
            faults=Schedule.from_plain(plain.get("faults", [])),
        )
        if not 0 <= made.latency[0] <= made.latency[1]:
            raise BadInput("the least latency is above the greatest: give the smaller one first")
        return made


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run.

    Attributes:
        trace: the lines of its trace; "" if it never began.
        verdicts: what the lab's checks say of it, by the name of the property.
        mistake: what ended it early, in the learner's code; None if nothing did.
        expected: the properties that this variant is there to break.
    """

    trace: str
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    mistake: Mistake | None = None
    expected: tuple[str, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """As a dictionary for JSON, without the trace, but with its hash."""
        told = [
            {
                "property": name,
                "answer": verdict.answer.value,
                "sentence": verdict.sentence,
                "expected": name in self.expected,
            }
            for name, verdict in self.verdicts.items()
        ]
        return {
            "verdicts": told,
            "mistake": self.mistake.to_plain() if self.mistake else None,
            "sha256": sha256(self.trace.encode()).hexdigest(),
            "messages": self.trace.count('"kind":"send"'),
        }


def run(course: PortableCourse, lab: PortableLab, files: LearnersFiles, settings: Settings) -> Ran:
    """Run a lab, and let its checks judge what clients were told."""
    scene = None
    try:
        worlds = declared(lab, files)
        scene = set_up(worlds, settings)
        scene.run(settings.until)
        verdicts = {
            name: scene.judged(name, check(scene.history)) for name, check in scene.checks.items()
        }
    except Exception as error:  # whatever a learner's code may raise
        told = mistake(error, course, lab)
        if scene is None:
            return Ran("", mistake=told)
        scene.judged("the code", Verdict(Answer.NO, told.sentence))
        return Ran(scene.lines, mistake=told)
    return Ran(scene.lines, verdicts, expected=worlds.variant(settings.variant).breaks)


def declared(lab: PortableLab, files: LearnersFiles) -> Worlds:
    """What a lab declares, with the learner's files under it.

    Raises:
        BadInput: it is not one that runs in the simulator.
        Exception: a file of the learner's cannot be imported, or breaks the contract.
    """
    if not lab.worlds:
        raise BadInput(f"lab {lab.id} is no cluster, so there is nothing to simulate")
    for file in lab.files:
        changed = files.folder / lab.path(file.path)
        if file.kind != "program" and changed.is_file():
            check = check_protocol_source if file.kind == "node" else check_shares_nothing
            check(changed.read_text(encoding="utf-8"), lab.path(file.path))
    made: Worlds = importlib.import_module(f"{lab.package}.worlds").WORLDS
    return made


def set_up(worlds: Worlds, settings: Settings) -> Scene:
    """The cluster with its clients at work; no time has passed yet."""
    variant = worlds.variant(settings.variant)
    size = sized(worlds, settings.members)
    link = LinkModel(settings.latency, settings.loss, settings.duplicate)
    scene = worlds.scene(
        variant,
        size,
        seed=settings.seed,
        link=link,
        schedule=settings.faults,
        max_events=MAX_EVENTS,
    )
    scene.begin(Work(variant.choose, count=settings.operations), variant.asked(size))
    for name, work in variant.others.items():
        scene.begin(work, (name,))
    return scene


def sized(worlds: Worlds, members: int) -> Size:
    """How large the cluster is; where its members have names of their own that is fixed."""
    size = worlds.simulated or worlds.live
    return size.resized(members=members) if isinstance(size.members, int) else size


def drawn(worlds: Worlds, settings: Settings) -> list[dict[str, Any]]:
    """The schedule that the seed draws of all that the lab promises to bear, for JSON."""
    return worlds.chaos(worlds.variant(settings.variant), settings.seed).to_plain()


def with_trace(facts: Mapping[str, Any], trace: str) -> str:
    """Facts in one line of JSON, then a trace, as much of it as a page shows."""
    if trace.count("\n") > MAX_EVENTS_SHOWN:
        trace = in_page(trace.splitlines()) + "\n"
    return f"{json.dumps(facts, ensure_ascii=False)}\n{trace}"


def _whole(plain: Mapping[str, Any], name: str, usual: int, least: int, greatest: int) -> int:
    value = plain.get(name, usual)
    if type(value) is not int or not least <= value <= greatest:
        raise BadInput(f"{name} is a whole number from {least:,} to {greatest:,}, not {value!r}")
    return value


def _part(plain: Mapping[str, Any], name: str) -> float:
    value = plain.get(name, 0.0)
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise BadInput(f"{name} is a probability from 0 to 1, not {value!r}")
    return float(value)
