"""What servers of the store say to each other, beside what every Raft says.

A server that is asked for something is itself a client of the cluster: it hands changes on to the
leader in batches, and asks the leader by probes how new its copy must be. Both are numbered, and
sent again until they are seen to have done their work. And a leader tells at once what is
committed.
"""

from common.contract import CommandBatch, message


@message
class Batch:
    """Changes, for the leader to put into the log: they are carried out once, and in this order.

    Nobody answers. The server that sent it is done when it has applied the batch itself.
    """

    number: int
    changes: CommandBatch


@message
class Probe:
    """How new has a copy to be, for reads that came before now?

    Attributes:
        number: names the probe among all of its server.
        renew: leases of which there was a sign of life.
        times: leases whose time is asked for.
    """

    number: int
    renew: tuple[int, ...]
    times: tuple[int, ...]


@message
class Probed:
    """The answer, of a server that still led after the probe had come.

    Attributes:
        number: the probe's.
        applied: how many commands the leader's store had applied. A server that has applied as many
            may answer the reads that wait for the probe.
        left: for the probe's leases, the seconds until each ends; 0 if its end is in the log. One
            of which the leader knows nothing is not there.
    """

    number: int
    applied: int
    left: tuple[tuple[int, int], ...]


@message
class Committed:
    """The leader of ``term`` has committed up to ``index``, where there is an entry of ``of_term``.

    A log with an entry of that index and term equals the leader's up to there (Log Matching,
    section 5.3), so the follower may commit it. Nobody answers, and nothing depends on it.
    """

    term: int
    index: int
    of_term: int
