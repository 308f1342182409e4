"""The client's half of exactly-once: numbers, attempts, redirects, and the truth about the end."""

from collections import Counter
from copy import deepcopy
from random import Random
from typing import Any

import pytest

from common.contract import (
    CallId,
    CancelTimer,
    Invoke,
    Node,
    NodeId,
    Receive,
    Return,
    Save,
    Send,
    SetTimer,
    Start,
    begin_life,
    on,
)
from common.contract.asking import NUMBERS_OF_A_LIFE, AskAgain
from common.contract.schema import Schema
from common.sim import LinkModel, Simulation, Workload
from common.sim.chaos import random_schedule
from common.values.faults import Crash, Restart, Schedule
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS, SECOND
from tests.common.asking_nodes import (
    SERVERS,
    Busy,
    Done,
    Elsewhere,
    Keeper,
    Look,
    LookRequest,
    ManyWriter,
    Note,
    NoteRequest,
    Writer,
    ends,
    sent,
    silence,
    writer,
)

# Lives and numbers.


def test_the_numbers_of_a_life_follow_each_other() -> None:
    client = writer()
    for number in (1, 2, 3):
        assert sent(client.step(Invoke(0, number, Look()))) == [("n1", LookRequest(number))]
        client.step(Receive(0, "n1", Done(number, 0)))


def test_the_numbers_of_each_life_are_above_all_of_the_lives_before() -> None:
    disk: dict[Any, object] = {}
    last = 0
    for life in range(4):
        client = Writer("c1", SERVERS)
        (count,) = client.step(Start(0, disk))
        assert count == Save("life", life + 1)
        disk["life"] = life + 1
        ((_, request),) = sent(client.step(Invoke(0, 1, Look())))
        assert request.number > last
        last = life * NUMBERS_OF_A_LIFE + NUMBERS_OF_A_LIFE - 1


def test_a_node_that_is_no_asker_counts_its_lives_alike() -> None:
    class Server(Node):
        def on_start(self) -> None:
            self.last_number = begin_life(self)

    server = Server("n1", ())
    assert server.step(Start(0, {"life": 3})) == [Save("life", 4)]
    assert server.last_number == 3 * NUMBERS_OF_A_LIFE


def test_a_request_takes_its_number_from_the_asker() -> None:
    class Forgetful(Writer):
        @on(Note)
        def note_asked(self, asked: Note, call: CallId) -> None:
            self.ask(NoteRequest(1, asked.text), call)

    client = writer(Forgetful, life=1)
    with pytest.raises(AssertionError, match="new_number"):
        client.step(Invoke(0, 1, Note("x")))


# An answer, or two, or none.


def test_an_answer_ends_the_operation_and_the_waiting() -> None:
    client = writer()
    effects = client.step(Invoke(0, 7, Note("x")))
    (setting,) = [each for each in effects if isinstance(each, SetTimer)]
    assert client.step(Receive(0, "n1", Done(1, 1))) == [CancelTimer(setting.id), Return(7, Ok(1))]
    assert not client.under_way


def test_a_second_answer_ends_nothing() -> None:
    client = writer()
    client.step(Invoke(0, 7, Note("x")))
    client.step(Receive(0, "n1", Done(1, 1)))
    assert client.step(Receive(0, "n1", Done(1, 1))) == []
    client.step(Invoke(0, 8, Note("y")))
    assert client.step(Receive(0, "n1", Done(1, 1))) == [], "it is about the request before"
    assert ends(client.step(Receive(0, "n1", Done(2, 2)))) == [(8, Ok(2))]


def test_a_late_answer_to_an_earlier_life_ends_nothing() -> None:
    client = writer()
    ((_, first),) = sent(client.step(Invoke(0, 1, Note("x"))))
    again = writer(life=1)
    ((_, second),) = sent(again.step(Invoke(0, 1, Note("y"))))
    late = [Done(first.number, 1), Elsewhere(first.number, "n3"), Busy(first.number, "no")]
    for answer in late:
        assert again.step(Receive(0, "n1", answer)) == []
    assert again.under_way[second.number].why == "no server answered"
    assert ends(again.step(Receive(0, "n1", Done(second.number, 2)))) == [(1, Ok(2))]


