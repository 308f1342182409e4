"""The event loop that nodes run on: uvloop where there is one, asyncio's own otherwise."""

import asyncio
import importlib.util
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T], *, stock: bool = False) -> T:
    """Run ``main`` to its end.

    Args:
        main: what to run.
        stock: use asyncio's own loop even where uvloop is installed.
    """
    with asyncio.Runner(loop_factory=asyncio.new_event_loop if stock else _fastest()) as runner:
        return runner.run(main)


def _fastest() -> Callable[[], asyncio.AbstractEventLoop]:
    if importlib.util.find_spec("uvloop") is None:  # Windows has none
        return asyncio.new_event_loop
    import uvloop

    return uvloop.new_event_loop
