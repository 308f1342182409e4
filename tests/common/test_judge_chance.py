"""A judged node has no chance but the judge's: what it could toss gives the same each time."""

import contextlib
from pathlib import Path

import pytest

from common.contract import Receive, Start
from common.course.base.course import ROOT
from common.course.judge.shadows import ONE_IN, chosen
from common.values.errors import ContractError
from tests.support.judging import changed, judged

ECHO = "stage1_foundations/echo/node.py"
OLD = "self.send(sender, Pong(ping.number, ping.text))"
SAME = {
    "the generator below": "imp('_random').Random().random()",
    "a generator without a seed": "imp('random').Random().random()",
    "a generator with no seed": "imp('random').Random(None).random()",
    "everybody's generator": "imp('random').random()",
    "hashes of texts": "[str(n).__hash__() for n in range(5)]",
    "sets of texts": "list({str(n) for n in range(50)})",
}
NONE = {
    "the system's bytes": "imp('os').urandom(1)",
    "the system's call": "imp('os').getrandom(1)",
    "the system's generator": "imp('random').SystemRandom().random()",
    "a device": "imp('io').open('/dev/urandom', 'rb').read(1)",
    "the other device": "imp('io').open('/dev/random', 'rb').read(1)",
    "code of its own": "imp('mmap')",
}


HIDES = """

class _Twin:
    def __init__(self, node):
        self.node = node

    def step(self, event):
        return self.node.answer


class Coin(Echo):
    def __deepcopy__(self, memo):
        return _Twin(self)

    def step(self, event):
        imp = __builtins__["__import__"]
        note = imp("sys").modules["common.contract.effects"].Note("odd", {})
        self.answer = [*super().step(event), *[note] * (imp("os").getpid() % 2)]
        return self.answer


Coin.__name__, Coin.__qualname__ = Echo.__name__, Echo.__qualname__
Echo = Coin
"""
"""By its process's number a node asks for one effect more; the copy in its own process agrees."""


def answer(folder: Path, code: str) -> str:
    """What a fresh sandbox's node says when it is asked, with ``code`` for its answer's text."""
    new = f"imp = __builtins__['__import__']; self.send(sender, Pong(ping.number, str({code})))"
    with judged("echo", changed(folder, {ECHO: (OLD, new)})) as lab:
        node = lab.Echo("n1", ("c1",))
        node.step(Start(0, {}))
        return repr(node.step(Receive(0, "c1", lab.Ping(1, ""))))


def test_what_has_no_seed_says_the_same_in_every_sandbox(tmp_path: Path) -> None:
    code = "[" + ", ".join(SAME.values()) + "]"
    assert answer(tmp_path / "one", code) == answer(tmp_path / "two", code)


@pytest.mark.parametrize("code", NONE.values(), ids=NONE)
def test_the_systems_chance_is_refused(code: str, tmp_path: Path) -> None:
    refused = (NotImplementedError, OSError, ImportError)
    with pytest.raises(refused):
        answer(tmp_path, code)


def test_of_two_processes_neither_can_hide_that_they_differ(tmp_path: Path) -> None:
    text = (ROOT / ECHO).read_text(encoding="utf-8")
    seeds = [f"{number}/n1/0" for number in range(40)]
    with judged("echo", changed(tmp_path, {ECHO: (text, text + HIDES)})) as lab:
        found = 0
        for seed in filter(chosen, seeds):
            node = lab.Echo("n1", ("c1",))
            node.seed(seed)
            with contextlib.suppress(ContractError):
                node.step(Start(0, {}))
                continue
            found += 1
        assert found, "two processes have one number after the other"
        node = lab.Echo("n1", ("c1",))
        node.seed(next(seed for seed in seeds if not chosen(seed)))
        node.step(Start(0, {}))


def test_a_life_is_led_twice_by_lot_and_always_the_same_way() -> None:
    seeds = [f"{number}/n2/1" for number in range(4_000)]
    lots = [chosen(seed) for seed in seeds]
    assert lots == [chosen(seed) for seed in seeds]
    assert len(lots) / ONE_IN / 2 < sum(lots) < len(lots) / ONE_IN * 2


def test_two_processes_that_fail_in_the_same_way_agree(tmp_path: Path) -> None:
    new = "raise ValueError(object())"
    with judged("echo", changed(tmp_path, {ECHO: (OLD, new)})) as lab:
        node = lab.Echo("n1", ("c1",))
        node.seed(next(seed for seed in map(str, range(99)) if chosen(seed)))
        node.step(Start(0, {}))
        with pytest.raises(ValueError, match="object at"):
            node.step(Receive(0, "c1", lab.Ping(1, "")))
