"""mongosh, unmodified, writes, reads, splits and moves by way of a router."""

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

pytest.importorskip("mongomock", reason="mongomock is missing: pip install -e '.[mongo]'")
pytest.importorskip("crc32c", reason="crc32c is missing: pip install -e '.[mongo]'")

from common.runtime.launch import launch
from stage3_partitioning.shards.worlds import WORLDS
from tests.support.live import live
from tests.support.npm import installed

PACKAGE = "mongosh@2.12.0"
LIMIT_SECONDS = 60

SCRIPT = """
const carts = db.getSiblingDB("shop").carts;
const show = (value) => print(JSON.stringify(value));
show(carts.insertMany([{_id: 1, n: 1}, {_id: 2, n: 2}, {_id: 3, n: 3}]).acknowledged);
show(carts.updateOne({_id: 1}, {$inc: {n: 5}}).modifiedCount);
show(carts.deleteOne({_id: 2}).deletedCount);
show(db.adminCommand({split: "shop.carts", middle: {_id: 3}}).ok);
show(db.adminCommand({moveChunk: "shop.carts", find: {_id: 3}, to: "n2"}).ok);
show(db.getSiblingDB("config").chunks.find().toArray().map((chunk) => chunk.shard));
show(carts.find({n: {$gte: 3}}).toArray());
try { carts.insertOne({_id: 1}); } catch (error) { show(error.code); }
show(JSON.stringify(sh.status()).includes("shop.carts"));
"""


@pytest.fixture(scope="module")
def mongosh(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program: what is on the PATH, or else what npm brings."""
    there = shutil.which("mongosh")
    folder = "" if there else installed(tmp_path_factory.mktemp("mongosh"), PACKAGE)
    return there or f"{folder}/node_modules/.bin/mongosh"


@pytest.mark.proof
@pytest.mark.needs("node", "npm")
@live
async def test_mongosh_writes_reads_splits_moves_and_shows_the_cluster(
    mongosh: str, tmp_path: Path
) -> None:
    async with launch(WORLDS, tmp_path / "cluster", members=3, balance=False) as cluster:
        process = await asyncio.create_subprocess_exec(
            mongosh, "--quiet", "--norc", f"mongodb://{cluster.endpoints[0]}", "--eval", SCRIPT,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "HOME": str(tmp_path)},
        )  # fmt: skip
        async with asyncio.timeout(LIMIT_SECONDS):
            said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert [json.loads(line) for line in said.splitlines()] == [
        *(True, 1, 1, 1, 1),
        ["n1", "n2"],
        [{"_id": 1, "n": 6}, {"_id": 3, "n": 3}],
        11000,
        True,
    ], said.decode()
