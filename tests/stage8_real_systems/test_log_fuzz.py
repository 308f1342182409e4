"""A bounded run of the fuzzer of Kafka's messages; by hand it runs as long as you like."""

from pathlib import Path
from random import Random

import pytest

pytest.importorskip("crc32c", reason="crc32c is not installed: pip install -e '.[kafka]'")

from stage8_real_systems.log.front.schema import parse
from tests.stage8_real_systems.test_log_wire import EVERY, drawn, request_bytes
from tests.support.fuzzing import fuzz
from tests.support.kafka_front import batch

SECONDS = 10


@pytest.mark.proof
@pytest.mark.needs("atheris")
def test_ten_seconds_of_fuzzing_find_nothing(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, (api, version) in enumerate(EVERY):
        whole = request_bytes(api, version, drawn(parse(api.request), version, Random(number)))
        (corpus / f"request-{number}").write_bytes(whole)
    (corpus / "batch").write_bytes(batch(2))
    fuzz("tests.fuzz.fuzz_kafka", corpus, SECONDS, 1024)
