"""Who is silent? Heartbeats from everybody to everybody, and two ways to judge a silence.

A :class:`Watcher` sends a heartbeat to all others once in each interval. For each of them it keeps
a detector, which is told when a heartbeat arrives and asked whether the silence since is too long:

* :class:`FixedTimeout`: longer than a number that somebody has chosen.
* :class:`PhiAccrual`: much longer than the silences before (Hayashibara, Défago, Yared, Katayama
  2004, "The phi accrual failure detector", section IV). It says how sure it is, as a number.

Both can be wrong: a silence has no message in it. Chandra and Toueg 1996, section 2, want two
things: *completeness* (in the end the dead are suspected, and stay so) and *accuracy* (the living
are not suspected). A detector that stood still itself heard nobody meanwhile, and yet everybody may
be well: it accuses nobody for its own pause.

With n members this takes n * (n - 1) messages in each interval. That is why there is SWIM, from
``probing`` on.
"""

from collections import deque
from collections.abc import Mapping
from math import erfc, log10, sqrt
from typing import Protocol

from common.contract import CallId, Node, NodeId, message, on, timer
from common.values.history import Ok
from common.values.units import MS
from stage5_fault_tolerance.swim.messages import ALIVE, SUSPECT, Members

WINDOW = 100
"""So many silences of the past are remembered; the paper's section V takes 1,000."""

MOST_SURE = 100.0
"""No phi is greater: beyond it, probabilities are too small for a float."""


class Detector(Protocol):
    """Judges the silence of one other process; all times are in microseconds."""

    def heard(self, now: int) -> None:
        """A heartbeat has arrived."""

    def suspects(self, now: int) -> bool:
        """Whether the silence is too long."""

    def excuse(self, pause: int, now: int) -> None:
        """The one who listens has stood still for so long: that was no silence of the other."""


class FixedTimeout:
    """Suspects after a silence longer than ``timeout``.

    Args:
        now: when it begins to listen.
        interval: the time between two heartbeats, as the sender means it.
        timeout: in intervals.
    """

    def __init__(self, now: int, interval: int, timeout: int = 5) -> None:
        self.heard_at = now
        """When the latest heartbeat arrived; until the first one, when the listening began."""
        self.timeout = timeout * interval
        """The longest silence that is no reason to suspect."""

    def heard(self, now: int) -> None:
        """Begin to wait again."""
        self.heard_at = now

    def suspects(self, now: int) -> bool:
        """Whether the silence has been longer than the timeout."""
        return now - self.heard_at > self.timeout

    def excuse(self, pause: int, now: int) -> None:
        """Begin to wait later by the pause, and no later than now."""
        self.heard_at = min(self.heard_at + pause, now)


class PhiAccrual:
    """Suspects by how unusual a silence is (Hayashibara et al. 2004, section IV).

    The times between heartbeats are taken to be spread normally, with the mean and the deviation of
    the latest ones. ``phi`` is then -log10 of the probability that a heartbeat comes later still:
    who suspects at phi 3 is wrong once in 1,000 times, at 8 once in a hundred million.

    Args:
        now: when it begins to listen.
        interval: the time between two heartbeats, as the sender means it.
        threshold: the phi at which it suspects.
    """

    def __init__(self, now: int, interval: int, threshold: float = 8.0) -> None:
        self.heard_at = now
        """When the latest heartbeat arrived; until the first one, when the listening began."""
        self.silences = deque([interval], maxlen=WINDOW)
        """The latest times between two heartbeats. The first is what was promised."""
        self.threshold = threshold
        self.least_deviation = interval / 4
        """A deviation below this is not believed: a calm past promises nothing."""

    def heard(self, now: int) -> None:
        """Remember how long it was silent, and begin to wait again."""
        self.silences.append(now - self.heard_at)
        self.heard_at = now

    def phi(self, now: int) -> float:
        """How sure it is that no heartbeat comes any more (section IV.B).

        With m the mean of the silences and s their standard deviation (of the whole window, n in
        the denominator; at least ``least_deviation``), the probability of a heartbeat after a
        silence t is ``erfc((t - m) / s / sqrt(2)) / 2``. Phi is its -log10, at most
        :data:`MOST_SURE`, rounded to three places: libraries of different machines differ after
        many more.
        """
        mean = sum(self.silences) / len(self.silences)
        variance = sum((silence - mean) ** 2 for silence in self.silences) / len(self.silences)
        deviation = max(sqrt(variance), self.least_deviation)
        later = erfc((now - self.heard_at - mean) / deviation / sqrt(2)) / 2
        return min(round(-log10(later), 3), MOST_SURE) if later else MOST_SURE

    def suspects(self, now: int) -> bool:
        """Whether it is as sure as the threshold."""
        return self.phi(now) >= self.threshold

    def excuse(self, pause: int, now: int) -> None:
        """Begin to wait later by the pause, and no later than now."""
        self.heard_at = min(self.heard_at + pause, now)


