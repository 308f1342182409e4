"""Graded suite of the lab ``pbft``, view changes: what begins a view, and what happens in it."""

from dataclasses import replace
from typing import Any

from common.contract import Signed
from common.contract.signing import IDEAL, VOID
from common.course.suites.grading import graded
from tests.stage7_advanced.pbft.lab import PbftLab
from tests.stage7_advanced.pbft.one_replica import OneReplica, Said, digest_of, of
from tests.stage7_advanced.pbft.views import (
    certificate,
    change,
    new_view,
    proof,
    request,
    signed,
    store,
    word,
)

LAB = "pbft"


def view_one(lab: PbftLab) -> tuple[Any, Signed, list[Signed]]:
    """A right beginning of view 1: the message, a request that was prepared, and the changes."""
    asked = request(lab, "c1")
    changes = [
        change(lab, "n2", 1, certificate(lab, 0, 1, asked)),
        change(lab, "n3", 1),
        change(lab, "n1", 1),
    ]
    return new_view(lab, 1, changes, word(lab, 1, 1, asked)).content, asked, changes


@graded(points=4, title="What begins a view", requirement="4.4: a backup accepts a new view if ...")
def test_a_new_view_is_believed_only_as_far_as_it_is_proved(lab: PbftLab) -> None:
    good, asked, changes = view_one(lab)
    three = changes[:2]
    proposals = good.pre_prepares

    def begins(said: Any, signer: str = "n2", signature: bytes = IDEAL) -> bool:
        return bool(of(lab.Prepare, store(lab, "n4").hears(signer, said, signature)))

    assert begins(good)
    assert not begins(good, "n3"), "n3 is not the primary of view 1"
    assert not begins(good, "n2", VOID), "n2 has not signed it"
    for why, wrong in (
        ("two are no quorum", tuple(three)),
        ("one of them twice", (*three, three[1])),
        ("two and one twice", (*changes, changes[0])),
        ("one is for another view", (*three, change(lab, "n1", 2))),
        ("one is not signed", (*three, replace(changes[2], signature=VOID))),
        ("one is of a client", (*three, replace(changes[2], signer="c1"))),
        ("one is something else", (*three, signed("n1", lab.Prepare(1, 1, digest_of(asked))))),
        ("one has no proof", (*three, change(lab, "n1", 1, stable=4, shown=proof(lab, 4)[:2]))),
    ):
        assert not begins(replace(good, view_changes=wrong)), why
    later = change(lab, "n3", 1, certificate(lab, 0, 5, asked))
    for shown, right in ((proof(lab, 4), True), (proof(lab, 4)[:2], False)):
        checkpoint = change(lab, "n1", 1, stable=4, shown=shown)
        made = new_view(lab, 1, (changes[0], later, checkpoint), word(lab, 1, 5, asked))
        assert begins(made.content) == right, "a checkpoint that is not proved settles nothing"
    for why, listed in (
        ("what was prepared is not there", ()),
        ("nothing in its place", (word(lab, 1, 1, None),)),
        ("another request in its place", (word(lab, 1, 1, request(lab, "c2")),)),
        ("one more", (*proposals, word(lab, 1, 2, None))),
        ("not signed", (replace(proposals[0], signature=VOID),)),
        ("signed by another", (replace(proposals[0], signer="n3"),)),
        ("of another view", (word(lab, 5, 1, asked),)),
    ):
        assert not begins(replace(good, pre_prepares=listed)), why


