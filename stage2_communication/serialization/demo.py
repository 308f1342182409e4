"""The demonstrations of the lab ``serialization``: what is lost, and how large it all is."""

from functools import partial

from common.charts.drawing import add_chart
from common.values.errors import LabError
from common.values.report import Report
from stage2_communication.serialization import careful_json
from stage2_communication.serialization.demo_evolution import (
    FORMATS,
    PROTO3,
    VERSIONS,
    all_pairs,
    through,
)
from stage2_communication.serialization.plot import grid
from stage2_communication.serialization.plot_sizes import (
    measured,
    speed_chart,
    speeds_table,
    writers,
)

ENDS = ("ok", "number", "lost", "refused", "WRONG")
"""What becomes of a message that is read by another version, at the worst: a symbol that the reader
does not know comes as its number, and so on. The picture says it of each pair."""

HOSTILE = (
    ("a number that another reader rounds", b'{"id":9007199254740993}'),
    ("a key that comes twice", b'{"admin":false,"admin":true}'),
    ("what is no JSON", b'{"x":NaN}'),
)


def demo(seed: int) -> Report:
    """Seven versions of one message by three formats, each read by each."""
    report = Report("Serialization: old programs, new programs, and what is lost between them")
    for what, data in HOSTILE:
        try:
            careful_json.read(data)
        except LabError as error:
            report.judged(f"JSON: {what}", "no", f"{data.decode()}: {error}")
    names = tuple(VERSIONS)
    counts = []
    for name, format in FORMATS.items():
        ends = [told.split()[0] for told in all_pairs(format).values()]
        counts.append((name, *(ends.count(end) for end in ENDS)))
    title = f"{len(names)} versions of a message, each read by each: {len(names) ** 2} pairs"
    report.table(title, ("", *ENDS), counts)
    rows = [
        (name, *(through(format, VERSIONS[middle]) for middle in names))
        for name, format in {**FORMATS, "first proto3": PROTO3}.items()
    ]
    title = "The newest message, read and written on by an older program in the middle"
    report.table(title, ("", *names), rows)
    sizes = [(name, len(write(seed))) for name, write in writers().items()]
    report.table("One hundred orders, in bytes", ("format", "bytes"), sizes)
    report.chart("serialization-evolution", "All pairs of versions, by each format", grid())
    return report


def real(seed: int) -> Report:
    """Sizes and speeds on this machine, with the real libraries where they are installed."""
    report = Report("Serialization: bytes and microseconds for one hundred orders")
    found = measured(seed)
    report.table("Measured here", *speeds_table(found))
    report.say(
        "The lab's own Protobuf and Avro are plain Python, for people to read. The others are in "
        "C. What is missing here comes with pip install -e '.[codec]'."
    )
    caption = "bytes, and microseconds to write and read"
    add_chart(report, "serialization-speed", caption, partial(speed_chart, found))
    return report
