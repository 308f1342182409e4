"""The requests about groups of consumers: who coordinates, who is in, what is committed."""

from itertools import groupby
from operator import attrgetter

from stage8_real_systems.log.front.apis import Request
from stage8_real_systems.log.front.codes import Code
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
from stage8_real_systems.log.requests import Done, Error, Refused

GROUP = 0
"""The type of key of FindCoordinator that is a group's name; the other one is a transaction's."""
ID_REQUIRED_SINCE = 4
"""From this version of JoinGroup on, a member is given its id before it waits (KIP-394)."""


async def find_coordinator(gateway: Gateway, request: Request) -> Message:
    """Which broker to ask about a group."""
    body = request.body
    if body["key_type"] != GROUP:
        text = "there are no transactions here, so that nobody coordinates one"
        return {"error_code": Code.INVALID_REQUEST, "error_message": text}
    result = await gateway.ask(FindCoordinator(body["key"]), Coordinator)
    if isinstance(result, Refused):
        return {"error_code": result.error, "error_message": result.text or None}
    return gateway.address(result.broker)


async def join_group(gateway: Gateway, request: Request) -> Message:
    """Join a group; the coordinator answers once everybody has."""
    body = request.body
    session = bounded(body["session_timeout_ms"])
    rebalance = bounded(body["rebalance_timeout_ms"])
    if body["rebalance_timeout_ms"] < 0:  # version 0 has one time for both
        rebalance = session
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
    """Take members out; in old versions one, in newer ones several."""
    body = request.body
    names = body["members"] or [{"member_id": body["member_id"]}]
    begun = [
        (each, gateway.begin(LeaveGroup(body["group_id"], each["member_id"]), Done))
        for each in names
    ]
    left = [{**each, "error_code": _code(await answer)} for each, answer in begun]
    return {"members": left, "error_code": 0 if body["members"] else left[0]["error_code"]}


async def offset_commit(gateway: Gateway, request: Request) -> Message:
    """Keep how far a group has read; all of it, or nothing."""
    body = request.body
    offsets = tuple(
        Committed(
            topic["name"],
            part["partition_index"],
            part["committed_offset"],
            part["committed_leader_epoch"],
            part["committed_metadata"] or "",
        )
        for topic in body["topics"]
        for part in topic["partitions"]
    )
    generation, member = body["generation_id"], body["member_id"]
    asked = CommitOffsets(body["group_id"], generation, member, offsets)
    code = _code(await gateway.ask(asked, Done))
    return {
        "topics": [
            {
                "name": topic["name"],
                "partitions": [
                    {"partition_index": part["partition_index"], "error_code": code}
                    for part in topic["partitions"]
                ],
            }
            for topic in body["topics"]
        ]
    }


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
