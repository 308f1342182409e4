"""The requests about groups of consumers: who coordinates, who is in, what is committed."""

from itertools import groupby
from operator import attrgetter

from stage8_real_systems.log.front.apis import Request
from stage8_real_systems.log.front.codes import Code, said
from stage8_real_systems.log.front.gateway import Gateway
from stage8_real_systems.log.front.records import MS, bounded
from stage8_real_systems.log.front.schema import Message
from stage8_real_systems.log.group_requests import (
    Assignment,
    CommitOffsets,
    Committed,
    Coordinator,
    FetchOffsets,
    FindCoordinator,
    Heartbeat,
    Joined,
    JoinGroup,
    LeaveGroup,
    MemberIdRequired,
    Offsets,
    Protocol,
    Synced,
    SyncGroup,
)
from stage8_real_systems.log.requests import DescribeCluster, Described, Done, Error, Refused

MOST_METADATA = 4_096
"""Characters that may stand beside a position, Kafka's ``offset.metadata.max.bytes``."""
GROUP = 0
"""The type of key of FindCoordinator that is a group's name; the other one is a transaction's."""
ID_REQUIRED_SINCE = 4
"""From this version of JoinGroup on, a member is given its id before it waits (KIP-394)."""
SEVERAL_LEAVE_SINCE = 3
"""From this version of LeaveGroup on, it names its members in an array (KIP-345)."""


async def find_coordinator(gateway: Gateway, request: Request) -> Message:
    """Which broker to ask about a group."""
    body = request.body
    if body["key_type"] != GROUP:
        text = "there are no transactions here, so that nobody coordinates one"
        return {"error_code": Code.INVALID_REQUEST, "error_message": text}
    result = await gateway.ask(FindCoordinator(body["key"]), Coordinator)
    if isinstance(result, Refused):
        return {"error_code": result.error, "error_message": said(result.text)}
    return gateway.address(result.broker)


async def join_group(gateway: Gateway, request: Request) -> Message:
    """Join a group; the coordinator answers once everybody has."""
    body = request.body
    session = body["session_timeout_ms"]
    rebalance = bounded(body["rebalance_timeout_ms"])
    if body["rebalance_timeout_ms"] < 0:  # version 0 has one time for both
        rebalance = bounded(session)
    asked = JoinGroup(
        body["group_id"],
        body["member_id"],
        request.client,
        session * MS,
        rebalance * MS,
        body["protocol_type"],
        tuple(Protocol(each["name"], each["metadata"]) for each in body["protocols"]),
        request.version >= ID_REQUIRED_SINCE and body["group_instance_id"] is None,
        body["group_instance_id"] or "",
    )
    result: Joined | MemberIdRequired | Refused
    result = await gateway.ask(asked, Joined, MemberIdRequired)
    match result:
        case Refused(error):
            return {"error_code": error, "member_id": body["member_id"]}
        case MemberIdRequired(member):
            return {"error_code": Error.MEMBER_ID_REQUIRED, "member_id": member}
    return {
        "generation_id": result.generation,
        "protocol_type": body["protocol_type"],
        "protocol_name": result.protocol,
        "leader": result.leader,
        "member_id": result.member,
        "members": [
            {
                "member_id": member.id,
                "group_instance_id": member.instance or None,
                "metadata": member.metadata,
            }
            for member in result.members
        ],
    }


async def sync_group(gateway: Gateway, request: Request) -> Message:
    """Bring the assignments, or wait for them."""
    body = request.body
    brought = tuple(
        Assignment(each["member_id"], each["assignment"]) for each in body["assignments"]
    )
    asked = SyncGroup(body["group_id"], body["generation_id"], body["member_id"], brought)
    result = await gateway.ask(asked, Synced)
    if isinstance(result, Refused):
        return {"error_code": result.error}
    return {
        "protocol_type": body["protocol_type"],
        "protocol_name": result.protocol,
        "assignment": result.assignment,
    }


