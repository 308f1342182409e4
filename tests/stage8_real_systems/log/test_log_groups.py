"""Graded suite of the lab ``log``: one group, as its coordinator sees it."""

from dataclasses import replace
from typing import Any

from common.course.suites.grading import graded
from common.values.units import MS, SECOND
from stage8_real_systems.log.batches import Batch
from tests.stage8_real_systems.log.lab import LogLab

LAB = "log"

SESSION = 300 * MS
REBALANCE = 1 * SECOND


class Desk:
    """A group, and what its members were told, by the number of their request.

    Args:
        lab: whose group it is.
    """

    def __init__(self, lab: LogLab) -> None:
        self.lab = lab
        self.group = lab.Group("g", 10)
        self.told: dict[int, Any] = {}
        self.last = 0

    def take(self) -> None:
        """Note what the group has told."""
        for caller, result in self.group.endings:
            assert caller not in self.told, f"request {caller} is answered twice"
            self.told[caller] = result  # type: ignore[index]
        self.group.endings = []

    def join(
        self,
        member: str,
        now: int = 0,
        *,
        known: bool = False,
        protocols: str = "r",
        rebalance: int = REBALANCE,
    ) -> int:
        """A member joins; one that is not known gets the id that it is called here."""
        self.last += 1
        kinds = tuple(
            self.lab.group_requests.Protocol(each, b"of " + each.encode()) for each in protocols
        )
        request = self.lab.JoinGroup(
            "g", member if known else "", member, SESSION, rebalance, "consumer", kinds
        )
        self.group.join(request, self.last, member, now)
        self.take()
        return self.last

    def sync(self, member: str, now: int = 0, given: str = "") -> int:
        """A member syncs; a leader gives each member in ``given`` its own name."""
        self.last += 1
        assignments = tuple(self.lab.Assignment(each, each.encode()) for each in given)
        request = self.lab.SyncGroup("g", self.group.generation, member, assignments)
        self.group.sync(request, self.last, now)
        self.take()
        return self.last

    def beat(self, member: str, generation: int, now: int) -> Any:
        """A member beats."""
        answer = self.group.heartbeat(self.lab.Heartbeat("g", generation, member), now)
        self.take()
        return answer

    def expire(self, now: int) -> None:
        """Time passes."""
        self.group.expire(now)
        self.take()

    def stable(self, *members: str) -> None:
        """Let these be the members, in a stable generation; the first one leads."""
        for at, each in enumerate(members):
            self.join(each)
            for other in members[:at]:
                self.join(other, known=True)
        for each in reversed(members):
            self.sync(each, given="".join(members))

    def error(self, number: int) -> Any:
        """With which error a request has ended."""
        assert isinstance(self.told[number], self.lab.Refused), self.told[number]
        return self.told[number].error


@graded(points=2, title="A first member", requirement="P5: join, then sync")
def test_a_first_member_leads_and_gives_itself_everything(lab: LogLab) -> None:
    desk = Desk(lab)
    joined = desk.told[desk.join("a")]
    assert (joined.generation, joined.leader, joined.member) == (11, "a", "a")
    assert [each.id for each in joined.members] == ["a"]
    assert desk.told[desk.sync("a", given="a")] == lab.Synced("r", b"a")
    assert desk.told[desk.sync("a")] == lab.Synced("r", b"a"), "and again, if the answer was lost"
    second = desk.join("b", 1)
    assert second not in desk.told, "a has to hear of it first"


@graded(points=4, title="All have joined", requirement="a round waits for all members it knows")
def test_a_round_is_not_closed_before_all_members_have_joined_again(lab: LogLab) -> None:
    """A coordinator that closes it after 0.3 s gives all partitions to both."""
    desk = Desk(lab)
    desk.stable("a")
    second = desk.join("b", 10 * MS)
    for now in range(20, 260, 20):
        assert desk.beat("a", 11, now * MS).error is lab.Error.REBALANCE_IN_PROGRESS
        desk.expire(now * MS)
        assert second not in desk.told, "a still has everything"
    assert desk.error(desk.sync("a", 260 * MS)) is lab.Error.REBALANCE_IN_PROGRESS
    first = desk.join("a", 520 * MS, known=True)
    assert desk.told[first].generation == desk.told[second].generation == 12
    assert desk.told[first].leader == "a"
    assert [each.id for each in desk.told[first].members] == ["a", "b"]
    assert desk.told[second].members == (), "only the leader has to know"
    before = desk.sync("b")
    waiting = desk.sync("b")
    assert desk.error(before) is lab.Error.REBALANCE_IN_PROGRESS, "it asks again, from elsewhere"
    again = lab.SyncGroup("g", desk.group.generation, "b", ())
    desk.group.sync(again, waiting, 0)  # the same message a second time
    desk.take()
    assert waiting not in desk.told, "the leader has not said who gets what"
    assert desk.told[desk.sync("a", given="ab")] == lab.Synced("r", b"a")
    assert desk.told[waiting] == lab.Synced("r", b"b")


