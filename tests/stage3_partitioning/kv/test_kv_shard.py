"""Graded suite of the lab ``kv``, fifth part: who answers, who redirects, and what a batch has."""

from dataclasses import replace
from random import Random
from typing import Any

from common.contract import Forget, Invoke, Receive, Return, Save, Send
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import effects_of
from common.values.history import Ok
from tests.stage3_partitioning.kv.cluster import SLOTS, key_of, slot_of
from tests.stage3_partitioning.kv.lab import KvLab
from tests.stage3_partitioning.kv.one_node import FIRST_RUNS, asked, keys_of, node, served, told

LAB = "kv"


@graded(
    points=3,
    title="Each key has one owner",
    requirement="the docstring of Standing: here, if asked, on its way, ask, moved",
)
def test_source_and_target_agree_on_the_owner_of_every_key(lab: KvLab) -> None:
    move = lab.Move(1, "n1", "n2", 3, 5)
    keys = [(slot, key) for slot in range(8) for key in (b"", b"g", b"m", b"z")]
    frontiers = [(3, b""), (3, b"h"), (4, b""), (4, b"m"), (5, b"z\\0"), (6, b"")]
    for given in frontiers:
        for taken in (each for each in frontiers if each <= given):
            for done in (each for each in frontiers if each <= taken):
                outgoing, incoming = lab.Outgoing(move, done, given), lab.Incoming(move, taken)
                for at in keys:
                    where = lab.standing(at, "n1", "n1", outgoing, None)
                    there = lab.standing(at, "n2", "n1", None, incoming)
                    assert where == expected_at_source(lab, at, done, given), f"{at} at the source"
                    assert there == expected_at_target(lab, at, taken), f"{at} at the target"
    for at in keys:
        assert lab.standing(at, "n1", "n1", None, None) == (lab.Standing.HERE, "n1")
        assert lab.standing(at, "n3", "n1", None, None) == (lab.Standing.MOVED, "n1")


def expected_at_source(lab: KvLab, at: Any, done: Any, given: Any) -> Any:
    """What a key is to the source of the move of slots 3 to 5."""
    if not 3 <= at[0] <= 5 or at >= given:
        return (lab.Standing.HERE, "n1")
    if at >= done:
        return (lab.Standing.ON_ITS_WAY, "n2")
    return (lab.Standing.MOVED if at[0] < done[0] else lab.Standing.ASK, "n2")


def expected_at_target(lab: KvLab, at: Any, taken: Any) -> Any:
    """What it is to the target."""
    if not 3 <= at[0] <= 5 or at >= taken:
        return (lab.Standing.MOVED, "n1")
    return (lab.Standing.HERE if at[0] < taken[0] else lab.Standing.IF_ASKED, "n2")


