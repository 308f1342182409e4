"""How ``lab run chat --headless`` runs: members as processes, a person at each, and what happens.

n1 opened the room, with n2 and n3. n4 comes later; n3 leaves after a while. n2 is killed, and comes
back from its disk. People say something or look what there is to read, all the time. The history
of what they said and were shown is checked.

Without ``--headless`` people sit at the members themselves: see ``front/terminal.py``.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random

from common.check.verdict import Verdict
from common.runtime.live import LiveLab, Variant
from common.values.faults import Crash, Fault, Link, Restart, Schedule
from common.values.history import History
from common.values.units import MS
from stage2_communication.chat.checks import (
    causes_first,
    each_once,
    nothing_lost,
    same_order,
    shown_stays,
)
from stage2_communication.chat.front.terminal import open_or_join
from stage2_communication.chat.messages import Join, Leave, Operation, Read, Say

FOUNDERS = ("n1", "n2", "n3")
LEAVES_AFTER = 25
"""After so many operations the third person leaves the room."""

PAGE = 100
"""A person looks at pages that begin with lines of these numbers; each shows two such pages."""

MOST_LINES = 4
"""For each operation of one person, there are no more lines than this for long."""


def say_or_look(random: Random, client: str, number: int) -> Operation:
    """Say something, or look; the fourth person joins first, the third one leaves at some time."""
    if client not in ("c1", "c2", "c3") and number == 0:
        return Join()
    if client == "c3" and number == LEAVES_AFTER:
        return Leave()
    if random.random() < 0.4:
        return Say(f"{client}.{number}")
    return Read(PAGE * random.randrange(MOST_LINES * number // PAGE + 1))


def loss_and_a_kill(members: Sequence[str], duration: int) -> Schedule:
    """All links lose, double and reorder; the second member is killed and comes back; then calm."""
    bad = Link(0, latency=(0, 5 * MS), loss=0.05, duplicate=0.05, reorder=0.1)
    calm = Link(duration * 8 // 10, latency=(0, 0), loss=0.0, duplicate=0.0, reorder=0.0)
    faults: list[Fault] = [bad, calm]
    for second in members[1:2]:
        faults += [Crash(duration * 4 // 10, second), Restart(duration * 6 // 10, second)]
    return Schedule(faults)


CAUSAL: Mapping[str, Callable[[History], Verdict]] = {
    "each post once": each_once,
    "nothing lost": nothing_lost,
    "what is shown stays": shown_stays,
    "causes first": causes_first,
}


def _variant(title: str, node: str, checks: Mapping[str, Callable[[History], Verdict]]) -> Variant:
    return Variant(
        title=title,
        node=f"stage2_communication.{node}",
        client="stage2_communication.chat.client:ChatClient",
        choose=say_or_look,
        checks=checks,
        node_config={"founders": list(FOUNDERS)},
    )


LIVE = LiveLab(
    lab="chat",
    members=4,
    clients=4,
    columns=("members", "shown", "waiting", "for"),
    variants={
        "total": _variant(
            "one order for all, by Lamport's times",
            "chat.total:TotalOrderMember",
            {**CAUSAL, "one order": same_order},
        ),
        "causal": _variant("causes first, by vectors", "chat.causal:CausalMember", CAUSAL),
    },
    trouble=loss_and_a_kill,
    people=open_or_join,
)
