"""What clients ask for, and what must be true of what they were told."""

from random import Random

from common.check.causal import check_causal
from common.check.sessions import Guarantee, check_sessions
from common.check.verdict import Verdict
from common.values.history import History
from stage3_partitioning.replication.operator import Failover
from stage3_partitioning.replication.shipping import Get, Put

KEYS = ("menu", "price", "table")


def put_or_get(random: Random, client: str, number: int) -> Put | Get:
    """Write or look; no value is written twice."""
    key = random.choice(KEYS)
    return Put(key, f"{client}.{number}") if random.random() < 0.4 else Get(key)


def next_failover(_random: Random, _client: str, _number: int) -> Failover:
    """What the operator does: it makes another member the leader, whether that is needed or not."""
    return Failover()


def writes_and_reads(history: History) -> History:
    """The history without the operator's part of it."""
    return History(each for each in history if each.function in ("put", "get"))


def read_your_writes(history: History) -> Verdict:
    """Nobody misses a write that was acknowledged to them. So none of those may be lost, either."""
    return check_sessions(writes_and_reads(history), [Guarantee.READ_YOUR_WRITES])


def monotonic_reads(history: History) -> Verdict:
    """Nobody sees an older value of a key after a newer one."""
    return check_sessions(writes_and_reads(history), [Guarantee.MONOTONIC_READS])


def consistent_prefix(history: History) -> Verdict:
    """Nobody sees a write of any key and then misses what its author had seen before."""
    return check_causal(writes_and_reads(history))
