"""A pytest plugin that runs each test many times, and says whether it ended differently.

``-p tests.support.again --again 200 --ends FILE``: FILE gets, as JSON, for each test how often it
was run and in which ways it ended.
"""

import json
from collections import defaultdict
from pathlib import Path

import pytest

_counted: dict[str, int] = defaultdict(int)
_ends: dict[str, set[str]] = defaultdict(set)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of this plugin."""
    parser.addoption("--again", type=int, default=1, help="how often each test is run")
    parser.addoption("--ends", help="where to write how the tests ended")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the same tests there again and again, all of them in turn."""
    items[:] = items * int(config.getoption("--again"))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note how a test ended, with what the suite says of it."""
    if report.when == "call":
        _counted[report.nodeid] += 1
        why = next((text for name, text in report.sections if name == "why"), "")
        _ends[report.nodeid].add(f"{report.outcome}: {why}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write it."""
    told = {test: [_counted[test], sorted(ends)] for test, ends in _ends.items()}
    Path(session.config.getoption("--ends")).write_text(json.dumps(told), encoding="utf-8")
