"""Graded suite of the lab ``pbft``, part ``checkpoints``: proved states, and who is behind."""

from dataclasses import replace
from functools import partial
from typing import Any

from common.contract import Signed, digest
from common.contract.signing import IDEAL, VOID
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, run_until
from common.sim.simulation import Simulation
from common.values.faults import Block, Corrupt, Crash, Fault, Heal, Restart
from common.values.units import MS, SECOND
from tests.stage7_advanced.pbft.cluster import (
    FOUR,
    Words,
    cluster,
    failures,
    must_agree,
    sweep_once,
)
from tests.stage7_advanced.pbft.lab import PbftLab
from tests.stage7_advanced.pbft.marks import votes_above_the_high_water_mark_are_not_kept
from tests.stage7_advanced.pbft.one_replica import OneReplica, digest_of, of

LAB = "pbft"

SMALL = {"every": 4, "window": 8}


def says(lab: PbftLab, signer: str, number: int, digest: str, signature: bytes = IDEAL) -> Signed:
    return Signed(signer, lab.Checkpoint(number, digest), signature)


def replica(lab: PbftLab, id: str = "n2", **config: Any) -> OneReplica:
    config = {"every": 2, "window": 4, "status_every": 0, **config}
    return OneReplica(lab, "CheckpointedStore", id, **config)


def state_after(lab: PbftLab, texts: str) -> tuple[object, str]:
    """The snapshot after so many appends of c1, which have appended these texts, and its digest."""
    last = texts.count(";")
    snapshot = ((("x", texts),), (("c1", last, None),))
    return snapshot, digest(snapshot)


# Proofs.


@graded(points=3, title="What is a proof", requirement="4.3: 2f + 1 different replicas, one digest")
def test_a_checkpoint_is_proved_by_three_different_valid_signatures_under_one_digest(
    lab: PbftLab,
) -> None:
    snapshot, d = state_after(lab, "c1.1;c1.2;c1.3;c1.4;")

    def proved(*votes: Signed) -> bool:
        one = replica(lab, "n4")
        one.hears("n3", lab.State(snapshot, votes))
        return bool(of(lab.Reply, one.commits(5, one.request(5))))

    good = [says(lab, name, 4, d) for name in FOUR]
    assert proved(*good)
    assert proved(*good[1:])
    assert not proved(*good[:2])
    for why, third in (
        ("a second vote of one replica", good[0]),
        ("another digest", says(lab, "n3", 4, "e")),
        ("another checkpoint", says(lab, "n3", 8, d)),
        ("n3 has not signed it", says(lab, "n3", 4, d, VOID)),
        ("c1 is no replica", says(lab, "c1", 4, d)),
        ("that is no checkpoint", Signed("n3", lab.Commit(0, 4, d), IDEAL)),
    ):
        assert not proved(good[0], good[1], third), why
    lies = [says(lab, "n4", 4, "e"), says(lab, "n1", 4, "e", VOID)] * 3
    assert proved(*lies, *good[:3]), "what else stands there does not matter"
    other = [says(lab, name, 4, "e") for name in FOUR]
    assert not proved(*other), "that is another state"


@graded(points=2, title="When a checkpoint is taken", requirement="4.3: number divisible by K")
def test_each_second_request_is_followed_by_a_signed_digest_of_the_state(lab: PbftLab) -> None:
    one = replica(lab)
    assert not of(lab.Checkpoint, one.commits(1, one.request(1)))
    _, d = state_after(lab, "c1.1;c1.2;")
    said = [each for each in one.commits(2, one.request(2)) if each.content.__class__]
    assert (("n1", "n3", "n4"), lab.Checkpoint(2, d)) in said
    assert not of(lab.Checkpoint, one.commits(3, one.request(3)))
    gap = replica(lab)
    gap.commits(1, gap.request(1))
    assert of(lab.Checkpoint, gap.commits(2, None)), "the null request is one, too"