async def heartbeat(gateway: Gateway, request: Request) -> Message:
    """Say that a member lives."""
    body = request.body
    asked = Heartbeat(body["group_id"], body["generation_id"], body["member_id"])
    return {"error_code": _code(await gateway.ask(asked, Done))}


async def leave_group(gateway: Gateway, request: Request) -> Message:
    """Take members out; in old versions one, in newer ones several, perhaps none."""
    body = request.body
    is_old = request.version < SEVERAL_LEAVE_SINCE
    names = [{"member_id": body["member_id"]}] if is_old else body["members"]
    begun = [
        (each, gateway.begin(LeaveGroup(body["group_id"], each["member_id"]), Done))
        for each in names
    ]
    left = [{**each, "error_code": _code(await answer)} for each, answer in begun]
    return {"members": left, "error_code": left[0]["error_code"] if is_old else 0}


async def offset_commit(gateway: Gateway, request: Request) -> Message:
    """Keep how far a group has read; all of what can be kept, or nothing."""
    body = request.body
    names = tuple(dict.fromkeys(topic["name"] for topic in body["topics"]))
    described = await gateway.ask(DescribeCluster(names), Described)
    known = described.topics if isinstance(described, Described) else ()
    counts = {topic.name: len(topic.partitions) for topic in known}
    offsets: list[Committed] = []
    codes: list[list[int | None]] = []
    for topic in body["topics"]:
        count = counts.get(topic["name"], 0)
        codes.append([_problem(part, count) for part in topic["partitions"]])
        pairs = zip(topic["partitions"], codes[-1], strict=True)
        offsets += [_position(topic["name"], part) for part, problem in pairs if problem is None]
    generation, member = body["generation_id"], body["member_id"]
    asked = CommitOffsets(body["group_id"], generation, member, tuple(offsets))
    code = _code(await gateway.ask(asked, Done))
    return {
        "topics": [
            {
                "name": topic["name"],
                "partitions": [
                    {
                        "partition_index": part["partition_index"],
                        "error_code": code if problem is None else problem,
                    }
                    for part, problem in zip(topic["partitions"], problems, strict=True)
                ],
            }
            for topic, problems in zip(body["topics"], codes, strict=True)
        ]
    }


def _problem(part: Message, count: int) -> int | None:
    """Why a position cannot be kept, in a topic of so many partitions; None if it can be."""
    if not 0 <= part["partition_index"] < count:
        return Error.UNKNOWN_TOPIC_OR_PARTITION
    if len(part["committed_metadata"] or "") > MOST_METADATA:
        return Code.OFFSET_METADATA_TOO_LARGE
    return None


def _position(topic: str, part: Message) -> Committed:
    return Committed(
        topic,
        part["partition_index"],
        part["committed_offset"],
        part["committed_leader_epoch"],
        part["committed_metadata"] or "",
    )


async def offset_fetch(gateway: Gateway, request: Request) -> Message:
    """How far a group has read; all that it ever committed where no topics are named."""
    body = request.body
    wanted = None
    if body["topics"] is not None:
        wanted = tuple(
            (topic["name"], index)
            for topic in body["topics"]
            for index in topic["partition_indexes"]
        )
    result = await gateway.ask(FetchOffsets(body["group_id"], wanted), Offsets)
    if isinstance(result, Refused):
        failed = [Committed(topic, index, -1) for topic, index in wanted or ()]
        return {"topics": _positions(failed, result.error), "error_code": result.error}
    return {"topics": _positions(result.offsets, Error.NONE)}


def _positions(offsets: "list[Committed] | tuple[Committed, ...]", error: Error) -> list[Message]:
    return [
        {
            "name": topic,
            "partitions": [
                {
                    "partition_index": each.partition,
                    "committed_offset": each.offset,
                    "committed_leader_epoch": each.epoch,
                    "metadata": each.metadata,
                    "error_code": error,
                }
                for each in group
            ],
        }
        for topic, group in groupby(offsets, key=attrgetter("topic"))
    ]


def _code(result: Done | Refused) -> int:
    return result.error if isinstance(result, Refused) else 0
