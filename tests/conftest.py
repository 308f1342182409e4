"""What all tests share: what a machine may lack, and the count of what was skipped for it."""

import os
import signal

import pytest

from tests.support.live import is_live
from tests.support.machine import LACKS


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; and let Ctrl-C count for what tests start.

    A shell has all that it starts behind ``&`` ignore Ctrl-C, and their children do as well."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "slow: left out where only the Python differs")
    config.addinivalue_line(
        "markers", "rotates: alike for each lab; a third a day (tests/support/proofs.py)"
    )
    config.addinivalue_line(
        "markers", "proof: heavy; done slice by slice (tests/support/proofs.py)"
    )
    config.addinivalue_line("markers", f"needs(*things): {', '.join(LACKS)}; skipped without them")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On CI, a live test that fails is tried once more, and named: docs/decisions/0029."""
    if os.environ.get("CI") == "true" and config.pluginmanager.hasplugin("rerunfailures"):
        for item in filter(is_live, items):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test for what this machine lacks, and say so; on CI the same lack is a failure."""
    for marker in item.iter_markers("needs"):
        for thing in marker.args:
            if reason := LACKS[thing]():
                if os.environ.get("CI") == "true":
                    pytest.fail(f"on CI nothing may be missing: {reason}", pytrace=False)
                pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count what was skipped, and show what was tried twice."""
    skipped = len(terminalreporter.stats.get("skipped", []))
    if skipped:
        terminalreporter.write_line(f"{skipped} tests were skipped; the reasons are above")
    for failed in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"failed, and was tried once more: {failed.nodeid}")
        terminalreporter.write_line(failed.longreprtext)
