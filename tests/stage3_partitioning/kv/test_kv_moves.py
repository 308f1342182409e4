"""Graded suite of the lab ``kv``, sixth part: nodes come and go, and only the map notices."""

from collections import Counter
from typing import Any

from common.contract import Fire, Invoke, Receive, Send, SetTimer, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import STEADY, ask, ask_ok, crash, has_ended, restart, wait_for
from common.values.faults import Block, Heal
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS, SECOND
from tests.stage3_partitioning.kv.cluster import (
    CLIENTS,
    MANY,
    NODES,
    OPERATOR,
    SLOTS,
    change,
    cluster,
    fill,
    held_by,
    owners_at_first,
    read,
    settle,
    slot_of,
    watch,
)
from tests.stage3_partitioning.kv.lab import KvLab

LAB = "kv"


@graded(
    points=3,
    title="A node that comes gets its share",
    requirement="issue: nodes are added, keys move in the background, nothing is lost",
)
def test_a_node_that_is_added_gets_its_share_and_every_key_is_there(lab: KvLab) -> None:
    seen = watch()
    simulation = cluster(lab, seed=1, observers=[seen])
    held = fill(lab, simulation)
    assert held_by(lab, simulation, seen) == owners_at_first()
    assert ask_ok(simulation, OPERATOR, lab.AddNode("n4")) == NODES
    settle(lab, simulation)
    after = held_by(lab, simulation, seen)
    assert Counter(after) == dict.fromkeys(NODES, SLOTS // 4)
    moved = [slot for slot, old in enumerate(owners_at_first()) if old != after[slot]]
    assert {after[slot] for slot in moved} == {"n4"}, "only to the new node"
    assert read(lab, simulation) == held
    assert not seen.problem, seen.problem


@graded(
    points=3,
    title="A node that goes leaves nothing behind",
    requirement="issue: nodes are removed; the others take over, the coordinator's node too",
)
def test_a_node_that_is_removed_holds_nothing_and_redirects(lab: KvLab) -> None:
    seen = watch()
    simulation = cluster(lab, seed=2, observers=[seen])
    held = fill(lab, simulation)
    for gone, left, moves in (("n2", ("n1", "n3"), 2), ("n1", ("n3",), 4)):
        assert ask_ok(simulation, OPERATOR, lab.RemoveNode(gone)) == left
        settle(lab, simulation)
        assert seen.moves == moves, "four neighbouring slots of one source go in one move"
        assert set(held_by(lab, simulation, seen)) == set(left)
    assert read(lab, simulation) == held
    crash(simulation, "n2", "n1")
    assert read(lab, simulation, "c2") == held, "nobody needs them any more"
    restart(simulation, "n1", "n2")
    assert read(lab, simulation, "c3") == held


@graded(
    points=2,
    title="What cannot be is refused, with the reason",
    requirement="issue: a node removed while it is the only owner is refused with the reason",
)
def test_the_only_owner_and_unknown_nodes_are_refused_with_the_reason(lab: KvLab) -> None:
    simulation = cluster(lab, seed=3)
    change(lab, simulation, lab.RemoveNode("n1"))
    change(lab, simulation, lab.RemoveNode("n2"))
    refused = {lab.RemoveNode("n3"): "only owner", lab.AddNode("n9"): "no member"}
    for operation, reason in refused.items():
        asked = ask(simulation, OPERATOR, operation)
        assert isinstance(asked.outcome, Failed), f"{asked}"
        assert reason in asked.outcome.reason
    assert ask_ok(simulation, OPERATOR, lab.AddNode("n3")) == ("n3",), "it is so already"
    assert ask_ok(simulation, OPERATOR, lab.RemoveNode("n1")) == ("n3",), "it is so already"
    crash(simulation, "n4")
    assert ask_ok(simulation, OPERATOR, lab.AddNode("n4")) == ("n3", "n4")
    asked = ask(simulation, OPERATOR, lab.AddNode("n2"))
    assert isinstance(asked.outcome, Failed), f"{asked}, while slots wait for n4"
    restart(simulation, "n4")
    settle(lab, simulation)
    assert ask_ok(simulation, OPERATOR, lab.AddNode("n2")) == ("n3", "n4", "n2")


@graded(
    points=5,
    title="A crash at any moment of a move loses nothing",
    requirement="issue: nothing acknowledged is lost; a crash during migration included",
)
def test_no_acknowledged_write_is_lost_when_a_node_crashes_during_a_move(
    lab: KvLab, sweep: Sweep
) -> None:
    for seed in sweep(8):
        seen = watch()
        config = {"batch_keys": 1, "run_slots": SLOTS}
        simulation = cluster(lab, seed, config=config, observers=[seen])
        random = simulation.random_for("crashes")
        acknowledged = fill(lab, simulation)
        ask_ok(simulation, OPERATOR, lab.AddNode("n4"))
        for number in range(24):
            key, text = random.choice(MANY), b"%d;" % number
            asked = simulation.call(CLIENTS[number % 3], lab.Append(key, text))
            simulation.run(simulation.now + random.randrange(12 * MS))
            if number % 4 == seed % 4:
                hit = random.choice((("n1",), ("n2",), ("n4",), ("n1", "n4")))
                crash(simulation, *hit)
                simulation.run(simulation.now + random.randrange(5 * MS))
                restart(simulation, *hit)
            wait_for(simulation, asked)
            assert isinstance(asked.outcome, Ok), f"{asked}"
            acknowledged[key] += text
        settle(lab, simulation)
        for key, value in acknowledged.items():
            found = ask_ok(simulation, "c1", lab.Get(key)) or b""
            assert found == value, f"of {key!r} {value!r} was acknowledged, and {found!r} is there"
        assert not seen.problem, seen.problem


@graded(
    points=4,
    title="Once, though the slot has moved in between",
    requirement="the page, *Sessions move along*: a repeated request has no second effect",
)
def test_a_request_that_is_repeated_after_its_slot_has_moved_is_carried_out_once(
    lab: KvLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        simulation = cluster(lab, seed)
        key = next(key for key in MANY if owners_at_first()[slot_of(key)] == "n2")
        ask_ok(simulation, "c2", lab.Put(key, b"0"))
        ask_ok(simulation, "c1", lab.Get(key))
        for server in NODES:
            simulation.inject(Block(simulation.now, server, "c1"))
        asked = simulation.call("c1", lab.Increment(key, 1))
        simulation.run(simulation.now + 20 * MS)
        assert ask_ok(simulation, "c2", lab.Get(key)) == b"1", "it was carried out, unheard"
        ask_ok(simulation, OPERATOR, lab.RemoveNode("n2"))
        simulation.run(simulation.now + 1 * SECOND)
        simulation.inject(Heal(simulation.now))
        wait_for(simulation, asked)
        assert asked.outcome == Ok(1), "the first result"
        assert ask_ok(simulation, "c2", lab.Get(key)) == b"1", "counted twice"


@graded(
    points=2,
    title="A key's life goes on where it goes",
    requirement="a key that moves keeps the time that it has left",
)
def test_a_key_that_moves_keeps_what_is_left_of_its_life(lab: KvLab) -> None:
    simulation = cluster(lab, seed=4)
    keys = [key for key in MANY if owners_at_first()[slot_of(key)] == "n2"][:4]
    end = simulation.now + 2 * SECOND
    for key in keys:
        assert ask_ok(simulation, "c1", lab.PutIf(key, b"v", "always", 2 * SECOND)) is True
    ask_ok(simulation, "c1", lab.Put(keys[0], b"for ever"))
    change(lab, simulation, lab.RemoveNode("n2"))
    assert ask_ok(simulation, "c1", lab.TimeToLive(keys[0])) == -1
    for key in keys[1:]:
        left = ask_ok(simulation, "c1", lab.TimeToLive(key))
        assert abs(simulation.now + left - end) < 100 * MS, f"{left} µs are left"
    simulation.run(end + 100 * MS)
    assert [ask_ok(simulation, "c1", lab.Get(key)) for key in keys] == [b"for ever", *[None] * 3]


@graded(
    points=3,
    title="A target that is down holds up nothing but its move",
    requirement="the page, *What a crash costs*: all but a batch is served; the rest waits",
)
def test_while_the_target_of_a_move_is_down_nearly_all_keys_are_served(lab: KvLab) -> None:
    seen = watch()
    simulation = cluster(lab, seed=5, observers=[seen])
    held = fill(lab, simulation)
    crash(simulation, "n4")
    ask_ok(simulation, OPERATOR, lab.AddNode("n4"))
    simulation.run(simulation.now + 300 * MS)
    assert read(lab, simulation) == held, "before the target is ready, the source goes on"
    restart(simulation, "n4")
    simulation.run(simulation.now + 60 * MS)
    crash(simulation, "n4")
    waiting: list[Any] = []
    for key in MANY:
        asked = simulation.call("c1", lab.Get(key))
        if not has_ended(simulation, asked, 250 * MS):
            waiting.append(asked)
            simulation.abandon("c1", asked, Unknown("it waits for n4"))
            crash(simulation, "c1")
            restart(simulation, "c1")
    moving = seen.slots_moving_to("n4")
    assert len(moving) <= 8, "one move after the other, of 4 slots at most"
    stuck = [asked for asked in waiting if slot_of(asked.key) not in moving]
    assert not stuck, f"{stuck[0]}, though its slot is not on its way"
    restart(simulation, "n4")
    settle(lab, simulation)
    assert read(lab, simulation) == held


@graded(
    points=2,
    title="Without its coordinator the store goes on",
    requirement="the page, *One coordinator*: nothing moves, everything is served",
)
def test_while_the_coordinator_is_down_keys_are_served_and_nothing_is_decided(lab: KvLab) -> None:
    simulation = cluster(lab, seed=6, config={"coordinator": "n4"}, client={"coordinator": "n4"})
    held = fill(lab, simulation)
    crash(simulation, "n4")
    assert read(lab, simulation) == held
    asked = simulation.call(OPERATOR, lab.RemoveNode("n2"))
    simulation.run(simulation.now + 1 * SECOND)
    assert asked.returned_at is None, f"{asked}, though nobody could decide"
    restart(simulation, "n4")
    wait_for(simulation, asked)
    assert asked.outcome == Ok(("n1", "n3"))
    settle(lab, simulation)
    crash(simulation, "n2")
    assert read(lab, simulation) == held


@graded(
    points=2,
    title="Moves are finished, no matter who crashes and comes back",
    requirement="the docstring of the coordinator: a crash loses nothing but time",
)
def test_moves_end_though_everybody_crashes_on_the_way(lab: KvLab, sweep: Sweep) -> None:
    for seed in sweep(4):
        seen = watch()
        simulation = cluster(lab, seed, observers=[seen])
        held = fill(lab, simulation)
        random = simulation.random_for("crashes")
        ask_ok(simulation, OPERATOR, lab.RemoveNode("n3"))
        for _ in range(4):
            simulation.run(simulation.now + random.randrange(40 * MS))
            crash(simulation, *NODES)
            restart(simulation, *NODES)
        settle(lab, simulation)
        assert set(held_by(lab, simulation, seen)) == {"n1", "n2"}
        assert read(lab, simulation) == held
        assert not seen.problem, seen.problem


@graded(
    points=3,
    title="A client learns the map",
    requirement="Redis Cluster specification: clients remember Moved, and do not remember Ask",
)
def test_a_client_is_redirected_once_and_then_goes_straight(lab: KvLab) -> None:
    seen = watch()
    simulation = cluster(lab, seed=7, observers=[seen], link=STEADY)
    fill(lab, simulation)
    assert seen.redirects["Moved"] <= 6, "the table is asked for, not found out slot by slot"
    change(lab, simulation, lab.AddNode("n4"))
    before = seen.redirects["Moved"]
    read(lab, simulation)
    first = seen.redirects["Moved"] - before
    assert first <= 2, f"one redirect brings the whole table, and there were {first}"
    read(lab, simulation)
    assert seen.redirects["Moved"] == before + first, "what was learned is remembered"


@graded(
    points=2,
    title="Ask is for one request, Moved is for good",
    requirement="Redis Cluster specification, *ASK redirection*; a bound on redirects",
)
def test_a_client_follows_ask_once_and_remembers_moved(lab: KvLab) -> None:
    client = lab.StoreClient("c1", NODES, slots=SLOTS)
    client.step(Start(0, {}))
    key = MANY[0]
    slot = slot_of(key)
    client.step(Receive(1, "n1", lab.TableIs(lab.Table(3, ((0, SLOTS - 1, "n2"),)))))

    def sent(event: Any) -> list[Any]:
        return [(each.to, each.message) for each in client.step(event) if isinstance(each, Send)]

    ((to, first),) = sent(Invoke(2, 1, lab.Append(key, b"x")))
    assert (to, first.asking) == ("n2", False), "the table says n2"
    asking = lab.Request(first.number, first.command, True)
    assert sent(Receive(3, "n2", lab.Ask(first.number, slot, "n3"))) == [("n3", asking)]
    back = sent(Receive(3, "n3", lab.Moved(first.number, slot, "n2", 3)))
    assert back == [("n2", first)], "the Ask was for this once"
    client.step(Receive(4, "n3", lab.Answer(first.number, 1)))
    ((to, second),) = sent(Invoke(5, 2, lab.Append(key, b"y")))
    assert (to, second.asking) == ("n2", False), "an Ask is not remembered"
    assert second.number > first.number
    moved = lab.Moved(second.number, slot, "n4", 3)
    assert sent(Receive(6, "n2", moved)) == [("n4", second)], "the same request, the same number"
    assert sent(Receive(7, "n2", lab.Moved(first.number, slot, "n1", 2))) == [], "an old word"
    assert sent(Receive(7, "n2", lab.Ask(first.number, slot, "n1"))) == [], "an old word"
    client.step(Receive(8, "n4", lab.Answer(second.number, 2)))
    ((to, third),) = sent(Invoke(9, 3, lab.Get(key)))
    assert to == "n4", "a Moved is remembered"
    hops = 0
    while sent(Receive(10, "n4", lab.Ask(third.number, slot, "n3"))):
        hops += 1
        assert hops < 100, "sent back and forth for ever: redirects need a bound"
    assert hops >= 2
    one_that_is_down_keeps_no_client_from_a_new_table(lab)


def one_that_is_down_keeps_no_client_from_a_new_table(lab: KvLab) -> None:
    """Nobody answers: with each attempt another node is asked for its table."""
    client = lab.StoreClient("c1", NODES, slots=SLOTS)
    client.step(Start(0, {}))
    effects, now, asked = client.step(Invoke(1, 1, lab.Get(MANY[0]))), 1, set()
    for _ in NODES:
        (timer,) = [each for each in effects if isinstance(each, SetTimer)]
        now += timer.after
        effects = client.step(Fire(now, timer.id, timer.timer))
        sends = [each for each in effects if isinstance(each, Send)]
        asked |= {each.to for each in sends if isinstance(each.message, lab.TableAsked)}
    assert asked == set(NODES), "the owner may be down, and so may any of them"


@graded(
    points=2,
    title="A client tells the truth when nobody answers",
    requirement="docstring of the client: a question failed, a change is unknown",
)
def test_without_an_answer_a_question_failed_and_a_change_is_unknown(lab: KvLab) -> None:
    simulation = cluster(lab, seed=8, client={"attempts": 4})
    key = next(key for key in MANY if owners_at_first()[slot_of(key)] == "n3")
    ask_ok(simulation, "c1", lab.Put(key, b"v"))
    crash(simulation, "n3")
    for question in (lab.Get(key), lab.TimeToLive(key), lab.Look(key)):
        assert isinstance(ask(simulation, "c1", question).outcome, Failed), question
    for each in (
        lab.Append(key, b"w"),
        lab.PutIf(key, b"w", "absent"),
        lab.Push(b"{" + key + b"}", (b"w",)),
        lab.Increment(key),
        lab.CompareAndSet(key, b"x", b"y"),
        lab.Expire(key, SECOND),
        lab.Delete(b"{" + key + b"}"),
    ):
        assert isinstance(ask(simulation, "c1", each).outcome, Unknown), each
    long = ask(simulation, "c2", lab.Put(b"k" * (lab.MAX_KEY + 1), b""))
    assert isinstance(long.outcome, Failed), "what is too long is not even sent"
    restart(simulation, "n3")
    assert ask_ok(simulation, "c1", lab.Get(key)) in (b"v", b"vw")


@graded(
    points=3,
    title="Another placement, the same store",
    requirement="issue: partitioning by ring and by hash mod n behind one interface",
)
def test_a_ring_moves_few_slots_and_modulo_nearly_all(lab: KvLab) -> None:
    moved = {}
    for placement in ("ring", "modulo", "slots"):
        seen = watch()
        simulation = cluster(lab, seed=9, config={"placement": placement, "retry_after": 20 * MS},
                             observers=[seen])  # fmt: skip
        held = fill(lab, simulation)
        before = held_by(lab, simulation, seen)
        change(lab, simulation, lab.AddNode("n4"))
        after = held_by(lab, simulation, seen)
        moved[placement] = sum(one != other for one, other in zip(before, after, strict=True))
        assert read(lab, simulation) == held, placement
        if placement == "ring":
            assert {one for one, other in zip(after, before, strict=True) if one != other} == {"n4"}
    assert moved["slots"] == SLOTS // 4
    assert 1 <= moved["ring"] <= SLOTS // 2
    assert moved["modulo"] >= SLOTS // 2
