"""Ports that are chosen before their program starts: nobody else gets them meanwhile."""

import asyncio
import importlib
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from common.runtime import ports
from common.runtime.facade import Door, load_facade
from common.runtime.ports import free_ports, take_port, usual_ports
from common.values.errors import BadInput
from tests.support.live import live

HOST = "127.0.0.1"
GIVEN = Path("/proc/sys/net/ipv4/ip_local_port_range")
ROOT = Path(ports.__file__).parents[2]
ELSEWHERE = (
    "from common.runtime.ports import free_ports; print(*free_ports('127.0.0.1', 50)); input()"
)


def test_free_ports_differ_and_belong_to_an_address_of_this_machine() -> None:
    assert len(set(free_ports(HOST, 50))) == 50
    with pytest.raises(BadInput, match=r"cannot listen on 192.0.2.1"):
        free_ports("192.0.2.1", 1)
    with pytest.raises(
        BadInput, match="1000 free ports are wanted on 127.0.0.1, and one program gets"
    ):
        free_ports(HOST, 1000)


def test_no_connection_is_given_a_free_port_by_chance() -> None:
    if not GIVEN.exists():
        pytest.skip(f"{GIVEN} is Linux'")
    first, last = map(int, GIVEN.read_text().split())
    assert not {*free_ports(HOST, 50)} & {*range(first, last + 1)}


def test_programs_that_choose_at_the_same_time_get_different_ports() -> None:
    others = [
        subprocess.Popen(
            [sys.executable, "-c", ELSEWHERE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": ":".join(sys.path)},
        )
        for _ in range(3)
    ]
    found = free_ports(HOST, 50)
    for other in others:
        assert other.stdout is not None
        found += map(int, other.stdout.readline().split())
    for other in others:
        other.communicate("\n")
    assert len(set(found)) == 200, "though nobody listens on any of them"


def test_a_port_that_somebody_has_is_not_free_for_tcp_and_not_for_udp() -> None:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as other:
            [port] = free_ports(HOST, 1)
            assert usual_ports(HOST, port, 1) == [port]
            other.bind((HOST, port))
            assert usual_ports(HOST, port, 1) == []
            around = {port for _ in range(2) for port in free_ports(HOST, ports.BLOCK - 10)}
            assert port not in around, "it has been passed twice"


def test_connections_that_have_just_ended_do_not_take_a_port_away() -> None:
    [port] = free_ports(HOST, 1)
    with socket.create_server((HOST, port)) as server, socket.create_connection((HOST, port)):
        server.accept()[0].close()  # it ends first: its port rests for a minute
    assert usual_ports(HOST, port, 1) == [port]


@live
async def test_who_comes_back_waits_for_its_port() -> None:
    [port] = free_ports(HOST, 1)
    other = socket.create_server((HOST, port))
    asyncio.get_running_loop().call_later(0.3, other.close)

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(lambda *_: None, HOST, port)

    (await take_port("clients", f"{HOST}:{port}", listen)).close()


FACADES = sorted(path.parent.parent for path in ROOT.glob("*/*/front/facade.py"))


@live
@pytest.mark.parametrize("lab", FACADES, ids=lambda lab: lab.name)
async def test_a_facade_whose_port_is_taken_says_so_in_one_sentence(
    lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "PATIENCE_SECONDS", 0.0)
    package = ".".join(lab.relative_to(ROOT).parts)
    worlds = importlib.import_module(f"{package}.worlds").WORLDS
    front = worlds.front
    if front is not None and front.needs:
        pytest.importorskip(front.needs)
    node = SimpleNamespace(sign_by=lambda signer: None)
    host = SimpleNamespace(carriers=[], node=node)
    resident = SimpleNamespace(id="n1", submit=print, host=host)
    door = Door(resident, ("n1",), print)  # type: ignore[arg-type]
    with socket.create_server((HOST, 0)) as other, socket.socket(type=socket.SOCK_DGRAM) as also:
        port = other.getsockname()[1]
        also.bind((HOST, port))
        settings = {
            "host": HOST,
            "ports": {"n1": port},
            "config": dict(worlds.live.config),
            "directory": str(tmp_path),  # this and the next are mapreduce's
            "token": "",
        }
        facade = load_facade(f"{package}.front.facade:make")(door, settings)
        with pytest.raises(BadInput, match=f"{HOST}:{port}|port {port} of {HOST}") as refused:
            await facade.listen()
    assert "another" in str(refused.value), "what to do about it"
    await facade.close()
