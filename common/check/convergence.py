"""Convergence: once all is calm, replicas that got the same updates hold the same state.

Shapiro et al. 2011, "Conflict-free replicated data types", definition 2.1 (eventual convergence).
"""

from collections import Counter
from collections.abc import Mapping

from common.check.model import frozen, show
from common.check.verdict import Answer, Verdict


def check_convergence(states: Mapping[str, object]) -> Verdict:
    """Decide whether all replicas hold the same state.

    Args:
        states: the state of each node, as plain values, taken when no message is under way and no
            fault lasts.

    Returns:
        For a no, the sentence names a node that differs from most others, and where.
    """
    plain = {node: frozen(states[node]) for node in states}
    if len(set(plain.values())) <= 1:
        sentence = f"Converged: all {len(states)} replicas hold the same state."
        return Verdict(Answer.YES, sentence, steps=len(states))
    common, count = Counter(plain.values()).most_common(1)[0]
    model = next(node for node, state in plain.items() if state == common)
    other = next(node for node, state in plain.items() if state != common)
    where = _difference(states[model], states[other])
    rest = f", as do {count} of {len(states)} replicas" if count > 1 else ""
    sentence = f"Not converged: {where.format(a=model, b=other)}{rest}."
    return Verdict(Answer.NO, sentence, steps=len(states), anomaly="divergence", node=other)


def _difference(one: object, other: object) -> str:
    """Where two states differ first, as ``{b} holds ..., {a} holds ...``."""
    place = ""
    while frozen(one) != frozen(other):
        step = _first_difference(one, other)
        if step is None:
            break
        name, one, other = step
        place += f"[{name}]"
    at = f" at {place}" if place else ""
    text = f"holds {show(frozen(other))}{at}", f"holds {show(frozen(one))}"
    first, second = (each.replace("{", "{{").replace("}", "}}") for each in text)
    return f"{{b}} {first}, but {{a}} {second}"


def _first_difference(one: object, other: object) -> tuple[str, object, object] | None:
    """The first part in which two collections of the same kind differ; None for anything else."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in dict.fromkeys((*one, *other)):
            if frozen(one.get(key)) != frozen(other.get(key)):
                return repr(key), one.get(key), other.get(key)
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        for place in range(max(len(one), len(other))):
            mine = one[place] if place < len(one) else None
            theirs = other[place] if place < len(other) else None
            if frozen(mine) != frozen(theirs):
                return str(place), mine, theirs
    return None
