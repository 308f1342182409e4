"""``lab run log``: it names an address, and a Kafka client reads there what our clients write."""

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("crc32c", reason="crc32c is not installed: pip install -e '.[kafka]'")
pytest.importorskip("kafka", reason="kafka-python is not installed: pip install -e '.[kafka]'")

from stage8_real_systems.log.client import TOPIC
from tests.support.kafka_clients import Confluent, make_topic, read_all
from tests.support.kafka_history import History
from tests.support.lab_run import lab_run
from tests.support.live import live

pytestmark = pytest.mark.needs("kafka")


def use(where: str) -> History:
    """Write to a topic of our own and read it, and read what others write."""
    make_topic(where, "from-outside", 1)
    history = History()
    writer = Confluent().writer(where, "from-outside", history)
    for number in range(100):
        writer.send(0, f"{number}".encode())
    writer.close()
    read_all(Confluent(), where, "from-outside", history, 100)
    theirs = History()
    read_all(Confluent(), where, TOPIC, theirs, 5)
    assert not theirs.disagreements()
    return history


@pytest.mark.proof
@live
async def test_a_kafka_client_talks_to_what_lab_run_started(tmp_path: Path) -> None:
    async with lab_run("log", tmp_path, "15s") as run:
        where = await run.until(r"kcat -b (\S+)")
        history = await asyncio.to_thread(use, where)
        said = await run.end()
    assert len(history.acked) == 100
    assert not history.lost()
    assert not history.twice()
    assert "yes  one log" in said
