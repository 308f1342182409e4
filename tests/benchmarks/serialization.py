"""The lab's hand-written Protobuf and Avro beside the real libraries: orders a second.

    python tests/benchmarks/serialization.py [--json]

All write and read the same hundred orders, in turns, from dictionaries and back to values. Ours is
plain Python. ``vs_protobuf_python`` is against Google's package as PyPI has it (in C), and
``vs_fastavro`` against fastavro as it is compiled; a case is ``_write`` or ``_read``. Against the
same two in plain Python (Google's by PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python, in a process
of its own) it is ``vs_protobuf_pure`` and ``vs_fastavro_pure``. Below 1 we are slower.
"""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

import fastavro._read_py
import fastavro._write_py
from _bench import in_turns, report

from stage2_communication.serialization.plot_sizes import (
    AVRO_BATCH,
    ORDERS,
    Way,
    fastavros_way,
    googles_way,
    orders,
    our_ways,
)

SEED = 7
ROUNDS = 7
TIMES = 20
PURE = "--google-in-plain-python"


def pure_fastavro() -> Way:
    """fastavro's own Python, not compiled."""
    schema = fastavro.parse_schema(AVRO_BATCH)

    def write(batch: object) -> bytes:
        file = io.BytesIO()
        fastavro._write_py.schemaless_writer(file, schema, batch)
        return file.getvalue()

    return Way(
        write, lambda data: fastavro._read_py.schemaless_reader(io.BytesIO(data), schema, None)
    )


def rate(run: Callable[[], object]) -> float:
    """Orders a second."""
    begun = time.perf_counter()
    for _ in range(TIMES):
        run()
    return TIMES * ORDERS / (time.perf_counter() - begun)


def rates(name: str, way: Way) -> dict[str, Callable[[], float]]:
    """By the name of a figure, what measures it."""
    batch = orders(SEED)
    data = way.write(batch)
    return {
        f"{name}_writes_per_second": lambda: rate(lambda: way.write(batch)),
        f"{name}_reads_per_second": lambda: rate(lambda: way.read(data)),
    }


def in_plain_python(figure: str) -> float:
    """Google's package without its C, in a process of its own."""
    environment = {**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}
    command = [sys.executable, __file__, PURE]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout)[figure])


def main() -> None:
    """Measure in turns and report."""
    ours = our_ways()
    figures = in_turns(
        {
            **rates("our_protobuf", ours["Protobuf, ours"]),
            **rates("protobuf_python", googles_way()),
            **rates("our_avro", ours["Avro, ours"]),
            **rates("fastavro", fastavros_way()),
            **rates("fastavro_pure", pure_fastavro()),
            "protobuf_pure_writes_per_second": lambda: in_plain_python("writes"),
            "protobuf_pure_reads_per_second": lambda: in_plain_python("reads"),
        },
        ROUNDS,
    )
    ratios = {}
    for peer, mine in (
        ("protobuf_python", "our_protobuf"),
        ("protobuf_pure", "our_protobuf"),
        ("fastavro", "our_avro"),
        ("fastavro_pure", "our_avro"),
    ):
        for case in ("write", "read"):
            theirs = figures[f"{peer}_{case}s_per_second"]
            ratios[f"vs_{peer}_{case}"] = figures[f"{mine}_{case}s_per_second"] / theirs
    sizes = {
        f"{name.replace(', ours', '').replace(', ', '_').lower()}_bytes_per_order": (
            len(way.write(orders(SEED))) / ORDERS
        )
        for name, way in ours.items()
    }
    rounded = {name: round(figure, 1) for name, figure in {**figures, **sizes}.items()}
    report("serialization", rounded, ratios, (__doc__ or "").splitlines()[0])


if __name__ == "__main__":
    if PURE in sys.argv:
        found = {name.split("_")[1]: run() for name, run in rates("google", googles_way()).items()}
        print(json.dumps(found))
    else:
        main()
