"""Graded suite of the lab ``pbft``, part ``viewchange``: another primary, and nothing is lost."""

from dataclasses import replace
from typing import Any

from common.contract import Signed
from common.contract.signing import VOID
from common.course.suites.grading import graded
from common.values.units import MS
from tests.stage7_advanced.pbft.lab import PbftLab
from tests.stage7_advanced.pbft.one_replica import Said, digest_of, of
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

# Patience.


@graded(points=3, title="The timer", requirement="4.4: it runs while a request waits")
def test_the_timer_runs_exactly_while_a_request_waits_and_begins_anew(lab: PbftLab) -> None:
    one = store(lab, "n2", patience=300 * MS)
    assert one.timers_of(lab.Impatience) == []
    first, second = request(lab, "c1"), request(lab, "c2")
    one.asked(first)
    begun = one.timer(lab.Impatience)
    assert begun.after == 300 * MS
    for again in (second, first, request(lab, "c3"), second):
        one.asked(again)
        assert one.timer(lab.Impatience).id == begun.id, (
            "clients that ask again and again keep no primary in office that does nothing"
        )
    one.commits(1, first)
    second_begun = one.timer(lab.Impatience)
    assert second_begun.id != begun.id, "another request waits: begin anew"
    one.commits(2, first)
    one.commits(3, None)
    assert one.timer(lab.Impatience).id == second_begun.id, "nothing new was carried out"
    one.commits(4, request(lab, "c3"))
    one.commits(5, second)
    assert one.timers_of(lab.Impatience) == [], "nothing waits"


@graded(points=3, title="It doubles", requirement="4.4, 4.5.2: wait 2T for the next view")
def test_each_view_change_in_vain_doubles_the_patience_and_success_ends_that(
    lab: PbftLab,
) -> None:
    one = store(lab, "n4", patience=100 * MS)
    asked = request(lab, "c1")
    one.asked(asked)
    for view, after in ((1, 200), (2, 400)):
        one.fires(lab.Impatience)
        assert one.timers_of(lab.Impatience) == [], "nobody else wants to go there yet"
        one.hears("n1", change(lab, "n1", view).content)
        one.asked(request(lab, "c9"))
        assert one.timers_of(lab.Impatience) == [], "two are not 2f + 1"
        one.hears("n2", change(lab, "n2", view).content)
        runs = one.timer(lab.Impatience)
        assert runs.after == after * MS, "now its primary has to begin"
        one.hears("n3", change(lab, "n3", view).content)
        assert one.timer(lab.Impatience) == runs, "one more says nothing new"
    changes = [change(lab, name, 2) for name in ("n1", "n2", "n3")]
    one.hears("n3", new_view(lab, 2, changes).content)
    assert one.timer(lab.Impatience).after == 400 * MS, "the request still waits"
    assert one.timer(lab.Impatience).id != runs.id, "the new primary has all that time"
    one.commits(1, asked, view=2)
    assert one.timer(lab.Impatience).after == 100 * MS, "the view is good, and c9 waits"
    one.commits(2, request(lab, "c9"), view=2)
    one.asked(request(lab, "c2"))
    assert one.timer(lab.Impatience).after == 100 * MS
    one = store(lab, "n4", patience=100 * MS)
    one.commits(1, asked)
    one.asked(request(lab, "c2"))
    one.fires(lab.Impatience)
    one.hears("n3", new_view(lab, 2, changes).content)
    one.commits(2, None, view=2)
    one.commits(3, asked, view=2)
    one.fires(lab.Impatience)
    one.hears_all("n1 n2", change(lab, "", 3).content)
    assert one.timer(lab.Impatience).after == 400 * MS, "the primary has carried out nothing new"


@graded(points=2, title="Left behind", requirement="4.5.2: nobody waits forever for a view")
def test_who_waits_for_a_view_that_another_one_has_given_up_goes_on_too(lab: PbftLab) -> None:
    for name, others in (("n4", ("n2", "n3")), ("n2", ("n3", "n4")), ("n2", ("n4", "n3"))):
        one = store(lab, name, patience=100 * MS)
        one.asked(request(lab, "c1"))
        one.fires(lab.Impatience)
        for other, view in zip(others, (1, 2), strict=True):
            assert one.timers_of(lab.Impatience) == [], "two are not 2f + 1"
            one.hears(other, change(lab, other, view).content)
        assert one.timers_of(lab.Impatience), f"{name} hears no more of view 1, and has to go on"
        (said,) = of(lab.ViewChange, one.fires(lab.Impatience))
        assert said.view == 2


