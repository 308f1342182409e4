"""LZW as Go's ``compress/lzw`` writes it: least significant bit first, literals of 8 bits.

T. A. Welch, "A Technique for High-Performance Data Compression", IEEE Computer 17 (1984). Codes 0
to 255 are single bytes, 256 empties the table, 257 ends. Each further code stands for the text of
the code before it and one byte more. Codes begin with 9 bits and grow to 12 with the table.

A code of 12 bits can stand for thousands of bytes, so a small packet can be a bomb. What comes out
is bounded, and the table never holds more than what came out.
"""

from common.runtime.refusals import Refused

CLEAR, END, FIRST = 256, 257, 258
LEAST_WIDTH, MOST_WIDTH = 9, 12
_EMPTY = [bytes([value]) for value in range(256)] + [b"", b""]


def unpack(data: bytes, most: int) -> bytes:
    """What was compressed.

    Args:
        data: the compressed bytes.
        most: so many bytes may come out.

    Raises:
        Refused: more came out, a code stands for nothing, or the end is missing.
    """
    texts, before, width = list(_EMPTY), b"", LEAST_WIDTH
    out = bytearray()
    held = held_bits = 0
    for byte in data:
        held |= byte << held_bits
        held_bits += 8
        if held_bits < width:
            continue
        code = held & ((1 << width) - 1)
        held >>= width
        held_bits -= width
        if code == END:
            return bytes(out)
        if code == CLEAR:
            texts, before, width = list(_EMPTY), b"", LEAST_WIDTH
            continue
        if code > len(texts) or (code == len(texts) and not before):
            raise Refused("garbled", "it has a compressed part with a code that stands for nothing")
        text = texts[code] if code < len(texts) else before + before[:1]
        if before and len(texts) < 1 << MOST_WIDTH:
            texts.append(before + text[:1])
        out += text
        if len(out) > most:
            raise Refused("bomb", f"it unpacks to more than the {most} bytes that are allowed")
        before = text
        if len(texts) == 1 << width and width < MOST_WIDTH:
            width += 1
    raise Refused("cut", "it is cut: a compressed part has no end")
