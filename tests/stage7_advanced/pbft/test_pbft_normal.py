"""Graded suite of the lab ``pbft``, part ``normal``: three phases, and a client among liars."""

from dataclasses import replace
from typing import Any

from common.contract import Signed
from common.contract.effects import Return, Send, SetTimer
from common.contract.events import Invoke, Receive, Start
from common.contract.signing import IDEAL, VOID
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import STEADY, ask_ok, effects_of
from common.values.faults import Corrupt, Fault, Twin
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage7_advanced.pbft.cluster import FOUR, cluster, must_agree, sweep_once
from tests.stage7_advanced.pbft.lab import PbftLab
from tests.stage7_advanced.pbft.one_replica import NULL, OneReplica, digest_of, of

LAB = "pbft"

QUIET = {"window": 200}
"""No checkpoints here, so the water marks are far."""


# One replica by hand.


@graded(points=3, title="When a backup votes", requirement="4.2: a backup accepts if ...")
def test_a_backup_takes_the_primarys_word_only_under_all_conditions(lab: PbftLab) -> None:
    def votes(signer: str, word: object, signature: bytes = IDEAL) -> list[object]:
        replica = OneReplica(lab, "NormalStore", window=8)
        return of(lab.Prepare, replica.hears(signer, word, signature))

    one = OneReplica(lab, "NormalStore")
    request, good = one.request(), one.word(1, one.request())
    assert votes("n1", good) == [lab.Prepare(0, 1, digest_of(request))]
    assert votes("n1", one.word(8, request)) == [lab.Prepare(0, 8, digest_of(request))]
    assert votes("n1", one.word(3, None)) == [lab.Prepare(0, 3, NULL)]
    for why, signer, word in (
        ("n3 is not the primary", "n3", good),
        ("c1 is no replica", "c1", good),
        ("that view has not begun", "n2", one.word(1, request, 1)),
        ("a view that n1 leads much later", "n1", one.word(1, request, 4)),
        ("0 is not above the low water mark", "n1", one.word(0, request)),
        ("9 is above the high water mark", "n1", one.word(9, request)),
        ("the digest is another one", "n1", replace(good, digest=NULL)),
        ("the client has not signed it", "n1", one.word(1, replace(request, signature=VOID))),
        ("somebody else signed it", "n1", one.word(1, replace(request, signer="c2"))),
        ("that is no request", "n1", replace(good, request=Signed("c1", "x", IDEAL))),
    ):
        assert votes(signer, word) == [], why
    assert votes("n1", good, VOID) == [], "n1 has not signed it"


@graded(points=2, title="Only one word", requirement="4.2: it has not accepted another one")
def test_a_backup_takes_no_second_request_for_a_number_also_after_a_crash(lab: PbftLab) -> None:
    one = OneReplica(lab, "NormalStore")
    first, second = one.request(1), one.request(2)
    assert of(lab.Prepare, one.hears("n1", one.word(1, first)))
    assert not of(lab.Prepare, one.hears("n1", one.word(1, second)))
    assert of(lab.Prepare, one.hears("n1", one.word(2, second))), "another number is free"
    one.start()
    assert not of(lab.Prepare, one.hears("n1", one.word(1, second))), "it has promised"
    assert of(lab.Prepare, one.hears("n1", one.word(3, one.request(3))))


@graded(points=3, title="Prepared", requirement="4.2: 2f prepares from different backups")
def test_commit_is_said_once_two_backups_agree_with_the_primary_and_not_before(
    lab: PbftLab,
) -> None:
    one = OneReplica(lab, "NormalStore")
    d = digest_of(one.request())
    vote = lab.Prepare(0, 1, d)
    assert not of(lab.Commit, one.hears("n1", one.word(1, one.request()))), "it is alone"
    assert not of(lab.Commit, one.hears("n2", vote)), "that is its own vote"
    assert not of(lab.Commit, one.hears("n1", vote)), "the primary is no backup"
    assert not of(lab.Commit, one.hears("c1", vote)), "c1 is no replica"
    assert not of(lab.Commit, one.hears_void("n3", vote)), "n3 has not signed it"
    assert not of(lab.Commit, one.hears("n3", lab.Prepare(0, 2, d))), "another number"
    assert not of(lab.Commit, one.hears("n3", lab.Prepare(1, 1, d))), "another view"
    assert of(lab.Commit, one.hears("n3", vote)) == [lab.Commit(0, 1, d)]
    assert not of(lab.Commit, one.hears("n4", vote)), "it has said so"