@graded(points=3, title="Stable", requirement="4.3: discard all up to n, and move h and H")
def test_with_its_own_a_replica_needs_two_more_that_agree_to_forget(lab: PbftLab) -> None:
    one = replica(lab)
    one.commits(1, one.request(1))
    one.commits(2, one.request(2))
    _, d = state_after(lab, "c1.1;c1.2;")

    def takes(number: int) -> bool:
        other = one.request(7, client=f"c{number}")
        return bool(of(lab.Prepare, one.hears("n1", one.word(number, other))))

    assert not takes(5), "above the high water mark"
    one.hears("n3", lab.Checkpoint(2, "another"))
    one.hears("n3", lab.Checkpoint(2, d))
    one.hears_void("n4", lab.Checkpoint(2, d))
    one.hears("n1", lab.Checkpoint(2, d))
    assert ("slot", 1) in one.disk, "n1 and itself: not enough (n3 has said something else)"
    assert not takes(5)
    one.hears("n4", lab.Checkpoint(2, d))
    assert not {("slot", 1), ("slot", 2)} & set(one.disk), "what is settled is forgotten"
    assert takes(5)
    assert takes(6)
    assert not takes(7), "above the high water mark"
    assert not takes(2), "at the low water mark"
    one.start()
    assert not takes(2), "it is known after a crash, too"
    question = Signed("c2", lab.Request("c2", 1, lab.Get("x")), IDEAL)
    assert of(lab.Reply, one.commits(3, question)) == [lab.Reply(0, "c2", 1, "c1.1;c1.2;")]
    ahead = replica(lab, window=8)
    for number in range(1, 5):
        ahead.commits(number, ahead.request(number))
    ahead.hears_all("n1 n3", lab.Checkpoint(2, d))
    (told,) = of(lab.State, ahead.hears("n4", lab.Status(0, True, 0, 0)))
    assert digest(told.snapshot) == d, "it has the state of 2, though it has come to 4 by now"
    ahead.start()
    assert of(lab.State, ahead.hears("n4", lab.Status(0, True, 0, 0))) == [told], "on its disk, too"
    votes_above_the_high_water_mark_are_not_kept(replica(lab))
    two = replica(lab)
    two.hears_all("n1 n3 n4", lab.Checkpoint(8, "d"))
    assert two.hears_all("n1 n3 n4", lab.Checkpoint(8, "d")) == [], "that is known"
    assert two.hears_all("n1 n3 n4", lab.Checkpoint(4, "c")) == [], "that is long ago"
    assert of(lab.Prepare, two.hears("n1", two.word(12, one.request(7)))), "the marks stay"


@graded(points=1, title="Memory is bounded", requirement="4.3: the log has a limit")
def test_checkpoints_of_a_liar_do_not_keep_those_of_others_from_counting(lab: PbftLab) -> None:
    one = replica(lab)
    for number in range(2, 400, 2):
        one.hears("n3", lab.Checkpoint(number, "a lie"))
    one.hears_all("n1 n4", lab.Checkpoint(398, "a lie"))
    assert "stable" in one.disk, "three have said so, after all"
    two = replica(lab)
    for number in (2, 4, 6, 8, 10, 12):
        two.hears("n3", lab.Checkpoint(number, f"{number}"))
        two.hears("n4", lab.Checkpoint(number, f"{number}"))
    two.hears("n1", lab.Checkpoint(2, "2"))
    assert "stable" not in two.disk, "the oldest are not kept for ever"
    two.hears("n1", lab.Checkpoint(12, "12"))
    assert "stable" in two.disk
    three = replica(lab)
    for number in (2, 4, 6):
        three.hears_all("n3 n4", lab.Checkpoint(number, f"{number}"))
    three.hears("n1", lab.Checkpoint(2, "2"))
    assert three.disk["stable"][0] == 2, "three are kept: those in the window, and one more"  # type: ignore[index]
    three.hears("n1", lab.Checkpoint(4, "4"))
    assert three.disk["stable"][0] == 4, "and the later ones still are"  # type: ignore[index]


