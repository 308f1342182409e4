"""Every state-based kind of the lab in one form: how it is changed, and what it is made of.

Judged, a state stays in the student's process, and equals nothing but itself. So the suites compare
what states are made of: plain values, read field by field.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.stage7_advanced.crdt.lab import CrdtLab

REPLICAS = ("n1", "n2", "n3")
ELEMENTS = ("a", "b", "c")

Plain = Any
"""Numbers, texts and tuples."""

FIELDS = {
    "GCounter": ("counts",),
    "PNCounter": ("ups.counts", "downs.counts"),
    "LastWriterRegister": ("stamp", "value"),
    "GSet": ("elements",),
    "TwoPhaseSet": ("added.elements", "removed.elements"),
    "MultiValueRegister": ("entries", "seen.counts", "seen.cloud"),
    "ORSet": ("entries", "seen.counts", "seen.cloud"),
    "ORMap": ("entries", "seen.counts", "seen.cloud"),
}


def plain(kind: str, state: Any) -> Plain:
    """What a state of this kind is made of."""
    return tuple(_field(state, path) for path in FIELDS[kind])


def _field(state: Any, path: str) -> Any:
    for name in path.split("."):
        state = getattr(state, name)
    return state


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of state.

    Attributes:
        name: of its class.
        change: the delta that a replica makes of a state: ``(lab, state, replica, what, element)``.
        whats: how many different changes there are.
    """

    name: str
    change: Callable[[CrdtLab, Any, str, int, str], Any]
    whats: int = 2

    def empty(self, lab: CrdtLab) -> Any:
        """The state in which all begin."""
        return getattr(lab, self.name)()

    def plain(self, state: Any) -> Plain:
        """What a state is made of."""
        return plain(self.name, state)


def _g_counter(lab: CrdtLab, state: Any, replica: str, what: int, element: str) -> Any:
    return state.increment(replica, what + 1)


def _pn_counter(lab: CrdtLab, state: Any, replica: str, what: int, element: str) -> Any:
    return (state.decrement if what else state.increment)(replica, ELEMENTS.index(element) + 1)


def _write(lab: CrdtLab, state: Any, replica: str, what: int, element: str) -> Any:
    return state.write(replica, f"{element}{what}")


def _only_add(lab: CrdtLab, state: Any, replica: str, what: int, element: str) -> Any:
    return state.add(element)


def _two_phase(lab: CrdtLab, state: Any, replica: str, what: int, element: str) -> Any:
    return state.remove(element) if what else state.add(element)


def _or_set(lab: CrdtLab, state: Any, replica: str, what: int, element: str) -> Any:
    return state.remove(element) if what else state.add(replica, element)


def _or_map(lab: CrdtLab, state: Any, replica: str, what: int, element: str) -> Any:
    if what == 2:
        return state.remove(element)
    if what:
        return state.put("set", state.get("set", lab.ORSet).remove(element))
    if element == "c":
        return state.put("set", state.get("set", lab.ORSet).add(replica, element))
    return state.put(element, state.get(element, lab.MultiValueRegister).write(replica, "x"))


COUNTERS = [Kind("GCounter", _g_counter), Kind("PNCounter", _pn_counter)]
SETS = [Kind("GSet", _only_add), Kind("TwoPhaseSet", _two_phase), Kind("ORSet", _or_set)]
REGISTERS = [
    Kind("LastWriterRegister", _write),
    Kind("MultiValueRegister", _write),
    Kind("ORMap", _or_map, 3),
]

Script = list[tuple[int, int, int, int]]
"""Steps of three replicas: who, what (a change, or a merge), on which element, of whose state."""


def scripts(kind: Kind, steps: int = 14) -> "st.SearchStrategy[Script]":
    """Scripts for Hypothesis."""
    step = st.tuples(
        st.integers(0, 2), st.integers(0, kind.whats), st.integers(0, 2), st.integers(0, 2)
    )
    return st.lists(step, min_size=4, max_size=steps)


def reached(lab: CrdtLab, kind: Kind, script: Script) -> list[Any]:
    """The states of three replicas after a script: any three that can be side by side."""
    states = [kind.empty(lab) for _ in REPLICAS]
    for who, what, element, whose in script:
        if what == kind.whats:
            states[who] = states[who].merge(states[whose])
        else:
            delta = kind.change(lab, states[who], REPLICAS[who], what, ELEMENTS[element])
            states[who] = states[who].merge(delta)
    return states