def test_after_silence_the_same_request_goes_to_the_next_server_round_and_round() -> None:
    client = writer(attempts=5)
    effects = client.step(Invoke(0, 1, Note("x")))
    asked = sent(effects)
    for _ in range(4):
        effects = silence(client, effects)
        asked += sent(effects)
    assert asked == [(to, NoteRequest(1, "x")) for to in ("n1", "n2", "n3", "n1", "n2")]


def test_a_new_request_begins_where_the_last_one_was_answered() -> None:
    client = writer()
    silence(client, client.step(Invoke(0, 1, Note("x"))))
    client.step(Receive(0, "n2", Done(1, 1)))
    assert sent(client.step(Invoke(0, 2, Look()))) == [("n2", LookRequest(2))]
    client.step(Receive(0, "n3", Done(2, 1)))
    assert sent(client.step(Invoke(0, 3, Look()))) == [("n3", LookRequest(3))]


def test_a_client_that_was_told_its_servers_asks_nobody_else() -> None:
    client = writer(servers=("n3", "n1"), attempts=4)
    effects = client.step(Invoke(0, 1, Look()))
    asked = sent(effects)
    for _ in range(3):
        effects = silence(client, effects)
        asked += sent(effects)
    assert [to for to, _ in asked] == ["n3", "n1", "n3", "n1"]


def test_after_the_last_attempt_a_change_is_unknown() -> None:
    client = writer(attempts=2)
    effects = silence(client, client.step(Invoke(0, 1, Note("x"))))
    assert ends(effects) == []
    effects = silence(client, effects)
    assert (ends(effects), sent(effects)) == ([(1, Unknown("no server answered"))], [])
    assert client.step(Receive(0, "n1", Done(1, 1))) == [], "too late: it has ended"


def test_after_the_last_attempt_a_question_has_failed() -> None:
    client = writer(attempts=2)
    effects = silence(client, silence(client, client.step(Invoke(0, 1, Look()))))
    assert ends(effects) == [(1, Failed("no server answered"))]


def test_what_a_server_said_last_is_the_reason_and_makes_no_unknown_a_failure() -> None:
    for asked, expected in ((Note("x"), Unknown("I am full")), (Look(), Failed("I am full"))):
        client = writer(attempts=1)
        effects = client.step(Invoke(0, 1, asked))
        assert client.step(Receive(0, "n1", Busy(1, "I am busy"))) == []
        assert client.step(Receive(0, "n1", Busy(1, "I am full"))) == []
        assert ends(silence(client, effects)) == [(1, expected)]


def test_after_a_server_that_could_not_another_attempt_may_do_better() -> None:
    client = writer()
    effects = client.step(Invoke(0, 1, Note("x")))
    client.step(Receive(0, "n1", Busy(1, "I am busy")))
    assert sent(silence(client, effects)) == [("n2", NoteRequest(1, "x"))]
    assert ends(client.step(Receive(0, "n2", Done(1, 1)))) == [(1, Ok(1))]


# Redirects.


def test_a_redirect_is_followed_within_the_attempt() -> None:
    client = writer(attempts=2)
    effects = client.step(Invoke(0, 1, Note("x")))
    followed = client.step(Receive(0, "n1", Elsewhere(1, "n3")))
    assert followed == [Send("n3", NoteRequest(1, "x"))], "the timer of the attempt goes on"
    assert client.server == "n3", "a server's word is as good as an answer"
    effects = silence(client, effects)
    assert sent(effects) == [("n1", NoteRequest(1, "x"))], "n3 is silent, and n1 comes after it"
    assert ends(silence(client, effects)) == [(1, Unknown("no server answered"))]


@pytest.mark.parametrize(("kind", "most"), [(Writer, 1), (ManyWriter, 3)])
def test_servers_that_point_at_each_other_cannot_keep_a_client_running(
    kind: type[Writer], most: int
) -> None:
    client = writer(kind, attempts=3)
    effects = client.step(Invoke(0, 1, Note("x")))
    for attempt in range(1, 4):
        followed = 0
        for turn in range(20):
            followed += len(sent(client.step(Receive(0, "n1", Elsewhere(1, SERVERS[turn % 2])))))
        assert followed == most, f"attempt {attempt}"
        effects = silence(client, effects)
    assert ends(effects) == [(1, Unknown("no server answered"))]


