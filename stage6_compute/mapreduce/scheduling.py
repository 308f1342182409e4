"""Which task is next: maps before reduces, near ones first, and a second try for the slow.

OSDI'04, sections 3.1, 3.4 and 3.6. These functions only look into the books of a job, and decide.
"""

from collections.abc import Sequence

from common.contract import NodeId
from stage6_compute.mapreduce.books import Books
from stage6_compute.mapreduce.messages import Task


def next_task(books: Books, worker: NodeId, now: int) -> Task | None:
    """The task of a job that ``worker``, which is free, should work on; None for none.

    An idle task of the phase, if there is one: the first, unless some are nearer to workers than
    others, then :func:`nearest` says which. If none is idle, the phase is close to its end, and a
    slow task gets a second attempt: :func:`slowest` says which, if the rules allow backups.
    """
    todo = [task for task in books.tasks(books.phase()) if not books.is_completed(task)]
    idle = [task for task in todo if not books.at_work(task)]
    if idle:
        somewhere = any(books.hosts(task) for task in idle)
        return nearest(books, idle, worker, now) if somewhere else idle[0]
    if books.rules.backup_after is None:
        return None
    return slowest(books, todo, worker, now, books.rules.backup_after)


def nearest(books: Books, idle: Sequence[Task], worker: NodeId, now: int) -> Task | None:
    """The first idle task whose input is at ``worker``; else the first that need not wait.

    (Section 3.4, and Zaharia and others 2010, "Delay scheduling".) A map whose input is at some
    workers waits for one of them, which may soon be free, until it was idle for ``locality_wait``.
    Other tasks do not wait, for no worker is nearer to them than others.
    """
    for task in idle:
        if worker in books.hosts(task):
            return task
    for task in idle:
        waited = now - books.idle_since.get(task, books.since)
        if not books.hosts(task) or waited >= books.rules.locality_wait:
            return task
    return None


def slowest(
    books: Books, todo: Sequence[Task], worker: NodeId, now: int, least: int
) -> Task | None:
    """The task to which ``worker`` should be the backup (section 3.6); None for none.

    The slow one of the tasks with one attempt, at another worker: the one that began first. Slow
    is an attempt that has taken ``least`` microseconds, and ``slow`` times as long as half of the
    completed tasks of this phase took. While none is completed, nobody can say.
    """
    took = sorted(books.took[books.phase()])
    if not took:
        return None
    enough = max(least, books.rules.slow * took[len(took) // 2])
    alone = [at_work[0] for task in todo if len(at_work := books.at_work(task)) == 1]
    slow = [each for each in alone if each.worker != worker and now - each.begun >= enough]
    return min(slow, key=lambda each: each.begun).task if slow else None
