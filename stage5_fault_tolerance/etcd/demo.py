"""The demonstration of the lab ``etcd``: a lock that its holder loses without noticing.

Alice takes a lock and keeps it through the death of a leader; then she falls silent. Her lease
ends, Bob's watch tells him, and he takes the lock. When Alice wakes up, she still believes that it
is hers. What she writes then is lost for Bob, or refused, depending on what she asks for.
"""

from typing import Any

from common.check.verdict import Answer, Verdict
from common.contract import NodeId
from common.sim import LinkModel
from common.values.faults import Crash, Restart
from common.values.history import Ok
from common.values.report import Report
from common.values.units import MS, SECOND, show_time
from common.worlds import Scene
from stage5_fault_tolerance.etcd.commands import (
    Changes,
    Compare,
    LeaseGrant,
    LeaseKeepAlive,
    Put,
    Range,
    Txn,
)
from stage5_fault_tolerance.etcd.results import KeyValue
from stage5_fault_tolerance.etcd.server import EtcdServer

SERVERS = ("n1", "n2", "n3")
TTL = 2
"""Seconds that a lease lives without a sign of life."""
LOCK, REPORT = b"lock", b"report"
NETWORK = LinkModel(latency=(1 * MS, 5 * MS))


def demo(seed: int) -> Report:
    """Show who holds the lock when, what a watch tells, and what a guarded write is good for."""
    report = Report("A lock with a lease, and why a lock alone is not enough")
    report.say(
        f"Three servers. Alice asks one of them for a lease of {TTL} s and takes the lock with it; "
        "Bob finds it taken and watches. The leader is killed; Alice keeps her lease alive all the "
        "same. Then she falls silent, and does not know for how long."
    )
    story = Story(seed)
    story.tell()
    report.table("what happens", ("at", "who", "asks", "is told"), story.rows)
    report.say(
        "Each server, asked from revision 2 on, tells the same changes, though one of them was "
        "dead for a while:"
    )
    report.table("what a watch tells", ("revision", "change", *SERVERS), story.changes())
    for what, verdict in story.judge().items():
        story.scene.judged(what, verdict)
        report.judged(what, verdict.answer.value, verdict.sentence)
    story.scene.trace(report, "etcd-lock", "the leader is killed, then Alice falls silent")
    return report