@graded(points=3, title="What a replica brings along", requirement="4.4: VIEW-CHANGE with C and P")
def test_an_impatient_replica_says_what_was_prepared_and_votes_no_more(lab: PbftLab) -> None:
    one = store(lab, "n2")
    first, second, third = (request(lab, name) for name in ("c1", "c2", "c3"))
    one.commits(1, first)
    one.hears("n1", one.word(3, third))
    one.hears_all("n3 n4", lab.Prepare(0, 3, digest_of(third)))
    one.hears("n1", one.word(2, second))
    one.asked(second)
    (said,) = of(lab.ViewChange, one.fires(lab.Impatience))
    assert (said.view, said.stable, said.proof) == (1, 0, ())
    numbers = [each.pre_prepare.content.number for each in said.prepared]
    assert numbers == [1, 3], "2 was not prepared"
    proposed = begun(lab, change(lab, "n3", 1, *said.prepared), change(lab, "n4", 1))
    assert [each.request for each in proposed] == [first, None, third], "it proves what it says"
    assert one.hears("n1", one.word(4, request(lab, "c4"))) == [], "view 0 is over"
    assert not of(lab.Commit, one.hears_all("n3 n4", lab.Prepare(0, 2, digest_of(second))))
    assert one.hears("n4", lab.Status(1, True, 0, 0)) == [], "what was said in view 0 is void"
    again = one.start()
    assert of(lab.ViewChange, again) == [said], "it remembers that"
    two = store(lab, "n4")
    two.asked(second)
    two.fires(lab.Impatience)
    assert two.hears("n2", two.word(1, second, 1)) == [], "view 1 has not begun"
    assert one.hears("n1", one.word(4, request(lab, "c4"))) == []


@graded(points=3, title="Going with others", requirement="4.5.2: f + 1 view changes, the smallest")
def test_a_replica_goes_with_two_others_to_the_least_of_their_views(lab: PbftLab) -> None:
    one = store(lab, "n2")
    assert one.hears("n3", change(lab, "n3", 7).content) == [], "one may be a liar"
    assert one.hears("n3", change(lab, "n3", 7).content) == []
    assert one.hears("n3", change(lab, "n3", 8).content) == [], "it has one voice"
    assert one.hears_void("n4", change(lab, "n4", 5).content) == []
    assert one.hears("c1", change(lab, "c1", 5).content) == [], "c1 is no replica"
    said = of(lab.ViewChange, one.hears("n4", change(lab, "n4", 5).content))
    assert [each.view for each in said] == [5]
    assert one.hears("n1", change(lab, "n1", 5).content)[0].content.__class__ is lab.NewView
    impatient = store(lab, "n4", patience=300 * MS)
    impatient.asked(request(lab, "c1"))
    impatient.hears_all("n2 n3", change(lab, "", 5).content)
    assert impatient.timer(lab.Impatience).after == 600 * MS, "the old timer does not run on"
    late = store(lab, "n4")
    late.asked(request(lab, "c1"))
    late.fires(lab.Impatience)
    said = of(lab.ViewChange, late.hears_all("n2 n3", change(lab, "", 5).content))
    assert [each.view for each in said] == [5], "it is on its way to view 1, and goes with them"
    two = store(lab, "n2")
    unproved = change(lab, "n4", 5, stable=4, shown=proof(lab, 4)[:2])
    assert two.hears("n3", change(lab, "n3", 5).content) == []
    assert two.hears("n4", unproved.content) == [], "it does not prove its checkpoint"
    assert of(lab.ViewChange, two.hears("n4", change(lab, "n4", 5, stable=4).content))


