"""When submissions were handed in, from a CSV file of the learning platform.

A commit's date or a file's is what its author wants it to be, so neither is looked at.
"""

import csv
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path

from common.values.errors import BadInput

Times = Mapping[str, Mapping[str, datetime]]
"""By student, by lab."""

COLUMNS = ("student", "submitted")


def read_times(path: Path, labs: Collection[str]) -> Times:
    """Read a file with the columns ``student``, ``submitted`` and, if labs differ, ``lab``.

    Args:
        path: the file; times are ISO 8601 with an offset from UTC.
        labs: the labs of the course; a line without a lab is about all of them.

    Raises:
        BadInput: it cannot be read, lacks a column, or a line is wrong; the text names the line.
    """
    found: dict[str, dict[str, datetime]] = defaultdict(dict)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise BadInput(f"{path}:1: there is no column {missing[0]}")
            for row in reader:
                moment = _moment(row["submitted"] or "", f"{path}:{reader.line_num}")
                lab = (row.get("lab") or "").strip()
                if lab and lab not in labs:
                    raise BadInput(f"{path}:{reader.line_num}: there is no lab {lab!r} here")
                for each in [lab] if lab else labs:
                    found[(row["student"] or "").strip()][each] = moment
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read: {error}") from None
    return found


def _moment(text: str, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(f"{where}: {text!r} is no time: say 2027-03-01T23:59:00+01:00") from None
    if moment.tzinfo is None:
        raise BadInput(f"{where}: {text!r} has no offset from UTC: say {text.strip()}+00:00")
    return moment
