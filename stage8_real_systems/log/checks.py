"""What clients of the lab ask for, and what must hold of what they were told.

The anomalies have the names of Jepsen's workload for Kafka (Kingsbury 2022, "Redpanda 21.10.1").
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from common.check.verdict import Answer, Verdict
from common.values.history import Failed, History, Ok, Operation
from stage8_real_systems.log.client import PARTITIONS, Read, Send
from stage8_real_systems.log.group_client import Consume, Positions

KEYS = tuple(str(partition) for partition in range(PARTITIONS))


def some_request(random: Random, client: str, number: int) -> Send | Read:
    """More writes than reads; no text is sent twice."""
    key = random.choice(KEYS)
    return Send(key, f"{client}.{number}") if random.random() < 0.6 else Read(key)


def some_consuming(random: Random, client: str, number: int) -> Send | Consume | Positions:
    """A member mostly consumes; now and then it writes, or asks what is committed."""
    drawn = random.random()
    if drawn < 0.55:
        return Consume()
    if drawn < 0.85:
        return Send(random.choice(KEYS), f"{client}.{number}")
    return Positions()


@dataclass
class Partition:
    """What a history says of one partition.

    Attributes:
        sent: by text, the operation that sent it.
        at: by offset, the text and the operation that says so.
        where: by text, its offset.
    """

    sent: dict[str, Operation] = field(default_factory=dict)
    at: dict[int, tuple[str, Operation]] = field(default_factory=dict)
    where: dict[str, tuple[int, Operation]] = field(default_factory=dict)


def one_log(history: History) -> Verdict:
    """Each partition is one log: all who say what is at an offset say the same.

    So nothing acknowledged is lost, nothing is there twice, and nothing was read that is not there
    for good.
    """
    operations = list(history)
    partitions: dict[object, Partition] = defaultdict(Partition)
    for each in operations:
        if each.function == "send":
            partitions[each.key].sent[str(each.argument)] = each
    for each in operations:
        for key, offset, text in said(each):
            if verdict := _contradicted(partitions[key], key, offset, text, each):
                return verdict
    for each in operations:
        if verdict := _skipped(each):
            return verdict
    for key, partition in partitions.items():
        if verdict := _reordered(key, partition):
            return verdict
    count = sum(len(each.at) for each in partitions.values())
    sentence = f"Offsets of which all say the same: {count}."
    return Verdict(Answer.YES, sentence, steps=count, rests_on=count)


def said(operation: Operation) -> Iterator[tuple[object, int, str]]:
    """What an operation says is at which offset: triples of partition, offset and text.

    Of what was written by somebody else, while people try the cluster, it says nothing.
    """
    outcome = operation.outcome
    if not isinstance(outcome, Ok):
        return
    value: Any = outcome.value
    match operation.function:
        case "send":
            yield operation.key, value, str(operation.argument)
        case "read":
            yield from ((operation.key, offset, text) for offset, text in value[1] if text)
        case "consume":
            yield from (each for each in value.records if each[2])


def _contradicted(
    partition: Partition, key: object, offset: int, text: str, said_by: Operation
) -> Verdict | None:
    """What is wrong with one more word about a partition, or None."""
    sent = partition.sent.get(text)
    if sent is None or isinstance(sent.outcome, Failed):
        sentence = f"{text!r} is at offset {offset} of partition {key}, and nobody sent it"
        return Verdict(Answer.NO, sentence, (said_by,), anomaly="phantom")
    there, other = partition.at.setdefault(offset, (text, said_by))
    if there != text:
        sentence = (
            f"at offset {offset} of partition {key} was {there!r}, and then {text!r}: what was "
            "acknowledged or read was lost"
        )
        return Verdict(Answer.NO, sentence, (other, said_by), anomaly="inconsistent-offsets")
    before, other = partition.where.setdefault(text, (offset, said_by))
    if before != offset:
        sentence = f"{text!r} is in partition {key} twice, at offsets {before} and {offset}"
        return Verdict(Answer.NO, sentence, (other, said_by), anomaly="duplicate")
    return None


def _skipped(read: Operation) -> Verdict | None:
    """Whether a read went past an offset without what is there."""
    if read.function != "read" or not isinstance(read.outcome, Ok):
        return None
    value: Any = read.outcome.value
    start, found = value
    offsets = [offset for offset, _ in found]
    if offsets != list(range(start, start + len(offsets))):
        gap = next(o for at, o in enumerate([*offsets, -1], start) if o != at)
        sentence = f"a read of partition {read.key} from offset {start} has {gap} out of turn"
        return Verdict(Answer.NO, sentence, (read,), anomaly="lost-write")
    return None


def _reordered(key: object, partition: Partition) -> Verdict | None:
    """Whether a text that was acknowledged before another one was sent is behind it."""
    acknowledged = (
        sorted(
            (each.returned_at, partition.where[text][0], each)
            for text, each in partition.sent.items()
            if isinstance(each.outcome, Ok) and each.returned_at is not None
        )
        if partition.sent
        else []
    )
    sends = sorted(acknowledged, key=lambda each: each[2].invoked_at)
    greatest, by, at = -1, None, 0
    for _, offset, send in sends:
        while at < len(acknowledged) and acknowledged[at][0] < send.invoked_at:
            if acknowledged[at][1] > greatest:
                greatest, by = acknowledged[at][1], acknowledged[at][2]
            at += 1
        if by is not None and offset < greatest:
            sentence = f"{send.argument!r} is at {offset} of partition {key}, and was sent after"
            sentence += f" {by.argument!r} at {greatest} had been acknowledged"
            return Verdict(Answer.NO, sentence, (by, send), anomaly="reordered")
    return None


def one_owner(history: History) -> Verdict:
    """In one generation of the group, each partition belongs to one member."""
    owners: dict[tuple[int, object], tuple[str, Operation]] = {}
    for each in history:
        if each.function != "consume" or not isinstance(each.outcome, Ok):
            continue
        told: Any = each.outcome.value
        for key in told.owns:
            owner, other = owners.setdefault((told.generation, key), (told.member, each))
            if owner != told.member:
                sentence = (
                    f"in generation {told.generation} partition {key} belongs to {owner} and to "
                    f"{told.member}"
                )
                return Verdict(Answer.NO, sentence, (other, each), anomaly="two owners")
    sentence = f"Partitions in generations, each with one owner: {len(owners)}."
    return Verdict(Answer.YES, sentence, rests_on=len(owners))


def never_back(history: History) -> Verdict:
    """What the group has committed never goes back: who asks later is told no less."""
    asked = [
        each
        for each in history
        if each.function == "positions" and isinstance(each.outcome, Ok) and each.returned_at
    ]
    ended = sorted(asked, key=lambda each: each.returned_at or 0)
    greatest: dict[object, tuple[int, Operation]] = {}
    at = 0
    for each in sorted(asked, key=lambda each: each.invoked_at):
        while at < len(ended) and (ended[at].returned_at or 0) < each.invoked_at:
            for key, offset in _positions(ended[at]):
                if offset > greatest.get(key, (-1, each))[0]:
                    greatest[key] = (offset, ended[at])
            at += 1
        for key, offset in _positions(each):
            before, other = greatest.get(key, (-1, each))
            if offset < before:
                sentence = f"partition {key} was committed up to {before}, and then up to {offset}"
                return Verdict(Answer.NO, sentence, (other, each), anomaly="nonmonotonic commit")
    sentence = f"Times that somebody asked what is committed: {len(asked)}."
    return Verdict(Answer.YES, sentence, rests_on=len(asked))


def _positions(operation: Operation) -> tuple[tuple[object, int], ...]:
    outcome = operation.outcome
    value: Any = outcome.value if isinstance(outcome, Ok) else ()
    return tuple(value)
