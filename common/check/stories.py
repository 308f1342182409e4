"""Who told whom what: the two stories of a Byzantine node, side by side.

When a safety property breaks with liars about, the first question is what they told whom. A
:class:`Stories` watches any world, or reads a trace, and prints for each liar two columns::

    n1 told two stories (3 times both heard the same):
               n1 to n2                    n1' to n3, n4
      0.001 s  Order('attack')           | Order('retreat')

What both columns have in common is left out. The columns are the two halves of a node that runs
twice; or those that hear the truth and those that a fault says are lied to; or else those that
heard what the first of them heard, and the others.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from common.contract.events import NodeId
from common.contract.observer import Observer
from common.values.faults import TWIN_MARK, Corrupt, Fault, Twin
from common.values.report import Table
from common.values.units import SECOND

MOST_REMEMBERED = 2_000
"""Messages of a liar that are kept; the oldest are forgotten first."""
MOST_COMPARED = 300
"""Of those, so many of the last ones are set side by side."""
MOST_ROWS = 14
WIDTH = 42
"""Characters of a column."""


@dataclass(frozen=True, slots=True)
class Telling:
    """A message of a liar.

    Attributes:
        at: world time in microseconds.
        lane: which half of the node sent it.
        to: who it was for.
        text: what it says.
    """

    at: int
    lane: NodeId
    to: NodeId
    text: str


@dataclass(slots=True)
class _Line:
    """The same words at the same time, and to whom they went."""

    at: int
    text: str
    to: list[NodeId]


class Stories(Observer):
    """Remembers what Byzantine nodes say.

    Args:
        liars: who they are, from the beginning; others are known by the fault that makes them so.
    """

    def __init__(self, liars: Iterable[NodeId] = ()) -> None:
        self._told: dict[NodeId, deque[Telling]] = {}
        self._lied_to: dict[NodeId, set[NodeId]] = {}
        for liar in liars:
            self._watch(liar, ())

    @classmethod
    def of_trace(cls, events: Sequence[Mapping[str, Any]]) -> "Stories":
        """The stories that the events of a trace tell."""
        stories = cls()
        stories._watch_faults(events)
        for event in events:
            match event:
                case {"kind": "send", "t": at, "node": node, "to": to}:
                    stories._tell(at, node, to, _said(event))
        return stories

    @classmethod
    def heard_in(
        cls, events: Sequence[Mapping[str, Any]], liars: Iterable[NodeId] = ()
    ) -> "Stories":
        """The same, of what arrived alone, when it arrived.

        In the explorer a liar says all that it could. Its story is what others came to hear of it.

        Args:
            events: of a trace.
            liars: who lies by its own code, and not by a fault in the trace.
        """
        stories = cls(liars)
        stories._watch_faults(events)
        sent = {event["msg"]: event for event in events if event["kind"] == "send"}
        for event in events:
            match event:
                case {"kind": "recv", "t": at, "msg": number} if number in sent:
                    told = sent[number]
                    stories._tell(at, told["node"], told["to"], _said(told))
        return stories

    def failed(self, at: int, fault: Fault) -> None:
        """A fault happens: perhaps there is one liar more."""
        if isinstance(fault, Corrupt | Twin):
            self._watch(fault.node, fault.to if isinstance(fault, Corrupt) else ())

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """A message leaves."""
        if self._told:
            self._tell(at, node, to, message)

    def tables(self) -> list[Table]:
        """A table for each liar that said something: time, one column, the other column."""
        return [
            _table(liar, told, self._lied_to[liar]) for liar, told in self._told.items() if told
        ]

    def __str__(self) -> str:
        """The tables as text; "" where nobody lies."""
        return "\n".join(_text(table) for table in self.tables())

    def _watch_faults(self, events: Iterable[Mapping[str, Any]]) -> None:
        for event in events:
            if event["kind"] in ("corrupt", "twin"):
                self._watch(event["node"], event.get("to", ()))

    def _watch(self, liar: NodeId, lied_to: Iterable[NodeId]) -> None:
        self._told.setdefault(liar, deque(maxlen=MOST_REMEMBERED))
        self._lied_to.setdefault(liar, set()).update(lied_to)

    def _tell(self, at: int, lane: NodeId, to: NodeId, message: object) -> None:
        told = self._told.get(lane.removesuffix(TWIN_MARK))
        if told is not None:
            text = message if isinstance(message, str) else repr(message)
            told.append(Telling(at, lane, to.removesuffix(TWIN_MARK), text))


def _table(liar: NodeId, told: Sequence[Telling], lied_to: set[NodeId]) -> Table:
    left, right = _sides(list(told)[-MOST_COMPARED:], lied_to)
    lines, heard = _joined(left), {telling.to for telling in left}
    headers: tuple[str, ...] = ("time", _heading(left), _heading(right))
    rows, same = _rows(_joined(left), _joined(right))
    title = f"{liar} told two stories" if rows and right else f"{liar} told one story"
    if not right:
        rows, same, headers = [(line.at, _cell(line, heard), "") for line in lines], 0, headers[:2]
    left_out = max(0, len(rows) - MOST_ROWS)
    shown = [(f"{at / SECOND:.3f} s", *cells)[: len(headers)] for at, *cells in rows[left_out:]]
    counted = [f"{left_out} rows before these" if left_out else ""]
    counted.append(f"{same} times both heard the same" if same else "")
    left_out_of_it = ", ".join(each for each in counted if each)
    return Table(f"{title} ({left_out_of_it})" if left_out_of_it else title, headers, tuple(shown))


def _text(table: Table) -> str:
    lines = [f"{table.title}:"]
    for at, *columns in (("", *table.headers[1:]), *table.rows):
        cells = [f"{_cut(column, WIDTH):{WIDTH}}" for column in columns]
        lines.append(f"{at:>9}  {(' | ' if at else '   ').join(cells)}".rstrip())
    return "\n".join(lines)


def _sides(told: Sequence[Telling], lied_to: set[NodeId]) -> tuple[list[Telling], list[Telling]]:
    """What belongs into the two columns."""
    if len({telling.lane for telling in told}) > 1:
        second = [telling for telling in told if telling.lane.endswith(TWIN_MARK)]
        return [telling for telling in told if telling not in second], second
    if lied_to:
        true = [telling for telling in told if telling.to not in lied_to]
        return true, [telling for telling in told if telling.to in lied_to]
    heard: dict[NodeId, list[tuple[int, str]]] = {}
    for telling in told:
        heard.setdefault(telling.to, []).append((telling.at, telling.text))
    first = next(iter(heard.values()))
    alike = {node for node, story in heard.items() if story == first}
    left = [telling for telling in told if telling.to in alike]
    return left, [telling for telling in told if telling.to not in alike]


def _joined(told: Iterable[Telling]) -> list[_Line]:
    """One line for what is said to several nodes at once."""
    lines: dict[tuple[int, str], _Line] = {}
    for telling in told:
        line = lines.setdefault((telling.at, telling.text), _Line(telling.at, telling.text, []))
        if telling.to not in line.to:
            line.to.append(telling.to)
    return list(lines.values())


def _heading(told: Sequence[Telling]) -> str:
    if not told:
        return ""
    return f"{told[0].lane} to {', '.join(dict.fromkeys(telling.to for telling in told))}"


def _rows(left: list[_Line], right: list[_Line]) -> tuple[list[tuple[int, str, str]], int]:
    """The rows in which the columns differ, and how many lines they have in common."""
    everyone = [{node for line in side for node in line.to} for side in (left, right)]
    texts = [line.text for line in left], [line.text for line in right]
    rows: list[tuple[int, str, str]] = []
    same = 0
    matcher = SequenceMatcher(None, texts[0], texts[1], autojunk=False)
    for kind, begin, end, other_begin, other_end in matcher.get_opcodes():
        if kind == "equal":
            same += end - begin
            continue
        for one, other in zip_longest(left[begin:end], right[other_begin:other_end]):
            at = min(line.at for line in (one, other) if line is not None)
            rows.append((at, _cell(one, everyone[0]), _cell(other, everyone[1])))
    return rows, same


def _cell(line: _Line | None, everyone: set[NodeId]) -> str:
    if line is None:
        return ""
    if set(line.to) == everyone:
        return line.text
    to = f" to {', '.join(line.to)}"
    return f"{_cut(line.text, WIDTH - len(to))}{to}"


def _said(event: Mapping[str, Any]) -> str:
    """What a message of a trace says."""
    return _shown({"$type": event["type"], **event["body"]})


def _shown(plain: Any) -> str:
    """A value of a trace as ``repr`` showed the one that was recorded."""
    match plain:
        case {"$type": str(kind), **fields}:
            parts = ", ".join(f"{name}={_shown(value)}" for name, value in fields.items())
            return f"{kind}({parts})"
        case list():
            return f"({', '.join(map(_shown, plain))})"
    return repr(plain)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"