@graded(points=2, title="Whose first vote", requirement="4.2: votes that match; any order")
def test_votes_count_before_the_word_and_only_the_first_one_of_each(lab: PbftLab) -> None:
    one = OneReplica(lab, "NormalStore")
    d = digest_of(one.request())
    assert one.hears("n3", lab.Prepare(0, 1, NULL)) == []
    assert one.hears("n4", lab.Prepare(0, 1, d)) == []
    said = one.hears("n1", one.word(1, one.request()))
    assert of(lab.Prepare, said), "it votes"
    assert of(lab.Commit, said), "with n4, whose vote came before"
    kept: Any = one.disk["slot", 1]
    assert {vote.content for vote in kept.prepared.prepares} == {lab.Prepare(0, 1, d)}
    two = OneReplica(lab, "NormalStore")
    two.hears("n1", two.word(1, two.request()))
    assert not of(lab.Commit, two.hears("n3", lab.Prepare(0, 1, NULL)))
    assert not of(lab.Commit, two.hears("n3", lab.Prepare(0, 1, d))), "n3 had its vote"
    two.hears("n4", lab.Prepare(0, 1, d))
    two.hears("n1", lab.Commit(0, 1, d))
    for said_twice in (NULL, d):
        assert not of(lab.Reply, two.hears("n3", lab.Commit(0, 1, said_twice)))
    assert of(lab.Reply, two.hears("n4", lab.Commit(0, 1, d))), "with its own, n1's, and n4's"
    three = OneReplica(lab, "NormalStore", "n1")
    three.hears_all("n2 n3", lab.Prepare(0, 1, d))
    three.hears_all("n2 n3", lab.Commit(0, 1, d))
    said = three.asked(three.request())
    assert of(lab.Reply, said) == [lab.Reply(0, "c1", 1, None)], "all is there, with its own"


@graded(points=3, title="Committed", requirement="4.2: 2f + 1 commits, and prepared")
def test_a_request_is_carried_out_with_three_commits_and_not_with_two(lab: PbftLab) -> None:
    one = OneReplica(lab, "NormalStore")
    d = digest_of(one.request())
    reply = lab.Reply(0, "c1", 1, None)
    early = OneReplica(lab, "NormalStore")
    early.hears("n1", early.word(1, early.request()))
    assert not of(lab.Reply, early.hears_all("n1 n3 n4", lab.Commit(0, 1, d))), "not prepared"
    assert of(lab.Reply, early.hears("n3", lab.Prepare(0, 1, d))) == [reply], "now it is"
    one.hears("n1", one.word(1, one.request()))
    one.hears("n3", lab.Prepare(0, 1, d))
    assert not of(lab.Reply, one.hears("n3", lab.Commit(0, 1, d))), "with its own that is two"
    assert not of(lab.Reply, one.hears("n3", lab.Commit(0, 1, d))), "n3 has one voice"
    assert not of(lab.Reply, one.hears("n4", lab.Commit(0, 1, NULL))), "for something else"
    assert not of(lab.Reply, one.hears("n1", lab.Commit(4, 1, d))), "in another view"
    said = one.hears("n1", lab.Commit(0, 1, d))
    assert [each for each in said if each.content == reply] == [(("c1",), reply)]


@graded(points=2, title="In order, without a gap", requirement="4.2: all with lower numbers first")
def test_requests_are_carried_out_in_the_order_of_their_numbers(lab: PbftLab) -> None:
    one = OneReplica(lab, "NormalStore")
    question = Signed("c2", lab.Request("c2", 1, lab.Get("x")), IDEAL)
    assert not of(lab.Reply, one.commits(3, question)), "1 and 2 are not here"
    assert not of(lab.Reply, one.commits(2, one.request())), "1 is not here"
    said = of(lab.Reply, one.commits(1, None))
    assert said == [lab.Reply(0, "c1", 1, None), lab.Reply(0, "c2", 1, "c1.1;")]


@graded(points=3, title="Each request once", requirement="4.1: replicas answer again")
def test_a_request_is_carried_out_once_and_answered_again(lab: PbftLab) -> None:
    one = OneReplica(lab, "NormalStore")
    assert of(lab.Reply, one.commits(1, one.request(1))) == [lab.Reply(0, "c1", 1, None)]
    assert one.asked(one.request(1)) == [(("c1",), lab.Reply(0, "c1", 1, None))]
    again = of(lab.Reply, one.commits(2, one.request(1)))
    assert again in ([], [lab.Reply(0, "c1", 1, None)]), "a faulty primary proposed it twice"
    question = Signed("c2", lab.Request("c2", 1, lab.Get("x")), IDEAL)
    assert of(lab.Reply, one.commits(3, question)) == [lab.Reply(0, "c2", 1, "c1.1;")]
    one.commits(4, one.request(2))
    assert of(lab.Reply, one.asked(one.request(1))) == [], "its client has gone on"
    assert not of(lab.Submit, one.asked(one.request(1))), "and it is done"


