"""A bounded run of the coverage-guided fuzzer; by hand it runs as long as you like."""

from pathlib import Path

import pytest

from tests.common.codec_values import CODECS, SCHEMA, Delete, Put, Tree
from tests.support.fuzzing import fuzz

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
    fuzz("tests.fuzz.fuzz_codec", corpus, SECONDS, 512, f"-dict={words}")
