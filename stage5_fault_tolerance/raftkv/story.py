"""What ``make run`` shows: five servers, their leader killed while clients write, and then all.

It is also an example of how a program of your own starts a cluster, asks it, breaks it, and judges
what it said (:mod:`common.runtime.cluster`).
"""

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

from common.check.verdict import weighed
from common.contract import NodeId
from common.runtime.client import Client
from common.runtime.cluster import Cluster
from common.runtime.spec import ClusterSpec
from common.trace.format import Trace
from common.values.errors import LabError
from common.values.history import Ok, Unknown
from common.values.report import Report
from common.values.units import SECOND
from stage5_fault_tolerance.raftkv.checks import linearizable
from stage5_fault_tolerance.raftkv.client import KeyValueClient
from stage5_fault_tolerance.raftkv.commands import Append, Get
from stage5_fault_tolerance.raftkv.server import RaftKeyValue

MEMBERS = ("n1", "n2", "n3", "n4", "n5")
CLIENTS = ("c1", "c2", "c3", "c4")
KEYS = ("a", "b", "c", "d", "e", "f", "g", "h")

THINK_SECONDS = (0.01, 0.05)
"""Least and greatest pause of a client between two questions; the picture has to stay readable."""

WORK_SECONDS = 1.2
"""How long clients work undisturbed between two faults."""

LOOK_SECONDS = 0.02
"""How often the servers are asked how they are, while that matters."""

PATIENCE_SECONDS = 30.0
"""After so long without a leader the story ends with an error; it takes half a second as a rule."""

Say = Callable[[str], None]
"""Takes what happens, one line at a time, as it happens."""

INTRODUCTION = (
    "Five servers keep one key-value store: by Raft they agree on the order of all writes. Each is "
    "a process with a disk of its own. Four clients append to eight keys, and read them."
)
WHAT_TO_SEE = (
    "It opens where the leader is killed. Press space: what clients ask it is lost (red), another "
    "server asks for votes, wins, and answers go on."
)


async def tell(say: Say, seed: int = 7) -> Report:
    """Play the story on real processes; returns the verdicts and the picture.

    Args:
        say: takes what happens.
        seed: of what the clients ask for; when things happen is up to the machine.

    Raises:
        LabError: a server could not start, or nobody leads for half a minute.
    """
    say(INTRODUCTION)
    with tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True) as directory:
        spec = ClusterSpec(
            lab="raftkv",
            node=RaftKeyValue,
            members=MEMBERS,
            directory=Path(directory),
            config={"snapshot_every": 300},
        )
        cluster = Cluster(spec)
        story = Story(cluster, say, seed)
        async with cluster:
            await story.play()
        return story.report(cluster.collect_trace(Path(directory) / "trace.jsonl"))


