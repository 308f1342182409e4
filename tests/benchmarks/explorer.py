"""States a second in the explorer, against an explorer that copies and compares whole worlds.

Three voters of which one may crash, and two-phase commit with three participants, a lost and a
doubled message. The peer explores the voters with ``copy.deepcopy`` and ``repr``, as one would
write it first; it is stopped after a thousand states.

    python tests/benchmarks/explorer.py --json
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

from _bench import in_turns, report

from common.check.explorer import Instance, explore_instance

sys.path.append(str(Path(__file__).resolve().parents[2]))  # a script sees its own folder only

from tests.common.explore_nodes import Voter
from tests.common.test_explore_against_dumb import Dumb
from tests.common.test_explore_instances import VOTERS, election, two_phase_commit

ROUNDS = 3
PEER_STATES = 1_000

VOTING = election(Voter, crashes=1, losses=1, duplicates=1)
COMMITMENT = two_phase_commit(3, losses=1, duplicates=1)


def speed(instance: Instance) -> float:
    """Different states a second."""
    return explore_instance(instance, clock=time.perf_counter).states_per_second or 0.0


def peer() -> float:
    """The same of the explorer that copies whole worlds."""
    began = time.perf_counter()
    return Dumb(Voter, VOTERS, crashes=1).count(PEER_STATES) / (time.perf_counter() - began)


def main() -> None:
    """Measure in turns and report."""
    medians = in_turns(
        {
            "voting": lambda: speed(VOTING),
            "voting_symmetric": lambda: speed(replace(VOTING, symmetric=(VOTERS,))),
            "commitment": lambda: speed(COMMITMENT),
            "whole_worlds": peer,
        },
        ROUNDS,
    )
    figures = {f"{name}_states_per_second": round(value) for name, value in medians.items()}
    ratios = {"vs_whole_worlds": medians["voting"] / medians["whole_worlds"]}
    report("explorer", figures, ratios, __doc__ or "")


if __name__ == "__main__":
    main()
