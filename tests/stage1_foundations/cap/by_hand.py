"""Replicas of both registers, moved by hand: several clients of one replica, and several lives."""

from itertools import pairwise
from typing import Any

from common.course.suites.kit import ByHand
from common.values.history import Failed, Unknown
from common.values.units import SECOND
from tests.stage1_foundations.cap.lab import CapLab


def of(kind: type, messages: list[Any]) -> list[Any]:
    """The messages of a class, without their addresses."""
    return [each.message for each in messages if isinstance(each.message, kind)]


def replica(lab: CapLab, saved: Any = None, **options: Any) -> ByHand:
    """n1 of three, with what earlier lives have saved."""
    return ByHand(lab.ConsistentReplica("n1", ("n2", "n3"), **options), saved)


def query(lab: CapLab, node: ByHand, client: str, number: int, value: str | None) -> int:
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
    begun: list[int] = []
    saved = {}
    for _ in range(4):
        node = replica(lab, saved)
        asked = of(lab.consistent.Query, node.receive("c1", lab.ReadRequest(1)))
        begun.append(asked[0].round)
        saved = node.disk
    lengths = [later - earlier for earlier, later in pairwise(begun)]
    assert min(lengths) >= 2**32, f"lives that only read have numbers for so many: {lengths}"


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
    nothing = tagged((6, "n2"), None)
    for held, found in (((new, nothing), old), ((nothing, new), old), ((new, old), nothing)):
        node = replica(lab)
        for each in held:
            node.receive("n3", lab.consistent.Update(1, each))
        node = replica(lab, node.disk)
        asked = of(lab.consistent.Query, node.receive("c1", lab.ReadRequest(1)))
        sent = of(lab.consistent.Update, node.receive("n2", reply(asked[0].round, found)))
        assert [each.held for each in sent] == [nothing] * 2, "None was written last"


def must_need_a_majority_of_any_number(lab: CapLab) -> None:
    """Of four, three have to answer; one replica by itself is a majority."""
    node = ByHand(lab.ConsistentReplica("n1", ("n2", "n3", "n4")))
    asked = of(lab.consistent.Query, node.receive("c1", lab.WriteRequest(1, "a")))
    found = lab.consistent.QueryReply(asked[0].round, lab.consistent.Tagged())
    assert not node.receive("n2", found), "n3 and n4 may have another half"
    assert len(of(lab.consistent.Update, node.receive("n3", found))) == 3
    for count, kind in ((1, lab.client.Refusal), (2, lab.client.Doubt)):
        node = ByHand(lab.ConsistentReplica("n1", ("n2", "n3", "n4", "n5"), attempts=1))
        asked = of(lab.consistent.Query, node.receive("c1", lab.WriteRequest(1, "a")))
        for peer in ("n2", "n3")[:count]:
            node.receive(peer, lab.consistent.QueryReply(asked[0].round, found.held))
        node.receive("n2", lab.consistent.UpdateReply(asked[0].round))
        told = [type(each.message) for each in node.wait(SECOND)]
        assert told == [kind], f"of four others {count} have answered the query: {told}"
    alone = ByHand(lab.ConsistentReplica("n1", ()))
    for request, told in (
        (lab.WriteRequest(1, "a"), lab.client.WriteReply(1)),
        (lab.ReadRequest(2), lab.client.ReadReply(2, "a")),
    ):
        answers = [each.message for each in alone.receive("c1", request)]
        assert answers == [told], f"there is nobody else to ask: {answers}"
        assert not alone.timers, "nothing is under way any more"


def must_know_each_clients_latest_write(lab: CapLab) -> None:
    """What was decided of each client's write is known after a crash, whatever others wrote."""
    node = replica(lab)
    tags = {}
    for number, client in ((7, "c1"), (3, "c2"), (5, "c3"), (8, "c1")):
        value = None if client == "c3" else client
        round = query(lab, node, client, number, value)
        spread = update(lab, node, round).held
        assert node.disk["held"] == spread, "the coordinator's own copy counts, so it is durable"
        tags[client] = number, spread
        node.receive("n2", lab.consistent.UpdateReply(round))
    again = replica(lab, node.disk)
    again.receive("n3", lab.consistent.Update(1, lab.consistent.Tagged((99, "n3"), "newer")))
    for client, (number, held) in tags.items():
        sent = again.receive(client, lab.WriteRequest(number, held.value))
        assert not of(lab.consistent.Query, sent), f"{client}'s write was decided before the crash"
        assert [each.held for each in of(lab.consistent.Update, sent)] == [held] * 2, (
            "that n1 holds something newer does not tell whether a majority does"
        )


