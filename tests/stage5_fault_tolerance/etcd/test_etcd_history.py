"""Graded suite of the lab ``etcd``, part 1: every version of every key, without a store around."""

from itertools import groupby
from random import Random
from typing import Any

from common.course.suites.grading import Sweep, graded
from tests.stage5_fault_tolerance.etcd.lab import EtcdLab

LAB = "etcd"

KEYS = tuple(b"abcdef"[place : place + 1] for place in range(6))
LAST = 40
"""The revision up to which these histories go."""

States = list[dict[bytes, Any]]
"""By revision, what was there."""


def lived(lab: EtcdLab, random: Random) -> tuple[Any, States, list[Any]]:
    """A history of random changes; what was there as of each revision; and all versions."""
    history = lab.History()
    states: States = [{}, {}]
    versions: list[Any] = []
    for revision in range(2, LAST + 1):
        now = dict(states[-1])
        for key in random.sample(KEYS, random.choice((1, 1, 1, 2, 3))):
            old = now.pop(key, None)
            if old is None or random.random() < 0.7:
                born, count = (old.create_revision, old.version) if old else (revision, 0)
                made = now[key] = lab.KeyValue(key, b"%d" % revision, born, revision, count + 1)
            else:
                made = lab.KeyValue(key, b"", 0, revision, 0)
            history.add(made)
            versions.append(made)
        states.append(now)
    return history, states, versions


def seen_by(state: dict[bytes, Any], key: bytes, range_end: bytes) -> list[Any]:
    """What a span has of a state, by key: from the key up to but without the end."""
    return [state[each] for each in KEYS if key <= each < range_end and each in state]


@graded(points=2, title="Nothing is overwritten", requirement="a read may name any revision")
def test_each_key_can_be_found_as_of_each_revision(lab: EtcdLab, sweep: Sweep) -> None:
    for seed in sweep(5):
        history, states, versions = lived(lab, Random(seed))
        for revision, state in enumerate(states):
            for key in KEYS:
                found = history.find(key, revision)
                assert found == state.get(key), f"{key!r} as of revision {revision}"
        assert history.find(b"never", LAST) is None
        assert history.size == sum(lab.cost_of(version) for version in versions)


@graded(points=1, title="Keys in order", requirement="a span is read by key, now and as of then")
def test_a_span_has_its_keys_in_order_whenever_they_came_and_went(
    lab: EtcdLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        history, states, _ = lived(lab, Random(seed))
        for revision in range(1, LAST + 1, 3):
            for key, range_end in ((b"a", b"z"), (b"b", b"e"), (b"c", b"c")):
                expected = seen_by(states[revision], key, range_end or b"z")
                assert history.scan(key, range_end, revision) == expected, f"as of {revision}"
        assert history.scan(b"a", b"z", LAST) == seen_by(states[LAST], b"a", b"z")


@graded(points=2, title="Piece by piece", requirement="no revision is cut in two")
def test_the_log_comes_in_pieces_that_end_with_a_revision(lab: EtcdLab, sweep: Sweep) -> None:
    for seed in sweep(5):
        random = Random(seed)
        history, _, versions = lived(lab, random)
        start = random.randrange(2, LAST)
        for limit in (1, 2, 5, 1000):
            told: list[Any] = []
            revision = start
            while piece := history.since(revision, limit):
                sizes = [len(list(some)) for _, some in groupby(v.mod_revision for v in piece)]
                assert sum(sizes[:-1]) < limit, f"{len(piece)} versions, and {limit} were enough"
                told += piece
                revision = piece[-1].mod_revision + 1
            expected = [version for version in versions if version.mod_revision >= start]
            assert told == expected, f"from revision {start} on, {limit} at a time"
    history = lab.History()
    for at, keys in enumerate((b"a", b"bc", b"d", b"efg"), 2):
        for key in keys:
            history.add(lab.KeyValue(bytes([key]), b"", at, at, 1))
    ends = {1: 1, 2: 3, 3: 3, 4: 4, 5: 7, 6: 7, 7: 7, 8: 7}
    assert {limit: len(history.since(2, limit)) for limit in ends} == ends


@graded(
    points=1,
    title="Forgotten",
    requirement="what no read can see any more and no watch can ask for, and nothing else",
)
def test_compaction_keeps_just_what_reads_and_watches_from_then_on_can_see(
    lab: EtcdLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        random = Random(seed)
        history, states, versions = lived(lab, random)
        compacted = random.randrange(2, LAST)
        history.compact(compacted)
        for revision in range(compacted, LAST + 1):
            found = {key: history.find(key, revision) for key in KEYS}
            expected = {key: states[revision].get(key) for key in KEYS}
            assert found == expected, f"as of {revision}, compacted at {compacted}"
        held = list(states[compacted].values())
        kept = [v for v in versions if v.mod_revision >= compacted or v in held]
        assert list(history.log) == kept, f"the log after it was compacted at {compacted}"