@graded(points=2, title="Never back", requirement="4.4: views only grow")
def test_old_view_changes_and_new_views_take_nobody_back(lab: PbftLab) -> None:
    one = store(lab, "n4")
    late = [change(lab, name, 6) for name in ("n1", "n2", "n3")]
    one.hears("n3", new_view(lab, 6, late).content)
    assert of(lab.Prepare, one.hears("n3", one.word(1, request(lab, "c1"), 6)))
    early = [change(lab, name, 2) for name in ("n1", "n2", "n3")]
    assert one.hears("n3", new_view(lab, 2, early).content) == []
    for each in early:
        assert not of(lab.ViewChange, one.hears(each.signer, each.content))
    asked = request(lab, "c2")
    assert of(lab.Prepare, one.hears("n3", one.word(2, asked, 6))), "it is still there"
    known = certificate(lab, 0, 3, asked)
    again = [change(lab, name, 6, known) for name in ("n1", "n2", "n4")]
    follows = (word(lab, 6, 1, None), word(lab, 6, 2, None), word(lab, 6, 3, asked))
    made = new_view(lab, 6, again, *follows).content
    assert one.hears("n3", made) == [], "that has begun already"
    assert of(lab.Prepare, store(lab, "n4").hears("n3", made)), "elsewhere it would be believed"
    further = store(lab, "n4")
    further.hears_all("n1 n2", change(lab, "", 9).content)
    assert further.hears("n3", made) == [], "this one is on its way to view 9"
    next_one = store(lab, "n2")
    for view in (5, 1):
        next_one.hears("n3", change(lab, "n3", view).content)
    said = next_one.hears("n4", change(lab, "n4", 5).content)
    assert of(lab.NewView, said), "n3 wants to go to view 5, though its word about 1 comes later"


# What follows from view changes.


def begun(lab: PbftLab, *changes: Signed, **config: Any) -> list[Any]:
    """What n2, the primary of view 1, proposes when it has these view changes of n3 and n4."""
    one = store(lab, "n2", **config)
    said: list[Said] = []
    for each in changes:
        said += one.hears(each.signer, each.content)
    views = of(lab.NewView, said)
    assert len(views) == 1, f"{len(views)} new views, not one"
    return [each.content for each in views[0].pre_prepares]


@graded(points=4, title="What was prepared is proposed again", requirement="4.4: O, case 1")
def test_the_new_primary_proposes_what_was_prepared_anywhere(lab: PbftLab) -> None:
    asked = request(lab, "c1")
    known = certificate(lab, 0, 1, asked)
    again = [lab.PrePrepare(1, 1, digest_of(asked), asked)]
    assert begun(lab, change(lab, "n3", 1, known), change(lab, "n4", 1)) == again
    assert begun(lab, change(lab, "n3", 1), change(lab, "n4", 1, known)) == again
    assert begun(lab, change(lab, "n3", 1), change(lab, "n4", 1)) == []
    twice = (change(lab, "n3", 1, known), change(lab, "n3", 1), change(lab, "n4", 1))
    assert begun(lab, *twice) == again, "the first word of each counts"
    late = (change(lab, "n3", 1, known), change(lab, "n4", 1), change(lab, "n1", 1))
    assert begun(lab, *late) == again, "it begins once"


@graded(points=3, title="Gaps are filled", requirement="4.4: O, case 2: the null request")
def test_a_number_that_nobody_was_prepared_for_gets_the_null_request(lab: PbftLab) -> None:
    asked = request(lab, "c1")
    known = certificate(lab, 0, 3, asked)
    assert begun(lab, change(lab, "n3", 1, known), change(lab, "n4", 1)) == [
        lab.PrePrepare(1, 1, digest_of(None), None),
        lab.PrePrepare(1, 2, digest_of(None), None),
        lab.PrePrepare(1, 3, digest_of(asked), asked),
    ]


def begun_later(lab: PbftLab, *prepared: Any, view: int = 5) -> list[Any]:
    """The same of n2 for a later view; n3 brings the first certificates, n4 the last one."""
    one = store(lab, "n2")
    one.hears("n3", change(lab, "n3", view, *prepared[:-1]).content)
    said = one.hears("n4", change(lab, "n4", view, prepared[-1]).content)
    (new,) = of(lab.NewView, said)
    return [each.content.request for each in new.pre_prepares]


