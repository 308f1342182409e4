"""Schedules of faults from files."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from common.values.errors import BadInput
from common.values.faults import Schedule


def read_schedule(path: Path, nodes: Sequence[str] | None = None) -> Schedule:
    """Read a schedule from a YAML (or JSON) file.

    Args:
        path: the file.
        nodes: the nodes that it may name, if known.

    Raises:
        BadInput: the file cannot be read, is no schedule, or names an unknown node.
    """
    try:
        plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"the schedule {path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise BadInput(f"the schedule {path}{where} is not YAML") from None
    try:
        schedule = Schedule.from_plain(plain)
        if nodes is not None:
            schedule.check_nodes(nodes)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    return schedule