@message
class Heartbeat:
    """I am there."""


@timer
class Beat:
    """It is time for the next heartbeat."""


class Watcher(Node):
    """Sends heartbeats, and suspects those that it does not hear.

    Args:
        id, peers: as of every node.
        interval: the time between two heartbeats, in microseconds.
        detector: makes a detector from now and the interval; phi accrual unless given.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        interval: int = 100 * MS,
        detector: type[FixedTimeout] | type[PhiAccrual] = PhiAccrual,
    ) -> None:
        super().__init__(id, peers)
        self.interval = interval
        self.make_detector = detector
        self.detectors: dict[NodeId, Detector] = {}
        """How to judge each of the others."""
        self.suspected: list[NodeId] = []
        """The members that this one suspects, as of the latest beat, in the order of ``peers``."""
        self.beat_due = 0
        """When the next beat is due."""

    def status(self) -> Mapping[str, object]:
        """How many are alive and suspected."""
        suspects = len(self.suspected)
        return {ALIVE: len(self.peers) + 1 - suspects, SUSPECT: suspects}

    def on_start(self) -> None:
        """Begin to listen to everybody, and beat for the first time."""
        self.detectors = {peer: self.make_detector(self.now, self.interval) for peer in self.peers}
        self.beat_due = self.now
        self.beat(Beat())

    @on(Beat)
    def beat(self, beat: Beat) -> None:
        """Judge everybody, tell everybody, and wait for an interval. First: did I stand still?"""
        self.notice_own_pause()
        self.suspected = [
            peer for peer, detector in self.detectors.items() if detector.suspects(self.now)
        ]
        self.broadcast(Heartbeat())
        self.beat_due = self.now + self.interval
        self.set_timer(self.interval, Beat())

    @on(Heartbeat)
    def heartbeat_received(self, heartbeat: Heartbeat, sender: NodeId) -> None:
        """The sender is there, so it is no longer suspected. First: did I stand still?"""
        self.notice_own_pause()
        self.detectors[sender].heard(self.now)
        if sender in self.suspected:
            self.suspected.remove(sender)

    def notice_own_pause(self) -> None:
        """Excuse everybody where this process stood still itself.

        The sign: the own beat is overdue by more than an interval. For so long as it is overdue
        nobody could be heard, so each detector excuses that time. Then the beat is due now: the
        same pause is excused once.
        """
        pause = self.now - self.beat_due
        if pause > self.interval:
            for detector in self.detectors.values():
                detector.excuse(pause, self.now)
            self.beat_due = self.now

    @on(Members)
    def members_asked(self, asked: Members, call: CallId) -> None:
        """Answer with what is believed of everybody; there are no incarnations here, so all 0."""
        believed = [(self.id, ALIVE, 0)]
        for peer in self.peers:
            believed.append((peer, SUSPECT if peer in self.suspected else ALIVE, 0))
        self.finish(call, Ok(tuple(sorted(believed))))