def must_count_tries_of_both_phases(lab: CapLab) -> None:
    """Two tries of a query and one of an update are three: then it is given up, in doubt."""
    node = replica(lab, attempts=3, try_again_after=10)
    round = query(lab, node, "c1", 1, "a")
    assert len(of(lab.consistent.Query, node.wait(10))) == 2, "the second try"
    spread = update(lab, node, round)
    told = [each.message for each in node.wait(10)]
    assert [type(each) for each in told] == [lab.client.Doubt], f"three tries were made: {told}"
    assert not node.timers
    for life in (node, replica(lab, node.disk, attempts=3, try_again_after=10)):
        again = life.receive("c1", lab.WriteRequest(1, "a"))
        held = [each.held for each in of(lab.consistent.Update, again)]
        assert held == [spread.held] * 2, "what is in doubt is decided: it has its tag"
        for _ in range(2):
            tried = of(lab.consistent.Update, life.wait(10))
            assert len(tried) == 2, "a repetition has three tries of its own"
        told = [each.message for each in life.wait(10)]
        assert [type(each) for each in told] == [lab.client.Doubt], f"three tries more: {told}"


def must_ask_and_count_each_replica_once(lab: CapLab) -> None:
    """A phase needs a majority of five, and asks only those that have not answered again."""
    tagged, found = lab.consistent.Tagged, lab.consistent.QueryReply
    others = ("n2", "n3", "n4", "n5")
    held, newer = tagged((4, "n3"), "found"), tagged((9, "n5"), "newer")
    for request in (lab.ReadRequest(1), lab.WriteRequest(1, "written")):
        node = ByHand(lab.ConsistentReplica("n1", others, attempts=9, try_again_after=10))
        asked = node.receive("c1", request)
        round = asked[0].message.round
        assert [each.to for each in asked] == [*others], "all are asked"
        for _ in range(2):
            assert not node.receive("n2", found(round, held)), "n1 and n2 are two of five"
        assert [each.to for each in node.wait(10)] == ["n3", "n4", "n5"], "n2 has answered"
        asked = node.receive("n3", found(round, held))
        assert [each.to for each in asked] == [*others], "that is a majority; now all are told"
        for _ in range(2):
            assert not node.receive("n2", lab.consistent.UpdateReply(round)), "two of five"
        assert not node.receive("n4", found(round, held)), "that answers a query, not the update"
        assert [each.to for each in node.wait(10)] == ["n3", "n4", "n5"], "n2 has said so"
        node.receive("n5", lab.consistent.Update(7, newer))
        told = node.receive("n4", lab.consistent.UpdateReply(round))
        reply = lab.client.ReadReply(1, "found") if "Read" in type(request).__name__ else None
        assert [each.message for each in told] == [reply or lab.client.WriteReply(1)], (
            "what came meanwhile is not known to be on a majority"
        )
    node = replica(lab, attempts=2, try_again_after=10)
    round = of(lab.consistent.Query, node.receive("c1", lab.ReadRequest(1)))[0].round
    node.receive("n2", found(round, held))
    told = node.wait(10)
    assert [type(each.message) for each in told] == [lab.client.Refusal], (
        f"nobody but n1 has said that it holds what was found, and the reader is told {told}"
    )
    for _ in range(2):
        again = of(lab.consistent.Query, node.receive("c1", lab.ReadRequest(1)))
        assert len(again) == 2, "a read that was refused has changed nothing: it may be tried again"
        node.wait(10)
        told = node.wait(10)
        assert [type(each.message) for each in told] == [lab.client.Refusal], f"nobody said: {told}"
        assert node.node.status()["pending"] == 0, "what was refused is not under way any more"


def must_serve_a_clients_newest_request(lab: CapLab) -> None:
    """A newer request takes the place of the one under way; repeated and older ones do nothing."""
    node = replica(lab)
    rounds: list[int] = []
    for number, kind in ((1, "w"), (2, "r"), (3, "w"), (4, "w"), (5, "r"), (6, "w")):
        write, read = lab.WriteRequest(number, f"{number}"), lab.ReadRequest(number)
        asked = of(lab.consistent.Query, node.receive("c1", write if kind == "w" else read))
        assert len(asked) == 2, f"request {number} is new, whatever is under way"
        rounds.append(asked[0].round)
        for old in (write if kind == "w" else read, lab.ReadRequest(1), lab.WriteRequest(1, "1")):
            assert not node.receive("c1", old), f"{old} comes late: {number} is under way"
    update(lab, node, rounds[-1])
    for old in (lab.WriteRequest(6, "6"), lab.ReadRequest(5), lab.WriteRequest(4, "4")):
        assert not node.receive("c1", old), f"{old} comes late: 6 is in its update phase"
    told = node.receive("n3", lab.consistent.UpdateReply(rounds[-1]))
    assert [each.message for each in told] == [lab.client.WriteReply(6)]
    for old in (lab.ReadRequest(5), lab.WriteRequest(4, "4")):
        assert not node.receive("c1", old), f"{old} comes late: 6 was decided since"