@graded(points=3, title="In the new view", requirement="4.4: it adds O to its log, and prepares")
def test_in_the_new_view_all_three_phases_are_done_again_and_nothing_twice(lab: PbftLab) -> None:
    good, asked, _ = view_one(lab)
    d = digest_of(asked)
    for done_before in (False, True):
        one = store(lab, "n4")
        if done_before:
            assert of(lab.Reply, one.commits(1, asked))
        said = one.hears("n2", good)
        assert of(lab.Prepare, said) == [lab.Prepare(1, 1, d)]
        assert not of(lab.Commit, one.hears_all("n1 n3", lab.Prepare(0, 1, d))), "of the old view"
        said = one.hears_all("n1 n3", lab.Prepare(1, 1, d))
        assert of(lab.Commit, said) == [lab.Commit(1, 1, d)]
        said = one.hears_all("n1 n2 n3", lab.Commit(1, 1, d))
        assert bool(of(lab.Reply, said)) == (not done_before)
        question = signed("c2", lab.Request("c2", 1, lab.Get("x")))
        told = of(lab.Reply, one.commits(2, question, view=1))
        assert [each.result for each in told] == ["c1;"]
        one.start()
        assert of(lab.Prepare, one.hears("n2", one.word(3, None, 1))), "it is in view 1"
        one.asked(request(lab, "c9"))
        (brought,) = of(lab.ViewChange, one.fires(lab.Impatience))
        views = [each.pre_prepare.content.view for each in brought.prepared]
        assert views == [1, 1], "what was prepared again in view 1 is shown by that certificate"
    kept = store(lab, "n4")
    kept.commits(1, asked)
    kept.hears("n2", good)
    kept.start()
    assert not of(lab.Prepare, kept.hears("n2", kept.word(1, request(lab, "c2"), 1))), (
        "it took another word for 1 in view 1 before a crash, and had a certificate of view 0"
    )
    certificates_outlive_a_view_in_which_nothing_is_prepared_again(lab)
    again, other = store(lab, "n4"), request(lab, "c2")
    again.hears("n1", again.word(2, other))
    again.hears("n2", good)
    again.start()
    assert of(lab.Prepare, again.hears("n2", again.word(2, request(lab, "c3"), 1))), (
        "what was accepted for 2 in view 0 is void, also after a crash in view 1"
    )


def certificates_outlive_a_view_in_which_nothing_is_prepared_again(lab: PbftLab) -> None:
    """What was committed in view 0 is known by this certificate, and view 1 comes to nothing."""
    good, asked, changes = view_one(lab)
    one = store(lab, "n4")
    one.commits(1, asked)
    one.hears("n2", good)
    for each in changes:
        one.hears(each.signer, each.content)
    assert one.timers_of(lab.Impatience) == [], "view 1 has begun, and nothing waits in it"
    one.asked(request(lab, "c9"))
    (brought,) = of(lab.ViewChange, one.fires(lab.Impatience))
    views = [each.pre_prepare.content.view for each in brought.prepared]
    assert views == [0], "it was prepared in view 0, and not again since"


@graded(points=3, title="What waits goes along", requirement="4.4, 4.5.2: the new primary")
def test_requests_that_wait_are_for_the_new_primary(lab: PbftLab) -> None:
    waiting = request(lab, "c3")
    good, asked, changes = view_one(lab)
    backup = store(lab, "n4")
    backup.asked(waiting)
    backup.asked(request(lab, "c5"))
    said = backup.hears("n2", good)
    handed = [Said(("n2",), lab.Submit(each)) for each in (waiting, request(lab, "c5"))]
    assert [each for each in said if isinstance(each.content, lab.Submit)] == handed
    assert backup.timers_of(lab.Impatience), "it watches the new primary"
    early = store(lab, "n2")
    early.asked(asked)
    early.fires(lab.Impatience)
    assert not of(lab.PrePrepare, early.asked(waiting)), "its view has not begun"
    primary = store(lab, "n2")
    primary.asked(waiting)
    primary.hears_all("n3", changes[1].content)
    told = primary.hears("n1", change(lab, "n1", 1, certificate(lab, 0, 1, asked)).content)
    assert of(lab.PrePrepare, told) == [primary.word(2, waiting, 1)], "with the next number"
    assert not of(lab.Submit, told), "it need not tell itself"
    assert of(lab.PrePrepare, primary.asked(request(lab, "c4"))) == [
        primary.word(3, request(lab, "c4"), 1)
    ]


@graded(points=2, title="Numbers begin anew", requirement="4.4: from max-s on")
def test_a_primary_that_leads_again_leaves_no_gap_for_what_it_proposed_in_vain(
    lab: PbftLab,
) -> None:
    one = store(lab, "n2")
    asked = [request(lab, name) for name in ("c1", "c2")]
    for each in asked:
        one.asked(each)
    for view in (1, 5):
        one.hears("n3", change(lab, "n3", view).content)
        said = one.hears("n4", change(lab, "n4", view).content)
        numbers = [each.number for each in of(lab.PrePrepare, said)]
        assert numbers == [1, 2], f"in view {view}: nothing was prepared, so 1 is the next number"
    later = store(lab, "n2")
    later.hears("n1", later.word(3, asked[0]))
    later.hears("n3", change(lab, "n3", 1).content)
    later.hears("n4", change(lab, "n4", 1).content)
    later.start()
    first = [each.number for each in of(lab.PrePrepare, later.asked(asked[1]))]
    assert first == [1], "nor for what another primary proposed in vain, before a crash"
    settled = store(lab, "n2")
    settled.asked(asked[0])
    settled.fires(lab.Impatience)
    settled.hears_all("n1 n3 n4", proof(lab, 4)[0].content)
    open_ = certificate(lab, 0, 5, request(lab, "c5"))
    settled.hears("n3", change(lab, "n3", 1, open_).content)
    said = settled.hears("n4", change(lab, "n4", 1).content)
    numbers = [each.number for each in of(lab.PrePrepare, said)]
    assert numbers == [6], "1 to 5 are proposed again, though 4 was settled meanwhile"
    what_waits_gets_numbers_behind_the_proposals_of_the_new_view(lab)