@graded(points=1, title="What it says now", requirement="KIP-62: a join says what the member can")
def test_a_member_that_joins_again_with_other_wishes_has_the_new_ones(lab: LogLab) -> None:
    desk = Desk(lab)
    desk.stable("a", "b")
    assert desk.join("b", 1, known=True, protocols="rs") not in desk.told, "a round begins"
    joined = desk.told[desk.join("a", 2, known=True, protocols="s")]
    assert joined.protocol == "s"
    assert [(each.id, each.metadata) for each in joined.members] == [("a", b"of s"), ("b", b"of s")]
    waiting = desk.sync("b", 3)
    assert desk.join("b", 4, known=True, protocols="s") not in desk.told
    assert desk.error(waiting) is lab.Error.REBALANCE_IN_PROGRESS, "it waits for no answer twice"


@graded(points=2, title="A round ends", requirement="rebalance timeout")
def test_a_round_goes_on_without_those_that_do_not_join_in_time(lab: LogLab) -> None:
    desk = Desk(lab)
    desk.stable("a", "b")
    generation = desk.group.generation
    third = desk.join("c", 0)
    for now in range(100, 1000, 100):
        desk.beat("a", generation, now * MS)
        desk.beat("b", generation, now * MS)
        if now == 500:
            first = desk.join("a", now * MS, known=True)
        desk.expire(now * MS)
        assert third not in desk.told
    desk.expire(1000 * MS)
    assert desk.told[first].generation == desk.told[third].generation == generation + 1
    assert desk.group.generation == generation + 1, "one round, one generation"
    assert [each.id for each in desk.told[first].members] == ["a", "c"]
    assert desk.beat("b", generation, 1001 * MS).error is lab.Error.UNKNOWN_MEMBER_ID
    alone = Desk(lab)
    alone.stable("a", "b")
    third = alone.join("c", 0)
    for now in range(100, 1100, 100):
        for each in "ab":
            alone.beat(each, generation, now * MS)
        alone.expire(now * MS)
    assert [each.id for each in alone.told[third].members] == ["c"], "neither has joined again"


@graded(points=3, title="Silence", requirement="a member that never beats is expelled")
def test_a_member_that_does_not_beat_is_expelled_and_the_others_share(lab: LogLab) -> None:
    desk = Desk(lab)
    desk.stable("a", "b")
    generation = desk.group.generation
    for now in range(50, 301, 50):
        assert desk.beat("b", generation, now * MS) == lab.Done()
        desk.expire(now * MS)
    assert desk.beat("b", generation, 301 * MS) == lab.Done(), "a has been silent, but not too long"
    desk.expire(302 * MS)
    assert desk.beat("b", generation, 303 * MS).error is lab.Error.REBALANCE_IN_PROGRESS
    told = desk.told[desk.join("b", 310 * MS, known=True)]
    assert told.leader == "b", "another one leads"
    assert [each.id for each in told.members] == ["b"]
    assert desk.beat("a", generation, 311 * MS).error is lab.Error.UNKNOWN_MEMBER_ID
    desk.expire(700 * MS)
    assert desk.group.info().state == "Empty", "b was silent as well"
    assert desk.group.info().generation > told.generation


@graded(points=2, title="Kept waiting", requirement="who waits for an answer is not silent")
def test_a_member_that_waits_for_the_others_is_not_expelled(lab: LogLab) -> None:
    desk = Desk(lab)
    desk.stable("a", "b")
    generation = desk.group.generation
    joining = desk.join("b", 0, known=True)
    if joining in desk.told:  # a follower that joins again may be told that nothing has changed
        assert desk.told[joining].generation == generation
    joining = desk.join("c", 0)
    waiting = desk.join("b", 0, known=True)
    for now in range(100, 900, 100):
        desk.beat("a", generation, now * MS)
        desk.expire(now * MS)
    desk.join("a", 900 * MS, known=True)
    assert desk.told[waiting].generation == desk.told[joining].generation == generation + 1
    desk.expire(901 * MS)
    assert desk.group.info().state == "CompletingRebalance", "nobody has been silent since"
    syncing = desk.sync("b", 900 * MS)
    for now in range(1000, 1800, 100):
        assert desk.beat("a", generation + 1, now * MS) == lab.Done(), "it has just begun"
        desk.beat("c", generation + 1, now * MS)
        desk.expire(now * MS)
        assert syncing not in desk.told
    desk.sync("a", 1800 * MS, given="abc")
    assert desk.told[syncing] == lab.Synced("r", b"b")
    desk.expire(1801 * MS)
    assert desk.group.info().state == "Stable", "b has not had the time to beat"
    assert desk.beat("b", generation + 1, 1900 * MS) == lab.Done()


