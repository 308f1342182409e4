"""What strangers send to brokers of the lab log neither stays in memory nor ends a broker."""

import pytest

from common.contract import NodeId
from common.course.suites.kit import ask_ok, has_ended
from common.sim.simulation import Simulation
from common.values.units import MS, SECOND
from stage8_real_systems.log.broker import Broker
from stage8_real_systems.log.coordinator import GENERATIONS, Coordinator
from stage8_real_systems.log.group_requests import (
    CommitOffsets,
    Committed,
    FetchOffsets,
    FindCoordinator,
    Heartbeat,
    Joined,
    JoinGroup,
    LeaveGroup,
    Offsets,
    Protocol,
)
from stage8_real_systems.log.requests import (
    CreateTopic,
    DescribeCluster,
    Done,
    Error,
    Fetch,
    FetchPart,
    Refused,
)
from stage8_real_systems.log.serving import MOST_WAITING
from stage8_real_systems.log.worlds import WORLDS

WAYS = (Protocol("r", b""),)


def coordinated() -> tuple[Simulation, NodeId, Broker]:
    """Three brokers, with the one that coordinates groups."""

    size = WORLDS.simulated
    assert size is not None

    def broker(id: NodeId, peers: tuple[NodeId, ...]) -> Broker:
        return Broker(id, peers, **size.config)

    simulation = Simulation(dict.fromkeys(("n1", "n2", "n3"), broker))
    found: object = None
    while not hasattr(found, "broker"):
        simulation.run(simulation.now + 100 * MS)
        found = ask_ok(simulation, "n1", FindCoordinator("g"))
    simulation.run(simulation.now + 500 * MS)
    name: NodeId = found.broker
    node = simulation.nodes[name]
    assert isinstance(node, Broker)
    return simulation, name, node


def coordinator(broker: Broker) -> Coordinator:
    """What the broker keeps of its groups."""
    (found,) = broker.coordinators.values()
    return found


def join(group: str, session: int = 1 * SECOND, kind: str = "consumer") -> JoinGroup:
    """A new member wants to join."""
    return JoinGroup(group, "", "me", session, 1 * SECOND, kind, WAYS)


def test_a_group_of_which_nobody_is_a_member_takes_no_room_and_its_positions_stay() -> None:
    simulation, name, broker = coordinated()
    for number in range(50):
        refused = ask_ok(simulation, name, Heartbeat(f"g{number}", 1, "x"))
        assert refused == Refused(Error.UNKNOWN_MEMBER_ID)
        kept = CommitOffsets(f"g{number}", -1, "", (Committed("t", 0, number),))
        assert ask_ok(simulation, name, kept) == Done()
    assert not coordinator(broker).groups
    found = ask_ok(simulation, name, FetchOffsets("g7"))
    assert isinstance(found, Offsets)
    assert found.offsets[0].offset == 7


def test_the_generations_of_a_group_that_was_forgotten_go_on() -> None:
    simulation, name, broker = coordinated()
    last = coordinator(broker).epoch * GENERATIONS
    for leaves in (True, False, True):
        joined = ask_ok(simulation, name, join("g"))
        assert isinstance(joined, Joined)
        assert joined.generation > last
        last = joined.generation
        assert list(coordinator(broker).groups) == ["g"]
        if leaves:
            assert ask_ok(simulation, name, LeaveGroup("g", joined.member)) == Done()
        else:
            simulation.run(simulation.now + 2 * SECOND)  # it does not beat
        assert not coordinator(broker).groups


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (join("g", session=0), Error.INVALID_SESSION_TIMEOUT),
        (join("g", session=-1), Error.INVALID_SESSION_TIMEOUT),
        (join("g", session=1801 * SECOND), Error.INVALID_SESSION_TIMEOUT),
        (join("g", kind=""), Error.INCONSISTENT_GROUP_PROTOCOL),
        (join(""), Error.INVALID_GROUP_ID),
        (Heartbeat("", 1, "x"), Error.INVALID_GROUP_ID),
    ],
)
def test_a_join_that_makes_no_sense_is_refused(asked: object, error: Error) -> None:
    simulation, name, broker = coordinated()
    found = ask_ok(simulation, name, asked)
    assert isinstance(found, Refused)
    assert found.error is error
    assert not coordinator(broker).groups


def test_a_client_that_calls_itself_by_a_book_is_a_member_with_a_name() -> None:
    simulation, name, _ = coordinated()
    named = JoinGroup("g", "", "x" * 32_767, SECOND, SECOND, "consumer", WAYS)
    joined = ask_ok(simulation, name, named)
    assert isinstance(joined, Joined)
    assert len(joined.member) < 300


def test_a_commit_that_no_message_between_brokers_could_carry_is_refused() -> None:
    """Five megabytes in one commit ended the broker that took it, as no frame had room for them."""
    simulation, name, broker = coordinated()
    many = tuple(Committed("t", number, 5, -1, "x" * 1_000) for number in range(5_000))
    refused = ask_ok(simulation, name, CommitOffsets("g", -1, "", many))
    assert isinstance(refused, Refused)
    assert refused.error is Error.INVALID_COMMIT_OFFSET_SIZE
    assert not coordinator(broker).offsets
    assert ask_ok(simulation, name, CommitOffsets("g", -1, "", many[:500])) == Done()


def test_so_many_consumers_wait_and_one_more_is_told_what_there_is() -> None:
    simulation, _, _ = coordinated()
    assert ask_ok(simulation, "n1", CreateTopic("t", 1)) == Done()
    described = ask_ok(simulation, "n1", DescribeCluster(("t",)))
    leader: NodeId = described.topics[0].partitions[0].leader
    simulation.run(simulation.now + 500 * MS)
    node = simulation.nodes[leader]
    assert isinstance(node, Broker)
    wait = Fetch((FetchPart("t", 0, 0),), 60 * SECOND)
    waiting = [simulation.call(leader, wait) for _ in range(MOST_WAITING)]
    one_more = simulation.call(leader, wait)
    assert has_ended(simulation, one_more, 100 * MS)
    assert len(node.purgatory.by_number) == MOST_WAITING
    assert all(each.returned_at is None for each in waiting)