def what_waits_gets_numbers_behind_the_proposals_of_the_new_view(lab: PbftLab) -> None:
    """Its checkpoint at 4 is proved by the view changes alone: so it is stable within this step."""
    one = store(lab, "n2")
    for view in (1, 5):
        shown = 4 if view == 5 else 0
        one.hears("n3", change(lab, "n3", view, stable=shown).content)
        said = one.hears("n4", change(lab, "n4", view).content)
        if view == 1:
            asked = [request(lab, f"c{number}") for number in range(1, 7)]
            for number, each in enumerate(asked, 1):
                one.asked(each)
                if number <= 4:
                    d = digest_of(each)
                    one.hears_all("n3 n4", lab.Prepare(1, number, d))
                    one.hears_all("n3 n4", lab.Commit(1, number, d))
    given = [(each.number, each.request) for each in of(lab.PrePrepare, said)]
    assert given == [(5, asked[4]), (6, asked[5])], "6 was the last number of view 1, not of view 5"


@graded(points=2, title="Its checkpoint", requirement="4.4: min-s becomes the stable checkpoint")
def test_the_latest_checkpoint_of_the_view_changes_is_stable_in_the_new_view(lab: PbftLab) -> None:
    changes = [change(lab, "n2", 1, stable=4), change(lab, "n3", 1), change(lab, "n1", 1)]
    one = store(lab, "n4")
    said = one.hears("n2", new_view(lab, 1, changes).content)
    assert of(lab.Status, said) == [lab.Status(1, True, 4, 0)], "and it is behind"
    assert one.hears("n2", one.word(4, None, 1)) == [], "4 is settled"
    assert of(lab.Prepare, one.hears("n2", one.word(12, None, 1)))
    further = store(lab, "n4")
    further.hears_all("n1 n2 n3", proof(lab, 4)[0].content)
    asked = request(lab, "c1")
    brought = change(lab, "n2", 1, certificate(lab, 0, 5, asked))
    made = new_view(
        lab, 1, [brought, *changes[1:]], *[word(lab, 1, n, None) for n in range(1, 5)],
        word(lab, 1, 5, asked),
    )  # fmt: skip
    votes = of(lab.Prepare, further.hears("n2", made.content))
    assert [vote.number for vote in votes] == [5], "here 4 is settled already"
    settled = store(lab, "n2")
    asked_here = [request(lab, f"c{number}") for number in range(1, 6)]
    heard = [settled.commits(number, each) for number, each in enumerate(asked_here, 1)]
    settled.hears_all("n3 n4", *of(lab.Checkpoint, heard[3]))
    settled.asked(request(lab, "c6"))
    (said_here,) = of(lab.ViewChange, settled.fires(lab.Impatience))
    assert (said_here.stable, len(said_here.proof)) == (4, 3)
    assert [each.pre_prepare.content.number for each in said_here.prepared] == [5]


@graded(points=2, title="Who missed the view", requirement="4.4; Castro's thesis: status messages")
def test_a_replica_in_an_earlier_view_gets_what_it_missed(lab: PbftLab) -> None:
    good, _, _ = view_one(lab)
    one = store(lab, "n4")
    one.hears("n2", good)
    for behind in (lab.Status(0, True, 0, 0), lab.Status(1, False, 0, 0)):
        assert of(lab.NewView, one.hears("n3", behind)) == [good]
    for alike in (lab.Status(1, True, 0, 1), lab.Status(2, False, 0, 0)):
        assert not of(lab.NewView, one.hears("n3", alike))
    two = OneReplica(lab, "Store", "n4", status_every=0)
    two.asked(request(lab, "c1"))
    (said,) = of(lab.ViewChange, two.fires(lab.Impatience))
    assert of(lab.ViewChange, two.hears("n3", lab.Status(0, True, 0, 0))) == [said]
    assert of(lab.ViewChange, two.hears("n3", lab.Status(1, False, 0, 0))) == [said]
