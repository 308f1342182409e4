"""A bounded run of the coverage-guided fuzzer; by hand it runs as long as you like."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.common.codec_values import CODECS, SCHEMA, Delete, Put, Tree

ROOT = Path(__file__).parents[2]
SECONDS = 10


@pytest.mark.proof
@pytest.mark.needs("atheris")
def test_ten_seconds_of_fuzzing_find_nothing(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    seeds = [Put("x", b"y"), Tree(1, (Tree(2),)), (1, None, 2.5, "text", Delete("x"))]
    for number, value in enumerate(seeds):
        for codec in CODECS:
            name = f"{codec.format.name}-{number}"
            (corpus / name).write_bytes(b"\x03" + codec.encode(value))
    words = tmp_path / "words"
    words.write_text("".join(f'"{name}"\n' for name in (*SCHEMA.kinds, *SCHEMA.enums, "type")))
    ran = subprocess.run(
        [
            sys.executable, "-m", "tests.fuzz.fuzz_codec", str(corpus), f"-dict={words}",
            f"-max_total_time={SECONDS}", "-max_len=512", "-timeout=10", "-seed=1",
            f"-artifact_prefix={tmp_path}/",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20 * SECONDS,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-4000:]
    done = re.search(r"Done (\d+) runs", ran.stderr)
    assert done, ran.stderr[-4000:]
    assert int(done[1]) > 1000
