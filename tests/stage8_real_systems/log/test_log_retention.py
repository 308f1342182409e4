"""Graded suite of the lab ``log``: a log of segments, retention, and compaction."""

from random import Random

from common.course.suites.grading import Sweep, graded
from stage8_real_systems.log.batches import Batch
from stage8_real_systems.log.storage import Log
from tests.stage8_real_systems.log.lab import LogLab

LAB = "log"

FAR = 1_000_000


def filled(lab: LogLab, count: int, segment_bytes: int = 300) -> tuple[Log, list[Batch]]:
    """A log of small batches, each of two records, made a millisecond after the other."""
    log = lab.Log(segment_bytes=segment_bytes)
    batches = [
        lab.Batch(2 * number, 1, 2, -1, -1, -1, number, b"x" * 40) for number in range(count)
    ]
    for batch in batches:
        log.append(batch)
    return log, batches


def whole(log: Log) -> list[Batch]:
    """All that can be read, as a reader reads it: from where the last read ended."""
    found: list[Batch] = []
    offset = log.start
    while batches := log.read(offset, 200, FAR):
        found += batches
        offset = batches[-1].next_offset
    return found


@graded(points=1, title="Segments", requirement="a full segment is followed by another one")
def test_a_log_begins_another_segment_when_one_is_full(lab: LogLab) -> None:
    log, batches = filled(lab, 20)
    bases = [each.base_offset for each in log.segments]
    assert len(bases) > 4
    assert all(each.file.size() <= 300 for each in log.segments), "none is larger than wanted"
    assert bases[0] == 0
    assert whole(log) == batches
    assert log.end == 40
    exact, _ = filled(lab, 6, segment_bytes=2 * lab.size_of(batches[0]))
    assert [each.base_offset for each in exact.segments] == [0, 4, 8], "just full is not too full"
    large = lab.Batch(40, 1, 1, -1, -1, -1, 0, b"y" * 1000)
    log.append(large)
    assert whole(log) == [*batches, large], "one that is larger than a segment has one of its own"
    first = lab.Log(segment_bytes=300)
    first.append(lab.Batch(0, 1, 1, -1, -1, -1, 0, b"y" * 1000))
    assert len(first.segments) == 1, "an empty segment is never left behind"


@graded(points=2, title="Truncating", requirement="segments and batches beyond the offset go")
def test_a_log_is_truncated_over_segments_and_grows_again(lab: LogLab, sweep: Sweep) -> None:
    for seed in sweep(20):
        log, batches = filled(lab, 20)
        offset = Random(f"truncate/{seed}").randrange(42)
        gone = log.truncate(offset)
        kept = [each for each in batches if each.next_offset <= offset]
        assert whole(log) == kept
        assert sorted(gone) == [each.base_offset for each in batches[len(kept) :]]
        assert log.end == 2 * len(kept)
        if log.end == offset:
            assert all(each.file.size() for each in log.segments[1:]), "no empty segment is left"
        for batch in batches[len(kept) :]:
            log.append(batch)
        assert whole(log) == batches


