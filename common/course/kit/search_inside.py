"""What runs a batch of a search, in a process of its own: ``python -I search_inside.py``.

Arguments: the folder ``common``, a folder with the packages that it needs, and a workspace or "".
One JSON object comes in on standard input, a JSON line per seed goes out.
"""

import json
import sys
from pathlib import Path

MOST_SHRUNK = 1
"""Failures of a batch that are shrunk: where many fail, the others are the same mistake again."""


def main() -> None:
    """Read what to do, do it, and tell of each seed."""
    common, packages, workspace = sys.argv[1:4]
    sys.path[:0] = [str(Path(common).parent), packages]
    from common.course.base.course import Course
    from common.course.base.implementation import install_overlay
    from common.course.base.naming import find
    from common.course.kit import search
    from common.values.faults import Schedule
    from common.worlds import Worlds

    if workspace:
        install_overlay(Path(workspace), Course(Path(common).parent))
    wanted = json.load(sys.stdin)
    worlds: Worlds = find(wanted["worlds"], "worlds")
    variant = worlds.variant(wanted["variant"])
    to_shrink = MOST_SHRUNK
    for seed in range(wanted["first"], wanted["first"] + wanted["count"]):
        if "schedule" in wanted:
            schedule = Schedule.from_plain(wanted["schedule"])
            found = search.run_one(worlds, variant, seed, schedule)
        else:
            found = search.try_seed(worlds, variant, seed, wanted["kinds"])
            if found.failure and to_shrink:
                to_shrink -= 1
                found = search.shrunk(worlds, variant, found)
        plain = found.schedule.to_plain() if found.schedule is not None else None
        told = {"seed": seed, "failure": found.failure, "ok": found.ok, "schedule": plain}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
