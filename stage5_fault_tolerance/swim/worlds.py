"""The lab ``swim`` in every world: twenty processes, or five members in the simulator.

There are no clients: people ask the members themselves what they believe. Members are killed and
stand still. Accuracy is promised where links are good: nobody can tell a member behind a
cut from a dead one.
"""

from collections.abc import Mapping, Sequence

from common.contract.events import NodeId
from common.values.faults import Crash, Fault, Pause, Restart, Resume, Schedule
from common.values.units import MS, SECOND
from common.worlds import Front, Size, Variant, Worlds
from stage5_fault_tolerance.swim.checks import (
    Check,
    accurate,
    ask_for_members,
    complete,
    i_am_alive,
)
from stage5_fault_tolerance.swim.detector import Watcher
from stage5_fault_tolerance.swim.dissemination import Swim
from stage5_fault_tolerance.swim.lifeguard import Lifeguard
from stage5_fault_tolerance.swim.small import ACCUSER_RAISES, SUSPECTED

PERIOD = 200 * MS
"""The protocol period of all worlds: five times as fast as the paper's, for short runs."""

CHECKS: Mapping[str, Check] = {
    "alive to oneself": i_am_alive,
    "accuracy": accurate(gap=3 * PERIOD, settle=25 * PERIOD),
    "completeness": complete(gap=3 * PERIOD, bound=10 * SECOND),
}


def kill_and_pause(members: Sequence[NodeId], duration: int) -> Schedule:
    """A fifth of the members is killed, for good; another one is killed and comes back.

    Two others stand still for a while: long enough to be suspected, and they refute. Where there
    are few members, less happens.
    """
    at = duration // 10
    fifth = max(1, len(members) // 5)
    faults: list[Fault] = [Crash(at, member) for member in members[1 : 1 + fifth]]
    for member in members[1 + fifth : 2 + fifth]:
        faults += [Crash(at, member), Restart(duration * 5 // 10, member)]
    for member in members[2 + fifth : 4 + fifth]:
        faults += [Pause(at, member), Resume(at + min(12 * PERIOD, duration // 3), member)]
    return Schedule(faults)


def _variant(title: str, node: type[Swim]) -> Variant:
    return Variant(
        title, node=node, choose=ask_for_members, checks=CHECKS, config={"period": PERIOD}
    )


WORLDS = Worlds(
    __package__,
    variants={
        "lifeguard": _variant("SWIM with Lifeguard's local health", Lifeguard),
        "memberlist": _variant("Lifeguard in the wire format of Serf's agents", Lifeguard),
        "swim": _variant("SWIM as in the paper", Swim),
        "heartbeats": Variant(
            "heartbeats from everybody to everybody, judged by phi accrual",
            node=Watcher,
            choose=ask_for_members,
            checks={"alive to oneself": i_am_alive},
        ),
    },
    live=Size(members=20),
    transport="udp",
    simulated=Size(members=5),
    bears=("crash", "pause", "clock", "disk"),
    columns=("alive", "suspect", "dead", "incarnation", "doubt"),
    trouble=kill_and_pause,
    lasts=15 * SECOND,
    small={"suspected": SUSPECTED},
    broken={"accuser-raises": ACCUSER_RAISES},
    front=Front(
        clients=("serf agent (HashiCorp memberlist)",),
        hint="Serf agents: serf agent -profile=local -bind={host}:7946 -join={host}:{port}",
        port=7950,
        needs="msgpack",
        extra="serf",
        variants=("memberlist",),
    ),
)
