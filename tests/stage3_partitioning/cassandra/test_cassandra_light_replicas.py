"""Graded suite of the lab ``cassandra``, fifth part: a replica alone promises and accepts."""

from common.contract.effects import Save
from common.course.suites.grading import graded
from common.course.suites.kit import effects_of, sent
from tests.stage3_partitioning.cassandra.lab import CassandraLab
from tests.stage3_partitioning.cassandra.room import NAME, Alone, proposal

LAB = "cassandra"


@graded(points=2, title="A promise", requirement="Paxos 2.2: nothing below it, and it is on disk")
def test_a_replica_promises_on_disk_and_takes_nothing_below(lab: CassandraLab) -> None:
    node = Alone(lab.Cassandra)
    node.gets("n2", lab.Mutate(0, ((NAME, lab.Cell("Oslo", 5)),)))
    prepare = lab.Prepare(1, "ann", (10, "n2"), (NAME, ("ann", "profile", "job")))
    promised = node.gets("n2", prepare)
    promise = lab.Promise(1, lab.NOTHING, (0, ""), ((NAME, lab.Cell("Oslo", 5)),))
    assert sent(promised) == [("n2", promise)]
    assert effects_of(Save, promised)
    assert sent(node.gets("n2", prepare)) == [("n2", promise)], "asked again, it says so again"
    for life in (node, Alone(lab.Cassandra, node.disk)):
        lower = (9, "n3"), (10, "n1")
        for ballot in lower:
            refused = [("n3", lab.Refused(2, (10, "n2")))]
            assert sent(life.gets("n3", lab.Prepare(2, "ann", ballot, ()))) == refused
            below = lab.Propose(2, "ann", lab.Proposal(ballot, ()))
            assert sent(life.gets("n3", below)) == refused
    bob = sent(node.gets("n3", lab.Prepare(3, "bob", (1, "n3"), ())))
    assert bob == [("n3", lab.Promise(3, lab.NOTHING, (0, ""), ()))], "another partition"
    gone = ((("bob", *NAME[1:]), lab.Cell(None, 5)),)
    node.gets("n2", lab.Mutate(0, gone))
    ((_, shows),) = sent(node.gets("n3", lab.Prepare(4, "bob", (2, "n3"), (gone[0][0],))))
    assert shows.cells == gone, "a tombstone is told: what is written must be newer than it"


@graded(points=2, title="To accept", requirement="Paxos 2.2; accepting is a promise, too")
def test_a_replica_accepts_on_disk_and_tells_the_next_one(lab: CassandraLab) -> None:
    node = Alone(lab.Cassandra)
    first, second = proposal(lab, 10, "Oslo"), proposal(lab, 20, "Rome")
    for each in (first, second):
        accepted = node.gets("n2", lab.Propose(1, "ann", each))
        assert sent(accepted) == [("n2", lab.Accepted(1))]
        assert effects_of(Save, accepted)
    refused = [("n3", lab.Refused(2, (20, "n2")))]
    assert sent(node.gets("n3", lab.Prepare(2, "ann", (15, "n3"), ()))) == refused
    assert sent(node.gets("n3", lab.Propose(2, "ann", proposal(lab, 15, "", "n3")))) == refused
    again = Alone(lab.Cassandra, node.disk)
    promised = sent(again.gets("n3", lab.Prepare(3, "ann", (30, "n3"), (NAME,))))
    assert promised == [("n3", lab.Promise(3, second, (0, ""), ()))], "accepted is not written"
    nothing = proposal(lab, 40)
    again.gets("n2", lab.Propose(4, "ann", nothing))
    ((_, shows),) = sent(again.gets("n3", lab.Prepare(5, "ann", (50, "n3"), ())))
    assert shows.accepted == nothing, "a look is accepted like a write, and comes after it"
    assert shows.committed == (0, ""), "and nothing was committed by it"


@graded(points=2, title="To commit", requirement="the cells are written, and nothing goes down")
def test_a_replica_commits_what_it_has_not_accepted_and_keeps_what_is_higher(
    lab: CassandraLab,
) -> None:
    node = Alone(lab.Cassandra)
    first, second = proposal(lab, 10, "Oslo"), proposal(lab, 20, "Rome")
    assert sent(node.gets("n2", lab.Commit(1, "ann", second))) == [("n2", lab.Committed(1))]
    assert sent(node.gets("n2", lab.Commit(2, "ann", first))) == [("n2", lab.Committed(2))]
    again = Alone(lab.Cassandra, node.disk)
    refused = sent(again.gets("n3", lab.Prepare(3, "ann", (15, "n3"), ())))
    assert refused == [("n3", lab.Refused(3, (20, "n2")))], "a commit promises, too"
    promise = lab.Promise(4, second, (20, "n2"), ((NAME, lab.Cell("Rome", 20)),))
    for _ in range(2):  # what is committed is still what was accepted last
        prepared = sent(again.gets("n3", lab.Prepare(4, "ann", (30, "n3"), (NAME,))))
        assert prepared == [("n3", promise)]
    job = (("ann", "profile", "job"), lab.Cell("smith", 15))
    again.gets("n3", lab.Commit(5, "ann", lab.Proposal((15, "n3"), (job,))))
    ((_, whole),) = sent(again.gets("n2", lab.Read(6, NAME, ("ann", "profile", "z"))))
    assert whole.cells == ((NAME, lab.Cell("Rome", 20)), job), "a late commit of another column"
    third = proposal(lab, 30, "Bonn", "n3")
    again.gets("n3", lab.Propose(5, "ann", third))
    again.gets("n2", lab.Commit(6, "ann", second))
    late = sent(again.gets("n3", lab.Prepare(7, "ann", (40, "n3"), ())))
    assert late == [("n3", lab.Promise(7, third, (20, "n2"), ()))]
    same = Alone(lab.Cassandra)
    later = proposal(lab, 10, "Bonn", "n3")
    same.gets("n2", lab.Propose(1, "ann", first))
    same.gets("n3", lab.Commit(2, "ann", later))
    ((_, shows),) = sent(same.gets("n3", lab.Prepare(3, "ann", (40, "n3"), ())))
    assert shows == lab.Promise(3, later, (10, "n3"), ()), "of one number the name decides"
    other = Alone(lab.Cassandra)
    other.gets("n3", lab.Propose(1, "ann", third))
    other.gets("n2", lab.Commit(2, "ann", first))
    ((_, found),) = sent(other.gets("n2", lab.Read(3, NAME, (*NAME[:2], "d"))))
    assert found.cells == first.cells, "it is written, whatever was accepted since"