@graded(points=2, title="No assignment", requirement="a leader that never syncs is left behind")
def test_a_generation_that_gets_no_assignment_ends(lab: LogLab) -> None:
    desk = Desk(lab)
    first = desk.join("a")
    second = desk.join("b")
    desk.join("a", known=True)
    generation = desk.told[second].generation
    assert first in desk.told
    syncing = desk.sync("b", 0)
    for now in range(100, 1100, 100):
        desk.beat("a", generation, now * MS)
        desk.expire(now * MS)
    assert desk.error(syncing) is lab.Error.REBALANCE_IN_PROGRESS
    assert desk.told[desk.join("b", 1100 * MS, known=True)].leader == "b"
    desk = Desk(lab)
    for joins, known in (("abc", False), ("ab", True)):
        for each in joins:
            desk.join(each, known=known)
    generation = desk.group.generation
    desk.sync("c", 0)
    for now in range(100, 1100, 100):
        for each in "ab":
            desk.beat(each, generation, now * MS)
        desk.expire(now * MS)
    for each in "ab":
        left = desk.beat(each, generation, 1000 * MS)
        assert left.error is lab.Error.UNKNOWN_MEMBER_ID, "neither has asked for its share"
    assert desk.told[desk.join("c", 1100 * MS, known=True)].leader == "c", "and none waits for them"
    for patient in "ab":
        desk = Desk(lab)
        for each, known in (("a", False), ("b", False), ("a", True)):
            wait = 3 * REBALANCE if each == patient else REBALANCE
            desk.join(each, known=known, rebalance=wait)
        waiting = desk.sync("b", 0)
        for now in range(100, 3000, 100):
            desk.beat("a", desk.group.generation, now * MS)
            desk.expire(now * MS)
        assert waiting not in desk.told, f"{patient} said that it may take three seconds"


@graded(points=2, title="Old generations", requirement="P5: what is said in an old one is refused")
def test_what_a_member_says_in_an_old_generation_is_refused(lab: LogLab) -> None:
    desk = Desk(lab)
    desk.stable("a", "b")
    old = desk.group.generation - 1
    group, error = desk.group, lab.Error
    assert desk.beat("a", old, 1).error is error.ILLEGAL_GENERATION
    assert group.refusal_of_commit(old, "a", 1) is error.ILLEGAL_GENERATION
    assert group.refusal_of_commit(old + 1, "a", 1) is error.NONE
    assert group.refusal_of_commit(old + 1, "z", 1) is error.UNKNOWN_MEMBER_ID
    assert group.refusal_of_commit(-1, "", 1) is not error.NONE, "somebody outside, with members"
    assert group.refusal_of_commit(-1, "a", 1) is error.ILLEGAL_GENERATION
    for generation in (0, 5):
        refusal = lab.Group("h", 0).refusal_of_commit(generation, "", 1)
        assert refusal is error.UNKNOWN_MEMBER_ID, "who names a generation is a member of it"
    desk.join("c")
    assert group.refusal_of_commit(old + 1, "a", 1) is error.NONE, "the last moment to commit"
    assert group.refusal_of_commit(-1, "", 1) is not error.NONE, "there are members in each state"
    desk.join("a", known=True)
    desk.join("b", known=True)
    assert group.refusal_of_commit(old + 1, "a", 1) is error.ILLEGAL_GENERATION
    assert group.refusal_of_commit(old + 2, "a", 1) is error.REBALANCE_IN_PROGRESS, "not given yet"
    desk.sync("b")
    assert group.refusal_of_commit(old + 2, "b", 1) is error.REBALANCE_IN_PROGRESS, "nor to it"
    desk.last += 1
    group.sync(lab.SyncGroup("g", old + 1, "a", ()), desk.last, 1)
    desk.take()
    assert desk.error(desk.last) is error.ILLEGAL_GENERATION
    assert lab.Group("h", 0).refusal_of_commit(-1, "", 1) is error.NONE, "a group of nobody"


@graded(points=1, title="A commit is a beat", requirement="a sign of life, whatever it says")
def test_a_member_that_commits_or_joins_or_syncs_is_alive(lab: LogLab) -> None:
    desk = Desk(lab)
    desk.stable("a")
    generation = desk.group.generation
    for now in range(200, 2000, 200):
        desk.group.refusal_of_commit(generation, "a", now * MS)
        desk.expire(now * MS)
    assert desk.group.info().state == "Stable"
    for now in range(2000, 3000, 200):
        desk.sync("a", now * MS)
        desk.expire(now * MS)
    assert desk.group.info().state == "Stable"


