"""What producers and consumers ask for, and what must be true of what they were told."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from common.check.verdict import Answer, Verdict
from common.values.history import History, Ok, Operation, Unknown
from stage2_communication.queue.client import Finish, GiveBack, Post, Take

TOPIC = "jobs"
KEYS = ("a", "b", "c")
FOREVER = 2**62
"""Later than all operations that have an end."""


def post_take_finish(random: Random, client: str, number: int) -> object:
    """Publish, take, acknowledge, round and round. Now and then a message stays in hand, or is
    given back."""
    if number % 3 == 0:
        return Post(TOPIC, random.choice(KEYS), f"{client}.{number}")
    if number % 3 == 1:
        return Take(TOPIC)
    drawn = random.random()
    if drawn < 0.1:
        return Take(TOPIC)
    return GiveBack() if drawn < 0.2 else Finish()


class Taken(NamedTuple):
    """A delivery that a consumer took in hand."""

    sequence: int
    attempt: int
    key: str
    text: str
    asked: Operation


def deliveries(history: History) -> Iterator[Taken]:
    """What was taken, in the order of asking."""
    for asked in history:
        if asked.function == "take" and isinstance(asked.outcome, Ok) and asked.outcome.value:
            assert isinstance(asked.outcome.value, tuple | list), "a delivery has four parts"
            sequence, attempt, key, text = asked.outcome.value
            yield Taken(sequence, attempt, key, text, asked)


def returned(asked: Operation) -> int:
    """When an operation returned."""
    return FOREVER if asked.returned_at is None else asked.returned_at


def first_seen(history: History) -> dict[int, int]:
    """By sequence, when somebody first asked for what brought a message, or finished it."""
    first: dict[int, int] = {}
    for asked in history:
        value = asked.outcome.value if isinstance(asked.outcome, Ok) else None
        if asked.function in ("take", "finish") and isinstance(value, tuple | list):
            first[value[0]] = min(first.get(value[0], FOREVER), asked.invoked_at)
    return first


def first_unseen(history: History) -> int:
    """When somebody first finished a message of which the history may not know at all: neither
    that it was taken nor that it was finished has an end."""
    blind: set[str] = set()
    for asked in history:
        node = asked.process.partition("/")[0]
        if asked.function == "take" and isinstance(asked.outcome, Unknown):
            blind.add(node)
        elif asked.function == "finish" and isinstance(asked.outcome, Unknown) and node in blind:
            return asked.invoked_at
    return FOREVER


def nothing_is_lost(history: History) -> Verdict:
    """What was acknowledged to its producer is there, and is what was published.

    No two messages have the same sequence. What is delivered has the text that was published. And
    when a message is delivered, each earlier one of its key that was acknowledged was taken or
    finished by somebody before: nothing of a key overtakes. (Only where nothing becomes a dead
    letter.) A client that was told the end of neither may have finished any message.
    """
    posted: dict[int, Operation] = {}
    for asked in history:
        if asked.function == "post" and isinstance(asked.outcome, Ok):
            sequence = asked.outcome.value
            assert isinstance(sequence, int), "a message has a number"
            if sequence in posted:
                sentence = f"Two messages are number {sequence}, so one of them is lost."
                return Verdict(Answer.NO, sentence, (posted[sequence], asked))
            posted[sequence] = asked
    taken = list(deliveries(history))
    first = first_seen(history)
    blind = first_unseen(history)
    for each in taken:
        source = posted.get(each.sequence)
        if source is not None and each.text not in _parts(source):
            sentence = f"Message {each.sequence} was published with another text."
            return Verdict(Answer.NO, sentence, (source, each.asked))
        for sequence, earlier in posted.items():
            overtaken = earlier.key == each.key and sequence < each.sequence
            if overtaken and min(first.get(sequence, FOREVER), blind) > returned(each.asked):
                sentence = f"Message {sequence} was acknowledged, and {each.sequence} came first."
                return Verdict(Answer.NO, sentence, (earlier, each.asked))
    sentence = f"{len(posted)} acknowledged messages, and none is lost."
    return Verdict(Answer.YES, sentence, rests_on=len(posted))


def done_is_done(history: History) -> Verdict:
    """When an acknowledgement has returned, nobody who asks later gets that message."""
    finished = {
        asked.outcome.value[0]: asked
        for asked in history
        if asked.function == "finish"
        and isinstance(asked.outcome, Ok)
        and isinstance(asked.outcome.value, tuple | list)
    }
    for each in deliveries(history):
        done = finished.get(each.sequence)
        if done is not None and each.asked.invoked_at > returned(done):
            sentence = f"Message {each.sequence} was acknowledged, and is delivered again."
            return Verdict(Answer.NO, sentence, (done, each.asked))
    sentence = f"{len(finished)} acknowledged deliveries, and none came again."
    return Verdict(Answer.YES, sentence, rests_on=len(finished))


def keys_are_in_order(history: History) -> Verdict:
    """When a message of a key was taken, nobody who asks later gets an earlier one of that key."""
    taken = sorted(deliveries(history), key=lambda each: each.asked.invoked_at)
    for number, later in enumerate(taken):
        for earlier in taken[:number]:
            same = earlier.key == later.key != ""
            before = returned(earlier.asked) < later.asked.invoked_at
            if same and before and later.sequence < earlier.sequence:
                sentence = f"{later.sequence} of key {later.key} comes after {earlier.sequence}."
                return Verdict(Answer.NO, sentence, (earlier.asked, later.asked))
    sentence = f"{len(taken)} deliveries, each key in its order."
    return Verdict(Answer.YES, sentence, rests_on=len(taken))


def deliveries_differ(history: History) -> Verdict:
    """No two deliveries of a message have the same attempt: each is a lease of its own."""
    seen: dict[tuple[int, int], Operation] = {}
    for each in deliveries(history):
        before = seen.setdefault((each.sequence, each.attempt), each.asked)
        if before is not each.asked:
            sentence = f"Two have delivery {each.attempt} of message {each.sequence}."
            return Verdict(Answer.NO, sentence, (before, each.asked))
    return Verdict(Answer.YES, f"{len(seen)} deliveries, and all differ.", rests_on=len(seen))


def _parts(asked: Operation) -> tuple[object, ...]:
    argument = asked.argument
    return tuple(argument) if isinstance(argument, tuple | list) else (argument,)
