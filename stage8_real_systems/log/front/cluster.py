"""The requests about the cluster: ApiVersions, Metadata, CreateTopics."""

import asyncio

from stage8_real_systems.log.front.apis import APIS, Request
from stage8_real_systems.log.front.codes import Code, said
from stage8_real_systems.log.front.gateway import Gateway
from stage8_real_systems.log.front.schema import Message
from stage8_real_systems.log.requests import (
    CreateTopic,
    DescribeCluster,
    Described,
    Done,
    Error,
    PartitionInfo,
    Refused,
    TopicInfo,
)

CLUSTER = "a-small-kafka"
"""What clients are told the cluster is called."""
HEARS_WITHIN_SECONDS = 5.0
LOOK_SECONDS = 0.05
DEFAULT = -1
"""As many partitions, or replicas, as the cluster gives unless told otherwise."""


async def api_versions(_: Gateway, request: Request) -> Message:
    """Which APIs and versions are served.

    A client that speaks a newer version of this very request is told so in the oldest one, which
    everybody reads, and asks again (KIP-511).
    """
    served = [
        {
            "api_key": api.key,
            "min_version": api.versions.start,
            "max_version": api.versions.stop - 1,
        }
        for api in APIS.values()
    ]
    code = Code.NONE if request.understood else Code.UNSUPPORTED_VERSION
    return {"error_code": code, "api_keys": served}


async def metadata(gateway: Gateway, request: Request) -> Message:
    """Who is there, and who leads what; topics that are named and missing are made, if wanted."""
    body = request.body
    topics = body["topics"]
    names = None if topics is None else tuple(topic["name"] for topic in topics)
    described = await _described(gateway, names)
    errors: dict[str, Error] = {}
    if names and body["allow_auto_topic_creation"]:
        unknown = Error.UNKNOWN_TOPIC_OR_PARTITION
        missing = [topic.name for topic in described.topics if topic.error == unknown]
        errors = {name: await _make(gateway, name) for name in missing}
        if missing:
            described = await _described(gateway, names)
    return {
        "brokers": [gateway.address(broker) for broker in described.brokers],
        "cluster_id": CLUSTER,
        "controller_id": gateway.number(described.controller),
        "topics": [
            _topic(gateway, topic, topic.error and errors.get(topic.name, topic.error))
            for topic in described.topics
        ],
    }


async def _described(gateway: Gateway, names: tuple[str, ...] | None) -> Described:
    """The cluster; a broker that has just begun waits a while until it has heard of others.

    Clients keep what they are told first for minutes. (Kafka's brokers do not listen before.)
    """
    end = asyncio.get_running_loop().time() + HEARS_WITHIN_SECONDS
    while True:
        result = await gateway.ask(DescribeCluster(names), Described)
        if isinstance(result, Described) and result.brokers:
            return result
        if asyncio.get_running_loop().time() > end:
            topics = result.topics if isinstance(result, Described) else ()
            return Described("", (gateway.node,), topics)  # a client needs somebody to ask again
        await asyncio.sleep(LOOK_SECONDS)


async def _make(gateway: Gateway, name: str) -> Error:
    """Make a topic; returns what a client is to be told as long as there is none.

    That is that it ask again, also where too few brokers are there just now, unless no topic can
    ever have the name.
    """
    result = await gateway.ask(CreateTopic(name, DEFAULT), Done)
    if isinstance(result, Refused) and result.error == Error.INVALID_TOPIC_EXCEPTION:
        return result.error
    return Error.LEADER_NOT_AVAILABLE


def _topic(gateway: Gateway, topic: TopicInfo, error: int) -> Message:
    return {
        "error_code": error,
        "name": topic.name,
        "is_internal": topic.name.startswith("__"),
        "partitions": [_partition(gateway, each) for each in topic.partitions],
    }


def _partition(gateway: Gateway, partition: PartitionInfo) -> Message:
    return {
        "error_code": Error.NONE if partition.leader else Error.LEADER_NOT_AVAILABLE,
        "partition_index": partition.index,
        "leader_id": gateway.number(partition.leader),
        "leader_epoch": partition.epoch,
        "replica_nodes": [gateway.number(each) for each in partition.replicas],
        "isr_nodes": [gateway.number(each) for each in partition.isr],
    }


async def create_topics(gateway: Gateway, request: Request) -> Message:
    """Make topics, each by itself; which brokers hold them, the controller decides."""
    body = request.body
    return {"topics": [await _created(gateway, topic, body) for topic in body["topics"]]}


async def _created(gateway: Gateway, topic: Message, body: Message) -> Message:
    name = topic["name"]
    if problem := _problem(topic, body):
        return {"name": name, "error_code": Code.INVALID_REQUEST, "error_message": said(problem)}
    partitions, replication = topic["num_partitions"], topic["replication_factor"]
    asked = CreateTopic(name, partitions, replication)
    result = await gateway.ask(asked, Done)
    if isinstance(result, Refused):
        return {"name": name, "error_code": result.error, "error_message": said(result.text)}
    return {"name": name, "num_partitions": partitions, "replication_factor": replication}


def _problem(topic: Message, body: Message) -> str:
    """What of a wish for a topic is not served here."""
    if body["validate_only"]:
        return "topics are made here, and cannot be tried only"
    if topic["assignments"]:
        return "the controller places partitions: leave the assignments out"
    if topic["configs"]:
        return f"topics have no settings here: leave {topic['configs'][0]['name']} out"
    return ""
