"""Members of the lab swim in one cluster with unmodified Serf agents."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

pytest.importorskip("msgpack", reason="msgpack is not installed: pip install -e '.[serf]'")

from common.runtime.launch import Launched, launch
from common.runtime.member import NodeFailed
from common.values.history import Ok
from stage5_fault_tolerance.swim.front.packets import Kind, read, split
from stage5_fault_tolerance.swim.messages import Members
from stage5_fault_tolerance.swim.worlds import WORLDS
from tests.support.live import eventually, live
from tests.support.serf import Agent, two_agents
from tests.support.swim_packets import BOMB, alive, packed, ping

pytestmark = pytest.mark.needs("serf")

OURS = ("n1", "n2", "n3")
PATIENCE_SECONDS = 60.0
"""What takes Serf ten seconds takes longer on a busy machine."""

LOOK_SECONDS = 0.3

SAME = {"alive": "alive", "suspect": "alive", "dead": "failed"}
"""Our words for states in Serf's: it lists a suspect as alive."""


@asynccontextmanager
async def ours(directory: Path, members: int = 3, **front: object) -> AsyncIterator[Launched]:
    """Our members as processes, with memberlist's format in front."""
    async with launch(
        WORLDS, directory / "ours", members, variant="memberlist", front=front
    ) as launched:
        yield launched


async def listed(launched: Launched, member: str) -> dict[str, str]:
    """Whom one of our members knows, and in which state; nobody where it does not answer."""
    outcome = await launched.running.invoke(member, Members())
    rows = outcome.value if isinstance(outcome, Ok) else ()
    assert isinstance(rows, tuple)
    return {name: state for name, state, _ in rows}