@graded(points=2, title="Retention", requirement="NetDB'11, 3.1: whole segments, the oldest first")
def test_retention_drops_the_oldest_segments_and_nothing_else(lab: LogLab, sweep: Sweep) -> None:
    for seed in sweep(20):
        random = Random(f"retain/{seed}")
        log, batches = filled(lab, 30)
        most, since, below = random.randrange(4000), random.randrange(31), random.randrange(62)
        ends = [each.next_offset for each in log.segments]
        newest = [end // 2 - 1 for end in ends]
        sizes = [each.file.size() for each in log.segments]
        dropped = 0
        while dropped < len(ends) - 1 and ends[dropped] <= below:
            if sum(sizes[dropped:]) <= most and newest[dropped] >= since:
                break
            dropped += 1
        start = ends[dropped - 1] if dropped else 0
        gone = log.retain(bytes=most, since=since, below=below)
        assert log.start == start, "the log starts where the first segment that is left begins"
        assert sorted(gone) == [each.base_offset for each in batches if each.base_offset < start]
        assert whole(log) == [each for each in batches if each.base_offset >= start]


@graded(points=1, title="Retention spares", requirement="never above the high watermark, never all")
def test_retention_spares_what_is_not_committed_and_the_active_segment(lab: LogLab) -> None:
    log, batches = filled(lab, 30)
    assert log.retain(bytes=0, since=FAR, below=0) == ()
    assert whole(log) == batches
    size = sum(each.file.size() for each in log.segments)
    assert log.retain(bytes=size, since=0, below=60) == (), "it is just as large as it may be"
    log.retain(bytes=0, since=FAR, below=60)
    assert len(log.segments) == 1, "all but the active one are too large and too old"
    assert whole(log), "which stays"


def changes(lab: LogLab, random: Random, count: int) -> list[Batch]:
    """Batches of changes to a table of few keys; now and then one is deleted."""
    found, offset = [], 0
    for _ in range(count):
        records = [
            (random.choice("abc"), None if random.random() < 0.2 else f"{offset}.{number}")
            for number in range(random.randrange(1, 4))
        ]
        found.append(lab.batch_of(*records).placed(offset, 1))
        offset += len(records)
    return found


def table(lab: LogLab, batches: list[Batch]) -> dict[str, str]:
    """What the changes come to."""
    found: dict[str, str | None] = {}
    for batch in batches:
        for record in lab.unpack(batch.payload):
            found[record.key] = record.value
    return {key: value for key, value in sorted(found.items()) if value is not None}


@graded(points=3, title="Compaction", requirement="of each key, what was said last, where it was")
def test_compaction_leaves_the_same_table_and_every_offset(lab: LogLab, sweep: Sweep) -> None:
    log = lab.Log(segment_bytes=1)
    for offset, key in enumerate("abac"):
        log.append(lab.batch_of((key, f"{offset}")).placed(offset, 1))
    assert lab.compact(log, 2) == ((), 2), "the second a is not committed, and makes nothing void"
    assert table(lab, whole(log)[:2]) == {"a": "0", "b": "1"}
    for seed in sweep(10):
        random = Random(f"compact/{seed}")
        batches = changes(lab, random, 30)
        log = lab.Log(segment_bytes=400)
        for batch in batches:
            log.append(batch)
        below = random.randrange(log.end + 1)
        full = [each for each in log.segments[:-1] if each.next_offset <= below]
        border = full[-1].next_offset if full else 0
        changed, clean_to = lab.compact(log, below)
        left = whole(log)
        assert clean_to == border
        assert [each.base_offset for each in left] == [each.base_offset for each in batches]
        assert [e for e in left if e.base_offset >= border] == [
            e for e in batches if e.base_offset >= border
        ], "what is active or not committed is not touched"
        assert table(lab, left) == table(lab, batches)
        inside = [e for e in left if e.base_offset < border]
        keys = [record.key for each in inside for record in lab.unpack(each.payload)]
        assert len(keys) == len(set(keys)), "each key once"
        offsets = {e.base_offset + r.delta: r for e in batches for r in lab.unpack(e.payload)}
        for each in inside:
            for record in lab.unpack(each.payload):
                assert offsets[each.base_offset + record.delta] == record, "at its own offset"
        assert sorted(e.base_offset for e in changed) == [
            e.base_offset for e, old in zip(left, batches, strict=True) if e != old
        ]


@graded(points=2, title="Deletions", requirement="a deletion outlives one compaction, not two")
def test_a_deletion_stays_until_the_next_compaction(lab: LogLab) -> None:
    log = lab.Log(segment_bytes=1)
    said: list[tuple[str, str | None]] = [("a", "1"), ("a", None), ("b", "2"), ("c", "3")]
    for offset, record in enumerate(said):
        log.append(lab.batch_of(record).placed(offset, 1))
    _, clean_to = lab.compact(log, 3)
    kept = [lab.unpack(each.payload) for each in whole(log)]
    assert [[each.key for each in records] for records in kept] == [[], ["a"], ["b"], ["c"]]
    log.append(lab.batch_of(("d", "4")).placed(4, 1))
    lab.compact(log, 4, clean_to)
    kept = [lab.unpack(each.payload) for each in whole(log)]
    assert [[each.key for each in records] for records in kept] == [[], [], ["b"], ["c"], ["d"]]


@graded(points=1, title="The last word", requirement="the greatest offset of each key")
def test_the_latest_record_of_each_key_is_found(lab: LogLab) -> None:
    first = lab.batch_of(("a", "1"), ("b", "1")).placed(5, 1)
    second = lab.batch_of(("c", "1"), ("a", None)).placed(7, 1)
    latest = lab.latest_offsets((first, second))
    assert latest == {"a": 8, "b": 6, "c": 7}
    assert lab.without_void(second, latest, 0) == second, "nothing in it is void"
    kept = lab.without_void(first, latest, 0)
    assert lab.unpack(kept.payload) == (lab.Record(1, "b", "1"),)
    assert lab.without_void(second, latest, 8) == second, "its deletion was not there last time"
    cleaned = lab.without_void(second, latest, 9)
    assert [each.key for each in lab.unpack(cleaned.payload)] == ["c"]
    assert lab.without_void(first, {"a": 8, "b": 9}, 0).payload == b""
