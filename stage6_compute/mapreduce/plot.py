"""The picture of the page: who did which task when, while a worker was killed.

python -m stage6_compute.mapreduce.plot FILE.svg
"""

import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from stage6_compute.mapreduce.front.command import main as compute

BYTES = 60_000_000
VOCABULARY = 100_000
OPTIONS = ("--workers", "3", "--split-size", "5MB", "--kill", "w2@1.5")


def write_text(path: Path, size: int = BYTES) -> None:
    """Write words drawn by chance, ten in a line."""
    chance = random.Random(1)
    words = [f"word{number}" for number in range(VOCABULARY)]
    written = 0
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            drawn = chance.choices(words, k=100_000)
            lines = (" ".join(drawn[n : n + 10]) + "\n" for n in range(0, len(drawn), 10))
            written += file.write("".join(lines))


def main(arguments: Sequence[str]) -> int:
    """Count the words of a text while a worker is killed, and draw that into a file."""
    with tempfile.TemporaryDirectory() as scratch:
        text = Path(scratch, "text")
        write_text(text)
        line = ["word_count", str(text), "--output", str(Path(scratch, "out")), *OPTIONS]
        return compute([*line, "--timeline", arguments[0]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
