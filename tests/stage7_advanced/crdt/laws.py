"""The laws that make a merge safe in any order, any number of times; for the suites of all kinds.

Shapiro et al. 2011, "Conflict-free replicated data types", section 2.3 and theorem 2.1.
"""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from tests.stage7_advanced.crdt.kinds import ELEMENTS, REPLICAS, Kind, Script, reached, scripts
from tests.stage7_advanced.crdt.lab import CrdtLab

SETTINGS = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=50,
    phases=(Phase.generate, Phase.shrink),
)


def must_be_a_join(lab: CrdtLab, kind: Kind) -> None:
    """Check on states that can be reached that merging commutes, associates and is idempotent."""
    kind.empty(lab).merge(kind.empty(lab))  # what is not written yet needs no example

    @SETTINGS
    @given(scripts(kind))
    def check(script: Script) -> None:
        one, two, three = reached(lab, kind, script)
        must_equal(kind, one.merge(two), two.merge(one), "a.merge(b)", "b.merge(a)")
        must_equal(
            kind,
            one.merge(two).merge(three),
            one.merge(two.merge(three)),
            "a.merge(b).merge(c)",
            "a.merge(b.merge(c))",
        )
        must_equal(kind, one.merge(one), one, "a.merge(a)", "a")
        both = one.merge(two)
        must_equal(kind, both.merge(one), both, "a.merge(b).merge(a)", "a.merge(b)")
        must_equal(kind, one.merge(kind.empty(lab)), one, "a.merge(empty)", "a")

    check()


def must_inflate(lab: CrdtLab, kind: Kind) -> None:
    """Check that a delta is worth the whole new state: who merges either holds the same.

    And that the new state is not changed by merging the old one: states only grow.
    """

    @SETTINGS
    @given(scripts(kind))
    def check(script: Script) -> None:
        old, other, _ = reached(lab, kind, script)
        for what in range(kind.whats):
            delta = kind.change(lab, old, REPLICAS[0], what, ELEMENTS[0])
            new = old.merge(delta)
            must_equal(kind, new.merge(old), new, "the new state and the old one", "the new state")
            whole, small = other.merge(new), other.merge(old).merge(delta)
            must_equal(kind, whole, small, "the new state", "the old one and the delta")

    check()


def must_refuse_others(lab: CrdtLab, kinds: Sequence[Kind]) -> None:
    """Check that each of these kinds merges with its own kind and with no other."""
    for kind in kinds:
        must_equal(kind, kind.empty(lab).merge(kind.empty(lab)), kind.empty(lab), "both", "empty")
        for other in kinds:
            if other is not kind:
                # Behind the judge an object of the student's has a class of the judge's.
                names = f"({other.name}|{type(other.empty(lab)).__name__})"
                with pytest.raises(TypeError, match=f"{kind.name}.*not with {names}"):
                    kind.empty(lab).merge(other.empty(lab))


def must_equal(kind: Kind, one: Any, other: Any, name: str, other_name: str) -> None:
    """Check that two states are made of the same."""
    found, wanted = kind.plain(one), kind.plain(other)
    assert found == wanted, f"{kind.name}: {name} is {found}, and {other_name} is {wanted}"
