"""The lab ``mapreduce``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest

if TYPE_CHECKING:
    from stage6_compute.mapreduce import words


class MapreduceLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage6_compute.mapreduce.client import JobClient
        from stage6_compute.mapreduce.coordinator import Tick
        from stage6_compute.mapreduce.inmemory import Fetch, FetchAgain, Fetched, Worked
        from stage6_compute.mapreduce.machine import Machine, NextOrder, Published, Reported
        from stage6_compute.mapreduce.messages import (
            Assign,
            Cancel,
            Compute,
            Done,
            Drop,
            Execute,
            Finished,
            Gone,
            Job,
            JobResult,
            Ping,
            Pong,
            Progress,
            Publish,
            Refused,
            Report,
            Running,
            Settled,
            Source,
            Split,
            Stop,
            Submit,
            Task,
            TaskFailed,
            Unreachable,
            Work,
        )
        from stage6_compute.mapreduce.roll import Roll
        from stage6_compute.mapreduce.words import BadRecord

        count_words = staticmethod(words.count_words)
        part_of = staticmethod(words.part_of)
        run_map = staticmethod(words.run_map)
        run_reduce = staticmethod(words.run_reduce)
        sequential = staticmethod(words.sequential)
