"""Graded suite of the lab ``kademlia``, part items: what may be kept, and what may replace it."""

from hashlib import sha1
from typing import Any

from common.contract.signing import IDEAL, VOID, Signed
from common.course.suites.grading import graded
from tests.bonus_overlays.kademlia.lab import KademliaLab

LAB = "kademlia"


def mutable(
    lab: KademliaLab,
    seq: int,
    data: bytes = b"x",
    salt: bytes = b"",
    owner: str = "n1",
    signature: bytes = IDEAL,
) -> Any:
    """A version of an owner's value."""
    return lab.Mutable(Signed(owner, lab.Version(salt, seq, data), signature))


def code(objection: Any) -> int | None:
    """The number of an objection; None where there is none."""
    return None if objection is None else objection.code


@graded(points=1, title="Where it belongs", requirement="BEP 44: SHA-1 of the value, or key + salt")
def test_an_item_says_itself_under_which_key_it_is_kept(lab: KademliaLab) -> None:
    assert lab.key_of_item(lab.Immutable(b"12:Hello World!")) == (
        "e5f96f6f38320f0f33959cb4d3d656452117aadb"
    ), "the example of BEP 44"
    assert lab.key_of_item(mutable(lab, 3)) == sha1(b"n1").hexdigest()
    assert lab.key_of_item(mutable(lab, 4, b"y", b"mail")) == sha1(b"n1mail").hexdigest()
    for odd in ("ed25519:", "ed25519:zz", "ed25519:" + "0" * 63):
        assert lab.key_of_owned(odd, b"") == sha1(odd.encode()).hexdigest(), "that is no key"
    public = "77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548"
    assert lab.key_of_owned(f"ed25519:{public}", b"") == "4a533d47ec9c7d95b1ad75f576cffc641853b750"
    assert lab.key_of_owned(f"ed25519:{public}", b"foobar") == (
        "411eba73b6f087ca51a3795d9c8c938d365e32c1"
    ), "the example of BEP 44"


@graded(points=2, title="What is wrong in itself", requirement="BEP 44: errors 205, 206, 207, 203")
def test_what_is_too_large_or_not_signed_by_its_owner_is_objected_to(lab: KademliaLab) -> None:
    cases = [
        (lab.Immutable(b"a" * 1000), None),
        (lab.Immutable(b"a" * 1001), 205),
        (mutable(lab, 1, b"a" * 1000, b"s" * 64), None),
        (mutable(lab, 1, b"a" * 1001), 205),
        (mutable(lab, 1, b"a", b"s" * 65), 207),
        (mutable(lab, 0), None),
        (mutable(lab, -1), 203),
        (mutable(lab, 2**63 - 1), None),
        (mutable(lab, 2**63), 203),
        (mutable(lab, 1, signature=VOID), 206),
        (mutable(lab, 0, signature=VOID), 206),
        (lab.Mutable(Signed("n1", "no version", IDEAL)), 203),
    ]
    for item, expected in cases:
        verified = isinstance(item, lab.Mutable) and item.signed.signature == IDEAL
        found = code(lab.objection_to(item, verified))
        assert found == expected, f"{str(item)[:100]}: {found}, not {expected}"


@graded(points=2, title="What may replace what", requirement="BEP 44: seq, cas, errors 301 and 302")
def test_only_a_newer_version_replaces_one(lab: KademliaLab) -> None:
    old = mutable(lab, 5, b"old")
    cases = [
        (None, mutable(lab, 1), None, None),
        (None, mutable(lab, 1), 7, None),
        (old, mutable(lab, 6, b"new"), None, None),
        (old, mutable(lab, 9, b"new"), 5, None),
        (old, mutable(lab, 6, b"new"), 4, 301),
        (old, mutable(lab, 6, b"new"), 0, 301),
        (old, mutable(lab, 4, b"new"), None, 302),
        (old, mutable(lab, 4, b"new"), 5, 302),
        (old, mutable(lab, 5, b"new"), None, 302),
        (old, mutable(lab, 5, b"old"), None, None),
        (old, mutable(lab, 5, b"old"), 5, None),
        (lab.Immutable(b"a"), lab.Immutable(b"a"), None, None),
    ]
    for was, comes, cas, expected in cases:
        found = code(lab.objection_to_replacing(was, comes, cas))
        assert found == expected, f"{comes} in the place of {was}, cas {cas}: {found}"


@graded(points=1, title="Which one to believe", requirement="BEP 44: the highest sequence number")
def test_of_two_versions_that_with_the_greater_number_is_believed(lab: KademliaLab) -> None:
    one, two = mutable(lab, 1), mutable(lab, 2)
    assert lab.newer_of(None, one) == one
    assert lab.newer_of(one, two) == two
    assert lab.newer_of(two, one) == two
    same = mutable(lab, 2, b"other")
    assert lab.newer_of(two, same) == two
    assert lab.newer_of(lab.Immutable(b"a"), lab.Immutable(b"a")) == lab.Immutable(b"a")
