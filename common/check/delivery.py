"""Reliable delivery: what arrives is what was sent, exactly once and in order.

Cachin, Guerraoui and Rodrigues 2011, "Introduction to reliable and secure distributed programming",
section 2.4.4: perfect links deliver reliably, without duplication and without creation; first-in
first-out links (module 3.8) also in order.
"""

from collections import Counter
from collections.abc import Hashable, Sequence

from common.check.model import frozen, show
from common.check.verdict import Answer, Verdict


def check_delivery(
    sent: Sequence[object],
    delivered: Sequence[object],
    in_order: bool = True,
    complete: bool = True,
    times: Sequence[int] = (),
) -> Verdict:
    """Decide whether a link delivered what was sent.

    Equal messages may be sent more than once; each is then to be delivered as often.

    Args:
        sent: the messages handed to the link, in order.
        delivered: the messages that came out, in order.
        in_order: whether the order has to be the same.
        complete: whether all must have arrived; false while some may still be under way.
        times: when each message came out, in microseconds: then a no says when it was seen.
    """
    problem = _problem(
        [frozen(each) for each in sent], [frozen(each) for each in delivered], in_order, complete
    )
    steps = len(sent) + len(delivered)
    if problem is not None:
        anomaly, sentence, place = problem
        at = times[place - 1] if 0 < place <= len(times) else None
        return Verdict(Answer.NO, f"{sentence}.", steps=steps, anomaly=anomaly, at=at)
    how = "once and in order" if in_order else "once"
    sentence = f"Delivered: {len(delivered)} of {len(sent)} messages, each {how}."
    return Verdict(Answer.YES, sentence, steps=steps, rests_on=len(delivered))


def _problem(
    sent: list[Hashable], delivered: list[Hashable], in_order: bool, complete: bool
) -> tuple[str, str, int] | None:
    """What is wrong: its name, a sentence, and which delivery shows it (from 1; 0 for none)."""
    left = Counter(sent)
    known = set(sent)
    for place, message in enumerate(delivered, 1):
        what = f"delivery {place} is {show(message)}"
        if message not in known:
            return "creation", f"Invented: {what}, which was never sent", place
        if not left[message]:
            return "duplication", f"Duplicated: {what}, which had been delivered before", place
        left[message] -= 1
    pairs = zip(delivered, sent, strict=False)
    wrong = [(place, pair) for place, pair in enumerate(pairs, 1) if pair[0] != pair[1]]
    only_gaps = complete and _is_part_in_order(delivered, sent)
    if in_order and wrong and not only_gaps:
        place, (message, wanted) = wrong[0]
        what = f"delivery {place} is {show(message)}"
        return "disorder", f"Out of order: {what}, where {show(wanted)} was to come", place
    if complete and len(delivered) < len(sent):
        lost = next(message for message in sent if left[message])
        missing = len(sent) - len(delivered)
        sentence = f"Lost: {show(lost)} never arrived ({missing} of {len(sent)} are missing)"
        return "loss", sentence, 0
    return None


def _is_part_in_order(part: list[Hashable], whole: list[Hashable]) -> bool:
    """Whether ``part`` is ``whole`` with some left out."""
    rest = iter(whole)
    return all(any(each == other for other in rest) for each in part)
