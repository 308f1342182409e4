"""Unmodified CQL clients use the lab ``cassandra``: the Python driver, and ``cqlsh``."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.runtime.launch import Background, launch_in_background
from stage3_partitioning.cassandra.worlds import WORLDS

HERE = Path(sys.executable).parent
KEYSPACE = (
    "CREATE KEYSPACE IF NOT EXISTS shop WITH replication = "
    "{'class': 'SimpleStrategy', 'replication_factor': 3}"
)
TABLE = (
    "CREATE TABLE IF NOT EXISTS shop.cart "
    "(customer text, item int, name text, price double, PRIMARY KEY (customer, item))"
)

SELECT_EVE = "SELECT item FROM cart WHERE customer = 'eve'"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Background]:
    """Three nodes, each a process."""
    with launch_in_background(WORLDS, tmp_path_factory.mktemp("cassandra"), 3) as launched:
        yield launched


def cqlsh(cluster: Background, cql: str) -> str:
    """What ``cqlsh`` prints."""
    program = str(HERE / "cqlsh") if (HERE / "cqlsh").exists() else shutil.which("cqlsh")
    if program is None:
        pytest.skip("cqlsh is missing: pip install -e '.[cassandra]'")
    host, port = cluster.endpoints[1].rsplit(":", 1)
    command = [program, host, port, "-e", cql]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_cqlsh_creates_writes_reads_and_shows_errors(cluster: Background) -> None:
    rows = "INSERT INTO shop.cart (customer, item, name) VALUES ('cyd', {}, '{}')"
    written = [rows.format(item, name) for item, name in ((7, "ink"), (-2, "pen"))]
    select = "SELECT item, name FROM shop.cart WHERE customer = 'cyd'"
    said = cqlsh(cluster, "; ".join((KEYSPACE, TABLE, "CONSISTENCY QUORUM", *written, select)))
    assert "Consistency level set to QUORUM" in said
    lines = [line.split() for line in said.splitlines()]
    assert lines.index(["-2", "|", "pen"]) < lines.index(["7", "|", "ink"])
    assert "WHERE must say what customer equals" in cqlsh(cluster, "SELECT * FROM shop.cart")


def write_and_read(session: Any, add: Any) -> None:
    """Rows one by one, in a batch, in pages, and by a condition."""
    from cassandra.query import BatchStatement, SimpleStatement

    for item in (3, -1, 20):
        session.execute(add, ("ann", item, f"thing {item}", item / 2))
    found = list(session.execute("SELECT * FROM cart WHERE customer = 'ann' AND item > 0"))
    assert [tuple(row) for row in found] == [
        ("ann", 3, "thing 3", 1.5),
        ("ann", 20, "thing 20", 10.0),
    ]
    batch = BatchStatement()
    for item in range(100, 105):
        batch.add(add, ("eve", item, None, 1.0))
    session.execute(batch)
    paged = session.execute(SimpleStatement(SELECT_EVE, fetch_size=2))
    assert paged.has_more_pages
    assert [row.item for row in paged] == [100, 101, 102, 103, 104], "two at a time"
    claim = "INSERT INTO cart (customer, item, name) VALUES ('bob', 1, %s) IF NOT EXISTS"
    told = [session.execute(claim, (name,)).one() for name in ("first", "second")]
    assert [row.applied for row in told] == [True, False]
    assert told[1].name == "first"


def test_the_driver_finds_all_nodes_and_the_schema_and_goes_on_over_sigkill(
    cluster: Background,
) -> None:
    driver = pytest.importorskip(
        "cassandra.cluster", reason="cassandra-driver is missing: pip install -e '.[cassandra]'"
    )
    from cassandra import ConsistencyLevel, InvalidRequest, WriteTimeout
    from cassandra.io.asyncioreactor import AsyncioConnection
    from cassandra.policies import RoundRobinPolicy
    from cassandra.query import SimpleStatement

    host, port = cluster.endpoints[0].rsplit(":", 1)
    profile = driver.ExecutionProfile(RoundRobinPolicy(), consistency_level=ConsistencyLevel.QUORUM)
    client: Any = driver.Cluster(
        [host],
        port=int(port),
        connection_class=AsyncioConnection,
        execution_profiles={driver.EXEC_PROFILE_DEFAULT: profile},
    )
    try:
        session = client.connect()
        assert len(client.metadata.all_hosts()) == 3
        session.execute(KEYSPACE)
        session.execute(TABLE)
        table = client.metadata.keyspaces["shop"].tables["cart"]
        assert [column.name for column in table.primary_key] == ["customer", "item"]
        session.set_keyspace("shop")
        add = session.prepare("INSERT INTO cart (customer, item, name, price) VALUES (?, ?, ?, ?)")
        write_and_read(session, add)
        with pytest.raises(InvalidRequest, match="unconfigured table shop.nothing"):
            session.execute("SELECT * FROM nothing WHERE a = 1")
        session.execute("DROP TABLE cart")
        assert "cart" not in client.metadata.keyspaces["shop"].tables
        session.execute(TABLE)
        for _ in client.metadata.all_hosts():  # each of them is asked
            assert not list(session.execute(SELECT_EVE))
        session.execute(add, ("ann", 20, "thing 20", 10.0))
        cluster.kill("n3")
        everybody = SimpleStatement(
            "DELETE FROM cart WHERE customer = 'ann' AND item = 3",
            consistency_level=ConsistencyLevel.ALL,
        )
        with pytest.raises(WriteTimeout):
            session.execute(everybody)
        assert session.execute("SELECT name FROM cart WHERE customer = 'ann' AND item = 20").one()
        cluster.restart("n3")
    finally:
        client.shutdown()
