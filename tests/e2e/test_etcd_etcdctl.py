"""Debian's etcdctl against three servers of the course as processes; the leader is killed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

pytest.importorskip("aetcd", reason="aetcd is not installed: pip install -e '.[etcd]'")

from common.runtime.launch import Launched, launch
from stage5_fault_tolerance.etcd.worlds import WORLDS
from tests.support.etcd import Etcdctl
from tests.support.live import eventually, live

pytestmark = pytest.mark.needs("grpc", "etcd")


@asynccontextmanager
async def cluster(directory: Path) -> AsyncIterator[tuple[Launched, Etcdctl]]:
    """Three servers, and an etcdctl that knows them all."""
    async with launch(WORLDS, directory, snapshot_every=20) as made:
        yield made, Etcdctl(made.endpoints)


async def kill_leader(cluster: Launched) -> str:
    """SIGKILL the leader; returns its name."""
    leader = await cluster.leader()
    while leader is None:
        await asyncio.sleep(0.05)
        leader = await cluster.leader()
    await cluster.running.kill(leader)
    return leader


async def line_of(process: asyncio.subprocess.Process, seconds: float = 15.0) -> str:
    """The next line that a running command prints."""
    assert process.stdout is not None, "it was started with a pipe"
    async with asyncio.timeout(seconds):
        return (await process.stdout.readline()).decode().rstrip("\n")


@live
async def test_etcdctl_puts_gets_deletes_and_reads_old_revisions(tmp_path: Path) -> None:
    async with cluster(tmp_path) as (_, ctl):
        assert await ctl("put", "fruit/apple", "1") == ["OK"]
        assert await ctl("put", "fruit/pear", "2") == ["OK"]
        assert await ctl("put", "--prev-kv", "fruit/apple", "3") == ["OK", "fruit/apple", "1"]
        assert await ctl("get", "fruit/apple", "--print-value-only") == ["3"]
        assert await ctl("get", "--prefix", "fruit/", "--keys-only") == [
            *("fruit/apple", "", "fruit/pear", "")
        ]
        assert await ctl("get", "--from-key", "fruit/b") == ["fruit/pear", "2"]
        assert await ctl("get", "fruit/apple", "--rev=3") == ["fruit/apple", "1"]
        descending = ("--sort-by=MODIFY", "--order=DESCEND", "--limit=1")
        assert await ctl("get", "--prefix", "", *descending) == ["fruit/apple", "3"]
        assert await ctl("del", "--prev-kv", "fruit/pear") == ["1", "fruit/pear", "2"]
        assert await ctl("del", "--prefix", "vegetable/") == ["0"]
        assert await ctl("compaction", "4") == ["compacted revision 4"]
        code, said = await ctl.try_("get", "fruit/apple", "--rev=3")
        assert code == 1
        assert "mvcc: required revision has been compacted" in said


@live
async def test_etcdctl_carries_out_transactions(tmp_path: Path) -> None:
    async with cluster(tmp_path) as (_, ctl):
        guarded = 'version("seat") = "0"\n\nput seat alice\nget seat\n\nget seat\n\n'
        assert await ctl("txn", typed=guarded) == ["SUCCESS", "", "OK", "", "seat", "alice"]
        again = guarded.replace("alice", "bob")
        assert await ctl("txn", typed=again) == ["FAILURE", "", "seat", "alice"]
        assert await ctl("get", "seat", "--write-out=fields") != []


@live
async def test_etcdctl_watches_from_now_and_from_an_old_revision(tmp_path: Path) -> None:
    async with cluster(tmp_path) as (_, ctl):
        await ctl("put", "w/a", "1")
        await ctl("del", "w/a")
        async with (
            ctl.running("watch", "--prefix", "w/", "--rev=2", "--prev-kv") as old,
            ctl.running("watch", "w/b") as new,
        ):
            lines = [await line_of(old) for _ in range(7)]
            assert lines == ["PUT", "w/a", "1", "DELETE", "w/a", "1", "w/a"]

            async def told() -> bool:
                await ctl("put", "w/b", "2")
                return new.returncode is None

            await eventually(told)
            assert [await line_of(new) for _ in range(3)] == ["PUT", "w/b", "2"]


@pytest.mark.proof
@live
async def test_etcdctl_grants_keeps_revokes_leases_and_they_expire(tmp_path: Path) -> None:
    async with cluster(tmp_path) as (_, ctl):
        (granted,) = await ctl("lease", "grant", "600")
        id = granted.split()[1]
        assert granted == f"lease {id} granted with TTL(600s)"
        await ctl("put", "leased", "1", f"--lease={id}")
        (times,) = await ctl("lease", "timetolive", id, "--keys")
        assert times.endswith("attached keys([leased])")
        assert await ctl("lease", "list") == ["found 1 leases", id]
        assert await ctl("lease", "keep-alive", "--once", id) == [
            f"lease {id} keepalived with TTL(600)"
        ]
        assert await ctl("lease", "revoke", id) == [f"lease {id} revoked"]
        assert await ctl("get", "leased") == []
        (granted,) = await ctl("lease", "grant", "2")
        short = granted.split()[1]
        await ctl("put", "short", "1", f"--lease={short}")
        async with ctl.running("lease", "keep-alive", short) as keeper:
            for _ in range(4):  # one each third of the time to live
                assert "keepalived" in await line_of(keeper)
            assert await ctl("get", "short", "--print-value-only") == ["1"]

        async def gone() -> bool:
            return await ctl("get", "short") == []

        await eventually(gone)
        assert "already expired" in (await ctl("lease", "timetolive", short))[0]


@live
async def test_etcdctl_sees_members_status_and_moves_the_leader(tmp_path: Path) -> None:
    async with cluster(tmp_path) as (made, ctl):
        members = await ctl("member", "list")
        assert [line.split(", ")[2] for line in members] == ["n1", "n2", "n3"]
        assert [line.split("//")[1].split(",")[0] for line in members] == made.endpoints
        await ctl("put", "x", "1")
        health = await ctl.try_("endpoint", "health")
        assert health[0] == 0
        hashes = {line.split(", ")[1] for line in await ctl("endpoint", "hashkv")}
        assert len(hashes) == 1
        leader = await made.leader()
        target = next(name for name in made.running.members if name != leader)
        id = next(line for line in members if f", {target}, " in line).split(",")[0]
        assert "Leadership transferred from" in (await ctl("move-leader", id))[0]
        assert await made.leader() == target


@pytest.mark.proof
@live
async def test_everything_goes_on_when_the_leader_is_killed(tmp_path: Path) -> None:
    async with cluster(tmp_path) as (made, ctl):
        (granted,) = await ctl("lease", "grant", "5")
        id = granted.split()[1]
        await ctl("put", "leased", "kept", f"--lease={id}")
        async with (
            ctl.running("watch", "--prefix", "k/") as watch,
            ctl.running("lease", "keep-alive", id) as keeper,
        ):
            assert "keepalived" in await line_of(keeper)
            before = await ctl("get", "--prefix", "k/")
            assert before == []
            for round in range(3):
                killed = await kill_leader(made)
                await ctl.until_ok("put", f"k/{round}", "x")
                guarded = f'version("t/{round}") = "0"\n\nput t/{round} x\n\n\n'
                said = (await ctl("txn", typed=guarded))[0]
                assert said in ("SUCCESS", "FAILURE"), "the first try may have been carried out"
                await made.running.restart(killed)
            found = await ctl.until_ok("get", "--prefix", "k/", "--keys-only")
            assert [line for line in found if line] == ["k/0", "k/1", "k/2"]
            told: list[str] = []
            while told[-2:] != ["k/2", "x"]:
                told.append(await line_of(watch))
            keys = [line for line in told if line.startswith("k/")]
            assert list(dict.fromkeys(keys)) == ["k/0", "k/1", "k/2"]
            end = time.monotonic() + 6
            while time.monotonic() < end:
                assert "keepalived" in await line_of(keeper)
            assert await ctl("get", "leased", "--print-value-only") == ["kept"]


@pytest.mark.proof
@live
async def test_a_lock_has_one_holder_at_a_time_while_leaders_are_killed(tmp_path: Path) -> None:
    """Whoever has the lock writes to a file when it begins and when it is done."""
    diary = tmp_path / "diary"
    diary.touch()
    inside = tmp_path / "inside.sh"
    inside.write_text(f"echo in >> {diary}; sleep 0.05; echo out >> {diary}\n")
    async with cluster(tmp_path / "cluster") as (made, ctl):
        enough = asyncio.Event()

        async def contend() -> None:
            while not enough.is_set():
                await ctl.until_ok("lock", "--ttl=10", "mutex", "sh", str(inside), seconds=60)

        contenders = [asyncio.create_task(contend()) for _ in range(2)]
        for words in (3, 9, 15):
            await eventually(lambda words=words: len(diary.read_text().split()) >= words, 60)
            killed = await kill_leader(made)
            await ctl.until_ok("put", "alive", "x")
            await made.running.restart(killed)
        enough.set()
        await asyncio.gather(*contenders)
    written = diary.read_text().split()
    assert written == ["in", "out"] * (len(written) // 2)


@pytest.mark.proof
@live
async def test_an_election_goes_to_the_next_when_its_winner_dies(tmp_path: Path) -> None:
    async with cluster(tmp_path) as (made, ctl):
        first = await ctl.start("elect", "office", "one")
        assert (await line_of(first)).startswith("office/")
        assert await line_of(first) == "one"
        async with ctl.running("elect", "office", "two") as second:
            await asyncio.sleep(0)
            killed = await kill_leader(made)
            await ctl.until_ok("get", "--prefix", "office/")
            await made.running.restart(killed)
            first.terminate()
            await first.communicate()
            assert (await line_of(second, seconds=70)).startswith("office/")
            assert await line_of(second) == "two"
