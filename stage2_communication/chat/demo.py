"""The demonstration of the lab ``chat``: one conversation in three orders, and then a crash."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from common.check.broadcast import check_causal_order, check_total_order
from common.check.verdict import Verdict
from common.contract import Node, NodeId
from common.sim import LinkModel, Simulation
from common.sim.host import Factory
from common.values.faults import Crash, Link, Schedule
from common.values.report import Report
from common.values.units import MS, SECOND, show_time
from common.worlds import Scene
from stage2_communication.chat.arrival import ArrivalMember
from stage2_communication.chat.causal import CausalMember
from stage2_communication.chat.member import Member
from stage2_communication.chat.messages import Remove, Said, Say
from stage2_communication.chat.total import TotalOrderMember

PEOPLE = ("ann", "bob", "cat")
QUESTION, ANSWER, TEA, HELLO = "Lunch?", "Yes!", "Tea?", "Hello?"
STEADY = LinkModel(latency=(10 * MS, 10 * MS))
ASKED, DECIDED, END = 200 * MS, 1200 * MS, 3 * SECOND
"""When ann asks, when she decides that cat will not come back, and when all is over."""

SLOW = 80 * MS
"""How long ann's messages take to cat."""

ROOMS: Mapping[str, type[Member]] = {
    "as they arrive": ArrivalMember,
    "causal order": CausalMember,
    "total order": TotalOrderMember,
}


@dataclass(slots=True)
class Watcher:
    """Sees what is shown to whom, and when; lets bob answer once he is shown the question.

    Attributes:
        shown: by member what it shows, texts in order.
        times: when a member showed a text first, in microseconds.
    """

    simulation: Simulation | None = None
    shown: dict[NodeId, list[str]] = field(default_factory=dict)
    times: dict[tuple[NodeId, str], int] = field(default_factory=dict)

    def check(self, at: int, nodes: Mapping[NodeId, Node]) -> None:
        """After each step: look at the transcripts."""
        for id, node in nodes.items():
            assert isinstance(node, Member), "all nodes are members"
            seen = self.shown.setdefault(id, [])
            for post in node.transcript[len(seen) :]:
                text = post.content.text if isinstance(post.content, Said) else "(cat is removed)"
                seen.append(text)
                self.times[id, text] = at
                if id.startswith("bob") and text == QUESTION:
                    self._answer(id)

    def _answer(self, id: NodeId) -> None:
        simulation = self.simulation
        assert simulation is not None, "the watcher was told where it is"
        simulation.later(simulation.now + 5 * MS, partial(say, simulation, id, ANSWER))


def say(simulation: Simulation, person: NodeId, text: str) -> None:
    """Let somebody say something now."""
    simulation.call(person, Say(text))


@dataclass(frozen=True, slots=True)
class Conversation:
    """What became of one conversation: what was shown to whom and when, and where."""

    watcher: Watcher
    scene: Scene

    def of(self, room: str) -> dict[NodeId, list[str]]:
        """What the people in one room are shown."""
        return {person: self.watcher.shown[person + room] for person in PEOPLE}

    def times(self, room: str) -> dict[NodeId, list[int]]:
        """When each person in one room was shown each of it."""
        watcher = self.watcher
        return {
            person: [watcher.times[person + room, text] for text in watcher.shown[person + room]]
            for person in PEOPLE
        }

    def took(self, person: NodeId, text: str, since: int) -> str:
        """How long after ``since`` a text was shown to somebody."""
        at = self.watcher.times.get((person, text))
        return "never" if at is None else show_time(at - since)


