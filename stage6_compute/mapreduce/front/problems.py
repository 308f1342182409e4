"""What can go wrong with a task, in sentences."""

import errno
from pathlib import Path
from typing import Any

MOST_SHOWN = 200
"""So many characters of a record are shown at most."""


class TaskFailed(Exception):
    """A task cannot be done; the text says why.

    Args:
        why: one sentence.
        record: the number of the record in its split at which it failed, if that is known.
    """

    def __init__(self, why: str, record: int | None = None) -> None:
        super().__init__(why)
        self.record = record


class PieceLost(Exception):
    """The output of a map cannot be had from where it should be, or is damaged."""


class TimedOut(BaseException):
    """A job's function does not come back. No ``except Exception`` in it should catch this."""


def shown(value: Any) -> str:
    """A record, a key or a value as people see it in an error."""
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}... ({len(text)} characters)"


def raised(function: str, error: BaseException, path: str) -> str:
    """What a job's function did: which exception, in which line of the job's file."""
    if isinstance(error, TimedOut):
        what = f"{function} did not end within {error}"
    else:
        what = f"{function} raised {type(error).__name__}: {error}"
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{what} (line {line} of {Path(path).name})" if line else what


def disk_problem(error: OSError, path: str) -> str:
    """Why a file cannot be written or read."""
    if error.errno == errno.ENOSPC:
        return f"the disk is full: {path} could not be written: free some space, then run it again"
    return f"{error.filename or path} cannot be used: {error.strerror or error}"
