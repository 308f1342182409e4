"""What a ``status()`` may hold besides plain values: a log, which the picture draws as boxes."""

from collections.abc import Mapping, Sequence

ENTRIES_SHOWN = 40
"""The last entries of a log that are shown, at most."""


def shown_log(
    numbered_by: str, parts: Sequence[tuple[int, int]], last: int, committed: int
) -> Mapping[str, object]:
    """A log as a value of ``status()``.

    It is a declaration: a picture draws a log where a node says that there is one, and guesses
    nothing from the names of its fields.

    Args:
        numbered_by: what the protocol calls the number under which a leader writes its entries,
            such as ``term``.
        parts: each such number with the index of the first entry that was written under it, in
            order; what stood before the first one is not shown.
        last: the index of the last entry.
        committed: the index of the last entry that is known to be committed.
    """
    first = max(parts[0][1], last - ENTRIES_SHOWN + 1) if parts else last + 1
    shown = [
        [number, max(first, begins)]
        for place, (number, begins) in enumerate(parts, 1)
        if place == len(parts) or parts[place][1] > first
    ]
    return {"numbered_by": numbered_by, "parts": shown, "last": last, "committed": committed}
