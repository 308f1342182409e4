"""Word count by the peers, each as a program: ``python _mapreduce_peers.py NAME FILE OUTPUT``.

Each has two processes for the work, reads the same file, and writes the same: a line for each word
in order, with its count. Each counts in the way that is quickest with it.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

WORKERS = 2
BLOCK_BYTES = 2 << 20


def pieces(path: str, count: int) -> list[tuple[str, int, int]]:
    """A file in so many ranges."""
    size = os.path.getsize(path)
    return [(path, size * n // count, size * (n + 1) // count) for n in range(count)]


def count_words(piece: tuple[str, int, int]) -> Counter[str]:
    """The words in the lines that begin in a range of a file."""
    path, start, end = piece
    counted: Counter[str] = Counter()
    with open(path, "rb") as file:
        if start:
            file.seek(start - 1)
            file.readline()
        while file.tell() < end:
            data = file.read(min(BLOCK_BYTES, end - file.tell())) + file.readline()
            counted.update(data.decode().split())
    return counted


def write(output: str, counted: Iterable[tuple[str, int]]) -> None:
    """The output: words in order."""
    Path(output).write_text("".join([f"{word}\t{count}\n" for word, count in sorted(counted)]))


def added(counts: Iterable[Counter[str]]) -> Counter[str]:
    """All of them together."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return total


def with_counter(path: str, output: str) -> None:
    """One process and ``collections.Counter``."""
    write(output, count_words(pieces(path, 1)[0]).items())


def with_multiprocessing(path: str, output: str) -> None:
    """A pool of two processes, and nothing that survives anything."""
    from multiprocessing import Pool

    with Pool(WORKERS) as pool:
        write(output, added(pool.imap_unordered(count_words, pieces(path, WORKERS))).items())


def with_dask(path: str, output: str) -> None:
    """A Dask bag on two processes."""
    from typing import Any

    import dask.bag

    def count(lines: Iterable[str]) -> list[Counter[str]]:
        counted: Counter[str] = Counter()
        for line in lines:
            counted.update(line.split())
        return [counted]

    reader: Any = dask.bag
    bag = reader.read_text(path, blocksize=os.path.getsize(path) // 8 + 1)
    counts = bag.map_partitions(count).compute(scheduler="processes", num_workers=WORKERS)
    write(output, added(counts).items())


def with_ray(path: str, output: str) -> None:
    """Ray tasks on two processors."""
    import ray

    ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)
    count = ray.remote(count_words)
    parts = ray.get([count.remote(piece) for piece in pieces(path, WORKERS)])
    write(output, added(parts).items())
    ray.shutdown()


def with_spark(path: str, output: str) -> None:
    """A PySpark DataFrame on two processors: no Python touches a word."""
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import col, explode, split

    made = SparkSession.builder.master(f"local[{WORKERS}]").config("spark.ui.enabled", "false")
    spark = made.config("spark.log.level", "OFF").getOrCreate()
    words = spark.read.text(path).select(explode(split(col("value"), r"\s+")).alias("word"))
    counted = words.where(col("word") != "").groupBy("word").count().collect()
    write(output, ((row["word"], row["count"]) for row in counted))
    spark.stop()


def with_mrjob(path: str, output: str) -> None:
    """A job of mrjob on two processors, by its local runner."""
    from _mapreduce_mrjob import WordCount

    job = WordCount(args=["-r", "local", "--num-cores", str(WORKERS), path])
    with job.make_runner() as runner:
        runner.run()
        pairs = [(word, int(count)) for word, count in job.parse_output(runner.cat_output())]
    write(output, pairs)


if __name__ == "__main__":
    name, *paths = sys.argv[1:]
    globals()[f"with_{name}"](*paths)
