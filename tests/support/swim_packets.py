"""Packets of memberlist made by hand, and LZW as Go writes it, for tests of swim's front."""

import socket
from collections.abc import Mapping

import msgpack

CLEAR, END = 256, 257


def packed(fields: Mapping[str, object]) -> bytes:
    """A map in the old MessagePack, as Go's library of memberlist writes it."""
    made: bytes = msgpack.packb(fields, use_bin_type=False)
    return made


def ping(to: str, number: int) -> bytes:
    """A ping of somebody who does not say who it is."""
    return b"\x00" + packed({"SeqNo": number, "Node": to})


def alive(name: str, port: int, incarnation: int = 1) -> bytes:
    """Somebody says that it is there, on this machine."""
    return b"\x04" + packed(
        {"Incarnation": incarnation, "Node": name, "Addr": socket.inet_aton("127.0.0.1"),
         "Port": port, "Meta": b"", "Vsn": bytes([1, 5, 2, 2, 5, 4])}
    )  # fmt: skip


def compressed(data: bytes) -> bytes:
    """LZW, least significant bit first, literals of 8 bits: written anew, to test the reader."""
    codes: dict[bytes, int] = {bytes([value]): value for value in range(256)}
    bits = width = out_bits = 0
    out = bytearray()

    def put(code: int) -> None:
        nonlocal bits, out_bits
        bits |= code << out_bits
        out_bits += width
        while out_bits >= 8:
            out.append(bits & 255)
            bits >>= 8
            out_bits -= 8

    following, width = 257, 9  # the number of the last code given, as the reader counts them
    put(CLEAR)
    text = b""
    for value in data:
        longer = text + bytes([value])
        if longer in codes:
            text = longer
            continue
        put(codes[text])
        following += 1
        if following < 4096:
            codes[longer] = following
        if following == 1 << width and width < 12:
            width += 1
        if following == 4095:
            put(CLEAR)
            codes = {bytes([each]): each for each in range(256)}
            following, width = 257, 9
        text = bytes([value])
    if text:
        put(codes[text])
        following += 1
        if following == 1 << width and width < 12:
            width += 1
    put(END)
    if out_bits:
        out.append(bits & 255)
    return bytes(out)


def compress(data: bytes) -> bytes:
    """A packet that is compressed."""
    return b"\x09" + packed({"Algo": 0, "Buf": compressed(data)})


BOMB = compress(bytes(1_000_000))
"""Two kilobytes that become a million."""
