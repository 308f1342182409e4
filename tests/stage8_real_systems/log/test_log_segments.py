"""Graded suite of the lab ``log``: one segment."""

from itertools import accumulate
from random import Random

import pytest

from common.course.suites.grading import Sweep, graded
from stage8_real_systems.log.batches import Batch
from stage8_real_systems.log.segments import Segment
from tests.stage8_real_systems.log.lab import LogLab

LAB = "log"

FAR = 1_000_000
ALL = 1_000_000


def some_batches(lab: LogLab, random: Random, count: int, start: int = 0) -> list[Batch]:
    """Batches of some records each, with payloads of any length, one behind the other."""
    found: list[Batch] = []
    for number in range(count):
        payload = bytes(random.randrange(256) for _ in range(random.randrange(1, 60)))
        records = random.randrange(1, 4)
        found.append(lab.Batch(start, 1, records, -1, -1, -1, number, payload))
        start += records
    return found


def segment_of(lab: LogLab, batches: list[Batch], index_every: int) -> Segment:
    """A segment with these batches in it."""
    segment = lab.Segment(batches[0].base_offset, lab.MemoryFile(), index_every)
    for batch in batches:
        segment.append(batch)
    return segment


def expected(lab: LogLab, batches: list[Batch], offset: int, most: int, end: int) -> list[Batch]:
    """What a read finds, by looking at every batch."""
    wanted = [batch for batch in batches if offset < batch.next_offset <= end]
    sums = list(accumulate(lab.size_of(batch) for batch in wanted))
    fitting = sum(each <= most for each in sums)
    return wanted[: max(fitting, 1)]


@graded(points=2, title="Where to begin", requirement="SOSP-style sparse index: NetDB'11, 3.1")
def test_the_index_leads_to_the_last_place_that_is_not_too_far(lab: LogLab, sweep: Sweep) -> None:
    for seed in sweep(20):
        random = Random(f"index/{seed}")
        batches = some_batches(lab, random, 30, start=100)
        segment = segment_of(lab, batches, index_every=200)
        index = segment.index
        assert 3 < len(index) < len(batches), "some batches are in the index, and not all"
        for offset in range(100, batches[-1].next_offset + 2):
            before = [position for entry, position in index if entry <= offset]
            assert segment.position_before(offset) == before[-1]
        assert segment.position_before(50) == 0


@graded(points=3, title="Reading", requirement="whole batches, from the one that holds the offset")
def test_a_read_finds_what_looking_at_every_batch_finds(lab: LogLab, sweep: Sweep) -> None:
    for seed in sweep(20):
        random = Random(f"read/{seed}")
        batches = some_batches(lab, random, 25)
        segment = segment_of(lab, batches, random.choice((1, 100, 5000)))
        last = batches[-1].next_offset
        for _ in range(40):
            offset, end = random.randrange(last + 1), random.randrange(last + 2)
            most = random.choice((1, 100, 300, FAR))
            found = list(segment.read(offset, most, end))
            assert found == expected(lab, batches, offset, most, end), (offset, most, end)
        assert len(segment.read(0, FAR, last)) == 25, "all of them can be read"
        two = lab.size_of(batches[0]) + lab.size_of(batches[1])
        assert len(segment.read(0, two, last)) == 2, "just as much as is wanted"
        assert len(segment.read(0, two - 1, last)) == 1


@graded(points=2, title="Truncating", requirement="half a batch is none")
def test_a_segment_is_cut_before_the_first_batch_that_reaches_beyond(
    lab: LogLab, sweep: Sweep
) -> None:
    for seed in sweep(20):
        random = Random(f"truncate/{seed}")
        batches = some_batches(lab, random, 15)
        segment = segment_of(lab, batches, 150)
        offset = random.randrange(batches[-1].next_offset + 1)
        gone = segment.truncate(offset)
        kept = [each for each in batches if each.next_offset <= offset]
        assert list(segment.read(0, FAR, ALL)) == kept
        assert list(gone) == [each.base_offset for each in batches[len(kept) :]]
        at = kept[-1].next_offset if kept else 0
        assert segment.next_offset == at
        assert segment.newest == max((each.timestamp for each in kept), default=0)
        more = some_batches(lab, random, 5, start=at)
        for batch in more:
            segment.append(batch)
        assert list(segment.read(0, FAR, ALL)) == kept + more, "and it grows again from there"
        assert list(segment.read(at, FAR, ALL)) == more, "the index is that of what is there"


@graded(points=3, title="A torn end", requirement="what was not written whole is cut off, once")
def test_a_torn_end_is_cut_off_wherever_it_was_torn(lab: LogLab, sweep: Sweep) -> None:
    for seed in sweep(6):
        batches = some_batches(lab, Random(f"torn/{seed}"), 4)
        whole = b"".join(lab.framed(batch) for batch in batches[:-1])
        last = lab.framed(batches[-1])
        for length in range(0, len(last), 5):
            segment = lab.Segment(0, lab.MemoryFile(whole + last[:length]), 100)
            assert segment.recover(last=True) == length
            assert list(segment.read(0, FAR, ALL)) == batches[:-1]
            segment.append(batches[-1])
            assert list(segment.read(0, FAR, ALL)) == batches
        intact = lab.Segment(0, lab.MemoryFile(whole + last), 100)
        assert intact.recover(last=True) == 0
        assert list(intact.read(0, FAR, ALL)) == batches, "what is whole stays"
        garbled = lab.Segment(0, lab.MemoryFile(whole + last[:-1] + bytes([last[-1] ^ 1])), 100)
        assert garbled.recover(last=True) == len(last), "written in part, though of full length"


@graded(points=2, title="Damage", requirement="corruption is reported, and never served")
def test_damage_that_is_no_torn_end_is_reported(lab: LogLab, sweep: Sweep) -> None:
    for seed in sweep(6):
        random = Random(f"damage/{seed}")
        batches = some_batches(lab, random, 4)
        frames = [lab.framed(batch) for batch in batches]
        data = bytearray(b"".join(frames))
        at = random.randrange(len(data) - len(frames[-1]))
        data[at] ^= 1 << random.randrange(8)
        file = lab.MemoryFile(bytes(data))
        segment = lab.Segment(0, file, 100)
        with pytest.raises(lab.CorruptLog):
            segment.recover(last=True)
        assert file.data == data, "nothing of it is thrown away: the next start finds it as well"
        torn = lab.Segment(0, lab.MemoryFile(b"".join(frames)[:-3]), 100)
        with pytest.raises(lab.CorruptLog):
            torn.recover(last=False)  # the segment after it was begun when this one was whole
        whole = lab.Segment(0, lab.MemoryFile(b"".join(frames)), 100)
        assert whole.recover(last=False) == 0