def must_remember_a_refusal_over_a_crash(lab: CapLab) -> None:
    """A write that was refused stays refused in the next life, though others answer now."""
    node = replica(lab, attempts=1, try_again_after=10)
    query(lab, node, "c1", 4, "a")
    assert len(of(lab.client.Refusal, node.wait(10))) == 1
    round = query(lab, node, "c2", 1, "b")
    for life in (node, replica(lab, node.disk)):
        told = [each.message for each in life.receive("c1", lab.WriteRequest(4, "a"))]
        assert [type(each) for each in told] == [lab.client.Refusal], f"it was refused: {told}"
    later = query(lab, node, "c1", 5, "later")
    spread = update(lab, node, later)
    node.receive("n2", lab.consistent.UpdateReply(later))
    again = replica(lab, node.disk).receive("c1", lab.WriteRequest(5, "later"))
    held = [each.held for each in of(lab.consistent.Update, again)]
    assert held == [spread.held] * 2, "what came after a refusal was decided, too"
    node.wait(5)
    other = query(lab, node, "c3", 1, "c")
    told = node.wait(5)
    assert [each.to for each in told] == ["c2"], f"c3 asked 5 µs later than c2: {told}"
    answer = lab.consistent.QueryReply(round, lab.consistent.Tagged())
    assert not node.receive("n2", answer), "c2's write was refused"
    update(lab, node, other)


def must_keep_to_one_replica(lab: CapLab) -> None:
    """A client asks its replica for one operation at a time, as often as it was told."""
    three = ("n1", "n2", "n3")
    node = ByHand(lab.RegisterClient("c1", three, replica="n2", ask_again_after=10, attempts=4))
    for call in (0, 2):
        first = sent = node.invoke(lab.Write(7))
        assert not node.invoke(lab.Read()), "one operation at a time"
        for _ in range(4):
            assert [(each.to, each.message) for each in sent] == [("n2", first[0].message)]
            assert not node.wait(9)
            sent = node.wait(1)
        assert not sent, "it was asked for four times"
        assert [type(each) for each in node.ended[call:]] == [Failed, Unknown]


def must_tell_clients_apart(lab: CapLab) -> None:
    """An available replica has a number for each client, also after a crash."""
    saved: dict[Any, Any] = {}
    for life in range(2):
        node = ByHand(lab.AvailableReplica("n1", ("n2", "n3")), saved)
        for number, client in ((7 + life, "c1"), (3, "c2"), (5, "c3")):
            told = node.receive(client, lab.WriteRequest(number, f"{client} wrote"))
            assert of(lab.client.WriteReply, told) == [lab.client.WriteReply(number)], (
                f"request {number} is {client}'s latest"
            )
            assert bool(of(lab.Gossip, told)) == (life == 0), "a repetition is no new write"
        if life == 0:
            node.receive("c1", lab.WriteRequest(8, "c1 wrote"))
        newer = lab.Gossip(lab.available.Tagged((99, "n2"), "newer"))
        assert not node.receive("n2", newer), "who has told it tells the others, too"
        saved = node.disk
    assert saved["latest", "c1"] == 8, "each write's number is on disk"


def must_take_any_value_that_is_newer(lab: CapLab) -> None:
    """What is newer is decided by the tag alone: None, 0 and the same value again are values."""
    node = ByHand(lab.AvailableReplica("n1", ("n2", "n3")))
    node.receive("c1", lab.WriteRequest(1, 7))
    for counter, value in enumerate((None, 0, 0, "", 7, None), 2):
        newer = lab.available.Tagged((counter, "n2"), value)
        assert not node.receive("n2", lab.Gossip(newer)), "who has told it has it"
        (read,) = node.receive("c1", lab.ReadRequest(counter))
        assert read.message.value == value, f"{newer} is newer than all that was here"
        assert node.disk["held"] == newer, "it is durable before anybody reads it"
        older = lab.Gossip(lab.available.Tagged((1, "n3"), value))
        again = ByHand(lab.AvailableReplica("n1", ("n2", "n3")), node.disk)
        for life in (node, again):
            (answer,) = life.receive("n3", older)
            assert (answer.to, answer.message) == ("n3", lab.Gossip(newer)), "n3's is older"
    for number, value in ((9, None), (10, None), (11, 7)):
        (told, *_) = of(lab.Gossip, node.receive("c1", lab.WriteRequest(number, value)))
        tagged = (told.held.tag, told.held.value)
        assert tagged == ((number - 1, "n1"), value), "a write of what is held is one, too"


def must_gossip_as_often_as_told(lab: CapLab) -> None:
    """In the first life and in a later one: the first time, and again and again."""
    saved: dict[Any, Any] = {}
    for _ in range(2):
        node = ByHand(lab.AvailableReplica("n1", ("n2", "n3"), gossip_every=700), saved)
        for _ in range(3):
            assert not node.wait(699), "it is not time"
            assert [each.to for each in node.wait(1)] == ["n2", "n3"]
        node.receive("c1", lab.WriteRequest(1, 7))
        saved = node.disk