@graded(
    points=3,
    title="Batches are bounded, and miss nothing",
    requirement="the docstring of cut: keys, bytes, at least one key, empty slots for nothing",
)
def test_batches_are_bounded_and_together_are_everything(lab: KvLab, sweep: Sweep) -> None:
    for seed in sweep(8):
        random, store = Random(seed), lab.Store(SLOTS)
        for number in range(random.choice((0, 3, 40))):
            key, value = b"%d" % number, b"x" * random.choice((1, 10, 300))
            elements = (value,) * random.randint(1, 3)
            put = lab.Push(key, elements) if number % 4 == 0 else lab.Put(key, value)
            lab.carry_out(store, put, 0)
        first, end = random.randrange(8), (random.randrange(8, SLOTS), b"")
        most_keys, most_bytes = random.randint(1, 9), random.choice((1, 50, 1000))
        begin, batches, seen = (first, b""), 0, []
        while begin != end:
            until: Any = tuple(lab.cut(store, {}, begin, end, most_keys, most_bytes))
            assert begin < until <= end, f"a batch from {begin} to {until} is none"
            keys = list(lab.between(store, begin, until))
            values = [lab.carry_out(store, lab.Look(key), 0) for key in keys]
            size = sum(map(len, keys)) + sum(size_of(lab, value) for value in values)
            assert len(keys) <= most_keys, f"{len(keys)} keys are more than {most_keys}"
            assert len(keys) <= 1 or size <= most_bytes, f"{size} bytes are more than {most_bytes}"
            seen += keys
            begin, batches = until, batches + 1
        expected = sorted(
            (slot_of(key), key)
            for key in (b"%d" % number for number in range(40))
            if first <= slot_of(key) < end[0] and lab.carry_out(store, lab.Look(key), 0) is not None
        )
        assert seen == [key for _, key in expected], "every key once, in the order of the move"
        assert batches <= len(seen) + 1, "empty slots cost no batches of their own"
    store, elements = lab.Store(SLOTS), (b"x" * 20,) * 10
    for key in (b"{l}0", b"{l}1", b"{l}2"):
        lab.carry_out(store, lab.Push(key, elements), 0)
    two = 2 * (len(key) + size_of(lab, elements))
    until = tuple(lab.cut(store, {}, (0, b""), (SLOTS, b""), 9, two))
    assert until == (slot_of(key), key), "a list counts for all that is in it"
    many = range(lab.MOST_SESSIONS // 2 + 1)
    sessions = {
        slot: {f"c{n}": lab.Session(slot, f"c{n}", 1, None) for n in many} for slot in (2, 5, 9)
    }
    until = tuple(lab.cut(lab.Store(SLOTS), sessions, (0, b""), (SLOTS, b""), 9, 1000))
    assert until == (5, b""), "sessions are bounded, too, also those of slots without keys"
    for count, end in ((lab.MOST_SESSIONS, (5, b"")), (lab.MOST_SESSIONS - 1, (SLOTS, b""))):
        some = [{f"c{n}": lab.Session(0, f"c{n}", 1, None) for n in range(n)} for n in (count, 1)]
        sessions = dict(zip((2, 5), some, strict=True))
        until = tuple(lab.cut(lab.Store(SLOTS), sessions, (2, b""), (SLOTS, b""), 9, 1000))
        assert until == end, f"{count} sessions of one slot, and one of another"
    crowd = {2: {f"c{n}": lab.Session(2, f"c{n}", 1, None) for n in range(lab.MOST_SESSIONS + 1)}}
    until = tuple(lab.cut(lab.Store(SLOTS), crowd, (2, b""), (SLOTS, b""), 9, 1000))
    assert until == (SLOTS, b""), "one slot's sessions go together, however many"


def size_of(lab: KvLab, value: Any) -> int:
    """What a text or a list counts for in a batch."""
    if isinstance(value, bytes):
        return len(value)
    return sum(len(element) + lab.ELEMENT for element in value)


@graded(
    points=2,
    title="The wrong node says which is the right one",
    requirement="Redis Cluster specification, *MOVED redirection*",
)
def test_a_node_answers_for_its_own_keys_and_redirects_for_others(lab: KvLab) -> None:
    made = node(lab)
    for slot in range(SLOTS):
        reply = asked(lab, made, slot + 1, lab.Put(key_of(slot), b"v"))
        if slot < SLOTS // 2:
            assert reply == lab.Answer(slot + 1, None)
        else:
            assert reply == lab.Moved(slot + 1, slot, "n2", 0)
    assert asked(lab, made, 99, lab.Get(key_of(3)), asking=True) == lab.Answer(99, b"v")
    reply = asked(lab, made, 100, lab.Get(key_of(9)), asking=True)
    assert reply == lab.Moved(100, 9, "n2", 0), "asking does not make it the owner"


@graded(
    points=3,
    title="A repeated request is carried out once",
    requirement="the docstring of Session: its number is known again, also after a crash",
)
def test_a_repeated_request_gets_the_first_answer_and_has_no_second_effect(lab: KvLab) -> None:
    key, other = key_of(1), key_of(2)
    made = node(lab)
    saved = {}
    for event in (
        Receive(1, "c1", lab.Request(5, lab.Append(key, b"ab"))),
        Receive(2, "c2", lab.Request(5, lab.Append(key, b"c"))),
    ):
        for effect in made.step(event):
            if type(effect).__name__ == "Save":
                saved[effect.key] = effect.value
    for again in (made, node(lab, saved=saved)):
        assert asked(lab, again, 5, lab.Append(key, b"ab")) == lab.Answer(5, 2), "the first result"
        assert asked(lab, again, 4, lab.Append(key, b"old")) is None, "its client has gone on"
        assert asked(lab, again, 6, lab.Get(key)) == lab.Answer(6, b"abc"), "once each"
        assert asked(lab, again, 5, lab.Increment(other)) == lab.Answer(5, 1), (
            "in another slot the number is a new one"
        )
        push = lab.Push(key_of(3), (b"x", b"y"))
        assert asked(lab, again, 7, push) == lab.Answer(7, 2)
        assert asked(lab, again, 7, push) == lab.Answer(7, 2), "to a list, too, it is pushed once"
        assert asked(lab, again, 8, lab.Look(key_of(3))) == lab.Answer(8, (b"x", b"y"))


@graded(
    points=2,
    title="What a step writes",
    requirement="the contract: saved in the step that answers; a question changes nothing",
)
def test_what_a_front_changes_is_saved_and_what_is_over_is_forgotten(lab: KvLab) -> None:
    made, front = node(lab), lab.Serve((lab.PutIf(key_of(1), b"v", "always", 10),))
    assert [each.key[0] for each in effects_of(Save, made.step(Invoke(1, 7, front)))] == ["item"]
    look = Receive(2, "c1", lab.Request(5, lab.Get(key_of(1))))
    assert effects_of(Save, made.step(look)) == [], "a question needs no session"
    later = Receive(50, "c2", lab.Request(5, lab.Get(key_of(2))))
    assert len(effects_of(Forget, made.step(later))) == 1, (
        "its time is over, and nobody asks for it"
    )


@graded(
    points=3,
    title="The source stops before the target starts",
    requirement="the page, *Handing over*: give up, send, save, delete; Ask and Moved",
)
def test_a_batch_is_nobodys_until_the_target_has_saved_it(lab: KvLab) -> None:
    source, target = node(lab, "n1", batch_keys=1), node(lab, "n2", batch_keys=1)
    slot = 3
    keys = keys_of(slot, 3)
    for number, key in enumerate(keys):
        asked(lab, source, number + 1, lab.Put(key, b"v"))
    move, table = lab.Move(1, "n1", "n2", slot, slot), lab.Table(0, FIRST_RUNS)
    assert told(target, lab.Prepare(move, table), "n3") == [("n3", lab.Prepared(1))]
    assert asked(lab, target, 10, lab.Get(keys[0]), True) == lab.Moved(10, slot, "n1", 0), (
        "nothing has arrived yet"
    )
    ((to, batch),) = told(source, lab.Begin(move, table), "n3")
    assert (to, [each.key for each in batch.items]) == ("n2", keys[:1])
    assert asked(lab, source, 11, lab.Get(keys[0])) is None, "on its way: nobody answers"
    assert asked(lab, source, 12, lab.Get(keys[1])) == lab.Answer(12, b"v"), "still the source's"
    ((_, taken),) = told(target, batch, "n1")
    assert asked(lab, target, 13, lab.Get(keys[0]), True) == lab.Answer(13, b"v")
    assert asked(lab, target, 14, lab.Get(keys[0])) == lab.Moved(14, slot, "n1", 0), "not asking"
    assert asked(lab, target, 15, lab.Get(keys[1]), True) == lab.Moved(15, slot, "n1", 0)
    changed = asked(lab, target, 16, lab.Put(keys[0], b"newer"), True)
    assert changed == lab.Answer(16, None)
    assert told(target, batch, "n1") == [("n1", taken)], "a copy of the batch is acknowledged"
    ready = told(target, lab.Prepare(move, table), "n3")
    assert ready == [("n3", lab.Prepared(1))], "a coordinator that came back asks once more"
    assert asked(lab, target, 17, lab.Get(keys[0]), True) == lab.Answer(17, b"newer")
    replies = told(source, taken, "n2")
    assert told(source, lab.Begin(move, table), "n3") == [], "it has begun, and is not done"
    assert ("c1", lab.Ask(11, slot, "n2")) in replies, "who waited is sent on"
    assert asked(lab, source, 16, lab.Get(keys[0])) == lab.Ask(16, slot, "n2")
    absent = next(key for key in (b"\x00%d" % n for n in range(300)) if slot_of(key) == slot)
    assert asked(lab, source, 17, lab.Get(absent)) == lab.Ask(17, slot, "n2"), (
        "a key that does not exist has an owner, too: it is below the frontier"
    )
    while [each for each in replies if each[0] == "n2"]:
        ((_, batch),) = [each for each in replies if each[0] == "n2"]
        assert told(source, lab.Begin(move, table), "n3") == [], "a batch is on its way, be it last"
        ((_, taken),) = told(target, batch, "n1")
        replies = told(source, taken, "n2")
    assert ("n3", lab.Done(1)) in replies, "the coordinator hears of it"
    again = told(source, lab.Begin(move, table), "n3")
    assert again == [("n3", lab.Done(1))], "the coordinator has not heard of it: once more"
    assert asked(lab, source, 18, lab.Get(keys[0])) == lab.Moved(18, slot, "n2", 0)
    assert asked(lab, target, 19, lab.Get(keys[2])) == lab.Answer(19, b"v"), "the whole slot"


@graded(
    points=2,
    title="A newer session stays",
    requirement="the docstring of Session: the latest request of a client; a slot moves in many "
    "batches, and its client asks meanwhile",
)
def test_a_session_that_arrives_does_not_replace_a_newer_one(lab: KvLab) -> None:
    source, target = node(lab, "n1", batch_keys=1), node(lab, "n2", batch_keys=1)
    slot = 3
    first, second = keys_of(slot, 2)
    asked(lab, source, 1, lab.Put(first, b"0"))
    asked(lab, source, 2, lab.Put(second, b"0"))
    move, table = lab.Move(1, "n1", "n2", slot, slot), lab.Table(0, FIRST_RUNS)
    told(target, lab.Prepare(move, table), "n3")
    ((_, batch),) = told(source, lab.Begin(move, table), "n3")
    ((_, taken),) = told(target, batch, "n1")
    count = lab.Increment(first, 1)
    assert asked(lab, target, 3, count, True) == lab.Answer(3, 1)
    ((_, batch),) = [each for each in told(source, taken, "n2") if each[0] == "n2"]
    told(target, batch, "n1")
    assert asked(lab, target, 3, count, True) == lab.Answer(3, 1), "the answer was lost: once more"
    assert asked(lab, target, 4, lab.Get(first), True) == lab.Answer(4, b"1"), "counted twice"


@graded(
    points=2,
    title="Every session arrives",
    requirement="the docstring of batch_received: those of all clients, and the latest of each",
)
def test_a_batch_brings_all_sessions_and_newer_ones_replace_those_that_came_before(
    lab: KvLab,
) -> None:
    source, target = node(lab, "n1", batch_keys=1), node(lab, "n2", batch_keys=1)
    slot = 3
    first, second = keys_of(slot, 2)
    count, other = lab.Request(1, lab.Increment(first)), lab.Request(1, lab.Increment(second))
    told(source, count, "c1")
    told(source, other, "c2")
    move, table = lab.Move(1, "n1", "n2", slot, slot), lab.Table(0, FIRST_RUNS)
    told(target, lab.Prepare(move, table), "n3")
    ((_, batch),) = told(source, lab.Begin(move, table), "n3")
    late = replace(batch, begin=batch.until, until=(slot + 1, b""))
    assert told(target, late, "n1") == [], "what lies before it has not come yet"
    ((_, taken),) = told(target, batch, "n1")
    for client in ("c1", "c2"):
        again = told(source, lab.Request(2, lab.Increment(second)), client)
        assert [to for to, _ in again] == [client], "still the source's"
    ((_, batch),) = [each for each in told(source, taken, "n2") if each[0] == "n2"]
    told(target, batch, "n1")
    for client, value in (("c1", 2), ("c2", 3)):
        repeated = lab.Request(2, lab.Increment(second), True)
        assert told(target, repeated, client) == [(client, lab.Answer(2, value))], "once"


@graded(
    points=2,
    title="A word of another move",
    requirement="the docstrings of batch_received and taken: a copy of an old word changes nothing",
)
def test_batches_and_acknowledgements_of_another_move_change_nothing(lab: KvLab) -> None:
    source, target = node(lab, "n1", batch_keys=1), node(lab, "n2", batch_keys=1)
    slot = 3
    for number, key in enumerate((key_of(slot), b"{%s}2" % key_of(slot)), 1):
        asked(lab, source, number, lab.Put(key, b"v"))
    move, table = lab.Move(2, "n1", "n2", slot, slot), lab.Table(1, FIRST_RUNS)
    ((_, batch),) = told(source, lab.Begin(move, table), "n3")
    assert told(target, batch, "n1") == [], "no move was announced here"
    told(target, lab.Prepare(move, table), "n3")
    assert asked(lab, source, 5, lab.Get(key_of(9))) == lab.Moved(5, 9, "n2", 1)
    here = asked(lab, target, 5, lab.Get(key_of(1)))
    assert here == lab.Moved(5, 1, "n1", 1), "both go by the table that came with the move"
    old = replace(batch, number=1)
    assert told(target, old, "n1") == [], "that move is over"
    ((_, taken),) = told(target, batch, "n1")
    assert told(source, replace(taken, number=1), "n2") == [], "of another move"
    effects = source.step(Receive(1, "n2", taken))
    assert effects_of(Send, effects), "and this one goes on"
    assert effects_of(Forget, effects), "what is the target's now is not here, on the disk too"
    ends = source.step(Receive(1, "n2", lab.Taken(2, (slot + 1, b""))))
    gone = {each.key[0] for each in effects_of(Forget, ends)}
    assert gone == {"item", "session"}, "nobody asks here any more for a slot that is gone"
    assert told(source, lab.Taken(9, (slot, b"")), "n2") == []
    assert told(node(lab, "n1"), taken, "n2") == [], "nothing moves here"
    before = (lab.Move(1, "n1", "n2", slot, slot), lab.Table(0, FIRST_RUNS))
    assert told(target, lab.Prepare(*before), "n3") == [], "that move is over"
    empty = node(lab, "n1")
    ((_, batch),) = told(empty, lab.Begin(move, table), "n3")
    end = lab.Taken(2, batch.until)
    assert told(empty, end, "n2") == [("n3", lab.Done(2))]
    assert told(empty, lab.Begin(*before), "n3") == [], "that move is over, and was another one"


@graded(
    points=2,
    title="Commands on some keys here and some there",
    requirement="Redis Cluster specification, *Multiple keys operations*: TRYAGAIN, or all of it",
)
def test_commands_on_keys_of_a_moving_slot_are_carried_out_together_or_not_at_all(
    lab: KvLab,
) -> None:
    source, target = node(lab, "n1", batch_keys=1), node(lab, "n2", batch_keys=1)
    slot = 3
    one, two = keys_of(slot, 2)
    put = (lab.Put(one, b"1"), lab.Put(two, b"2"))
    assert served(lab, source, *put) == lab.Answer(0, (None, None))
    assert served(lab, target, *put) == lab.Moved(0, slot, "n1", 0)
    assert served(lab, source, *put, only_look=True) == lab.Answer(0, ())
    move, table = lab.Move(1, "n1", "n2", slot, slot), lab.Table(0, FIRST_RUNS)
    told(target, lab.Prepare(move, table), "n3")
    ((_, batch),) = told(source, lab.Begin(move, table), "n3")
    assert served(lab, source, *put) is None, "one of them is on its way"
    ((_, taken),) = told(target, batch, "n1")
    assert served(lab, target, *put, asking=True) == lab.TryAgain(0), "one is not here yet"
    effects = source.step(Receive(1, "n2", taken))
    (again,) = [each.outcome for each in effects if isinstance(each, Return)]
    assert again == Ok(lab.TryAgain(0)), "who waited learns that one has gone and one has not"
    assert [served(lab, source, *put) for _ in range(lab.MOST_HELD)] == [None] * lab.MOST_HELD
    assert served(lab, source, *put) == lab.TryAgain(0), "so many may wait, and one more is told so"
    ((_, batch),) = [(e.to, e.message) for e in effects if isinstance(e, Send) and e.to == "n2"]
    ((_, taken),) = told(target, batch, "n1")
    assert served(lab, target, *put) == lab.Answer(0, (None, None))
    source.step(Receive(1, "n2", taken))
    assert served(lab, source, *put) == lab.Moved(0, slot, "n2", 0)
