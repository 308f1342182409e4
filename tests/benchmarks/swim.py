"""SWIM with 100, 1,000 and 10,000 members in the simulator: how fast it runs, and what it costs.

Every member runs the whole protocol, with 2 messages a period when all is calm. Five members fail,
and the run ends when everybody has heard of all five. A node-second is one member for one second
of virtual time, which is one protocol period; seconds are of processor time. The
figures have no peer beside them; beside the times stand the formulas of the paper.

    python tests/benchmarks/swim.py --json
"""

import time

from _bench import report

from stage5_fault_tolerance.swim.plot import expected_detection, expected_spread, grow

SIZES = {100: 5, 1_000: 5, 10_000: 1}
"""By number of members: how many runs, each with a seed of its own."""


def main() -> None:
    """Measure each size, and report."""
    figures: dict[str, float] = {"expected_detection_periods": round(expected_detection(), 2)}
    for size, runs in SIZES.items():
        began = time.process_time()
        grown = [grow(size, 5, seed) for seed in range(runs)]
        took = time.process_time() - began
        node_seconds = sum(each.node_seconds for each in grown)
        figures |= {
            f"node_seconds_per_second_{size}": round(node_seconds / took),
            f"seconds_a_run_{size}": round(took / runs, 2),
            f"messages_a_member_and_period_{size}": round(grown[0].load, 2),
            f"detection_periods_{size}": round(sum(each.detected for each in grown) / runs, 2),
            f"spread_periods_{size}": round(sum(each.spread for each in grown) / runs, 2),
            f"expected_spread_periods_{size}": round(expected_spread(size), 2),
        }
    report("swim", figures, {}, __doc__ or "")


if __name__ == "__main__":
    main()