def test_a_redirect_to_a_stranger_is_followed_and_then_the_round_goes_on() -> None:
    client = writer()
    effects = client.step(Invoke(0, 1, Note("x")))
    assert sent(client.step(Receive(0, "n1", Elsewhere(1, "n9")))) == [("n9", NoteRequest(1, "x"))]
    assert sent(silence(client, effects)) == [("n1", NoteRequest(1, "x"))]


def test_a_redirect_may_change_the_request_but_never_its_number() -> None:
    class Marking(Writer):
        shift = 0

        @on(Elsewhere)
        def elsewhere(self, reply: Elsewhere, sender: NodeId) -> None:
            request = NoteRequest(reply.number + self.shift, "x", sent_on=True)
            self.redirect(reply.number, reply.server, request)

    client = writer(Marking)
    effects = client.step(Invoke(0, 1, Note("x")))
    sent_on = [("n2", NoteRequest(1, "x", True))]
    assert sent(client.step(Receive(0, "n1", Elsewhere(1, "n2")))) == sent_on
    assert sent(silence(client, effects)) == [("n3", NoteRequest(1, "x"))], "it was for once"
    client.shift = 1  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="number of the first"):
        client.step(Receive(0, "n1", Elsewhere(1, "n2")))


# Many under way.


def test_one_more_than_may_be_under_way_fails_and_is_not_sent() -> None:
    client = writer()
    client.step(Invoke(0, 1, Note("x")))
    effects = client.step(Invoke(0, 2, Note("y")))
    assert effects == [Return(2, Failed("not sent: this client has 1 under way"))]
    client.step(Receive(0, "n1", Done(1, 1)))
    assert len(sent(client.step(Invoke(0, 3, Note("y"))))) == 1


def test_many_under_way_end_in_any_order_each_with_its_own_answer() -> None:
    client = writer(ManyWriter)
    for call in range(1, 6):
        assert sent(client.step(Invoke(0, call, Note("x")))) == [("n1", NoteRequest(call, "x"))]
    assert ends(client.step(Invoke(0, 6, Note("x")))) == [
        (6, Failed("not sent: this client has 5 under way"))
    ]
    for call in (3, 1, 5, 2, 4):
        assert ends(client.step(Receive(0, "n1", Done(call, 10 * call)))) == [(call, Ok(10 * call))]


def test_many_that_a_server_left_unanswered_all_go_on_to_the_next_one() -> None:
    client = writer(ManyWriter)
    effects = [client.step(Invoke(0, call, Note("x"))) for call in range(1, 6)]
    for following in ("n2", "n3", "n1"):
        effects = [silence(client, each, call) for call, each in enumerate(effects, 1)]
        assert [to for each in effects for to, _ in sent(each)] == [following] * 5


def test_many_share_what_one_of_them_has_learned() -> None:
    client = writer(ManyWriter)
    effects = [client.step(Invoke(0, call, Note("x"))) for call in (1, 2)]
    client.step(Receive(0, "n1", Elsewhere(1, "n3")))
    assert sent(silence(client, effects[1], 2)) == [("n3", NoteRequest(2, "x"))]


# Waiting.


def waits(client: Writer, attempts: int) -> list[int]:
    """How long each attempt waits for an answer."""
    effects = client.step(Invoke(0, 1, Look()))
    found: list[int] = []
    for _ in range(attempts):
        found += [each.after for each in effects if isinstance(each, SetTimer)]
        effects = silence(client, effects)
    return found


