"""``lab run etcd``: it names an address, etcdctl talks to it, and the history is checked."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("aetcd", reason="aetcd is not installed: pip install -e '.[etcd]'")

from tests.support.etcd import Etcdctl
from tests.support.lab_command import ROOT
from tests.support.live import live

pytestmark = pytest.mark.needs("grpc", "etcd")

SAYS_WHERE = re.compile(r"ETCDCTL_ENDPOINTS=(\S+)")


@pytest.mark.proof
@live
async def test_etcdctl_talks_to_what_lab_run_started(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "common.course.command", "run", "etcd", "--headless"),
        *("--duration", "12s", "--out", str(tmp_path), "--faults", "none"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "1000", "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None, "it was started with a pipe"
    try:
        said = ""
        while not (where := SAYS_WHERE.search(said)):
            line = await process.stdout.readline()
            assert line, f"it has ended, and said nothing of etcdctl: {said}"
            said += line.decode()
        endpoints = where[1].split(",")
        assert len(endpoints) == 3, "one of them may be killed"
        ctl = Etcdctl(endpoints)
        await ctl.until_ok("put", "from outside", "1")
        async with ctl.running("watch", "--prefix", "lab/", "--rev=1") as watch:
            assert watch.stdout is not None, "it was started with a pipe"
            kind = (await watch.stdout.readline()).decode().strip()
            assert kind in ("PUT", "DELETE"), "what the course's own clients do"
        said += (await process.stdout.read()).decode()
        assert await process.wait() == 0, said
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert "yes  linearizable" in said
    history = tmp_path / "run" / "etcd" / "history.jsonl"
    lines = [json.loads(line) for line in history.read_text(encoding="utf-8").splitlines()]
    assert any(line["type"] == "ok" for line in lines)