@graded(points=2, title="The primary gives numbers", requirement="4.2: n, between h and H")
def test_the_primary_gives_each_request_the_next_number_once(lab: PbftLab) -> None:
    one = OneReplica(lab, "NormalStore", "n1", window=2)
    one.hears("n3", lab.Prepare(0, 2, NULL))
    first = one.asked(one.request(1, client="c1"))
    assert first == [(FOUR[1:], one.word(1, one.request(1)))]
    assert one.asked(one.request(1, client="c1")) == [], "it has a number"
    assert one.asked(one.request(1, client="c2"), sender="n3") == [
        (FOUR[1:], one.word(2, one.request(1, client="c2")))
    ]
    assert one.asked(one.request(1, client="c3")) == [], "there is no room above 2"
    void = replace(one.request(1, client="c4"), signature=VOID)
    assert OneReplica(lab, "NormalStore", "n1").asked(void) == []
    again = OneReplica(lab, "NormalStore", "n1")
    again.asked(again.request(1))
    again.start()
    assert again.asked(again.request(1, client="c2")) == [
        (FOUR[1:], again.word(2, again.request(1, client="c2")))
    ], "after a crash it knows that 1 is given"
    assert again.asked(again.request(2)) == [(FOUR[1:], again.word(3, again.request(2)))], (
        "its client has gone on, though 1 is not carried out here"
    )


@graded(points=2, title="Backups hand on", requirement="4.1: they relay it to the primary")
def test_a_backup_hands_a_request_of_a_client_to_the_primary_and_nobody_elses(
    lab: PbftLab,
) -> None:
    one = OneReplica(lab, "NormalStore")
    request = one.request()
    assert one.asked(request) == [(("n1",), lab.Submit(request))]
    assert one.asked(request, sender="n3") == [], "else it would go round for ever"
    assert one.asked(request) == [(("n1",), lab.Submit(request))], "n1 may not have got it"
    void = replace(request, signature=VOID)
    assert one.asked(void) == [], "nobody has signed it"
    assert one.asked(replace(request, signer="c2")) == [], "c2 does not ask for c1"


# The client.


def asking(lab: PbftLab, **config: Any) -> Any:
    """A client that has asked for the first time."""
    client = lab.StoreClient("c1", FOUR, **config)
    client.step(Start(0, {}))
    client.step(Invoke(0, 1, lab.Get("x")))
    return client


@graded(points=3, title="Whom the client believes", requirement="4.1: f + 1 replies alike")
def test_a_client_believes_two_that_say_the_same_and_nobody_alone(lab: PbftLab) -> None:
    def hears(*said: Signed) -> list[object]:
        client = asking(lab)
        heard = [client.step(Receive(0, "n4", each)) for each in said]
        return [each.outcome for effects in heard for each in effects_of(Return, effects)]

    def told(*replies: tuple[str, int, object, bytes]) -> list[object]:
        return hears(*[Signed(n, lab.Reply(0, "c1", a, b), c) for n, a, b, c in replies])

    assert told(("n1", 1, "a", IDEAL)) == []
    assert told(("n1", 1, "a", IDEAL), ("n3", 1, "a", IDEAL)) == [Ok("a")]
    assert told(("n1", 1, "lie", IDEAL), ("n2", 1, "a", IDEAL), ("n3", 1, "a", IDEAL)) == [Ok("a")]
    assert told(("n1", 1, "a", IDEAL), ("n1", 1, "a", IDEAL)) == [], "one has one voice"
    assert told(("n1", 1, "a", IDEAL), ("n2", 1, "b", IDEAL)) == [], "they contradict each other"
    assert told(("n1", 1, "a", IDEAL), ("n2", 1, "a", VOID)) == [], "n2 has not signed it"
    assert told(("n1", 1, "a", IDEAL), ("c2", 1, "a", IDEAL)) == [], "c2 is no replica"
    assert told(("n1", 2, "a", IDEAL), ("n2", 2, "a", IDEAL)) == [], "nobody asked that"
    assert told(*[(n, 1, "a", IDEAL) for n in FOUR]) == [Ok("a")], "it ends once"
    others = [Signed(n, lab.Reply(0, "c2", 1, "a"), IDEAL) for n in FOUR]
    assert hears(*others) == [], "that is for c2"
    echoes = [Signed(n, lab.Request("c1", 1, lab.Get("x")), IDEAL) for n in FOUR]
    assert hears(*echoes) == [], "that is no reply"
    old = [("n1", 1, "a", IDEAL), ("n1", 0, "b", IDEAL), ("n2", 1, "a", IDEAL)]
    assert told(*old) == [Ok("a")], "an old reply takes no voice away"


