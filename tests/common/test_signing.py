"""Signatures: what is signed can be handed on and checked again, and nobody signs for another."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.check.explorer import Answer, Instance, WorldView, explore_instance
from common.contract import Node, Signed, digest
from common.contract.lies import Lie, Plan, corrupted, signed_anew
from common.contract.signing import IDEAL, VOID, Notary, to_bytes, voided
from common.runtime.cluster import Cluster
from common.runtime.macs import MacKeys
from common.runtime.signatures import KEY_FILE, Ed25519Signer, Keys, from_hex, signer_of
from common.runtime.spec import ClusterSpec
from common.sim import Simulation
from common.values.errors import BadInput, ContractError
from common.values.faults import Corrupt, Schedule
from common.values.history import Ok
from common.values.units import SECOND
from tests.common.signing_nodes import (
    Ballots,
    Cast,
    Count,
    Forger,
    HandOn,
    Hoarder,
    Unsigned,
    Vote,
    Voter,
)
from tests.support.live import live

THREE = ("n1", "n2", "n3")

# In the simulator.


def simulation(**others: type[Node]) -> Simulation:
    return Simulation({**dict.fromkeys(THREE, Voter), **others})


def told(world: Simulation, node: str, operation: object) -> Any:
    asked = world.call(node, operation)
    world.run(world.now + SECOND)
    assert isinstance(asked.outcome, Ok), asked.outcome
    return asked.outcome.value


def test_a_signature_can_be_handed_on_and_is_still_worth_as_much() -> None:
    world = simulation()
    told(world, "n1", Cast("yes"))
    told(world, "n2", HandOn())
    world.run(world.now + SECOND)
    assert told(world, "n3", Count()) == ("n1: yes",)


def test_no_code_can_sign_for_another_node() -> None:
    world = simulation(n3=Forger)
    told(world, "n3", Cast("no"))
    votes = told(world, "n2", Count())
    assert len(votes) == 1, "the forger signed one thing, for itself"
    assert votes[0].startswith("n3: ")
    assert "void" in votes[0], "what it signed has nothing of n1 in it"


def test_another_content_or_signer_or_a_cut_signature_is_worth_nothing() -> None:
    world = simulation(n3=Forger)
    told(world, "n1", Cast("yes"))
    told(world, "n3", Cast("no"))
    votes = told(world, "n2", Count())
    assert "n1: yes" in votes
    assert not {"n1: no", "n3: yes"} & set(votes)


def test_what_never_left_its_signer_is_not_known_to_the_notary() -> None:
    notary = Notary()
    vote = Signed("n1", Vote("yes"), IDEAL)
    assert notary.pass_on("n2", vote) == replace(vote, signature=VOID)
    assert notary.pass_on("n1", vote) == vote
    assert notary.pass_on("n2", Ballots((vote,))) == Ballots((vote,))


def test_a_node_that_does_not_say_that_it_signs_is_told_so() -> None:
    world = simulation(n3=Unsigned)
    world.call("n3", Cast("yes"))
    with pytest.raises(ContractError, match="signs = True"):
        world.run(SECOND)


def test_what_has_nothing_to_void_stays_the_same_object() -> None:
    ballots = Ballots((Signed("n1", Vote("yes"), IDEAL),))
    assert voided(ballots, lambda signed: True) is ballots


# In the explorer.


def explored(liar: type[Node], *asked: object, always: Callable[[WorldView], str | None]) -> Any:
    instance = Instance(
        nodes={"n1": Voter, "n2": Voter, "n3": liar},
        operations={"n3": asked},
        always=(always,),
    )
    return explore_instance(instance)


def nobody_believes_n1_voted(world: WorldView) -> str | None:
    """nobody has a valid vote of n1"""
    for id, node in world.items():
        if isinstance(node, Voter) and id != "n3":
            for vote in node.box:
                if vote.signer == "n1" and node.verify(vote):
                    return f"{id} has a vote of n1"
    return None


def test_no_code_can_sign_for_another_node_in_the_explorer_either() -> None:
    verdict = explored(Forger, Cast("no"), always=nobody_believes_n1_voted)
    assert verdict.answer is Answer.YES, verdict


def test_the_explorer_sees_a_forged_signature_that_is_kept_for_later() -> None:
    verdict = explored(Hoarder, Cast("no"), HandOn(), always=nobody_believes_n1_voted)
    assert verdict.answer is Answer.NO
    assert "n1 never gave" in str(verdict)


# On sockets.


@live
async def test_real_signatures_can_be_handed_on_and_outlive_their_signer(tmp_path: Path) -> None:
    spec = ClusterSpec(lab="voters", node=Voter, members=THREE, directory=tmp_path)
    async with Cluster(spec) as running:
        assert await running.invoke("n1", Cast("yes")) == Ok()
        while await running.invoke("n2", Count()) != Ok(("n1: yes",)):
            pass
        await running.kill("n1")
        await running.restart("n3")
        assert await running.invoke("n2", HandOn()) == Ok()
        while await running.invoke("n3", Count()) != Ok(("n1: yes",)):
            pass
        assert not running.failures


@live
async def test_no_process_can_sign_for_another_one(tmp_path: Path) -> None:
    spec = ClusterSpec(lab="voters", node=Forger, members=THREE, directory=tmp_path)
    async with Cluster(spec) as running:
        assert await running.invoke("n3", Cast("no")) == Ok()
        votes: Any = ()
        while not votes:
            outcome = await running.invoke("n2", Count())
            assert isinstance(outcome, Ok)
            votes = outcome.value
        assert len(votes) == 1, "and that is the forger's own"
        assert votes[0].startswith("n3: ")


def keys(directory: Path) -> Keys:
    made = Keys(directory)
    for name in THREE:
        (directory / name).mkdir(exist_ok=True)
        made.add(name)
    return made


def signed(made: Keys, name: str, content: object) -> Signed:
    return Signed(name, content, made.signer(name).sign(name, content))


def test_keys_are_found_again_and_are_nobody_elses_to_read(tmp_path: Path) -> None:
    vote = signed(keys(tmp_path), "n1", Vote("yes"))
    assert keys(tmp_path).signer("n2").verify(vote)
    for name in THREE:
        assert (tmp_path / name / KEY_FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "00ff", "no key\n"])
def test_a_damaged_key_is_one_sentence(tmp_path: Path, text: str) -> None:
    keys(tmp_path)
    (tmp_path / "n1" / KEY_FILE).write_text(text)
    with pytest.raises(BadInput, match="is no key: it needs 64 hexadecimal digits"):
        keys(tmp_path)


def test_forged_truncated_and_strange_signatures_are_false_and_no_error(tmp_path: Path) -> None:
    made = keys(tmp_path)
    vote = signed(made, "n1", Vote("yes"))
    verify = made.signer("n2").verify
    assert verify(vote)
    for wrong in (
        replace(vote, signer="n2"),
        replace(vote, signer="nobody"),
        replace(vote, content=Vote("no")),
        replace(vote, content=[]),
        replace(vote, signature=vote.signature[:-1]),
        replace(vote, signature=b""),
        replace(vote, signature=vote.signature + b"\0"),
        replace(vote, signature=IDEAL),
        Signed("n1", vote, vote.signature),
    ):
        assert not verify(wrong), wrong


def test_a_key_that_came_later_is_known_then(tmp_path: Path) -> None:
    made = keys(tmp_path)
    vote = signed(made, "n1", Vote("yes"))
    late = Ed25519Signer(made.private["n2"], {})
    assert not late.verify(vote)
    late.know({"n1": made.public["n1"]})
    assert late.verify(vote)


# Values as bytes.

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() |
    st.binary(),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.builds(Vote, st.text()),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=60)
@given(VALUES, VALUES)
def test_values_have_the_same_bytes_only_if_they_read_the_same(one: object, other: object) -> None:
    assert (to_bytes(one) == to_bytes(other)) == (repr(one) == repr(other))
    assert (digest(one) == digest(other)) == (repr(one) == repr(other))


def test_what_cannot_be_sent_cannot_be_signed() -> None:
    with pytest.raises(ContractError, match="a list can neither be signed"):
        digest((1, []))


# Liars.


def test_a_lie_is_about_what_is_signed_and_believed_if_the_liar_signs_it_anew() -> None:
    plan = Plan(Lie(of=(Vote,), says=signed_anew(corrupted("choice"))))
    bent = Plan(Lie(of=(Vote,), says=corrupted("signer")))
    for behaviour, believed in ((plan, ("n1: not yes",)), (bent, ())):
        world = Simulation(
            dict.fromkeys(THREE, Voter),
            schedule=Schedule([Corrupt(0, "n1", "lies")]),
            behaviours={"lies": behaviour},
        )
        told(world, "n1", Cast("yes"))
        assert told(world, "n2", Count()) == believed


# Codes in the place of signatures.


def mac_keys(directory: Path) -> MacKeys:
    made = MacKeys(directory)
    for name in THREE:
        made.add(name)
    return made


def test_a_code_holds_for_each_receiver_and_for_nothing_else(tmp_path: Path) -> None:
    made = mac_keys(tmp_path)
    vote = Signed("n1", Vote("yes"), made.signer("n1").sign("n1", Vote("yes")))
    for name in THREE:
        assert made.signer(name).verify(vote)
        assert mac_keys(tmp_path).signer(name).verify(vote), "keys are found again"
        for wrong in (
            replace(vote, signer="n2"),
            replace(vote, signer="nobody"),
            replace(vote, content=Vote("no")),
            replace(vote, content=[]),
            replace(vote, signature=vote.signature[:-1]),
            replace(vote, signature=b""),
            replace(vote, signature=IDEAL),
        ):
            assert not made.signer(name).verify(wrong), wrong
    late = signer_of("macs", "n2", b"", {"n2": made.told_to("n2")["n2"]})
    assert not late.verify(vote), "it shares no key with n1 yet"
    late.know(from_hex(made.told_to("n2")))
    assert late.verify(vote)


@live
async def test_a_cluster_runs_with_codes_as_well(tmp_path: Path) -> None:
    spec = ClusterSpec(
        lab="voters", node=Voter, members=THREE, directory=tmp_path, authentication="macs"
    )
    async with Cluster(spec) as running:
        assert await running.invoke("n1", Cast("yes")) == Ok()
        while await running.invoke("n2", Count()) != Ok(("n1: yes",)):
            pass
        assert not running.failures
