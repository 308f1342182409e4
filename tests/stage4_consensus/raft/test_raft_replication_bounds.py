"""Graded suite of the lab ``raft``: bounds in bytes, of messages; and of what is appended."""

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