@graded(points=2, title="The primary goes on", requirement="4.2: n between h and H")
def test_a_request_that_found_no_room_gets_its_number_when_there_is_some(lab: PbftLab) -> None:
    one = replica(lab, "n1")
    for number in range(1, 6):
        said = one.asked(one.request(1, client=f"c{number}"))
        assert bool(of(lab.PrePrepare, said)) == (number <= 4)
    one.asked(one.request(2, client="c5"))
    one.asked(one.request(1, client="c5"))
    for number in (1, 2):
        d = digest_of(one.request(1, client=f"c{number}"))
        one.hears_all("n2 n3", lab.Prepare(0, number, d))
        said = one.hears_all("n2 n3", lab.Commit(0, number, d))
    (taken,) = of(lab.Checkpoint, said)
    said = one.hears_all("n2 n3", taken)
    newest = one.request(2, client="c5")
    assert of(lab.PrePrepare, said) == [one.word(5, newest)], "the latest of its client"


# Who has fallen behind.


def ahead(lab: PbftLab) -> tuple[OneReplica, Signed]:
    """n2 with a stable checkpoint at 2 and number 3 prepared; and the state that it would send."""
    one = replica(lab)
    one.commits(1, one.request(1))
    one.hears("n3", lab.Checkpoint(2, state_after(lab, "c1.1;c1.2;")[1]))
    said = one.commits(2, one.request(2))
    (taken,) = of(lab.Checkpoint, said)
    one.hears("n4", taken)
    one.hears("n1", one.word(3, one.request(3)))
    one.hears("n3", lab.Prepare(0, 3, digest_of(one.request(3))))
    (state,) = of(lab.State, one.hears("n4", lab.Status(0, True, 0, 0)))
    return one, Signed("n2", state, IDEAL)


@graded(points=2, title="What who is behind gets", requirement="4.3: the state; its proof; votes")
def test_a_replica_gets_what_it_lacks_and_no_more(lab: PbftLab) -> None:
    one, state = ahead(lab)
    snapshot, d = state_after(lab, "c1.1;c1.2;")
    assert state.content.snapshot == snapshot
    assert {vote.content for vote in state.content.proof} == {lab.Checkpoint(2, d)}
    assert len({vote.signer for vote in state.content.proof}) >= 3
    d3 = digest_of(one.request(3))
    votes = [one.word(3, one.request(3)), lab.Prepare(0, 3, d3), lab.Commit(0, 3, d3)]
    told = one.hears("n4", lab.Status(0, True, 2, 2))
    assert told == [(("n4",), vote) for vote in votes], "the next number, as said here"
    told = one.hears("n4", lab.Status(0, True, 0, 2))
    assert len(of(lab.Checkpoint, told)) == 3, "the proof"
    assert not of(lab.State, told), "it has that state"
    assert one.hears("n4", lab.Status(0, True, 2, 3)) == []
    assert one.hears("n4", lab.Status(1, True, 2, 2)) == [], "it is in another view"
    assert one.hears("n4", lab.Status(0, False, 2, 2)) == [], "it hears no votes"
    two = replica(lab)
    for number in (1, 2, 3, 4):
        two.commits(number, two.request(number))
    again = of(lab.Checkpoint, two.hears("n4", lab.Status(0, True, 0, 4)))
    assert [said.number for said in again] == [2, 4], "its own, which are not stable yet"
    again = of(lab.Checkpoint, two.hears("n4", lab.Status(0, True, 2, 4)))
    assert [said.number for said in again] == [4], "2 is settled there"
    three = replica(lab, "n4")
    three.hears_all("n1 n2 n3", lab.Checkpoint(8, "d"))
    told = three.hears("n2", lab.Status(0, True, 0, 0))
    assert len(of(lab.Checkpoint, told)) == 3, "the proof: it does not have the state itself"