@graded(points=2, title="Joining twice", requirement="KIP-394: an id first, then one join")
def test_a_consumer_gets_an_id_first_and_waits_once(lab: LogLab) -> None:
    desk = Desk(lab)
    ways = (lab.group_requests.Protocol("r", b""),)

    def join(member: str, caller: int, now: int = 0) -> None:
        request = lab.JoinGroup("g", member, "c", SESSION, REBALANCE, "consumer", ways, True)
        desk.group.join(request, caller, "new", now)
        desk.take()

    join("", 101)
    assert desk.told[101] == lab.MemberIdRequired("new")
    desk.expire(59 * SECOND)
    desk.stable("a")
    join("new", 102)
    assert 102 not in desk.told, "a has to join again first"
    join("new", 103)
    assert desk.error(102) is lab.Error.REBALANCE_IN_PROGRESS, "it asks from elsewhere by now"
    join("new", 103)
    assert 103 not in desk.told, "the same question came twice"
    desk.join("a", known=True)
    assert desk.told[103].member == "new"
    late = Desk(lab)
    request = lab.JoinGroup("g", "", "c", SESSION, REBALANCE, "consumer", ways, True)
    late.group.join(request, 0, "other", 0)
    late.group.join(request, 1, "new", 0)
    late.expire(61 * SECOND)
    late.group.join(replace(request, member="new"), 2, "", 61 * SECOND)
    late.take()
    assert late.error(2) is lab.Error.UNKNOWN_MEMBER_ID, "an id that is not used is forgotten"


@graded(points=2, title="Protocols", requirement="what all know, and most like best")
def test_a_group_speaks_what_all_members_know(lab: LogLab) -> None:
    desk = Desk(lab)
    assert desk.told[desk.join("a", protocols="xy")].protocol == "x"
    second = desk.join("b", protocols="yx")
    third = desk.join("c", protocols="zyx")
    desk.join("a", known=True, protocols="xy")
    assert desk.told[second].protocol == desk.told[third].protocol == "y"
    assert desk.group.info().members[0].metadata == b"of y"
    assert desk.error(desk.join("d", protocols="q")) is lab.Error.INCONSISTENT_GROUP_PROTOCOL
    assert desk.error(desk.join("d", known=True)) is lab.Error.UNKNOWN_MEMBER_ID
    assert desk.group.info().state == "CompletingRebalance", "who is refused disturbs nobody"


@graded(points=1, title="Leaving", requirement="the others share at once")
def test_when_a_member_leaves_the_others_share_anew(lab: LogLab) -> None:
    desk = Desk(lab)
    desk.stable("a", "b")
    generation = desk.group.generation
    assert desk.group.leave(lab.LeaveGroup("g", "a"), 1) == lab.Done()
    desk.take()
    assert desk.beat("b", generation, 1).error is lab.Error.REBALANCE_IN_PROGRESS
    assert desk.told[desk.join("b", 2, known=True)].leader == "b"
    assert isinstance(desk.group.leave(lab.LeaveGroup("g", "a"), 3), lab.Refused)
    three = Desk(lab)
    three.stable("a", "b", "c")
    three.group.leave(lab.LeaveGroup("g", "a"), 1)
    three.take()
    rest = [three.join(each, 2, known=True) for each in "bc"]
    assert [three.told[each].leader for each in rest] == ["b", "b"], "of two that stay one leads"


@graded(points=2, title="Positions from a log", requirement="the later commit counts")
def test_a_coordinator_reads_positions_from_the_log(lab: LogLab) -> None:
    def commit(offset: int, group: str, at: int) -> Batch:
        committed = (lab.Committed("t", 0, offset, 3, "m"), lab.Committed("t", 1, 2 * offset))
        batch: Batch = lab.commit_batch(lab.CommitOffsets(group, 1, "a", committed))
        return batch.placed(at, 1)

    coordinator = lab.coordinator.Coordinator(2, 6)
    assert coordinator.committed("g", (("t", 0),)) == (lab.Committed("t", 0, -1),)
    coordinator.read((commit(5, "g", 0), commit(9, "h", 2)))
    assert not coordinator.is_loaded, "there is more that was committed before"
    coordinator.read((commit(7, "g", 4), lab.Batch(6, 1, 2, -1, -1, -1, 0, b"")))
    assert coordinator.is_loaded
    assert coordinator.read_to == 8, "also behind a batch in which compaction has left nothing"
    assert coordinator.committed("g", (("t", 0), ("t", 1), ("t", 2))) == (
        lab.Committed("t", 0, 7, 3, "m"),
        lab.Committed("t", 1, 14),
        lab.Committed("t", 2, -1),
    )
    assert [each.offset for each in coordinator.committed("h", None)] == [9, 18]
