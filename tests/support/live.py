"""Tests of what really happens: run a coroutine on the runtime's loop, and wait for events."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from common.runtime.loops import run

LIMIT_SECONDS = 120.0
POLL_SECONDS = 0.01
LIVE_FOLDERS = ("e2e", "docs")


def live(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Make a test out of a coroutine function, with a limit on its time."""

    @functools.wraps(test)
    def wrapper(*args: Any, **values: Any) -> None:
        run(_limited(test(*args, **values)))

    wrapper.is_live = True  # type: ignore[attr-defined]
    return wrapper


def is_live(item: pytest.Item) -> bool:
    """Whether a test rests on real time, processes or programs, so that chance has a part in it.

    A proof, a score and an example by Hypothesis are functions of code and seed: they are not.
    """
    function: object = getattr(item, "function", None)
    if hasattr(function, "hypothesis") or any(map(item.get_closest_marker, ("proof", "graded"))):
        return False
    return (
        hasattr(function, "is_live")
        or item.get_closest_marker("needs") is not None
        or item.path.parent.name in LIVE_FOLDERS
    )


async def _limited(test: Coroutine[Any, Any, None]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        await test


async def eventually(
    holds: Callable[[], bool] | Callable[[], Awaitable[bool]], seconds: float = 10.0
) -> None:
    """Wait until ``holds()`` is true; an AssertionError if it is not within so many seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        answer = holds()
        if answer if isinstance(answer, bool) else await answer:
            return
        assert loop.time() < end, f"{holds.__name__} did not come true within {seconds:g} s"
        await asyncio.sleep(POLL_SECONDS)
