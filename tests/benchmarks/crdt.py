"""A text of ours beside pycrdt (Yjs in Rust): edits a second, and bytes kept for each character.

    python tests/benchmarks/crdt.py [--json]

Ours is ``FugueText``, in Python. Both type the same 10,000 characters at the end of a text, one
operation each (``vs_pycrdt_append``), and do 10,000 operations that somebody else has made, one
after the other (``vs_pycrdt_merge``). Then both play an editing session of one author. It has the
shape of automerge-perf's recording of a paper being written, which is no package that could be had
here: 259,778 edits, three of ten of them deletions, in bursts at one place; it is drawn from a
seed. ``vs_pycrdt_trace`` is of its first 60,000 edits: pycrdt finds a place by walking through the
text, so that it slows down as the text grows, and the whole session takes it minutes.

What is kept is what a replica has on its disk: ours the log of all edits as MessagePack, one edit
for each key that was pressed; pycrdt's the whole document as one update. Both keep all gravestones.
"""

import time
from random import Random
from typing import Any, TypeAlias

from _bench import in_turns, peer, report

from common.codec.messagepack import MessagePackCodec
from common.contract.schema import Schema
from stage7_advanced.crdt.fugue import FugueText
from stage7_advanced.crdt.operations import Edit, TextReplica

pycrdt = peer("pycrdt", "bench")

OPERATIONS = 10_000
EDITS = 259_778
DELETED = 0.3
BURST = (5, 60)
"""How many edits are made at one place, at least and at most, before the author goes elsewhere."""

ROUNDS = 5
TRACE_ROUNDS = 3
BESIDE = 60_000
"""So many edits of the session are played beside pycrdt."""

Trace: TypeAlias = list[tuple[int, str]]
"""(index, sign): a sign is typed there; "" is a deletion of the one there."""


def session(seed: str) -> Trace:
    """One author's editing session, of the shape of a recorded one."""
    random, trace = Random(seed), Trace()
    length = at = left = 0
    while len(trace) < EDITS:
        if left == 0:
            left, at = random.randint(*BURST), random.randint(0, length)
        left -= 1
        if at and random.random() < DELETED:
            at -= 1
            length -= 1
            trace.append((at, ""))
        else:
            trace.append((at, random.choice("etaoin shrdlu")))
            at += 1
            length += 1
    return trace


TRACE = session("crdt")


def rate(count: int, begun: float) -> float:
    """Operations a second."""
    return count / (time.perf_counter() - begun)


def shared() -> tuple[Any, Any]:
    """An empty document of pycrdt's, and its text."""
    document: Any = pycrdt.Doc(client_id=1)
    document["text"] = text = pycrdt.Text()
    return document, text


def our_append() -> float:
    """Characters typed at the end, a second."""
    text = FugueText("n1")
    begun = time.perf_counter()
    for index in range(OPERATIONS):
        text.insert(index, "x")
    return rate(OPERATIONS, begun)


def their_append() -> float:
    """The same by pycrdt."""
    _, text = shared()
    begun = time.perf_counter()
    for index in range(OPERATIONS):
        text.insert(index, "x")
    return rate(OPERATIONS, begun)


def our_merge() -> float:
    """Operations of somebody else done, a second."""
    author, reader = FugueText("n1"), FugueText("n2")
    operations = [author.insert(index, "x") for index in range(OPERATIONS)]
    begun = time.perf_counter()
    for operation in operations:
        reader.apply(operation)
    taken = rate(OPERATIONS, begun)
    assert reader.text() == author.text(), "both show the same"
    return taken


def their_merge() -> float:
    """The same by pycrdt, whose operations are updates as bytes."""
    document, text = shared()
    updates: list[bytes] = []
    document.observe(lambda event: updates.append(event.update))
    for index in range(OPERATIONS):
        text.insert(index, "x")
    reader, read = shared()
    begun = time.perf_counter()
    for update in updates:
        reader.apply_update(update)
    taken = rate(OPERATIONS, begun)
    assert str(read) == str(text), "both show the same"
    return taken


def our_trace(edits: int) -> float:
    """Edits of the session a second."""
    text = FugueText("n1")
    begun = time.perf_counter()
    for index, sign in TRACE[:edits]:
        if sign:
            text.insert(index, sign)
        else:
            text.delete(index)
    return rate(edits, begun)


def their_trace() -> float:
    """The same by pycrdt."""
    _, text = shared()
    begun = time.perf_counter()
    play(text)
    return rate(BESIDE, begun)


def play(text: Any) -> None:
    """The beginning of the session, on a text of pycrdt's."""
    for index, sign in TRACE[:BESIDE]:
        if sign:
            text.insert(index, sign)
        else:
            del text[index : index + 1]


def kept() -> tuple[float, float, int]:
    """Bytes on the disk for each character after these edits: ours, theirs; how many there are."""
    codec, text, size = MessagePackCodec(Schema.of(TextReplica)), FugueText("n1"), 0
    for number, (index, sign) in enumerate(TRACE[:BESIDE], 1):
        change = text.insert(index, sign) if sign else text.delete(index)
        size += len(codec.encode(Edit("n1", (("n1", number),), (change,))))
    document, theirs = shared()
    play(theirs)
    assert text.text() == str(theirs), "one author's text is the same everywhere"
    return size / len(text), len(document.get_update()) / len(text), len(text)


def main() -> None:
    """Measure in turns and report."""
    figures = in_turns(
        {
            "our_appends_per_second": our_append,
            "pycrdt_appends_per_second": their_append,
            "our_merges_per_second": our_merge,
            "pycrdt_merges_per_second": their_merge,
        },
        ROUNDS,
    )
    figures |= in_turns(
        {
            "our_trace_edits_per_second": lambda: our_trace(BESIDE),
            "pycrdt_trace_edits_per_second": their_trace,
        },
        TRACE_ROUNDS,
    )
    figures["our_whole_trace_edits_per_second"] = our_trace(EDITS)
    figures = {name: round(figure, 2) for name, figure in figures.items()}
    ratios = {
        f"vs_pycrdt_{name}": figures[f"our_{case}_per_second"]
        / figures[f"pycrdt_{case}_per_second"]
        for name, case in (("append", "appends"), ("merge", "merges"), ("trace", "trace_edits"))
    }
    ours, theirs, length = kept()
    figures |= {
        "our_bytes_kept_per_character": round(ours, 2),
        "pycrdt_bytes_kept_per_character": round(theirs, 2),
        "characters_at_the_end": length,
    }
    report("crdt", figures, ratios, __doc__.splitlines()[0])


if __name__ == "__main__":
    main()
