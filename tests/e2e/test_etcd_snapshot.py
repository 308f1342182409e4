"""A snapshot of ours becomes a member of real etcd, by etcd's own tools."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aetcd", reason="aetcd is not installed: pip install -e '.[etcd]'")

import grpc
from aetcd.rpc import rpc_pb2

from common.runtime.launch import launch_in_background
from stage5_fault_tolerance.etcd.front.bolt import PAGE, database
from stage5_fault_tolerance.etcd.worlds import WORLDS
from tests.support.etcd import Stubs, real_etcd

pytestmark = pytest.mark.needs("grpc", "etcd")

EVERYTHING = {"key": b"\0", "range_end": b"\0"}


def test_pages_are_whole_and_large_values_go_on_into_the_next_ones() -> None:
    many = {b"%05d" % number: b"x" * 100 for number in range(1_000)}
    file = database({b"many": many, b"large": {b"one": b"y" * 3 * PAGE}, b"none": {}})
    assert len(file) % PAGE == 0
    assert b"y" * 3 * PAGE in file
    assert all(key in file for key in many)


def etcdctl(*arguments: str) -> str:
    command = ("etcdctl", *arguments)
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def fill(stubs: Stubs) -> int:
    """Put all sorts of things into a store; returns the last revision."""
    for ttl, id in ((1000, 5), (2000, 6)):
        stubs.lease.LeaseGrant(rpc_pb2.LeaseGrantRequest(TTL=ttl, ID=id))
    for number in range(150):
        key = b"many/%03d" % (number % 100)
        stubs.kv.Put(rpc_pb2.PutRequest(key=key, value=b"%d" % number, lease=5 * (number == 7)))
    stubs.kv.Put(rpc_pb2.PutRequest(key=b"large", value=b"x" * 100_000))
    puts = [
        rpc_pb2.RequestOp(request_put=rpc_pb2.PutRequest(key=b"at once %d" % number))
        for number in range(3)
    ]
    stubs.kv.Txn(rpc_pb2.TxnRequest(success=puts))
    stubs.kv.Compact(rpc_pb2.CompactionRequest(revision=60))
    gone = rpc_pb2.DeleteRangeRequest(key=b"many/1", range_end=b"many/3")
    return int(stubs.kv.DeleteRange(gone).header.revision)


def held(stubs: Stubs, revision: int) -> tuple[Any, ...]:
    """All keys as of a revision, and the leases."""
    found = stubs.kv.Range(rpc_pb2.RangeRequest(revision=revision, **EVERYTHING))
    leases = stubs.lease.LeaseLeases(rpc_pb2.LeaseLeasesRequest()).leases
    times = [
        stubs.lease.LeaseTimeToLive(rpc_pb2.LeaseTimeToLiveRequest(ID=lease.ID, keys=True))
        for lease in sorted(leases, key=lambda each: each.ID)
    ]
    return list(found.kvs), [(each.ID, each.grantedTTL, list(each.keys)) for each in times]


@pytest.mark.proof
def test_real_etcd_goes_on_from_a_snapshot_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "ours.db"
    with launch_in_background(WORLDS, tmp_path / "ours", members=1) as cluster:
        with grpc.insecure_channel(cluster.endpoints[0]) as channel:
            ours = Stubs(channel)
            last = fill(ours)
            expected = [held(ours, revision) for revision in (60, 100, last - 1, last)]
        etcdctl("--endpoints", cluster.endpoints[0], "snapshot", "save", str(file))
    status = json.loads(etcdctl("snapshot", "status", str(file), "--write-out=json"))
    assert status["revision"] == last
    with (
        real_etcd(tmp_path, restored_from=file) as endpoint,
        grpc.insecure_channel(endpoint) as channel,
    ):
        real = Stubs(channel)
        found = [held(real, revision) for revision in (60, 100, last - 1, last)]
        with pytest.raises(grpc.RpcError, match="has been compacted"):
            real.kv.Range(rpc_pb2.RangeRequest(revision=59, **EVERYTHING))
        put = real.kv.Put(rpc_pb2.PutRequest(key=b"next"))
    assert found == expected
    assert put.header.revision == last + 1
