"""The heavy proofs in slices: each run does what it can afford, and all is done in turn.

A pytest plugin. Tests that are marked ``proof`` are heavy: each attack, each mutant, a thousand
seeds. ``--proofs day/20`` keeps a twentieth of them, tomorrow the next one, by the date in UTC: two
runs of one day do the same. ``--proofs 3/20`` keeps the third one, ``all`` all, ``none`` none. A
test's slice is a matter of its name, so that what is added moves nothing to another day.

What is done for each lab alike, and is not quite as heavy, is marked ``rotates``: a third of it is
kept, today that of the slice's number, so that three days in a row do all of it. There will be many
labs, and the time of a run is bounded.

``--proofs-minutes 20`` begins no proof after that time: a run of CI that takes too long is lost,
and one machine may be four times as slow as another. What was not begun counts as skipped, and the
end of the run tells how to do it.

``--ungraded 1/2`` keeps that half of the tests that are in no graded suite: of two Pythons each
does one half, and the other one tomorrow (``.ci/pythons``).
"""

import time
from pathlib import Path

import pytest
from xdist.workermanage import WorkerController

from common.course.kit.slices import parse_slice, take
from common.values.errors import BadInput

TURNS = 3
"""In so many days all is done that rotates."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option of this plugin."""
    parser.addoption("--proofs", metavar="SLICE", default="all", help="3/20, day/20, all or none")
    parser.addoption(
        "--proofs-minutes", metavar="N", type=float, help="begin no proof after N minutes"
    )
    parser.addoption(
        "--ungraded", metavar="SLICE", default="1/1", help="of what is not graded: 1/2, say"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Settle which slice it is, once, for all processes: midnight may come in between."""
    told = getattr(config, "workerinput", {}).get("proofs")
    chosen = _slice(config)
    settled = "none" if chosen is None else f"{chosen[0] + 1}/{chosen[1]}"
    config.option.proofs = told or settled
    if minutes := config.option.proofs_minutes:
        config.pluginmanager.register(Bounded(minutes, config.option.proofs), "bounded-proofs")


class Bounded:
    """Begins no proof when the time for them is over.

    Args:
        minutes: how long proofs are begun, from now on.
        chosen: the slice that is done, to say how to do the rest.
    """

    def __init__(self, minutes: float, chosen: str) -> None:
        self._end = time.monotonic() + 60 * minutes
        self._sentence = (
            f"not begun within {minutes:g} minutes (make proof SLICE={chosen} does them)"
        )

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """A test is to begin."""
        if item.get_closest_marker("proof") and time.monotonic() > self._end:
            pytest.skip(self._sentence)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell how many were left."""
        skipped = terminalreporter.stats.get("skipped", [])
        if left := sum(self._sentence in str(report.longrepr) for report in skipped):
            terminalreporter.write_line(f"{left} of the proofs were {self._sentence}")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Tell a process of pytest-xdist's."""
    node.workerinput["proofs"] = node.config.option.proofs


def pytest_report_header(config: pytest.Config) -> str:
    """Say which slice it is, and how to do it again."""
    chosen: str = config.option.proofs
    match chosen:
        case "1/1":
            return "heavy proofs: all"
        case "none":
            return "heavy proofs: none"
    return f"heavy proofs: slice {chosen} (SLICE={chosen} does it again, SLICE=all does all)"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the slice and every test that is no proof; what takes long begins first, so that no
    processor is left alone with it in the end."""
    proofs = [item for item in items if item.get_closest_marker("proof")]
    rotating = [item for item in items if item.get_closest_marker("rotates")]
    chosen = _slice(config)
    left = set(proofs).difference([] if chosen is None else _part(proofs, chosen))
    if chosen != (0, 1):
        turn = 0 if chosen is None else chosen[0] % TURNS
        left |= set(rotating).difference(_part(rotating, (turn, TURNS)))
    ungraded = [item for item in items if not item.get_closest_marker("graded")]
    left |= set(ungraded).difference(_part(ungraded, _parsed(config, config.option.ungraded)))
    if left:
        config.hook.pytest_deselected(items=[item for item in items if item in left])
    items[:] = sorted((item for item in items if item not in left), key=_lasts, reverse=True)


def _part(items: list[pytest.Item], part: tuple[int, int]) -> list[pytest.Item]:
    return take(items, part, lambda item: item.nodeid)


def _lasts(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("proof", "slow"))


def _slice(config: pytest.Config) -> tuple[int, int] | None:
    text: str = config.option.proofs
    if text in ("all", "none"):
        return (0, 1) if text == "all" else None
    return _parsed(config, text)


def _parsed(config: pytest.Config, text: str) -> tuple[int, int]:
    try:
        return parse_slice(text, Path(config.rootpath))
    except BadInput as error:
        raise pytest.UsageError(str(error)) from None