def converse(rooms: Mapping[str, type[Member]], seed: int, crash: bool = False) -> Conversation:
    """Let the same happen in several rooms at once.

    Args:
        rooms: the protocol of each room, by what is put behind the names of its people.
        seed: of the run; nothing here is left to chance.
        crash: whether cat's process dies, instead of being slow to hear.
    """
    watcher = Watcher()
    slow = [Link(0, f"ann{room}", f"cat{room}", latency=(SLOW, SLOW)) for room in rooms]
    members = {
        f"{person}{room}": _maker(kind, room) for room, kind in rooms.items() for person in PEOPLE
    }
    schedule = Schedule([] if crash else slow)
    scene = Scene("chat", members, seed=seed, link=STEADY, schedule=schedule, monitors=[watcher])
    watcher.simulation = scene
    scene.run(ASKED)
    for room in rooms:
        if crash:
            scene.inject(Crash(ASKED, f"cat{room}"))
            say(scene, f"ann{room}", HELLO)
        else:
            say(scene, f"ann{room}", QUESTION)
            scene.later(ASKED + 12 * MS, partial(say, scene, f"cat{room}", TEA))
    scene.run(DECIDED)
    if crash:
        for room in rooms:
            scene.call(f"ann{room}", Remove(f"cat{room}"))
    scene.run(END)
    return Conversation(watcher, scene)


def _maker(kind: type[Member], room: str) -> Factory:
    """The class, as a factory of members of one room: nobody else is known to them."""

    def made(id: NodeId, peers: tuple[NodeId, ...]) -> Member:
        return kind(id, peers, founders=tuple(person + room for person in PEOPLE))

    return made


def demo(seed: int) -> Report:
    """Tell the conversation, break it, and mend it twice; then let somebody crash."""
    report = Report("One conversation, in three orders")
    report.say(
        f'ann asks "{QUESTION}", which takes {show_time(SLOW)} to cat and {show_time(10 * MS)} to '
        f'bob, who answers "{ANSWER}" as soon as he is shown it. cat says "{TEA}" meanwhile.'
    )
    broken = converse({"": ArrivalMember}, seed)
    both = converse({"": TotalOrderMember, "'": CausalMember}, seed)
    told = {
        "as they arrive": (broken.of(""), broken.took("ann", QUESTION, ASKED)),
        "causal order": (both.of("'"), both.took("ann'", QUESTION, ASKED)),
        "total order": (both.of(""), both.took("ann", QUESTION, ASKED)),
    }
    rows = [
        [name, *(" ".join(shown[person]) for person in PEOPLE), own]
        for name, (shown, own) in told.items()
    ]
    headers = ["shown", *PEOPLE, "own post after"]
    report.table("What each of them is shown, in order", headers, rows)
    for name, (shown, _) in told.items():
        for about, verdict in (("causal", causal(shown)), ("total", check_total_order(shown))):
            report.judged(f"{name}: {about}", verdict.answer.value, verdict.sentence)
    _crash(report, seed)
    for name, shown in (("", both.of("")), ("'", both.of("'"))):
        both.scene.judged(f"causal order{name}", causal(shown))
    both.scene.judged("total order", check_total_order(both.of("")))
    broken.scene.judged("causal order", causal(broken.of(""), broken.times("")))
    title = "the same conversation in total order, and (') in causal"
    both.scene.trace(report, "chat-orders", title)
    broken.scene.trace(
        report, "chat-arrival", "broken on purpose: the same conversation, shown as it arrives"
    )
    return report


def causal(
    shown: Mapping[NodeId, list[str]], times: Mapping[NodeId, list[int]] | None = None
) -> Verdict:
    """Whether the answer is shown after the question everywhere."""
    return check_causal_order(shown, {ANSWER: [QUESTION]}, times)


def _crash(report: Report, seed: int) -> None:
    """Let cat's process die, and ann remove her a second later."""
    made = converse({"": TotalOrderMember, "'": CausalMember}, seed, crash=True)
    rows = [
        ("causal order", made.took("ann'", HELLO, ASKED), made.took("bob'", HELLO, ASKED)),
        ("total order", made.took("ann", HELLO, ASKED), made.took("bob", HELLO, ASKED)),
    ]
    headers = (f'"{HELLO}" is shown', "to ann after", "to bob after")
    waited = show_time(DECIDED - ASKED)
    title = f"cat's process has died; ann, who opened the room, removes her {waited} later"
    report.table(title, headers, rows)
    living = {person: texts for person, texts in made.of("").items() if person != "cat"}
    made.scene.judged("total order", check_total_order(living))
    made.scene.trace(report, "chat-removal", "a crash, and a removal")
