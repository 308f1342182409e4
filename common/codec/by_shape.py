"""What the codecs have in common that leave the bytes to a library with schemas of its own."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from common.codec.anything import Shapes
from common.codec.frames import MAX_FRAME
from common.codec.plain import Format, Mismatch
from common.codec.records import RecordShape
from common.codec.shapes import Shape
from common.contract.schema import Schema
from common.values.errors import ContractError, LabError, RemoteProtocolError


class ShapeCodec(ABC):
    """Messages by way of plain data and a library; see :class:`common.codec.codec.Codec`.

    The shapes check every value on both ways, as they do for JSON and MessagePack. So whatever a
    library lets pass, no value reaches a node that is not of its declared type.

    Args:
        schema: the classes that may cross the wire.
        max_size: the largest encoded value, in bytes.
    """

    format: ClassVar[Format]

    def __init__(self, schema: Schema, max_size: int = MAX_FRAME) -> None:
        self.schema = schema
        self.max_size = max_size
        self._shapes = Shapes(schema, self.format)

    def encode(self, value: object) -> bytes:
        """The bytes of a declared value, or of atoms and tuples of them. Raises: ContractError."""
        kind = type(value)
        name = self.schema.name_of(kind)
        name = name if name in self.schema.kinds else None
        try:
            shape: Shape = self._shapes.anything if name is None else self._shapes.record(kind)
            data = self._write(name or "", shape, shape.pack(value))
        except Mismatch as error:
            raise ContractError(f"cannot encode: {error.sentence(kind.__name__)}") from None
        except LabError:
            raise
        except Exception as error:  # each library has errors of its own
            raise ContractError(f"cannot encode a {kind.__name__}: {error}") from None
        if len(data) > self.max_size:
            raise ContractError(
                f"a {kind.__name__} takes {len(data)} bytes, more than the {self.max_size} that "
                "one frame may carry: split it into several messages"
            )
        return data

    def decode(self, data: bytes | memoryview) -> object:
        """The value that ``data`` stands for. Raises: RemoteProtocolError."""
        if len(data) > self.max_size:
            raise RemoteProtocolError(
                f"a message of {len(data)} bytes came, at most {self.max_size} are allowed"
            )
        name = ""
        try:
            name, body = self._split(bytes(data))
            shape = self._record(name) if name else self._shapes.anything
            return shape.unpack(self._read(name, shape, body))
        except Mismatch as error:
            where = name or "the message"
            raise RemoteProtocolError(f"not understood: {error.sentence(where)}") from None
        except RemoteProtocolError:
            raise
        except Exception as error:  # each library has errors of its own, and so has a class
            what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            raise RemoteProtocolError(
                f"{len(data)} bytes came that are no {self.format.name} message: {what}"
            ) from None

    def _record(self, name: str) -> RecordShape:
        """The shape of the class of this name. Raises: RemoteProtocolError."""
        kind = self.schema.kinds.get(name)
        if kind is None:
            known = ", ".join(self.schema.kinds) or "none"
            raise RemoteProtocolError(
                f"a message {name[:60]!r} came, which is not in the schema: it has {known}"
            )
        return self._shapes.record(kind)

    @abstractmethod
    def _write(self, name: str, shape: Shape, plain: Any) -> bytes:
        """A message from its plain data; the name is "" for what is no declared class."""

    @abstractmethod
    def _split(self, data: bytes) -> tuple[str, bytes]:
        """The name of a message, and the rest."""

    @abstractmethod
    def _read(self, name: str, shape: Shape, body: bytes) -> Any:
        """The plain data of a message."""
