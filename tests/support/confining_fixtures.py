"""Fixtures of the tests of sandboxes: programs that are started behind each kind of walls."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from common.course.judge import sandbox
from common.course.judge.sandbox import PYTHON, Confined, Limits, Walls, start
from tests.support.confining import SMALL, TRY


@pytest.fixture(params=["bubblewrap"])
def kind(request: pytest.FixtureRequest) -> Walls:
    walls: Walls = request.param
    if not sandbox.available(walls):
        if os.environ.get("CI") == "true":
            pytest.fail(f"on CI nothing may be missing: {walls}", pytrace=False)
        pytest.skip(f"{walls} cannot be used here")
    return walls


@pytest.fixture
def confine(kind: Walls) -> Iterator[Callable[..., Confined]]:
    """Starts programs, and ends them."""
    made: list[Confined] = []

    def run(code: str, limits: Limits = SMALL, **options: Any) -> Confined:
        options.setdefault("files", {})
        command = [PYTHON, "-I", "-c", TRY + code]
        made.append(start(command, limits=limits, kind=kind, **options))
        return made[-1]

    yield run
    for confined in made:
        confined.close()


@pytest.fixture
def tell(confine: Callable[..., Confined]) -> Callable[..., Any]:
    """Runs a program to its end and reads the JSON that it printed."""

    def run(code: str, **options: Any) -> Any:
        confined = confine(code, **options)
        said = confined.stdout.read()
        confined.wait(20)
        assert said, f"it said nothing: {confined.stderr_tail()} {confined.ended}"
        return json.loads(said)

    return run