@graded(points=1, title="So much at a time", requirement="4.2, 4.3: from h on; 16 numbers each")
def test_one_status_is_answered_with_the_next_sixteen_numbers_up_to_the_window(
    lab: PbftLab,
) -> None:
    def numbers(one: OneReplica, executed: int) -> list[int]:
        told = one.hears("n4", lab.Status(0, True, 0, executed))
        return [said.number for said in of(lab.PrePrepare, told)]

    one = replica(lab)
    for number in (1, 2, 3, 4):
        one.hears("n1", one.word(number, one.request(number)))
    assert numbers(one, 0) == [1, 2, 3, 4], "4 is the high water mark"
    many = replica(lab, window=40)
    for number in range(1, 21):
        many.hears("n1", many.word(number, many.request(number)))
    assert numbers(many, 0) == list(range(1, 17))
    assert numbers(many, 16) == [17, 18, 19, 20], "the rest, when it asks again"


@graded(points=2, title="Which state is taken", requirement="4.3: the digest that is proved")
def test_a_state_is_taken_only_with_its_proof_and_if_it_is_further(lab: PbftLab) -> None:
    _, state = ahead(lab)
    question = Signed("c2", lab.Request("c2", 1, lab.Get("x")), IDEAL)

    def reads(*heard: Any) -> list[object]:
        two = replica(lab, "n4")
        for content in heard:
            two.hears("n3", content)
        return [reply.result for reply in of(lab.Reply, two.commits(3, question))]

    good = state.content
    assert reads(good) == ["c1.1;c1.2;"]
    late = replica(lab, "n4")
    late.hears("n3", good)
    late.start()
    assert of(lab.Reply, late.commits(3, question)) == [lab.Reply(0, "c2", 1, "c1.1;c1.2;")]
    assert reads() == [], "without it 1 and 2 are missing"
    for why, bad in (
        ("another state", replace(good, snapshot=((("x", "a lie"),), ()))),
        ("two signatures", replace(good, proof=good.proof[:2])),
        ("no proof", replace(good, proof=())),
        ("one voice twice", replace(good, proof=(*good.proof[:2], good.proof[0]))),
    ):
        assert reads(bad) == [], why
    one, _ = ahead(lab)
    one.hears("n1", lab.Commit(0, 3, digest_of(one.request(3))))
    one.hears("n3", lab.Commit(0, 3, digest_of(one.request(3))))
    one.hears("n3", good)
    said = one.commits(4, question)
    assert [reply.result for reply in of(lab.Reply, said)] == ["c1.1;c1.2;c1.3;"], "it is further"
    one.hears_all("n1 n3", *of(lab.Checkpoint, said))
    one.hears("n3", good)
    told = of(lab.Reply, one.commits(5, one.request(4)))
    assert told == [lab.Reply(0, "c1", 4, None)], "it has not gone back"


@graded(points=1, title="What a state leads to", requirement="4.3: it goes on from there")
def test_what_waited_for_a_state_is_carried_out_and_what_is_settled_stays_so(
    lab: PbftLab,
) -> None:
    _, state = ahead(lab)
    question = Signed("c2", lab.Request("c2", 1, lab.Get("x")), IDEAL)
    one = replica(lab, "n4")
    assert not of(lab.Reply, one.commits(3, question)), "1 and 2 are missing"
    told = of(lab.Reply, one.hears("n3", state.content))
    assert told == [lab.Reply(0, "c2", 1, "c1.1;c1.2;")]
    two = replica(lab, "n4")
    two.hears_all("n1 n2 n3", lab.Checkpoint(8, "d"))
    two.hears("n3", state.content)
    assert not of(lab.Prepare, two.hears("n1", two.word(6, None))), "the marks do not go back"
    proof = of(lab.Checkpoint, two.hears("n3", lab.Status(0, True, 0, 2)))
    assert {vote.number for vote in proof} == {8}, "the proof is still that of 8"
    assert of(lab.Prepare, two.hears("n1", two.word(9, None)))


