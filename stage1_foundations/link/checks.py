"""What the ends of a live link ask for, and what must be true of what they were given."""

from dataclasses import replace
from itertools import islice
from random import Random

from common.check.delivery import check_delivery
from common.check.verdict import Answer, Verdict
from common.values.history import Failed, History, Ok
from stage1_foundations.link.ends import Take, Transfer

BATCH = 16
"""Items in one transfer. A receiving end keeps several: one end may be some batches ahead."""


def batches(random: Random, client: str, number: int) -> Transfer | Take:
    """Transfer a batch, then take as many items as a batch has, and so on."""
    del random  # nothing is left to chance here: each item must differ from all others
    batch, place = divmod(number, BATCH + 1)
    if place > 0:
        return Take()
    return Transfer(tuple(f"{client}.{batch * BATCH + item}" for item in range(BATCH)))


def everything_once_in_order(history: History) -> Verdict:
    """What each end was given is what the other transferred: in order, once, nothing left out.

    An item may be under way at the end. A take that ended unknown may still have been given
    an item, so one item may be missing for each of those.
    """
    ends = sorted({operation.process.partition("/")[0] for operation in history})
    verdicts = [
        _one_direction(history, one, other)
        for left, right in zip(islice(ends, 0, None, 2), islice(ends, 1, None, 2), strict=False)
        for one, other in ((left, right), (right, left))
    ]
    broken = [verdict for verdict in verdicts if verdict.answer is not Answer.YES]
    if broken:
        return broken[0]
    sentence = " ".join(verdict.sentence for verdict in verdicts)
    steps = sum(verdict.steps for verdict in verdicts)
    taken = sum(verdict.rests_on or 0 for verdict in verdicts)
    return Verdict(Answer.YES, sentence, steps=steps, rests_on=taken)


def _one_direction(history: History, source: str, target: str) -> Verdict:
    sent: list[object] = []
    taken: list[object] = []
    unknown = 0
    for operation in sorted(history, key=lambda each: each.returned_at or each.invoked_at):
        client = operation.process.partition("/")[0]
        if client == target and operation.function == "take":
            if isinstance(operation.outcome, Ok):
                taken.append(operation.outcome.value)
            elif not isinstance(operation.outcome, Failed):
                unknown += 1
    for operation in history:
        if operation.process.partition("/")[0] == source and operation.function == "transfer":
            assert isinstance(operation.argument, tuple | list), "a transfer has items"
            if not isinstance(operation.outcome, Failed):
                sent.extend(operation.argument)
    verdict = check_delivery(sent, taken, complete=False)
    if verdict.answer is Answer.NO and unknown:
        lenient = check_delivery(_without_gaps(sent, taken, unknown), taken, complete=False)
        verdict = lenient if lenient.answer is Answer.YES else verdict
    return replace(verdict, sentence=f"{source} to {target}: {verdict.sentence}")


def _without_gaps(sent: list[object], taken: list[object], allowed: int) -> list[object]:
    """``sent`` without up to ``allowed`` items that were skipped before later ones were taken."""
    kept: list[object] = []
    rest = iter(taken)
    wanted = next(rest, None)
    for item in sent:
        if item == wanted:
            wanted = next(rest, None)
        elif wanted is not None and allowed > 0:
            allowed -= 1
            continue
        kept.append(item)
    return kept