@graded(points=3, title="The latest view counts", requirement="4.4: the highest view number in V")
def test_of_two_certificates_for_a_number_that_of_the_latest_view_counts(lab: PbftLab) -> None:
    old, new = request(lab, "c1"), request(lab, "c2")
    first, last = certificate(lab, 0, 1, old), certificate(lab, 2, 1, new)
    assert begun_later(lab, first, last) == [new]
    assert begun_later(lab, last, first) == [new]
    assert begun_later(lab, first, certificate(lab, 3, 1, None)) == [None]


@graded(points=4, title="Lies hide nothing", requirement="4.4: only what is proved counts")
def test_a_certificate_that_proves_nothing_hides_none_that_does(lab: PbftLab) -> None:
    asked, other = request(lab, "c1"), request(lab, "c2")
    good = certificate(lab, 0, 1, asked)
    lie = certificate(lab, 3, 1, other)
    for why, bad in (
        ("one vote is missing", replace(lie, prepares=lie.prepares[:1])),
        ("one vote twice", replace(lie, prepares=(lie.prepares[0],) * 2)),
        ("nobody signed it", replace(lie, pre_prepare=replace(lie.pre_prepare, signature=VOID))),
        ("a view that has not been", certificate(lab, 5, 1, other)),
        ("a view long after", certificate(lab, 9, 1, other)),
    ):
        assert begun_later(lab, bad, good) == [asked], why
        assert begun_later(lab, good, bad) == [asked], why
        assert begun_later(lab, bad, bad) == [], why


@graded(points=3, title="From the latest checkpoint on", requirement="4.4: min-s and max-s")
def test_what_the_latest_checkpoint_settles_is_not_proposed_again(lab: PbftLab) -> None:
    one, five, far = request(lab, "c1"), request(lab, "c5"), request(lab, "c9")
    settled, open_ = certificate(lab, 0, 2, one), certificate(lab, 0, 5, five)
    beyond = certificate(lab, 0, 13, far)
    changes = (change(lab, "n3", 1, settled), change(lab, "n4", 1, open_, stable=4))
    proposed = [lab.PrePrepare(1, 5, digest_of(five), five)]
    assert begun(lab, *changes) == proposed, "although only one has that checkpoint"
    assert begun(lab, change(lab, "n3", 1, beyond), change(lab, "n4", 1, open_, stable=4)) == (
        proposed
    ), "13 is above the high water mark"
    last = certificate(lab, 0, 12, far)
    proposals = begun(lab, change(lab, "n3", 1, last), change(lab, "n4", 1, stable=4))
    assert [each.number for each in proposals] == list(range(5, 13)), "12 is not above it"
    changes = (change(lab, "n3", 1, settled, stable=4), change(lab, "n4", 1))
    assert begun(lab, *changes) == []


@graded(points=3, title="A certificate", requirement="4.2: 2f prepares that match the pre-prepare")
def test_what_proves_that_a_request_was_prepared(lab: PbftLab) -> None:
    asked = request(lab, "c1")
    good = certificate(lab, 0, 1, asked)
    vote, other = good.prepares

    def proves(made: Any) -> bool:
        return bool(begun_later(lab, made, made))

    assert proves(good)
    assert proves(certificate(lab, 1, 3, None))
    assert proves(replace(good, prepares=(*good.prepares, signed("n4", vote.content))))
    primary = signed("n1", vote.content)
    for why, prepares in (
        ("one is not enough", (vote,)),
        ("one of them twice", (vote, vote)),
        ("the primary is no backup", (vote, primary)),
        ("one is not signed", (vote, replace(other, signature=VOID))),
        ("one is of a client", (vote, signed("c1", vote.content))),
        ("another number", (vote, signed("n3", lab.Prepare(0, 2, vote.content.digest)))),
        ("another view", (vote, signed("n3", lab.Prepare(4, 1, vote.content.digest)))),
        ("another request", (vote, signed("n3", lab.Prepare(0, 1, digest_of(None))))),
        ("a commit", (vote, signed("n3", lab.Commit(0, 1, vote.content.digest)))),
    ):
        assert not proves(replace(good, prepares=prepares)), why
    for why, said in (
        ("not the primary", replace(good.pre_prepare, signer="n4")),
        ("not signed", replace(good.pre_prepare, signature=VOID)),
        ("no pre-prepare", vote),
        ("another request", word(lab, 0, 1, None)),
    ):
        assert not proves(replace(good, pre_prepare=said)), why
