"""What people ask the members of the lab ``kademlia``, and what must be true of the answers."""

from random import Random

from bonus_overlays.kademlia.buckets import distance, key_of
from bonus_overlays.kademlia.messages import Lookup
from bonus_overlays.kademlia.peers import Share, WhoShares
from bonus_overlays.kademlia.publishing import Get, Put
from common.check.verdict import Answer, Verdict
from common.values.history import History, Ok

VALUES = 20
"""So many values there are: each is put and got by several."""


def some_lookup(random: Random, _member: str, _number: int) -> Lookup:
    """Look up any key."""
    return Lookup(key_of(str(random.randrange(1_000_000)).encode()))


def put_get_or_look_up(random: Random, member: str, number: int) -> Put | Get | Lookup:
    """Put one of a few values, get one, or look up any key."""
    value = f"value {random.randrange(VALUES)}".encode()
    match random.randrange(5):
        case 0 | 1:
            return Put(value)
        case 2 | 3:
            return Get(key_of(value))
        case _:
            return some_lookup(random, member, number)


def put_get_or_share(
    random: Random, member: str, number: int
) -> Put | Get | Lookup | Share | WhoShares:
    """As above, with values as BitTorrent writes them; or share a torrent, or ask who does."""
    torrent = key_of(b"torrent %d" % random.randrange(VALUES))
    value = b"8:value %02d" % random.randrange(VALUES)
    match random.randrange(6):
        case 0:
            return Share(torrent, 6881)
        case 1:
            return WhoShares(torrent)
        case 2 | 3:
            return Put(value)
        case 4:
            return Get(key_of(value))
        case _:
            return some_lookup(random, member, number)


def closest_first(history: History) -> Verdict:
    """Each lookup names nodes in the order of their distance, and nobody twice."""
    count = 0
    for asked in history:
        if asked.function != "lookup" or not isinstance(asked.outcome, Ok):
            continue
        assert isinstance(asked.outcome.value, tuple), "an answer to Lookup is a tuple of names"
        target = str(asked.key)
        far = [distance(target, key_of(str(name).encode())) for name in asked.outcome.value]
        if far != sorted(set(far)):
            return Verdict(Answer.NO, f"{asked} names nodes out of order, or twice", (asked,))
        count += 1
    sentence = f"Each of {count} lookups names nodes, the closest one first."
    return Verdict(Answer.YES, sentence, rests_on=count)


def genuine(history: History) -> Verdict:
    """What is got under a key is what belongs there, and had been asked to be put before."""
    put: dict[str, int] = {}
    for asked in history:
        if asked.function == "put" and isinstance(asked.argument, bytes):
            put.setdefault(key_of(asked.argument), asked.invoked_at)
    count = 0
    for asked in history:
        if asked.function != "get" or not isinstance(asked.outcome, Ok):
            continue
        value, key = asked.outcome.value, str(asked.key)
        if value is None:
            continue
        count += 1
        if not isinstance(value, bytes) or key_of(value) != key:
            return Verdict(Answer.NO, f"{asked} has got what belongs under another key", (asked,))
        assert asked.returned_at is not None, "what has an outcome has returned"
        if put.get(key, asked.returned_at) >= asked.returned_at:
            return Verdict(Answer.NO, f"{asked} has got what nobody had put", (asked,))
    sentence = f"Each of {count} values that were got had been put."
    return Verdict(Answer.YES, sentence, rests_on=count)