@graded(points=1, title="It says so", requirement="4.3; Castro's thesis: status messages")
def test_a_replica_that_learns_that_it_is_behind_says_so_and_others_do_now_and_then(
    lab: PbftLab,
) -> None:
    one = replica(lab, "n4")
    said = one.hears_all("n1 n2 n3", lab.Checkpoint(8, "d"))
    assert of(lab.Status, said) == [lab.Status(0, True, 8, 0)]
    one.start()
    assert one.hears("n1", one.word(8, None)) == [], "what is settled stays so after a crash"
    assert of(lab.Prepare, one.hears("n1", one.word(9, None)))
    two = replica(lab, "n4", status_every=50 * MS)
    for _ in range(3):
        assert of(lab.Status, two.fires(lab.TellStatus)) == [lab.Status(0, True, 0, 0)]


# Four replicas.


@graded(points=4, title="It goes on for ever", requirement="4.3: the water marks move")
def test_far_more_requests_than_the_window_are_carried_out_beside_a_liar(
    lab: PbftLab, sweep: Sweep
) -> None:
    for seed in sweep(3):
        lies = ("replays", "corrupts-digests", "signs-twice")
        liar = Corrupt(0, "n4", lies[seed % 3])
        _, words = sweep_once(lab, "CheckpointedStore", seed, [liar], SMALL, count=15)
        taken = sorted({said.number for _, said in words.of(lab.Checkpoint)})
        assert taken[:4] == [4, 8, 12, 16], "one after each 4 requests"


@graded(points=3, title="Losses and crashes", requirement="4.3: what was lost is sent again")
def test_losses_crashes_and_partitions_keep_nothing_from_getting_through(
    lab: PbftLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        faults = [
            *failures(seed, "link", "crash", "partition"),
            Corrupt(0, FOUR[1 + seed % 3], "silent"),
        ]
        sweep_once(lab, "CheckpointedStore", seed, faults, SMALL)


@graded(points=3, title="Who was away", requirement="4.3: it gets the state, with its proof")
def test_a_replica_that_missed_more_than_the_window_comes_along_again(
    lab: PbftLab, sweep: Sweep
) -> None:
    for seed in sweep(2):
        cut: list[Fault] = [
            *[Block(0, other, "n4") for other in (*FOUR[:3], "c1", "c2")],
            Heal(4 * SECOND),
        ]
        simulation, words = cluster(lab, "CheckpointedStore", seed, cut, SMALL)
        for number in range(14):
            ask_ok(simulation, "c1", lab.Append("x", f"{number};"))
        assert not has_answered(lab, words, "n4"), "it has missed all"
        simulation.run(5 * SECOND)
        silent_from_now(simulation)
        assert ask_ok(simulation, "c2", lab.Get("x")).count(";") == 14
        run_until(simulation, partial(has_answered, lab, words, "n4"))
        must_agree(lab, words)


def has_answered(lab: PbftLab, words: Words, name: str) -> bool:
    """Whether this replica has answered a client."""
    return name in {who for who, _ in words.of(lab.Reply)}


def silent_from_now(simulation: Simulation) -> None:
    """n3 says nothing any more: so the others need n4."""
    simulation.inject(Corrupt(simulation.now, "n3", "silent"))


@graded(points=2, title="All power fails", requirement="4.3: the stable checkpoint is kept")
def test_what_was_acknowledged_is_there_after_all_crashed_at_once(
    lab: PbftLab, sweep: Sweep
) -> None:
    for seed in sweep(2):
        simulation, words = cluster(lab, "CheckpointedStore", seed, [], SMALL)
        for number in range(11):
            ask_ok(simulation, "c1", lab.Append("x", f"{number};"))
        for name in FOUR:
            simulation.inject(Crash(simulation.now, name))
        for name in FOUR:
            simulation.inject(Restart(simulation.now, name))
        assert ask_ok(simulation, "c2", lab.Get("x")).count(";") == 11
        must_agree(lab, words)
