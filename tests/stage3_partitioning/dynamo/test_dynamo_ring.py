"""Graded suite of the lab ``dynamo``, first part: who keeps a key, and who stands in."""

from common.course.suites.grading import graded
from tests.stage3_partitioning.dynamo.lab import DynamoLab
from tests.stage3_partitioning.dynamo.room import FIVE

LAB = "dynamo"
KEYS = [f"key {number}" for number in range(300)]


@graded(points=2, title="All nodes, each once", requirement="Dynamo 4.3: distinct physical nodes")
def test_a_walk_meets_every_node_once_however_many_places_it_has(lab: DynamoLab) -> None:
    for points in (1, 2, 8, 32):
        ring = lab.Ring(FIVE, points)
        for key in KEYS:
            assert sorted(ring.walk(key)) == sorted(FIVE)
            assert ring.homes(key, 3) == ring.walk(key)[:3]
            assert ring.homes(key, 9) == ring.walk(key)
    assert lab.Ring(()).walk("x") == ()


@graded(points=2, title="Clockwise", requirement="Dynamo 4.2: the next place, and round the end")
def test_a_walk_goes_clockwise_from_the_place_of_the_key_and_round_the_end(lab: DynamoLab) -> None:
    place_of = lab.look_into("place_of")
    places = {place_of(f"{node}/0"): node for node in FIVE}
    ring = lab.Ring(FIVE, 1)
    begun_at_each = set()
    for key in [*KEYS, *(f"{node}/0" for node in FIVE)]:
        ahead = sorted(places, key=lambda place: (place - place_of(key)) % 2**64)
        assert ring.walk(key) == tuple(places[place] for place in ahead)
        begun_at_each.add(ring.walk(key)[0])
    assert begun_at_each == set(FIVE)


@graded(points=1, title="Only what has to move", requirement="Dynamo 4.2: neighbours alone change")
def test_who_joins_takes_over_some_places_and_moves_nothing_else(lab: DynamoLab) -> None:
    before, after = lab.Ring(FIVE), lab.Ring(("n9", *reversed(FIVE)))
    moved = 0
    for key in KEYS:
        old, new = before.homes(key, 3), after.homes(key, 3)
        assert tuple(node for node in after.walk(key) if node != "n9") == before.walk(key)
        moved += len(set(new) - set(old))
    assert 0.08 < moved / (3 * len(KEYS)) < 0.26, "about one copy in six moves"
