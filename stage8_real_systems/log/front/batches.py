"""Which record batches are taken from a producer, and why others are not.

A batch arrives as bytes and stays bytes: nothing in it is uncompressed or written again, so that
the checksum that its producer made reaches its consumers. The broker writes two fields, the offset
of the first record and the leader's epoch, and both stand before what the checksum covers::

     0  base offset             8 bytes   written by the broker
     8  length of all behind    4
    12  leader epoch            4         written by the broker
    16  magic                   1         2, the format of this page
    17  checksum                4         CRC-32C of all behind
    21  attributes              2         compression, a transaction's or not, control or not
    23  last offset delta       4         records - 1
    27  first, greatest time    8 + 8
    43  producer, its epoch     8 + 2     -1 for one that is not idempotent
    53  first sequence number   4
    57  records                 4         how many follow
"""

from struct import Struct, pack

import crc32c

from stage8_real_systems.log.batches import NOBODY, Batch, Record, unpack
from stage8_real_systems.log.front.codes import Code
from stage8_real_systems.log.front.wire import write_varint

HEADER = Struct(">qiibIhiqqqhii")
CHECKSUM_AT = 17
LENGTH_FROM = 12
"""The length counts what stands behind itself."""
CHECKED_FROM = 21
"""Where that begins which the checksum covers."""

MAX_BATCH = 1_048_588
"""The longest batch in bytes, Kafka's own default of ``message.max.bytes``."""

LEAST_RECORD = 7
"""Bytes of a record that has neither key nor value: one for each of its fields."""

CODECS = 0b111
ZSTD = 4
APPEND_TIME = 0b1000
TRANSACTIONAL = 0b1_0000
CONTROL = 0b10_0000
ZSTD_SINCE = 7
"""From this version of Produce on, a producer may know that zstd is understood (KIP-110)."""


class Unacceptable(Exception):
    """A batch is not taken; the text says why.

    Attributes:
        code: Kafka's number for it.
    """

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code


def taken(records: bytes | None, version: int) -> Batch:
    """What a producer sent for one partition, for the broker.

    Args:
        records: the field of the request; one batch is due.
        version: of Produce.

    Raises:
        Unacceptable: it is not taken.
    """
    if records is None or len(records) < HEADER.size:
        raise Unacceptable(Code.CORRUPT_MESSAGE, "a batch has a header of 61 bytes at least")
    if len(records) > MAX_BATCH:
        raise Unacceptable(Code.MESSAGE_TOO_LARGE, f"a batch has at most {MAX_BATCH} bytes")
    _, length, _, magic, checksum, attributes, last, _, greatest, producer, epoch, first, count = (
        HEADER.unpack_from(records)
    )
    if magic != 2:
        text = f"a batch of format 2 is due, and this is of format {magic}"
        raise Unacceptable(Code.INVALID_RECORD, text)
    if length + LENGTH_FROM != len(records):
        text = "one batch for each partition is due, of the length that it claims"
        raise Unacceptable(Code.INVALID_RECORD, text)
    if crc32c.crc32c(memoryview(records)[CHECKED_FROM:]) != checksum:
        raise Unacceptable(Code.CORRUPT_MESSAGE, "the checksum is wrong: it was changed on its way")
    if problem := _problem(attributes, version):
        raise problem
    if count < 1 or last != count - 1:
        text = "the number of its records and the offset of the last one do not agree"
        raise Unacceptable(Code.INVALID_RECORD, text)
    if not attributes & CODECS and count * LEAST_RECORD > len(records) - HEADER.size:
        text = f"it claims {count} records, and has no room for so many"
        raise Unacceptable(Code.INVALID_RECORD, text)
    if producer >= 0 and (epoch < 0 or first < 0):
        text = "an idempotent producer numbers its lives and its records"
        raise Unacceptable(Code.INVALID_RECORD, text)
    producer = max(producer, NOBODY)  # whatever is below 0 is nobody
    return Batch(0, 0, count, producer, epoch, first, greatest, records)


def _problem(attributes: int, version: int) -> Unacceptable | None:
    if attributes & (TRANSACTIONAL | CONTROL):
        return Unacceptable(Code.INVALID_RECORD, "there are no transactions here")
    if attributes & APPEND_TIME:
        text = "the times in a batch are its producer's: leave the timestamp type 0"
        return Unacceptable(Code.INVALID_TIMESTAMP, text)
    compression = attributes & CODECS
    if compression > ZSTD or (compression == ZSTD and version < ZSTD_SINCE):
        text = "consumers would not understand how it is compressed"
        return Unacceptable(Code.UNSUPPORTED_COMPRESSION_TYPE, text)
    return None


def written(batch: Batch) -> bytes:
    """A batch as consumers get it, with the place that it has in the log."""
    payload = batch.payload
    if payload[:1] in (b"", b"["):  # the work of the course's own clients, who write JSON
        payload = _encoded(batch)
    place = pack(">q", batch.base_offset), pack(">i", batch.epoch)
    return b"".join((place[0], payload[8:12], place[1], payload[16:]))


def _encoded(batch: Batch) -> bytes:
    """What a client of the course wrote, in Kafka's format; what was compacted away is a gap."""
    records = unpack(batch.payload)
    body = b"".join(map(_record, records))
    made = bytearray(HEADER.size)
    HEADER.pack_into(
        made, 0, 0, HEADER.size - LENGTH_FROM + len(body), 0, 2, 0, 0, batch.count - 1,
        batch.timestamp, batch.timestamp, batch.producer, batch.producer_epoch, batch.sequence,
        len(records),
    )  # fmt: skip
    made += body
    made[CHECKSUM_AT:CHECKED_FROM] = pack(">I", crc32c.crc32c(memoryview(made)[CHECKED_FROM:]))
    return bytes(made)


def _record(record: Record) -> bytes:
    """A record: varints with a sign before each part, and no headers."""
    body = bytearray(b"\0\0")  # no attributes; made when the batch was
    _signed(body, record.delta)
    for part in (record.key, record.value):
        data = None if part is None else part.encode()
        _signed(body, -1 if data is None else len(data))
        body += data or b""
    body.append(0)
    made = bytearray()
    _signed(made, len(body))
    return bytes(made + body)


def _signed(out: bytearray, value: int) -> None:
    """Append a number with a sign: 0, -1, 1, -2 ... are written as 0, 1, 2, 3 ..."""
    write_varint(out, value * 2 if value >= 0 else -value * 2 - 1)
