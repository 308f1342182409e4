"""Graded suite of the lab ``raft``: bounds in bytes, of messages; and of what is appended."""

from common.contract.effects import Send
from common.contract.sizes import wire_size
from common.course.suites.grading import graded
from tests.stage4_consensus.raft.lab import RaftLab
from tests.stage4_consensus.raft.one_server import OneServer, find, only

LAB = "raft"


@graded(
    points=2,
    title="Messages are bounded in bytes",
    requirement="section 5.3: several entries for efficiency, and no more than a frame can carry",
)
def test_a_message_carries_no_more_bytes_than_it_may(lab: RaftLab) -> None:
    one = OneServer(lab, max_bytes=2_000, max_in_flight=1)
    one.accept("n2", one.be_leader())
    sent = one.command("first")
    for number in range(2, 12):
        one.command("x" * 450, number)
    one.command("x" * 5_000, 12)
    one.command("last", 13)
    carried: list[int] = []
    while asked := find(sent, lab.AppendEntries, "n2"):
        carried += [len(each.entries) for each in asked]
        small = [each for each in asked if len(each.entries) > 1]
        assert all(wire_size(each) < 2_200 for each in small), "several, and too large together"
        sent = one.accept("n2", sent)
    assert sum(carried) == 13, "all of them go out, the one that is too large by itself too"
    assert max(carried) == 4, "and together where there is room"
    no_more_bytes_are_under_way_to_a_follower_than_a_heartbeat_may_wait_behind(lab)


def no_more_bytes_are_under_way_to_a_follower_than_a_heartbeat_may_wait_behind(
    lab: RaftLab,
) -> None:
    """Hand-fed: few messages may be many bytes."""
    one = OneServer(lab, max_bytes=1_000, max_bytes_in_flight=3_000, max_in_flight=100)
    one.accept("n2", one.be_leader())
    sent = [each for number in range(1, 31) for each in one.command("x" * 600, number)]
    rounds, carried = 0, 0
    while asked := find(sent, lab.AppendEntries, "n2"):
        rounds += 1
        carried += sum(len(each.entries) for each in asked)
        assert sum(map(wire_size, asked)) < 4_500, "less than the bound, and one message more"
        sent = [each for ask in asked for each in one.accept("n2", [Send("n2", ask)])]
    assert carried == 30, "each entry goes out, once"
    assert rounds > 5
    large = find(one.command("x" * 9_000, 31), lab.AppendEntries, "n2")
    assert [len(each.entries) for each in large] == [1], "alone it goes out, however large"
    assert not find(one.command("small", 32), lab.AppendEntries, "n2"), "and this waits for it"


def test_a_repeated_request_is_not_appended_while_its_first_copy_is_on_its_way(
    lab: RaftLab,
) -> None:
    one = OneServer(lab)
    one.accept("n2", one.be_leader())
    sent = one.command("a")
    assert not one.command("a"), "the first copy is on its way"
    assert len(one.entries()) == 2, "the no-op and the command"
    assert only(one.accept("n2", sent), lab.Answer).number == 1
    assert only(one.accept("n2", one.command("a")), lab.Answer).number == 1, "the answer was lost"
    assert one.held() == "a"
