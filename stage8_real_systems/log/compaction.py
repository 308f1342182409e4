"""Part 2, compaction by key: of each key, what was said last.

A log of changes to a table need not keep a change that a later one has made void. Compaction reads
the segments that are full, and leaves of each key the last record only. Offsets do not change: a
record keeps its own, and what lay between is simply not there. So a reader that is somewhere in the
middle notices nothing, and one that starts from the beginning gets the whole table.

A record without a value says that its key is gone; readers that are behind have to hear of it. So
it stays for one compaction, and is dropped by the next one: Kafka lets it stay for a day.

A batch in which nothing is left stays as an empty one. Then offsets have no holes, and what it says
of its producer is not lost (``producers``).
"""

from collections.abc import Iterable

from stage8_real_systems.log.batches import Batch, Record, pack, unpack
from stage8_real_systems.log.storage import Log


def compact(log: Log, below: int, clean_to: int = 0) -> tuple[tuple[Batch, ...], int]:
    """Compact the full segments of ``log`` that lie below the high watermark.

    Args:
        log: its payloads are what :func:`~stage8_real_systems.log.batches.pack` makes.
        below: the high watermark. A record above it may be taken back, so it makes nothing void.
        clean_to: where the last compaction ended; deletions below are dropped.

    Returns:
        The batches that have changed, for those who keep them elsewhere too; and where this
        compaction ended.
    """
    full = [at for at, each in enumerate(log.segments[:-1]) if each.next_offset <= below]
    if not full:
        return (), clean_to
    latest = latest_offsets(batch for at in full for batch in log.segments[at].batches())
    changed: list[Batch] = []
    for at in full:
        batches = tuple(log.segments[at].batches())
        cleaned = tuple(without_void(batch, latest, clean_to) for batch in batches)
        if cleaned != batches:
            changed += [new for new, old in zip(cleaned, batches, strict=True) if new != old]
            log.replace(at, cleaned)
    return tuple(changed), log.segments[full[-1]].next_offset


def latest_offsets(batches: Iterable[Batch]) -> dict[str, int]:
    """The offset of the last record of each key."""
    return {
        record.key: batch.base_offset + record.delta
        for batch in batches
        for record in unpack(batch.payload)
    }


def without_void(batch: Batch, latest: dict[str, int], clean_to: int) -> Batch:
    """The batch without the records that are void, and without deletions below ``clean_to``."""

    def stays(record: Record) -> bool:
        offset = batch.base_offset + record.delta
        is_old_deletion = record.value is None and offset < clean_to
        return latest[record.key] == offset and not is_old_deletion

    kept = [record for record in unpack(batch.payload) if stays(record)]
    return batch.with_payload(pack(kept) if kept else b"")
