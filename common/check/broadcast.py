"""Broadcast: what all members of a group delivered of what each of them sent to all.

Hadzilacos and Toueg 1993, "Fault-tolerant broadcasts and related problems", sections 3 and 4, and
Cachin, Guerraoui and Rodrigues 2011, chapters 3 and 6. A broadcast is *reliable* when nobody
delivers what was not sent, nobody delivers anything twice, and in the end all deliver the same. To
that an order may be added:

* *causal order*: each is delivered after all that its sender had delivered, or sent, before it;
* *total order*: all deliver in the same order. Here in its strongest form (uniform, without gaps):
  of what two members have delivered, one is the beginning of the other.

Neither contains the other. Messages must differ from each other.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TypeAlias

from common.check.delivery import check_delivery
from common.check.model import frozen, show
from common.check.verdict import Answer, Verdict

Times: TypeAlias = Mapping[str, Sequence[int]]
"""When each member delivered each of its messages, in microseconds."""


def check_broadcast(
    sent: Sequence[object],
    delivered: Mapping[str, Sequence[object]],
    complete: Collection[str] = (),
) -> Verdict:
    """Decide whether each member delivered only what was sent, and each message once.

    Args:
        sent: all messages that anybody sent.
        delivered: what each member delivered, in order.
        complete: the members that must have delivered everything by now.
    """
    steps = 0
    for member, messages in delivered.items():
        verdict = check_delivery(sent, messages, in_order=False, complete=member in complete)
        steps += verdict.steps
        if verdict.answer is Answer.NO:
            sentence = f"{member}: {verdict.sentence}"
            return Verdict(Answer.NO, sentence, steps=steps, anomaly=verdict.anomaly)
    counted = ", ".join(f"{member} {len(messages)}" for member, messages in delivered.items())
    sentence = f"Each of {len(sent)} messages was delivered at most once everywhere: {counted}."
    count = sum(map(len, delivered.values()))
    return Verdict(Answer.YES, sentence, steps=steps, rests_on=count)


def check_total_order(
    delivered: Mapping[str, Sequence[object]], times: Times | None = None
) -> Verdict:
    """Decide whether all members delivered the same in the same order, some perhaps less far.

    Args:
        delivered: what each member delivered, in order, from the very first message on.
        times: when; then a no says when the orders parted.
    """
    steps = sum(map(len, delivered.values()))
    longest = max(delivered, key=lambda member: len(delivered[member]), default="")
    for member, messages in delivered.items():
        pairs = zip(messages, delivered[longest], strict=False)
        for place, (one, other) in enumerate(pairs, 1):
            if frozen(one) != frozen(other):
                sentence = (
                    f"Two orders: delivery {place} of {member} is {show(frozen(one))}, and that "
                    f"of {longest} is {show(frozen(other))}."
                )
                at, node = max(_seen(times, each, place) for each in (member, longest))
                return Verdict(
                    Answer.NO, sentence, steps=steps, anomaly="disorder", at=at or None, node=node
                )
    most = len(delivered[longest]) if delivered else 0
    sentence = f"One order: {len(delivered)} members delivered the same {most} messages, in order."
    if any(len(messages) < most for messages in delivered.values()):
        least = min(map(len, delivered.values()))
        sentence = (
            f"One order: what {len(delivered)} members delivered ({least} to {most} messages) is "
            "the same as far as it goes."
        )
    count = sum(map(len, delivered.values()))
    return Verdict(Answer.YES, sentence, steps=steps, rests_on=count)


def check_causal_order(
    delivered: Mapping[str, Sequence[object]],
    causes: Mapping[object, Sequence[object]],
    times: Times | None = None,
) -> Verdict:
    """Decide whether every member delivered each message after all its causes.

    Args:
        delivered: what each member delivered, in order.
        causes: by message, all that its sender had delivered or sent before it. One that is not
            there has no causes.
        times: when each member delivered what it did; then a no says when.
    """
    before = {frozen(message): list(map(frozen, known)) for message, known in causes.items()}
    steps = 0
    for member, messages in delivered.items():
        seen: set[Hashable] = set()
        for place, message in enumerate(map(frozen, messages), 1):
            known = before.get(message, [])
            steps += 1 + len(known)
            missing = next((cause for cause in known if cause not in seen), None)
            if missing is not None:
                sentence = (
                    f"An effect before its cause: delivery {place} of {member} is {show(message)}, "
                    f"whose sender had seen {show(missing)} before, and {member} had not."
                )
                at, _ = _seen(times, member, place)
                return Verdict(
                    Answer.NO,
                    sentence,
                    steps=steps,
                    anomaly="causality",
                    at=at or None,
                    node=member,
                )
            seen.add(message)
    sentence = f"Causal order: {len(delivered)} members delivered no effect before its cause."
    count = sum(map(len, delivered.values()))
    return Verdict(Answer.YES, sentence, steps=steps, rests_on=count)


def _seen(times: Times | None, member: str, place: int) -> tuple[int, str]:
    """When a member made a delivery, counted from 1 (0 if nobody noted it), and the member."""
    noted = (times or {}).get(member, ())
    return (noted[place - 1] if place <= len(noted) else 0), member
