"""One request of a client, and its answer: opcodes, prepared statements, results as bytes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import md5

from stage3_partitioning.cassandra.front.changes import BIGINT
from stage3_partitioning.cassandra.front.cql import parse
from stage3_partitioning.cassandra.front.exchange import (
    Answer,
    Asked,
    Place,
    Rows,
    SchemaChange,
    UsedKeyspace,
)
from stage3_partitioning.cassandra.front.schema import Table, column_of
from stage3_partitioning.cassandra.front.statements import INT, Statements
from stage3_partitioning.cassandra.front.syntax import Batch, Change, Select, Statement, Term
from stage3_partitioning.cassandra.front.system import CQL_VERSION
from stage3_partitioning.cassandra.front.types import Type
from stage3_partitioning.cassandra.front.wire import (
    BATCH,
    EXECUTE,
    INVALID,
    OPTIONS,
    PREPARE,
    PROTOCOL_ERROR,
    QUERY,
    READY,
    REGISTER,
    RESULT,
    STARTUP,
    SUPPORTED,
    UNPREPARED,
    Body,
    CqlError,
    int32,
    short,
    string,
    string_multimap,
    value,
)

VOID, ROWS, SET_KEYSPACE, PREPARED, SCHEMA_CHANGE = 1, 2, 3, 4, 5
GLOBAL_TABLE, MORE_PAGES, NO_METADATA = 0x01, 0x02, 0x04
VALUES, SKIP_METADATA, PAGE_SIZE, PAGING_STATE, SERIAL_LEVEL, TIMESTAMP, NAMES = (
    1 << bit for bit in range(7)
)
COUNTERS = 2
"""This kind of batch is of counters."""

MOST_PREPARED = 1000
"""So many statements of a node stay prepared; then the oldest is forgotten, and clients are told to
prepare it again."""

Prepared = dict[bytes, tuple[str, str]]
"""By id, the keyspace that was in use, and the statement. All clients of a node share them."""


@dataclass(slots=True)
class Requests:
    """The requests of one client.

    Attributes:
        statements: carries them out.
        prepared: what is prepared.
        keyspace: that the client uses.
    """

    statements: Statements
    prepared: Prepared = field(default_factory=dict)
    keyspace: str = ""

    async def answer(self, opcode: int, data: bytes) -> tuple[int, bytes]:
        """The opcode and the body of the answer.

        Raises:
            CqlError: what the client is told instead.
        """
        body = Body(data)
        match opcode:
            case _ if opcode == OPTIONS:
                offered = {"CQL_VERSION": [CQL_VERSION], "COMPRESSION": []}
                return SUPPORTED, string_multimap(offered)
            case _ if opcode == STARTUP:
                if "COMPRESSION" in body.string_map():
                    raise CqlError(PROTOCOL_ERROR, "no compression is offered here")
                return READY, b""
            case _ if opcode == REGISTER:
                body.strings()
                return READY, b""  # nothing happens here of which there are events
            case _ if opcode == QUERY:
                statement, _ = parse(body.long_string())
                return RESULT, await self._carried_out(statement, self.keyspace, body)
            case _ if opcode == PREPARE:
                return RESULT, await self._prepare(body.long_string())
            case _ if opcode == EXECUTE:
                return RESULT, await self._carried_out(*self._known(body.short_bytes()), body)
            case _ if opcode == BATCH:
                return RESULT, await self._batch(body)
        raise CqlError(PROTOCOL_ERROR, f"there is no request with the opcode {opcode:#04x}")

    def _known(self, id: bytes) -> tuple[Statement, str]:
        """A statement that was prepared, and the keyspace that was in use."""
        if id not in self.prepared:
            raise CqlError(UNPREPARED, "prepare it again", short(len(id)) + id)
        keyspace, cql = self.prepared[id]
        return parse(cql)[0], keyspace

    async def _batch(self, body: Body) -> bytes:
        """Changes, each as a text or prepared, with values; then what is said of all of them."""
        if body.byte() == COUNTERS:
            raise CqlError(INVALID, "there are no counters here")
        said = []
        for _ in range(body.short()):
            statement, keyspace = (
                self._known(body.short_bytes())
                if body.byte()
                else (parse(body.long_string())[0], self.keyspace)
            )
            said.append((statement, keyspace, tuple(body.value() for _ in range(body.short()))))
        level, flags = body.short(), body.byte()
        if flags & SERIAL_LEVEL:
            body.short()
        timestamp = body.int64() if flags & TIMESTAMP else 0
        changes = []
        for statement, keyspace, bound in said:
            if not isinstance(statement, Change):
                raise CqlError(INVALID, "a batch has INSERT, UPDATE and DELETE, and nothing else")
            changes.append((statement, Asked(keyspace, level, timestamp, bound)))
        asked = Asked(self.keyspace, level, timestamp)
        return result(await self.statements.batch(changes, asked))

    async def _carried_out(self, statement: Statement, keyspace: str, body: Body) -> bytes:
        level, flags = body.short(), body.byte()
        bound: tuple[bytes | None, ...] = ()
        if flags & NAMES:
            raise CqlError(INVALID, "values by name are not supported: bind them in their order")
        if flags & VALUES:
            bound = tuple(body.value() for _ in range(body.short()))
        page = body.int32() if flags & PAGE_SIZE else 0
        state = body.value() if flags & PAGING_STATE else None
        place = None if state is None else Place.read(state)
        if flags & SERIAL_LEVEL:
            body.short()  # there is one data centre
        timestamp = body.int64() if flags & TIMESTAMP else 0
        asked = Asked(keyspace, level, timestamp, bound, page, place)
        answer = await self.statements.carry_out(statement, asked)
        if isinstance(answer, UsedKeyspace):
            self.keyspace = answer.keyspace
        return result(answer, bool(flags & SKIP_METADATA))

    async def _prepare(self, cql: str) -> bytes:
        statement, markers = parse(cql)
        if isinstance(statement, Batch):
            raise CqlError(INVALID, "prepare the changes of a batch, and send these as a batch")
        name, bound, keys = ("", ""), dict[int, tuple[str, Type]](), list[int]()
        columns: dict[str, Type] = {}
        if isinstance(statement, Change | Select):
            table = await self.statements.table(statement.name, Asked(self.keyspace))
            name = table.keyspace, table.name
            bound = markers_of(statement, table)
            places = {column: at for at, (column, _) in bound.items()}
            keys = [places[column] for column in table.partition if column in places]
            if len(keys) < len(table.partition):
                keys = []
            if isinstance(statement, Select):
                wanted = statement.columns or tuple(table.columns)
                columns = {column: column_of(table, column) for column in wanted}
        id = md5(f"{self.keyspace}\0{cql}".encode(), usedforsecurity=False).digest()
        self.prepared[id] = self.keyspace, cql
        if len(self.prepared) > MOST_PREPARED:
            del self.prepared[next(iter(self.prepared))]
        ordered = [bound[at] for at in range(markers)]
        about = int32(GLOBAL_TABLE) + int32(markers) + int32(len(keys)) + b"".join(map(short, keys))
        described = metadata(name, list(columns.items())) if columns else without_metadata(0)
        return b"".join(
            (int32(PREPARED), short(len(id)), id, about, *map(string, name),
             *(string(column) + kind.option for column, kind in ordered), described)
        )  # fmt: skip


def markers_of(statement: Change | Select, table: Table) -> dict[int, tuple[str, Type]]:
    """By its number, the column that each marker is for, and its type."""
    terms: list[tuple[str, Term | None, Type | None]] = []
    relations = list(statement.where)
    if isinstance(statement, Change):
        relations += statement.expected
        terms += [(column, term, None) for column, term in statement.values]
        terms.append(("[timestamp]", statement.timestamp, BIGINT))
    else:
        terms.append(("[limit]", statement.limit, INT))
    terms += [(each.column, each.term, None) for each in relations]
    found = {}
    for column, term, kind in terms:
        if term is not None and term.kind == "?":
            if kind is None and column not in table.columns:
                raise CqlError(INVALID, f"Undefined column name {column} in {table.name}")
            found[term.marker] = column, kind or table.columns[column]
    return found


def metadata(
    name: tuple[str, str], columns: Sequence[tuple[str, Type]], next_page: Place | None = None
) -> bytes:
    """What the columns of rows are, and where the next page begins."""
    described = b"".join(string(column) + kind.option for column, kind in columns)
    begins = _begins(GLOBAL_TABLE, len(columns), next_page)
    return begins + string(name[0]) + string(name[1]) + described


def without_metadata(columns: int, next_page: Place | None = None) -> bytes:
    """The same for a client that knows the columns already."""
    return _begins(NO_METADATA, columns, next_page)


def _begins(flags: int, columns: int, next_page: Place | None) -> bytes:
    if next_page is None:
        return int32(flags) + int32(columns)
    return int32(flags | MORE_PAGES) + int32(columns) + value(next_page.write())


def result(answer: Answer, knows_columns: bool = False) -> bytes:
    """An answer as the body of a RESULT frame."""
    match answer:
        case Rows(name, columns, rows, next_page):
            about = metadata(name, list(columns.items()), next_page)
            if knows_columns:
                about = without_metadata(len(columns), next_page)
            kinds = list(columns.values())
            cells = b"".join(
                value(None if text is None else kind.write(text))
                for row in rows
                for kind, text in zip(kinds, row, strict=True)
            )
            return int32(ROWS) + about + int32(len(rows)) + cells
        case UsedKeyspace(keyspace):
            return int32(SET_KEYSPACE) + string(keyspace)
        case SchemaChange(change, keyspace, table):
            what = ["TABLE", keyspace, table] if table else ["KEYSPACE", keyspace]
            return int32(SCHEMA_CHANGE) + b"".join(map(string, [change, *what]))
    return int32(VOID)