class Story:
    """What is done to the cluster, and what is known of it meanwhile.

    Args:
        cluster: not started yet.
        say: takes what happens.
        seed: of what the clients ask for.
    """

    def __init__(self, cluster: Cluster, say: Say, seed: int) -> None:
        self.cluster = cluster
        self.promised: dict[str, list[str]] = defaultdict(list)
        """By key, the texts whose appending was acknowledged."""
        self.doubtful: dict[str, list[str]] = defaultdict(list)
        """By key, the texts of which nobody can say whether they were appended."""
        self.found: dict[str, str] = {}
        """By key, what is there in the end."""
        self._say = say
        self._seed = seed
        self._acknowledged_at = 0
        self._over = False

    async def play(self) -> None:
        """The whole story; the cluster has started."""
        clients = [self.cluster.client(KeyValueClient, id) for id in CLIENTS]
        leader = await self._leader()
        self._moment(f"{leader} leads; the clients begin")
        work = [asyncio.create_task(self._work(client)) for client in clients]
        try:
            await asyncio.sleep(WORK_SECONDS)
            await self._kill_leader()
            await asyncio.sleep(WORK_SECONDS)
            await self._kill_all()
            await asyncio.sleep(WORK_SECONDS)
            self._over = True
            await asyncio.gather(*work)
        finally:
            for each in work:
                each.cancel()
        await self._read_all()

    async def _work(self, client: Client) -> None:
        """One client: append or read, think, and again."""
        random = Random(f"{self._seed}/{client.id}")
        number = 0
        while not self._over:
            key, number = random.choice(KEYS), number + 1
            if random.random() < 0.5:
                await client.call(Get(key))
            else:
                await self._append(client, key, f"{client.id}.{number};")
            await asyncio.sleep(random.uniform(*THINK_SECONDS))

    async def _append(self, client: Client, key: str, text: str) -> None:
        match await client.call(Append(key, text)):
            case Ok():
                self.promised[key].append(text)
                self._acknowledged_at = self.cluster.clock.world()
            case Unknown():
                self.doubtful[key].append(text)

    async def _kill_leader(self) -> None:
        """SIGKILL who leads, wait for another leader, and start the dead one again."""
        leader = await self._leader()
        had = await self._known(leader, "last")
        self._moment(f"SIGKILL {leader}, which leads; {self._count()} writes are acknowledged")
        killed_at = self.cluster.clock.world()
        await self.cluster.kill(leader)
        silence = await self._next_acknowledgement(killed_at)
        self._moment(f"{await self._leader()} leads; no write was answered for {silence:.2f} s")
        await asyncio.sleep(WORK_SECONDS / 2)
        await self.cluster.restart(leader)
        wanted = await self._known(await self._leader(), "commit")

        async def caught_up() -> bool:
            return await self._known(leader, "applied") >= wanted

        await self._until(caught_up, f"{leader} does not catch up")
        self._moment(f"{leader} is back, and has caught up on the {wanted - had} entries it missed")

    async def _kill_all(self) -> None:
        """SIGKILL everybody at once: what is left is what is on the disks."""
        self._moment(f"SIGKILL all five at once; {self._count()} writes are acknowledged")
        killed_at = self.cluster.clock.world()
        await asyncio.gather(*(self.cluster.kill(id) for id in MEMBERS))
        await asyncio.gather(*(self.cluster.restart(id) for id in MEMBERS))
        silence = await self._next_acknowledgement(killed_at)
        leader = await self._leader()
        self._moment(f"all are back from their disks, {leader} leads; silence for {silence:.2f} s")

    async def _read_all(self) -> None:
        """Somebody new reads every key."""
        reader = self.cluster.client(KeyValueClient, "reader")
        for key in KEYS:
            outcome = await reader.call(Get(key), timeout=int(PATIENCE_SECONDS * SECOND))
            if not isinstance(outcome, Ok):
                raise LabError(f"the store does not answer: {outcome}")
            self.found[key] = str(outcome.value or "")
        self._moment("the clients stop; a new one reads all that is there")

    def report(self, trace: Trace) -> Report:
        """The verdicts, and the picture at the moment when the leader was killed."""
        report = Report("Five servers, one store: what was acknowledged stays")
        result, sentence = self.nothing_lost()
        report.judged("no write is lost", result, sentence)
        verdict = weighed(linearizable(self.cluster.history), self.cluster.history)
        report.judged("what clients were told", verdict.answer.value, verdict.sentence)
        kinds = [event["kind"] for event in trace.events]
        report.trace("store", WHAT_TO_SEE, "".join(trace.lines()), kinds.index("crash") + 1)
        return report

    def nothing_lost(self) -> tuple[str, str]:
        """Whether each acknowledged text is there once, and no other more than once."""
        for key in KEYS:
            there = [f"{text};" for text in self.found[key].split(";")[:-1]]
            for text in (*self.promised[key], *self.doubtful[key]):
                least = 1 if text in self.promised[key] else 0
                if not least <= there.count(text) <= 1:
                    said = "was acknowledged" if least else "got no answer"
                    return "no", f"{text} {said}, and is {there.count(text)} times in {key}"
        if not self._count():
            return "unknown", "This shows nothing: no append was acknowledged."
        sentence = f"all {self._count()} acknowledged appends are there, each once"
        if doubtful := sum(map(len, self.doubtful.values())):
            sentence += f"; {doubtful} got no answer, and may be there or not"
        return "yes", sentence

    # What is going on.

    def _moment(self, text: str) -> None:
        self._say(f"{self.cluster.clock.world() / SECOND:5.1f} s  {text}")

    def _count(self) -> int:
        return sum(map(len, self.promised.values()))

    async def _next_acknowledgement(self, since: int) -> float:
        """Wait for a write to be acknowledged after a time; returns how many seconds later."""

        async def acknowledged() -> bool:
            return self._acknowledged_at > since

        await self._until(acknowledged, "no write is acknowledged")
        return (self._acknowledged_at - since) / SECOND

    async def _leader(self) -> NodeId:
        """Who leads in the highest term; waits until somebody does."""
        leading: dict[int, NodeId] = {}

        async def somebody_leads() -> bool:
            for id, status in (await self.cluster.status()).items():
                if status is not None and status.fields["role"] == "leader":
                    leading[int(str(status.fields["term"]))] = id
            return bool(leading)

        await self._until(somebody_leads, "no server leads")
        return leading[max(leading)]

    async def _until(self, holds: Callable[[], Awaitable[bool]], otherwise: str) -> None:
        """Wait until something holds.

        Raises:
            LabError: it does not for too long, or a server ended by itself.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await holds():
                    for failure in self.cluster.failures.values():
                        raise failure
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise LabError(
                f"{otherwise} after {PATIENCE_SECONDS:g} s: this machine may be too busy"
            ) from None

    async def _known(self, id: NodeId, field: str) -> int:
        """A number of a server's status; -1 while it does not answer."""
        status = (await self.cluster.status())[id]
        return -1 if status is None else int(str(status.fields[field]))
