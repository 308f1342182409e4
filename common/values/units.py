"""Units of virtual and real time.

Time in this course is always an integer number of microseconds: integers add up the same on every
machine, floats do not. Write ``150 * MS``, never ``0.15``.
"""

US = 1
"""One microsecond, the unit of every time and every duration."""

MS = 1_000 * US
"""One millisecond in microseconds."""

SECOND = 1_000 * MS
"""One second in microseconds."""


def show_time(time_us: int) -> str:
    """Write a time or a duration the way a person reads it.

    Args:
        time_us: microseconds, may be negative.

    Returns:
        The value in the largest unit that keeps it at 1 or more, such as ``"1.5 s"``, ``"20 ms"``.
    """
    for unit, name in ((SECOND, "s"), (MS, "ms")):
        if abs(time_us) >= unit:
            return f"{time_us / unit:.3f}".rstrip("0").rstrip(".") + f" {name}"
    return f"{time_us} µs"
