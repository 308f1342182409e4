"""``lab run etcd``: it names an address, etcdctl talks to it, and the history is checked."""

import json
from pathlib import Path

import pytest

pytest.importorskip("aetcd", reason="aetcd is not installed: pip install -e '.[etcd]'")

from tests.support.etcd import Etcdctl
from tests.support.lab_run import lab_run
from tests.support.live import live

pytestmark = pytest.mark.needs("grpc", "etcd")


@pytest.mark.proof
@live
async def test_etcdctl_talks_to_what_lab_run_started(tmp_path: Path) -> None:
    async with lab_run("etcd", tmp_path, "12s") as run:
        endpoints = (await run.until(r"ETCDCTL_ENDPOINTS=(\S+)")).split(",")
        assert len(endpoints) == 3, "one of them may be killed"
        ctl = Etcdctl(endpoints)
        await ctl.until_ok("put", "from outside", "1")
        async with ctl.running("watch", "--prefix", "lab/", "--rev=1") as watch:
            assert watch.stdout is not None, "it was started with a pipe"
            kind = (await watch.stdout.readline()).decode().strip()
            assert kind in ("PUT", "DELETE"), "what the course's own clients do"
        said = await run.end()
    assert "yes  linearizable" in said
    history = tmp_path / "run" / "etcd" / "history.jsonl"
    lines = [json.loads(line) for line in history.read_text(encoding="utf-8").splitlines()]
    assert any(line["type"] == "ok" for line in lines)