def test_waits_double_up_to_a_bound_and_are_up_to_a_quarter_longer() -> None:
    client = writer(ask_again_after=100 * MS, longest_wait=1 * SECOND, attempts=8)
    plain = [100 * MS, 200 * MS, 400 * MS, 800 * MS] + [1 * SECOND] * 4
    found = waits(client, 8)
    assert all(least <= wait <= least * 5 // 4 for least, wait in zip(plain, found, strict=True))
    assert len({wait - least for least, wait in zip(plain, found, strict=True)}) > 1, "by chance"


@pytest.mark.parametrize("longest", [0, 70 * MS])
def test_waits_without_a_greater_bound_are_all_alike_and_draw_nothing(longest: int) -> None:
    client = writer(ask_again_after=70 * MS, longest_wait=longest, attempts=8)
    before = client.random.getstate()
    assert waits(client, 8) == [70 * MS] * 8
    assert client.random.getstate() == before


def test_the_chance_in_waits_is_the_nodes_own() -> None:
    def drawn(seed: str) -> list[int]:
        client = Writer("c1", SERVERS, longest_wait=1 * SECOND)
        client.seed(seed)
        client.step(Start(0, {}))
        return waits(client, 8)

    assert drawn("a") == drawn("a")
    assert drawn("a") != drawn("b")


# As a node among nodes.


def test_a_copy_goes_its_own_way() -> None:
    client = writer(ManyWriter, longest_wait=1 * SECOND)
    effects = client.step(Invoke(0, 1, Note("x")))
    other = deepcopy(client)
    assert silence(client, effects) == silence(other, effects), "the same event on equal copies"
    other.step(Receive(0, "n2", Done(1, 1)))
    assert (len(client.under_way), len(other.under_way)) == (1, 0)
    assert client.under_way[1].attempts == 2


def test_its_timer_is_in_the_schema_of_every_asker() -> None:
    assert AskAgain in Schema.of(Writer)


def test_what_is_ok_happened_once_what_failed_never_and_nobody_else_knows() -> None:
    """Both halves against losses, doubles, delays and crashes of the server and of the clients."""
    clients = ("c1", "c2", "c3")
    outcomes: Counter[tuple[type, int]] = Counter()

    def some(random: Random, client: NodeId, number: int) -> object:
        return Note(f"{client}.{number}") if random.random() < 0.8 else Look()

    def client(id: NodeId, peers: tuple[NodeId, ...]) -> Writer:
        return Writer(id, ("n1",), ask_again_after=20 * MS, longest_wait=80 * MS, attempts=3)

    for seed in range(30):
        kinds = ("crash", "partition", "block", "link", "pause")
        simulation = Simulation(
            {"n1": Keeper},
            dict.fromkeys(clients, client),
            seed=seed,
            link=LinkModel(loss=0.2, duplicate=0.3, reorder=0.3),
            schedule=random_schedule(Random(seed), ("n1", *clients), 2 * SECOND, kinds=kinds),
        )
        Workload(simulation, some, count=60, patience=150 * MS)
        simulation.run(8 * SECOND)
        keeper = simulation.nodes["n1"]
        assert isinstance(keeper, Keeper)
        written = Counter(keeper.book.texts)
        assert not written or max(written.values()) == 1, "nothing is written down twice"
        for each in simulation.history:
            if each.function == "note":
                times = written[str(each.argument)]
                outcomes[type(each.outcome), times] += 1
                assert times == 1 or not isinstance(each.outcome, Ok), each
                assert times == 0 or not isinstance(each.outcome, Failed), each
            elif isinstance(each.outcome, Unknown):
                assert each.outcome.reason != "no server answered", "a question fails"
    assert set(outcomes) == {(Ok, 1), (Failed, 0), (Unknown, 0), (Unknown, 1)}, "all of them occur"


def test_a_client_that_crashes_comes_back_with_new_requests_that_are_carried_out() -> None:
    schedule = Schedule([Crash(20 * MS, "c1"), Restart(30 * MS, "c1")])
    slow = LinkModel(latency=(50 * MS, 50 * MS))
    simulation = Simulation({"n1": Keeper}, {"c1": Writer}, seed=1, link=slow, schedule=schedule)
    lost = simulation.call("c1", Note("before"))
    simulation.run(40 * MS)
    after = simulation.call("c1", Note("after"))
    simulation.run(SECOND)
    assert isinstance(lost.outcome, Unknown), "the crash forgot it, though it was carried out"
    assert after.outcome == Ok(2), "its number was no repetition, and no answer but its own counted"