async def seen(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so, and look only now and then: each look costs a process."""

    async def look() -> bool:
        await asyncio.sleep(LOOK_SECONDS)
        return await holds()

    await eventually(look, PATIENCE_SECONDS)


def all_list(launched: Launched, *agents: Agent, **expected: str) -> Callable[[], Awaitable[bool]]:
    """Whether the agents and each of our members list these states, and no others.

    Who left is "failed" here. Serf tells the two apart by messages of its own, which its agents
    pass on and members of SWIM do not; so it depends on chance whether an agent hears of it.
    """

    async def agree() -> bool:
        theirs = [
            {
                name: "failed" if state == "left" else state
                for name, state in agent.members().items()
            }
            for agent in agents
        ]
        lists = [await listed(launched, member) for member in OURS]
        in_their_words = [{name: SAME[state] for name, state in each.items()} for each in lists]
        return all(each == expected for each in (*theirs, *in_their_words))

    return agree


async def counters(launched: Launched, member: str) -> dict[str, int]:
    """What one of our members has counted."""
    while (status := await launched.running.members[member].status()) is None:
        await asyncio.sleep(LOOK_SECONDS)
    return status.counters


@live
async def test_ours_join_are_probed_suspected_refute_and_see_serfs_members_die(
    tmp_path: Path,
) -> None:
    with two_agents(tmp_path) as (real1, real2):
        async with ours(tmp_path, seeds=[real1.address]) as launched:
            alive = dict.fromkeys((*OURS, "real1", "real2"), "alive")
            await seen(all_list(launched, real1, real2, **alive))

            await launched.running.pause("n2")

            async def suspected() -> bool:
                """By a probe of their own, or by the word of ours, who may be faster."""
                if "Suspect n2 has failed" in real1.log() + real2.log():
                    return True
                return real1.members().get("n2") == "failed"

            await seen(suspected)
            await launched.running.resume("n2")

            async def refuted() -> bool:
                n2 = (await launched.status()).get("n2", {"incarnation": 0})
                return int(n2["incarnation"]) > 0

            await seen(refuted)
            await seen(all_list(launched, real1, **alive))

            real2.kill()
            now = {**alive, "real2": "failed"}
            await seen(all_list(launched, real1, **now))
            told = [await counters(launched, member) for member in OURS]
            assert not any(
                count for each in told for name, count in each.items()
                if name.startswith("packets_")
            ), told  # fmt: skip
            assert all(each["messages_received"] > 5 for each in told), "hardly anybody probes"


@pytest.mark.proof
@live
async def test_who_was_killed_comes_back_on_either_side(tmp_path: Path) -> None:
    with two_agents(tmp_path) as (real1, real2):
        async with ours(tmp_path, seeds=[real1.address]) as launched:
            alive = dict.fromkeys((*OURS, "real1", "real2"), "alive")
            await seen(all_list(launched, real1, real2, **alive))
            await launched.running.kill("n3")
            real2.kill()

            async def both_seen() -> bool:
                lists = [await listed(launched, member) for member in ("n1", "n2")]
                theirs = real1.members()
                two = ("n3", "real2")
                return all(each.get(name) == "dead" for each in lists for name in two) and (
                    all(theirs.get(name) == "failed" for name in two)
                )

            await seen(both_seen)
            await launched.running.restart("n3")
            back = real2.again(launched.endpoints[0])
            try:
                await seen(all_list(launched, real1, back, **alive))
            finally:
                back.kill()


@pytest.mark.proof
@live
async def test_a_cut_between_ours_and_theirs_is_seen_and_healed(tmp_path: Path) -> None:
    with two_agents(tmp_path) as (real1, real2):
        async with ours(tmp_path, seeds=[real1.address]) as launched:
            alive = dict.fromkeys((*OURS, "real1", "real2"), "alive")
            await seen(all_list(launched, real1, real2, **alive))
            await launched.running.partition(OURS)

            async def apart() -> bool:
                lists = [await listed(launched, member) for member in OURS]
                ours_alone = {**dict.fromkeys(OURS, "alive"), "real1": "dead", "real2": "dead"}
                theirs = {**alive, **dict.fromkeys(OURS, "failed")}
                return all(each == ours_alone for each in lists) and (
                    real1.members() == real2.members() == theirs
                )

            await seen(apart)
            await launched.running.heal()
            await seen(all_list(launched, real1, real2, **alive))


@live
async def test_an_agent_joins_by_one_of_ours_and_leaves_in_good_order(tmp_path: Path) -> None:
    async with ours(tmp_path) as launched:
        first = Agent("real1", tmp_path, launched.endpoints[2])
        guest = Agent("guest", tmp_path, launched.endpoints[0])
        try:
            alive = dict.fromkeys((*OURS, "real1", "guest"), "alive")
            await seen(all_list(launched, first, **alive))
            guest.leave()
            gone = {**alive, "guest": "failed"}
            await seen(all_list(launched, first, **gone))
        finally:
            first.kill()
            guest.kill()


@live
async def test_bad_packets_are_counted_and_named_and_the_member_goes_on(tmp_path: Path) -> None:
    async with ours(tmp_path, 1) as launched:
        host, port = launched.host, launched.ports["n1"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.settimeout(20)
            good = ping("n1", 7)
            for bad in (
                good[:-3],
                b"\x09" * 60_000,
                b"\xf4\x04blue" + good,
                b"\x0c\x00\x00\x00\x00" + good,
                b"\x0a" + bytes(40),
                BOMB,
                b"\xc8 nonsense",
                ping("n2", 8),
                alive("x" * 200, 7000),
            ):
                stranger.sendto(bad, (host, port))
            stranger.sendto(good, (host, port))
            answer = stranger.recv(2_000)
        kind, fields = split(answer, "")[0]
        assert (kind, read(kind, fields).number("SeqNo")) == (Kind.ACK, 7)
        told = await counters(launched, "n1")
        assert {name: count for name, count in told.items() if name.startswith("packets_")} == {
            "packets_cut": 1,
            "packets_too_long": 1,
            "packets_of_others": 1,
            "packets_forged": 1,
            "packets_encrypted": 1,
            "packets_bomb": 1,
            "packets_garbled": 2,
            "packets_not_for_us": 1,
        }
        with socket.create_connection((host, port)) as stream:
            stream.settimeout(20)
            stream.sendall(b"\x06" + packed({"Nodes": 2**31, "UserStateLen": 0, "Join": True}))
            assert stream.recv(100) == b"", "it is closed without an answer"
        log = (tmp_path / "ours" / "n1" / "node.log").read_text()
        assert "Traceback" not in log
        assert log.count("refused a packet from 127.0.0.1:") == 8, "one sentence for each kind"
        assert not launched.running.failures


@live
async def test_what_cannot_be_joined_or_told_to_others_is_refused_in_a_sentence(
    tmp_path: Path,
) -> None:
    with pytest.raises(NodeFailed, match="'nowhere' is no address of a member to join"):
        async with ours(tmp_path, 1, seeds=["nowhere"]):
            pass
    with pytest.raises(NodeFailed, match="'0.0.0.0' says nobody where that is: give --host"):
        async with launch(WORLDS, tmp_path / "all", 1, variant="memberlist", host="0.0.0.0"):
            pass