class Story:
    """One run.

    Args:
        seed: of the simulation.

    Attributes:
        scene: where it happens.
        rows: what happened, for the table.
    """

    def __init__(self, seed: int) -> None:
        self.scene = Scene("etcd", dict.fromkeys(SERVERS, EtcdServer), seed=seed, link=NETWORK)
        self.rows: list[tuple[str, str, str, str]] = []
        self._heard: dict[NodeId, tuple[KeyValue, ...]] = {}
        self._blind = self._guarded = False

    def tell(self) -> None:
        """Let it all happen."""
        self._wait(SECOND)
        leader, alice_at, bob_at = self._roles()
        lease = self._ask(alice_at, LeaseGrant(TTL)).id
        mine = self._take_lock(alice_at, "Alice", lease)
        bob_lease = self._ask(bob_at, LeaseGrant(TTL)).id
        self._take_lock(bob_at, "Bob", bob_lease)
        seen = self._ask(bob_at, Range(LOCK)).revision
        watch = self.scene.call(bob_at, Changes(seen + 1))
        self._say("Bob", "watch the lock", "nothing yet")
        for round in range(3):
            self._wait(800 * MS)
            if round == 1:
                self.scene.inject(Crash(self.scene.now, leader))
                self._say("", f"SIGKILL for {leader}, the leader", "")
            self._keep_alive(alice_at, lease, "Alice")
            self._keep_alive(bob_at, bob_lease, "")
        self.scene.inject(Restart(self.scene.now, leader))
        self._say("Alice", "(falls silent)", "")
        while watch.returned_at is None:
            self._wait(500 * MS)
            self._keep_alive(bob_at, bob_lease, "")
        self._say("Bob", "(his watch)", f"the lock is gone, at {show_time(watch.returned_at)}")
        self._take_lock(bob_at, "Bob", bob_lease)
        self._ask(bob_at, Put(REPORT, b"by Bob"))
        self._say("Bob", "put report = by Bob", "done")
        self._alice_wakes(alice_at, mine)
        for server in SERVERS:
            told = self._ask(server, Changes(2))
            self._heard[server] = told.events

    def _alice_wakes(self, server: NodeId, mine: int) -> None:
        holds = Compare(LOCK, "create", "=", mine)
        write = Put(REPORT, b"by Alice")
        self._guarded = self._ask(server, Txn((holds,), (write,))).succeeded
        asked = f"txn: if the lock is still of revision {mine}, put report"
        self._say("Alice", asked, "done" if self._guarded else "refused")
        self._ask(server, write)
        self._blind = self._ask(server, Range(REPORT)).kvs[0].value == b"by Alice"
        self._say("Alice", "put report = by Alice", "done: Bob's is lost")

    def changes(self) -> list[tuple[str, ...]]:
        """A row for each change: its revision, what it was, and which servers told it."""
        rows = []
        for event in self._heard[SERVERS[0]]:
            what = "DELETE" if event.is_deletion() else "PUT"
            told = f"{what} {event.key.decode()} {event.value.decode()}".strip()
            marks = ("told" if event in self._heard[server] else "not told" for server in SERVERS)
            rows.append((str(event.mod_revision), told, *marks))
        return rows

    def judge(self) -> dict[str, Verdict]:
        """What is to be seen, by the name of the property."""
        revisions = [event.mod_revision for event in self._heard[SERVERS[0]]]
        same = len(set(self._heard.values())) == 1
        in_order = revisions == list(range(2, 2 + len(revisions)))
        return {
            "each server tells every change once, in order": _verdict(
                same and in_order, f"All three tell the revisions 2 to {revisions[-1]}."
            ),
            "who has lost the lock cannot write, if the write asks for the lock": _verdict(
                not self._guarded and self._blind,
                "The guarded write was refused; the blind one was carried out.",
            ),
        }

    # Helpers.

    def _roles(self) -> tuple[NodeId, NodeId, NodeId]:
        """The leader, and whom Alice and Bob ask."""
        servers: list[Any] = [self.scene.nodes[server] for server in SERVERS]
        leader = max(servers, key=lambda server: bool(server.status()["role"] == "leader")).id
        alice, bob = (server for server in SERVERS if server != leader)
        return leader, alice, bob

    def _take_lock(self, server: NodeId, who: str, lease: int) -> int:
        """Take the lock if nobody has it; returns the revision."""
        free = Compare(LOCK, "create", "=", 0)
        put = Put(LOCK, who.encode(), lease)
        told = self._ask(server, Txn((free,), (put,), (Range(LOCK),)))
        answer = f"it is hers, since revision {told.revision}"
        if not told.succeeded:
            answer = f"no: {told.results[0].kvs[0].value.decode()} has it"
        elif who == "Bob":
            answer = f"it is his, since revision {told.revision}"
        self._say(who, f"txn: if nobody has the lock, put lock = {who}", answer)
        return int(told.revision)

    def _keep_alive(self, server: NodeId, lease: int, who: str) -> None:
        told = self._ask(server, LeaseKeepAlive(lease))
        if who:
            self._say(who, "a sign of life", f"{told.ttl} s to live")

    def _ask(self, server: NodeId, operation: object) -> Any:
        """Ask until it is answered; each try is short work when nothing fails."""
        asked = self.scene.ask(server, operation)
        assert isinstance(asked.outcome, Ok), f"{asked}: a majority is up all the time"
        return asked.outcome.value

    def _wait(self, time: int) -> None:
        self.scene.run(self.scene.now + time)

    def _say(self, who: str, what: str, told: str) -> None:
        self.rows.append((show_time(self.scene.now // MS * MS), who, what, told))


def _verdict(holds: bool, sentence: str) -> Verdict:
    return Verdict(Answer.YES if holds else Answer.NO, sentence)
