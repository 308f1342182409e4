"""Floor 2: bytes to messages and back, from the dataclass alone, and frames to carry them in."""

from common.codec.codec import Codec
from common.codec.frames import MAX_FRAME, FrameReader, frame
from common.codec.json_codec import JsonCodec
from common.codec.messagepack import MessagePackCodec
from common.codec.named import CodecName, codec_named
from common.codec.quick import Memory

__all__ = [
    "MAX_FRAME",
    "Codec",
    "CodecName",
    "FrameReader",
    "JsonCodec",
    "Memory",
    "MessagePackCodec",
    "codec_named",
    "frame",
]
