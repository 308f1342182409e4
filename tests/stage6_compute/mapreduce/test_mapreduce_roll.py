"""Graded suite of the lab ``mapreduce``, second part: who is there, and in which life."""

from common.course.suites.grading import graded
from tests.stage6_compute.mapreduce.lab import MapreduceLab

LAB = "mapreduce"


@graded(points=1, title="Begun anew", requirement="OSDI'04, 3.3: a worker that fails has nothing")
def test_a_worker_has_begun_anew_when_it_was_not_there_or_is_in_another_life(
    lab: MapreduceLab,
) -> None:
    roll = lab.Roll(("n2", "n3"), 3)
    assert not roll.is_there("n2")
    assert roll.heard("n2", 0), "it was not there"
    assert roll.is_there("n2")
    assert not roll.is_there("n3")
    assert not roll.heard("n2", 0), "nothing has happened to it"
    assert roll.heard("n2", 7), "it is in another life"
    assert not roll.heard("n2", 7)


@graded(points=1, title="Late words", requirement="messages are delayed for any time")
def test_a_word_of_an_earlier_life_is_late_and_one_of_this_or_the_next_is_not(
    lab: MapreduceLab,
) -> None:
    roll = lab.Roll(("n2", "n3"), 3)
    assert not roll.is_late("n2", 0), "nothing is known of it"
    roll.heard("n2", 4)
    assert roll.is_late("n2", 3)
    assert not roll.is_late("n2", 4)
    assert not roll.is_late("n2", 5)
    assert not roll.is_late("n3", 0)
    for _ in range(4):
        roll.ping()
    assert not roll.is_there("n2")
    assert roll.is_late("n2", 3), "it is taken for dead, and that life is over all the same"
    assert not roll.is_late("n2", 4), "it was only slow"
    assert not roll.is_late("n3", 0), "nobody has heard of it"


@graded(points=2, title="Dead", requirement="OSDI'04, 3.3: no response for a certain time")
def test_a_worker_that_misses_its_pings_in_a_row_is_taken_for_dead_once(lab: MapreduceLab) -> None:
    roll = lab.Roll(("n2", "n3"), 2)
    assert roll.ping() == []
    roll.heard("n2", 0)
    roll.heard("n3", 0)
    assert [roll.ping() for _ in range(2)] == [[], []]
    roll.heard("n3", 0)
    assert roll.ping() == ["n2"], "it has missed two"
    assert not roll.is_there("n2")
    assert roll.is_there("n3")
    assert roll.ping() == [], "that was said, and n3 may still answer the second one"
    assert roll.ping() == ["n3"]
    assert [roll.ping() for _ in range(5)] == [[]] * 5
    assert roll.heard("n2", 0), "the same life, but nobody knows what it has missed"
    roll.heard("n3", 0)
    assert [roll.ping() for _ in range(3)] == [[], [], ["n2", "n3"]]
    assert not roll.is_there("n2")
    assert not roll.is_there("n3")


@graded(points=1, title="Who never came", requirement="what a journal says of a worker may be old")
def test_a_worker_of_which_nobody_has_heard_is_taken_for_dead_too(lab: MapreduceLab) -> None:
    roll = lab.Roll(("n2",), 1)
    assert roll.ping() == []
    assert roll.ping() == ["n2"]
    assert roll.ping() == []
