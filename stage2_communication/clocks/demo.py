"""The demonstration of the lab ``clocks``: some events of three processes, by each clock."""

from dataclasses import dataclass
from itertools import permutations
from random import Random

from common.values.report import Report
from stage2_communication.clocks.lamport import LamportClock
from stage2_communication.clocks.vector import VectorClock

PROCESSES = ("p", "q", "r")
EVENTS = 9


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the run.

    Attributes:
        process: where it happened.
        what: what happened, in words.
        past: the numbers of all events that happened before it.
        time: by Lamport's clock.
        vector: by the vector clock.
    """

    process: str
    what: str
    past: frozenset[int]
    time: int
    vector: VectorClock


def demo(seed: int) -> Report:
    """Three processes, a few messages, and what can be told from the two clocks."""
    events = run(seed)
    report = Report("Clocks: which event came before which?")
    report.say(
        "Three processes do something, and now and then a message arrives. An event happened "
        "before another one if it came earlier in the same process, or if a message carried word "
        "of it. Nobody has a common clock; each process keeps a number and a vector."
    )
    rows = [
        (number, event.what, event.time, _shown(event.vector), _listed(event.past))
        for number, event in enumerate(events, 1)
    ]
    report.table("The run", ("event", "what", "number", "vector", "happened before it"), rows)
    pairs = list(permutations(range(len(events)), 2))
    before = [(a, b) for a, b in pairs if a in events[b].past]
    wrong = [(a, b) for a, b in before if events[a].time >= events[b].time]
    kept = "no" if wrong else "yes"
    report.judged("what happened before has the lesser number", kept, f"{len(before)} pairs")
    misled = [(a, b) for a, b in pairs if events[a].time < events[b].time and (a, b) not in before]
    told = "no pair in this run says otherwise"
    if misled:
        a, b = misled[0]
        told = (
            f"{events[a].time} is less than {events[b].time}, and yet event {b + 1} knows nothing "
            f"of event {a + 1}"
        )
    report.judged("the lesser number happened before", "no" if misled else "yes", told)
    same = all(events[a].vector.before(events[b].vector) == ((a, b) in before) for a, b in pairs)
    exact = "yes" if same else "no"
    report.judged("the lesser vector happened before, and no other", exact, f"{len(pairs)} pairs")
    return report


def run(seed: int) -> list[Event]:
    """A random run; beside the clocks, what happened before what is kept as plain sets."""
    random = Random(f"clocks/{seed}")
    numbers = {process: LamportClock() for process in PROCESSES}
    vectors = {process: VectorClock() for process in PROCESSES}
    pasts: dict[str, frozenset[int]] = dict.fromkeys(PROCESSES, frozenset())
    events: list[Event] = []
    for number in range(EVENTS):
        process = random.choice(PROCESSES)
        others = [heard for heard, event in enumerate(events) if event.process != process]
        if others and random.random() < 0.6:
            heard = random.choice(others)
            what = f"{process} hears of event {heard + 1}"
            time = numbers[process].witness(events[heard].time)
            vectors[process].merge(events[heard].vector)
            pasts[process] |= events[heard].past | {heard}
        else:
            what = f"{process} does something"
            time = numbers[process].tick()
        vectors[process].tick(process)
        vector = VectorClock(vectors[process].counts())
        events.append(Event(process, what, pasts[process], time, vector))
        pasts[process] |= {number}
    return events


def _shown(vector: VectorClock) -> str:
    return " ".join(f"{process}{vector[process]}" for process in PROCESSES)


def _listed(numbers: frozenset[int]) -> str:
    return ", ".join(str(number + 1) for number in sorted(numbers)) or "nothing"
