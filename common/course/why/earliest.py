"""When a test that looks only at the end would first have failed.

Many tests let a simulation run, and look at what has come of it. By then hundreds of events have
happened since the one that went wrong. So the test is run again, with its longest ``run()`` cut
short: where it fails in the same way, the wrong event is among those before the cut. Ten runs find
it among a thousand events.

That works for what must never be. What must only be reached in the end is not there either when
the run has just begun: then the answer is None. What may be wrong for a while, such as copies that
differ until gossip arrives, is told apart by the reference, which fails with that cut as well.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence

from common.course.why.faults import Cut


def earliest_cut(
    runs: Sequence[Sequence[tuple[int, int]]], times: Sequence[int], fails: Callable[[Cut], bool]
) -> Cut | None:
    """The earliest cut with which the test fails as it does without; None if there is no such.

    Args:
        runs: of each simulation of the test, from when until when it was asked to run, in
            microseconds; the last simulation is the one that failed.
        times: when something happened in that one.
        fails: runs the test with a cut, and says whether it fails in the same way.
    """
    if not runs or not runs[-1]:
        return None
    number, asked = len(runs) - 1, runs[-1]
    place = max(range(len(asked)), key=lambda each: asked[each][1] - asked[each][0])
    begin, end = asked[place]
    moments = sorted({at for at in times if begin < at <= end})
    if not moments or fails((number, place, begin)):
        return None
    found = bisect_left(moments, True, key=lambda at: fails((number, place, at)))
    if found >= len(moments):
        return None
    return number, place, moments[found]