@graded(points=2, title="Whom the client asks", requirement="4.1: the primary, then all")
def test_a_client_asks_the_primary_and_after_silence_everybody(lab: PbftLab) -> None:
    client = asking(lab, ask_again_after=100 * MS)
    for signer, view in (("n3", 2), ("n4", 3)):
        client.step(Receive(0, signer, Signed(signer, lab.Reply(view, "c1", 1, ""), IDEAL)))
    effects = client.step(Invoke(0, 2, lab.Get("x")))
    asked_now = [each for each in effects_of(Send, effects) if isinstance(each.message, lab.Submit)]
    assert [each.to for each in asked_now] == ["n3"], "view 2: one alone may lie about it"
    assert effects_of(SetTimer, effects), "it waits"
    simulation, _ = cluster(lab, "NormalStore", 1, [Corrupt(0, "n2", "silent")], QUIET)
    asked = simulation.call("c1", lab.Append("x", "a"))
    simulation.run(2 * SECOND)
    assert isinstance(asked.outcome, Ok), asked
    deaf: list[Fault] = [Twin(0, "n1", (("n2", "n3", "n4"), ()))]
    simulation, _ = cluster(lab, "NormalStore", 1, deaf, QUIET)
    asked = simulation.call("c1", lab.Append("x", "a"))
    simulation.run(2 * SECOND)
    assert isinstance(asked.outcome, Ok), f"{asked}: the primary does not hear it from its client"


# Four replicas, and their clients.


@graded(points=4, title="Requests are carried out", requirement="4.2: all three phases")
def test_clients_get_what_one_honest_store_would_tell_them(lab: PbftLab, sweep: Sweep) -> None:
    for seed in sweep(4):
        sweep_once(lab, "NormalStore", seed, [], QUIET)


@graded(points=2, title="Three phases, no more", requirement="4.2, figure 1: the messages")
def test_one_request_takes_three_phases_and_their_messages(lab: PbftLab) -> None:
    simulation, words = cluster(lab, "NormalStore", 1, config=QUIET, link=STEADY)
    ask_ok(simulation, "c1", lab.Append("x", "a"))
    simulation.run(simulation.now + 1 * SECOND)
    counted = [words.count(kind) for kind in (lab.PrePrepare, lab.Prepare, lab.Commit, lab.Reply)]
    assert counted == [3, 9, 12, 4], "1 to 3, 3 to 3 each, 4 to 3 each, and 4 answers"


@graded(points=3, title="One liar is borne", requirement="4: f of 3f + 1 may fail")
def test_one_backup_that_lies_or_runs_twice_keeps_nobody_from_the_truth(
    lab: PbftLab, sweep: Sweep
) -> None:
    lies = ("silent", "signs-twice", "corrupts-digests", "bends-signatures", "answers-wrongly")
    for seed in sweep(2):
        for lie in lies:
            sweep_once(lab, "NormalStore", seed, [Corrupt(0, "n3", lie)], QUIET, count=3)
        twin = Twin(0, "n4", (("n1", "n2", "c1"), ("n3", "c2")))
        sweep_once(lab, "NormalStore", seed, [twin], QUIET, count=3)


@graded(points=2, title="Two silent ones stop all", requirement="4.2: 2f + 1 commits")
def test_nothing_is_answered_while_two_of_four_are_silent(lab: PbftLab) -> None:
    silent: list[Fault] = [Corrupt(0, "n3", "silent"), Corrupt(0, "n4", "silent")]
    simulation, words = cluster(lab, "NormalStore", 1, silent, QUIET)
    asked = simulation.call("c1", lab.Append("x", "a"))
    simulation.run(3 * SECOND)
    assert asked.returned_at is None, f"{asked}: with two replicas, who is honest?"
    assert words.count(lab.Prepare), "the others did take the request"


@graded(points=3, title="No two orders", requirement="4.2: prepared(m, v, n, i) excludes others")
def test_a_primary_that_tells_two_stories_gets_no_two_requests_prepared(
    lab: PbftLab, sweep: Sweep
) -> None:
    for seed in sweep(6):
        for told in (("n3",), ("n3", "n4"), ("n2", "n4")):
            simulation, words = cluster(
                lab, "NormalStore", seed, [Corrupt(0, "n1", "equivocates", told)], QUIET
            )
            simulation.call("c1", lab.Append("x", "a"))
            simulation.run(1 * SECOND)
            must_agree(lab, words)
            assert words.count(lab.Prepare) >= 6, "both stories were heard"
