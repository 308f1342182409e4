"""What every codec is, and what the two that write plain data have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import msgspec

from common.codec.anything import Shapes
from common.codec.frames import MAX_FRAME
from common.codec.plain import Format, Mismatch
from common.codec.quick import UNUSUAL, Memory, PlainFormat, Quick
from common.codec.records import RecordShape
from common.codec.shapes import Convert
from common.contract.schema import Schema
from common.contract.wrapped import Inner
from common.values.errors import ContractError, LabError, RemoteProtocolError

_UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError)
_UNWRITABLE = (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError)
_NEVER_DECLARED = (tuple, str, int, type(None))
_NOT_QUICK = (*UNUSUAL, msgspec.MsgspecError, RecursionError, LabError)


class Codec(Protocol):
    """Turns values into bytes and back. ``decode(encode(value)) == value``, types included.

    Attributes:
        max_size: the largest encoded value, in bytes.
    """

    max_size: int

    def encode(self, value: object) -> bytes:
        """The bytes of a declared value, or of atoms and tuples of them.

        Raises:
            ContractError: the value does not fit its own declared types, or is too large.
        """

    def decode(self, data: bytes | memoryview) -> object:
        """The value that ``data`` stands for.

        Raises:
            RemoteProtocolError: it stands for none; the text says what came and what was expected.
        """


Read: TypeAlias = Callable[[bytes | memoryview], Any]


class Plan:
    """How the values of one class are coded: by msgspec alone where possible, else quickly.

    What is neither goes the long way, by the class's shape.
    """

    __slots__ = ("fields_fit", "head", "name", "native", "pack", "read", "shape")

    def __init__(
        self, name: str, shape: RecordShape, head: bytes, read: Read, pack: Convert
    ) -> None:
        self.name = name
        self.shape = shape
        self.head = head
        self.read = read
        self.pack = pack
        self.native = shape.native
        self.fields_fit = shape.fields_fit


class PlainCodec(ABC):
    """A codec by way of plain data.

    Most classes have fields that msgspec can check and convert by itself, in C. They take that
    short cut, and the others the quick way (:mod:`common.codec.quick`). Whatever these refuse takes
    the long way through shapes, which either finds that the value was right after all (an integer
    of 160 bits) or says exactly what is wrong. All ways write the same bytes.

    Args:
        schema: the classes that may cross the wire.
        max_size: the largest encoded value, in bytes.
        memory: of the encoded parts of messages; two codecs of one schema and format may share it.
        eager: plan for all classes at once; else for each when it is first needed, which starts
            sooner.
    """

    format: Format
    raw: PlainFormat | None = None
    """What reads and writes parts of a message; None where parts are not kept as bytes."""

    def __init__(
        self,
        schema: Schema,
        max_size: int = MAX_FRAME,
        memory: Memory | None = None,
        eager: bool = True,
    ) -> None:
        self.schema = schema
        self.max_size = max_size
        self._shapes = shapes = Shapes(schema, self.format)
        self._anything = shapes.anything
        self._memory = memory or Memory()
        self._quick = Quick(schema, self.format, shapes.record, self.raw, self._memory)
        self._plans: dict[type, Plan] = {}
        self._by_name: dict[str, Plan] = {}
        for name in schema.kinds if eager else ():
            self._plan(name)

    def _plan(self, name: str) -> Plan | None:
        """The plan for the class of this name, made if there is none yet; None for no class."""
        kind = self.schema.kinds.get(name)
        if kind is None:
            return None
        plan = self._by_name.get(name)
        if plan is None:
            shape = self._shapes.record(kind)
            read = self._typed_reader(kind) if shape.native else self._quick_reader(kind)
            plan = Plan(name, shape, self._head(name), read, self._quick.pack(kind))
            self._plans[kind] = self._by_name[name] = plan
        return plan

    def _plan_of(self, kind: type) -> Plan | None:
        name = self.schema.name_of(kind)
        return None if name is None else self._plan(name)

    def encode(self, value: object) -> bytes:
        """The bytes of a declared value, or of atoms and tuples of them.

        Raises:
            ContractError: the value does not fit its own declared types, or is too large.
        """
        kind = value.__class__
        plan = self._plans.get(kind)
        if plan is None and kind not in _NEVER_DECLARED:
            plan = self._plan_of(kind)
        if plan is not None and plan.native and plan.fields_fit(value):
            try:
                data = self._join(plan.head, value)
            except _UNWRITABLE:
                data = self._encode_shape(plan, value)
        else:
            try:
                if plan is None:
                    data = self._write_other(self._quick.pack_any(value))
                elif kind is Inner:
                    data = self._join_inner(value)  # type: ignore[arg-type]
                elif (known := self._memory.find(value)) is not None:
                    data = plan.head + known
                else:
                    data = self._write_record(plan.name, plan.pack(value, 0))
            except _NOT_QUICK:
                data = self._encode_shape(plan, value)
        if len(data) > self.max_size:
            raise ContractError(
                f"a {type(value).__name__} takes {len(data)} bytes, more than the "
                f"{self.max_size} that one frame may carry: split it into several messages"
            )
        return data

    def _quick_reader(self, kind: type) -> Read:
        """The quick way to a value of a class that msgspec cannot read by itself."""
        unpack = self._quick.unpack(kind)
        read = self._plain_reader(self._quick.layout(kind) or Any)
        return lambda data: unpack(read(data), 0)

    def _encode_shape(self, plan: Plan | None, value: object) -> bytes:
        name = type(value).__name__
        try:
            if plan is None:
                return self._write_other(self._anything.pack(value))
            return self._write_record(plan.name, plan.shape.pack(value))
        except Mismatch as error:
            raise ContractError(f"cannot encode: {error.sentence(name)}") from None
        except _UNWRITABLE as error:
            raise ContractError(f"cannot encode a {name}: {error}") from None

    def decode(self, data: bytes | memoryview) -> object:
        """The value that ``data`` stands for.

        Raises:
            RemoteProtocolError: it stands for none; the text says what came and what was expected.
        """
        if len(data) <= self.max_size:
            try:
                return self._read_native(data)
            except _NOT_QUICK:
                pass  # the long way says why, or finds that it is right
        return self._decode_shape(data)

    def _decode_shape(self, data: bytes | memoryview) -> object:
        if len(data) > self.max_size:
            raise RemoteProtocolError(
                f"a message of {len(data)} bytes came, at most {self.max_size} are allowed"
            )
        name: str | None = None
        try:
            name, plain = self._split(data)
            if name is None:
                return self._anything.unpack(plain)
            plan = self._plan(name)
            if plan is None:
                known = ", ".join(self.schema.kinds) or "none"
                raise RemoteProtocolError(
                    f"a message {name[:60]!r} came, which is not in the schema: it has {known}"
                )
            return plan.shape.unpack(plain)
        except Mismatch as error:
            where = "the message" if name is None else name
            raise RemoteProtocolError(f"not understood: {error.sentence(where)}") from None
        except RecursionError:
            raise RemoteProtocolError("a message came that is nested too deeply") from None
        except (*_UNREADABLE, LabError) as error:
            if isinstance(error, RemoteProtocolError):
                raise
            raise RemoteProtocolError(
                f"{len(data)} bytes came that are no {self.format.name} message: {error}"
            ) from None

    @abstractmethod
    def _head(self, name: str) -> bytes:
        """The bytes with which each message of this name begins."""

    @abstractmethod
    def _typed_reader(self, kind: type) -> Read:
        """msgspec's decoder of the body of a class whose shape is native."""

    @abstractmethod
    def _plain_reader(self, layout: Any) -> Read:
        """msgspec's decoder of the body of another class, as plain data of the type ``layout``."""

    @abstractmethod
    def _join(self, head: bytes, value: object) -> bytes:
        """A message whose class is native."""

    def _join_inner(self, inner: Inner) -> bytes:
        """A message of a subnode. Raises: LookupError, where it is written as any other."""
        raise LookupError("it is written as any other")

    @abstractmethod
    def _read_native(self, data: bytes | memoryview) -> object:
        """A message that begins in the usual way, read natively or quickly.

        Raises:
            LookupError: it begins in another way.
            Exception: what msgspec, the quick way and the class itself raise for what they refuse.
        """

    @abstractmethod
    def _write_record(self, name: str, plain: dict[str, Any]) -> bytes:
        """A message from the plain data of its fields."""

    @abstractmethod
    def _write_other(self, plain: Any) -> bytes:
        """A message from the plain data of something that is no declared class."""

    @abstractmethod
    def _split(self, data: bytes | memoryview) -> tuple[str | None, Any]:
        """The name (None for other than a declared class) and the plain data of a message."""
