"""Facades: found by name, reached through a door that opens when the node begins."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from common.contract import operation
from common.course.verbs.session import Session, SessionOptions
from common.runtime import declared
from common.runtime.facade import Door, load_facade
from common.runtime.launch import launch
from common.values.errors import BadInput
from common.values.history import Ok, Outcome
from common.worlds import Worlds
from stage1_foundations.cap.worlds import WORLDS as CAP
from stage3_partitioning.kv.worlds import WORLDS as KV


@operation
class Double:
    """Ends with Ok(twice the number)."""

    number: int


class Asked:
    """As much of a resident as a door needs: it notes what was asked, and who waits for it."""

    id = "n1"

    def __init__(self) -> None:
        self.submitted: list[tuple[object, Callable[[Outcome], None]]] = []

    def submit(self, operation: object, done: Callable[[Outcome], None]) -> None:
        """Note it."""
        self.submitted.append((operation, done))


def test_what_comes_before_the_node_has_begun_happens_when_it_begins() -> None:
    asked = Asked()
    told: list[Outcome] = []
    door = Door(asked, ("n1",), lambda _: None)  # type: ignore[arg-type]
    door.invoke(Double(1), told.append)
    assert not asked.submitted, "the node has not begun"
    door.begun()
    door.invoke(Double(2), told.append)
    assert [operation for operation, _ in asked.submitted] == [Double(1), Double(2)]
    for number, (_, done) in reversed(list(enumerate(asked.submitted))):
        done(Ok(number))
    assert told == [Ok(1), Ok(0)], "each outcome goes to the one that asked"


def test_who_asked_and_went_away_is_not_answered() -> None:
    async def ask_and_leave() -> None:
        asked = Asked()
        door = Door(asked, ("n1",), lambda _: None)  # type: ignore[arg-type]
        door.begun()
        waits: asyncio.Task[Outcome] = asyncio.create_task(door.ask(Double(1)))
        await asyncio.sleep(0)
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
        asked.submitted[0][1](Ok(2))

    asyncio.run(ask_and_leave())


@pytest.mark.parametrize("name", ["no.such.module:make", "json:nothing", "json"])
def test_a_facade_that_is_not_there_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(BadInput, match="cannot load the facade"):
        load_facade(name)


def test_without_its_module_a_lab_runs_without_its_facade_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(declared, "find_spec", lambda _: None)
    session = Session(KV, SessionOptions(directory=tmp_path / "data"))
    try:
        assert session.cluster.spec.facade == ""
        assert "hiredis is missing" in session.hint
    finally:
        session.close()


def test_only_a_cluster_that_has_its_facades_is_launched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def start(worlds: Worlds) -> None:
        async with launch(worlds, tmp_path):
            pass

    with pytest.raises(BadInput, match="lab cap has no other protocol in front"):
        asyncio.run(start(CAP))
    monkeypatch.setattr(declared, "find_spec", lambda _: None)
    with pytest.raises(BadInput, match="hiredis is missing: pip install"):
        asyncio.run(start(KV))
