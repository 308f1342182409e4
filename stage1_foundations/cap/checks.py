"""What the demonstration and the live run of the registers check, each a function of a history."""

from random import Random

from common.check.linearizability import check_linearizability
from common.check.models import Register
from common.check.sessions import check_sessions
from common.check.verdict import Answer, Verdict
from common.values.history import History, Ok
from stage1_foundations.cap.client import Read, Write

VALUES_OF_A_CLIENT = 1_000_000
"""c2 writes 2000000, 2000001 ...: no value is written twice, so that a read names its write."""


def read_or_write(random: Random, client: str, number: int) -> Read | Write:
    """The ``number``-th operation of a client: a read or a write, evenly."""
    digits = "".join(sign for sign in client if sign.isdecimal())
    value = int(digits or 0) * VALUES_OF_A_CLIENT + number
    return Write(value) if random.random() < 0.5 else Read()


def linearizable(history: History) -> Verdict:
    """All clients together saw one register, which they used one after the other."""
    return check_linearizability(history, Register())


def sessions_kept(history: History) -> Verdict:
    """Each client by itself never went back in time."""
    return check_sessions(history)


def everyone_answered(history: History) -> Verdict:
    """Every operation that ended, ended with Ok."""
    ended = [asked for asked in history if asked.returned_at is not None]
    without = tuple(asked for asked in ended if not isinstance(asked.outcome, Ok))
    if not without:
        sentence = f"All {len(ended)} operations were answered with ok."
        return Verdict(Answer.YES, sentence, rests_on=len(ended))
    sentence = f"{len(without)} of {len(ended)} operations were not answered with ok: {without[0]}."
    return Verdict(Answer.NO, sentence, without)
