"""Replicas of both registers, moved by hand: several clients of one replica, and several lives."""

from typing import Any

from common.course.suites.kit import ByHand
from tests.stage1_foundations.cap.lab import CapLab


def of(kind: type, messages: list[Any]) -> list[Any]:
    """The messages of a class, without their addresses."""
    return [each.message for each in messages if isinstance(each.message, kind)]


def replica(lab: CapLab, saved: Any = None, **options: Any) -> ByHand:
    """n1 of three, with what earlier lives have saved."""
    return ByHand(lab.ConsistentReplica("n1", ("n2", "n3"), **options), saved)


def query(lab: CapLab, node: ByHand, client: str, number: int, value: str) -> int:
    """A client asks for a write; returns the round of its query phase."""
    asked = of(lab.consistent.Query, node.receive(client, lab.WriteRequest(number, value)))
    assert len(asked) == 2, f"a new write of {client} asks both others; it asked {len(asked)}"
    return int(asked[0].round)


def update(lab: CapLab, node: ByHand, round: int) -> Any:
    """n2 answers the query, and a majority has: returns the update that n3 is sent."""
    held = lab.consistent.Tagged()
    sent = of(lab.consistent.Update, node.receive("n2", lab.consistent.QueryReply(round, held)))
    assert len(sent) == 2, "two of three have answered"
    return sent[1]


def must_count_answers_for_their_own_round(lab: CapLab) -> None:
    """An answer to an update of another round, or of another life, ends no write of now."""
    saved: dict[Any, Any] = {}
    rounds: list[int] = []
    for life in range(1, 4):
        node = replica(lab, saved)
        for client in ("c1", "c2"):
            rounds.append(query(lab, node, client, life, f"{client} in life {life}"))
            assert len(set(rounds)) == len(rounds), f"a round was used before: {rounds}"
            update(lab, node, rounds[-1])
            for old in rounds[:-2] if client == "c2" else rounds[:-1]:
                late = node.receive("n3", lab.consistent.UpdateReply(old))
                assert not late, f"round {old} is over, and {rounds[-1]} under way: {late}"
        for client, round in zip(("c1", "c2"), rounds[-2:], strict=True):
            told = node.receive("n3", lab.consistent.UpdateReply(round))
            assert [each.to for each in told] == [client], f"round {round} is that of {client}"
        for number in range(30):
            asked = of(lab.consistent.Query, node.receive(f"c{number}", lab.ReadRequest(10**12)))
            rounds.insert(0, asked[0].round)
        saved = node.disk


def must_take_the_greatest_of_a_majority(lab: CapLab) -> None:
    """Of what three of five hold the greatest is read, in whatever order their answers come."""
    tagged, reply = lab.consistent.Tagged, lab.consistent.QueryReply
    new, old = tagged((5, "n2"), "new"), tagged((4, "n3"), "old")
    for answers in ((new, old), (old, new)):
        node = ByHand(lab.ConsistentReplica("n1", ("n2", "n3", "n4", "n5")))
        asked = of(lab.consistent.Query, node.receive("c1", lab.ReadRequest(1)))
        node.receive("n2", reply(asked[0].round, answers[0]))
        sent = of(lab.consistent.Update, node.receive("n3", reply(asked[0].round, answers[1])))
        assert [each.held for each in sent] == [new] * 4, "two majorities share a replica"


def must_know_each_clients_latest_write(lab: CapLab) -> None:
    """What was decided of each client's write is known after a crash, whatever others wrote."""
    node = replica(lab)
    tags = {}
    for number, client in ((7, "c1"), (3, "c2"), (5, "c3")):
        round = query(lab, node, client, number, client)
        tags[client] = number, update(lab, node, round).held
        node.receive("n2", lab.consistent.UpdateReply(round))
    again = replica(lab, node.disk)
    for client, (number, held) in tags.items():
        sent = again.receive(client, lab.WriteRequest(number, client))
        assert not of(lab.consistent.Query, sent), f"{client}'s write was decided before the crash"
        assert [each.held for each in of(lab.consistent.Update, sent)] == [held] * 2


def must_count_tries_of_both_phases(lab: CapLab) -> None:
    """Two tries of a query and one of an update are three: then it is given up, in doubt."""
    node = replica(lab, attempts=3, try_again_after=10)
    round = query(lab, node, "c1", 1, "a")
    assert len(of(lab.consistent.Query, node.wait(10))) == 2, "the second try"
    spread = update(lab, node, round)
    told = [each.message for each in node.wait(10)]
    assert [type(each) for each in told] == [lab.client.Doubt], f"three tries were made: {told}"
    assert not node.timers
    for life in (node, replica(lab, node.disk)):
        again = life.receive("c1", lab.WriteRequest(1, "a"))
        held = [each.held for each in of(lab.consistent.Update, again)]
        assert held == [spread.held] * 2, "what is in doubt is decided: it has its tag"


def must_remember_a_refusal_over_a_crash(lab: CapLab) -> None:
    """A write that was refused stays refused in the next life, though others answer now."""
    node = replica(lab, attempts=1, try_again_after=10)
    query(lab, node, "c1", 4, "a")
    assert len(of(lab.client.Refusal, node.wait(10))) == 1
    query(lab, node, "c2", 1, "b")
    again = replica(lab, node.disk)
    told = [each.message for each in again.receive("c1", lab.WriteRequest(4, "a"))]
    assert [type(each) for each in told] == [lab.client.Refusal], f"it was refused before: {told}"


def must_tell_clients_apart(lab: CapLab) -> None:
    """An available replica has a number for each client, also after a crash."""
    saved: dict[Any, Any] = {}
    for life in range(2):
        node = ByHand(lab.AvailableReplica("n1", ("n2", "n3")), saved)
        for number, client in ((7, "c1"), (3, "c2"), (5, "c3")):
            told = node.receive(client, lab.WriteRequest(number, f"{client} wrote"))
            assert of(lab.client.WriteReply, told) == [lab.client.WriteReply(number)], (
                f"request {number} is {client}'s latest"
            )
            assert bool(of(lab.Gossip, told)) == (life == 0), "a repetition is no new write"
        node.receive("n2", lab.Gossip(lab.available.Tagged((99, "n2"), "newer")))
        saved = node.disk
