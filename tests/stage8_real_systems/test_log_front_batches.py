"""Which batches the front of the lab log takes from producers, and what consumers get."""

import pytest

pytest.importorskip("crc32c", reason="crc32c is not installed: pip install -e '.[kafka]'")

from stage8_real_systems.log.batches import Batch, Record, batch_of, pack
from stage8_real_systems.log.front.batches import MAX_BATCH, Unacceptable, taken, written
from stage8_real_systems.log.front.codes import Code
from tests.support.kafka_front import batch


def test_a_good_batch_is_taken_with_what_its_header_says() -> None:
    data = batch(2, producer=7, epoch=1, sequence=40)
    assert taken(data, 9) == Batch(0, 0, 2, 7, 1, 40, 9, data)


def test_a_producer_below_zero_is_nobody() -> None:
    assert taken(batch(producer=-7), 9).producer == -1


def test_a_bit_that_flips_anywhere_in_what_is_checked_is_noticed() -> None:
    whole = batch(2)
    for place in range(17, len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        with pytest.raises(Unacceptable) as found:
            taken(bytes(changed), 9)
        assert found.value.code is Code.CORRUPT_MESSAGE


@pytest.mark.parametrize(
    ("data", "version", "name"),
    [
        (None, 9, "CORRUPT_MESSAGE"),
        (b"", 9, "CORRUPT_MESSAGE"),
        (batch()[:60], 9, "CORRUPT_MESSAGE"),
        (batch() + bytes(MAX_BATCH), 9, "MESSAGE_TOO_LARGE"),
        (batch(magic=1), 9, "INVALID_RECORD"),
        (batch() + batch(), 9, "INVALID_RECORD"),
        (batch()[:-1], 9, "INVALID_RECORD"),
        (batch(0), 9, "INVALID_RECORD"),
        (batch(3, last=3), 9, "INVALID_RECORD"),
        (batch(attributes=0x10), 9, "INVALID_RECORD"),
        (batch(attributes=0x20), 9, "INVALID_RECORD"),
        (batch(producer=1), 9, "INVALID_RECORD"),
        (batch(3), 9, "INVALID_RECORD"),  # 20 bytes of records; each has 7 at least
        (batch(2**31 - 1), 9, "INVALID_RECORD"),
        (batch(attributes=0x08), 9, "INVALID_TIMESTAMP"),
        (batch(attributes=4), 6, "UNSUPPORTED_COMPRESSION_TYPE"),
        (batch(attributes=5), 9, "UNSUPPORTED_COMPRESSION_TYPE"),
    ],
)
def test_a_bad_batch_is_refused_by_its_name(data: bytes | None, version: int, name: str) -> None:
    with pytest.raises(Unacceptable) as found:
        taken(data, version)
    assert found.value.code.name == name
    assert taken(batch(attributes=4), 7)


def test_only_the_place_is_written_and_that_leaves_the_checksum_right() -> None:
    data = batch(2)
    placed = written(Batch(1_000, 7, 2, -1, -1, -1, 9, data))
    assert placed[:8] == (1_000).to_bytes(8)
    assert placed[12:16] == (7).to_bytes(4)
    assert (placed[8:12], placed[16:]) == (data[8:12], data[16:])
    assert taken(placed, 9).count == 2


def test_what_the_courses_own_clients_wrote_is_read_by_kafkas() -> None:
    record = pytest.importorskip("kafka.record", reason="kafka-python is not installed")
    ours = batch_of(("a", "1"), ("ä", None), ("c", "x" * 300), timestamp=77).placed(50, 3)
    data = written(ours)
    assert taken(data, 9).count == 3
    found = record.MemoryRecords(data).next_batch()
    assert [(each.offset, each.key, each.value) for each in found] == [
        (50, b"a", b"1"),
        (51, "ä".encode(), None),
        (52, b"c", b"x" * 300),
    ]
    assert found.leader_epoch == 3


def test_what_was_compacted_away_is_a_gap_and_a_batch_without_records_keeps_its_place() -> None:
    record = pytest.importorskip("kafka.record", reason="kafka-python is not installed")
    kept = Record(0, "a", "1"), Record(2, "c", "3")
    first = Batch(50, 3, 3, -1, -1, -1, 77, pack(kept))
    nothing = Batch(53, 3, 2, -1, -1, -1, 78, b"")
    records = record.MemoryRecords(written(first) + written(nothing))
    batch, empty = records.next_batch(), records.next_batch()
    assert [(each.offset, each.key, each.value) for each in batch] == [
        (50, b"a", b"1"),
        (52, b"c", b"3"),
    ]
    assert (batch.next_offset, list(empty), empty.next_offset) == (53, [], 55)
