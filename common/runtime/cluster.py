"""The launcher: a cluster of real processes, its clients, and what goes wrong with them.

    async with Cluster(spec) as cluster:
        client = cluster.client(Caller, "c1")
        outcome = await client.call(Say("hello"))
        await cluster.kill("n1")

Nothing outlives the launcher: nodes end when their control channel does, whatever ends it.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.codec import JsonCodec
from common.contract.calls import describe
from common.contract.events import CallId, NodeId
from common.contract.node import Node
from common.contract.schema import Schema
from common.runtime import control
from common.runtime.carrier import Address
from common.runtime.client import PATIENCE, Client
from common.runtime.clock import Clock
from common.runtime.config import NodeConfig, make_node, name_class
from common.runtime.handshake import Identity
from common.runtime.lying import check_liars
from common.runtime.macs import MacKeys
from common.runtime.member import Member, NodeFailed, State
from common.runtime.resident import Resident
from common.runtime.signatures import Keys, keys_of
from common.runtime.spec import LAUNCHER_TRACE, ClusterSpec, prepare
from common.runtime.standing import StandingFaults, concerns
from common.runtime.trace_file import TraceFile
from common.runtime.wire import MAX_LIVES, MAX_NODES
from common.trace.format import Meta, Trace
from common.trace.merge import merge
from common.trace.reader import read_all
from common.trace.recorder import Recorder, open_trace
from common.values import faults
from common.values.errors import BadInput
from common.values.faults import Fault, Schedule, fault_to_plain
from common.values.history import Failed, History, Ok, Outcome, Unknown
from common.values.units import SECOND, show_time

STOP_SECONDS = 3.0
"""How long a node may take to end in good order."""


class Cluster:
    """A live cluster. Use it as an asynchronous context manager, or ``start`` and ``stop`` it.

    Args:
        spec: what to launch.
        on_failure: told when a node's process ends by itself, with the sentence that says why.

    Attributes:
        history: what clients asked and were told.
        clock: microseconds since the cluster was made.
        members: the node processes by name.
        clients: by name.
        failures: why nodes ended by themselves, by name.
        standing: the faults of which something is left, and the last ones that happened.
    """

    def __init__(
        self, spec: ClusterSpec, on_failure: Callable[[NodeId, NodeFailed], None] | None = None
    ) -> None:
        if not 0 < len(set(spec.members)) == len(spec.members) < MAX_NODES:
            raise BadInput(f"a cluster has 1 to {MAX_NODES - 1} members with different names")
        self.spec = spec
        self.history = History()
        self.clock = Clock.starting_now()
        self.members = {
            id: Member(id, self._member_returned, self._member_failed) for id in spec.members
        }
        self.clients: dict[NodeId, Client] = {}
        self.failures: dict[NodeId, NodeFailed] = {}
        self._on_failure = on_failure
        self._name = f"{spec.lab}-{secrets.token_hex(4)}"
        self._secret = secrets.token_bytes(32)
        self._class = spec.node
        self._schema = Schema.of(self._class)
        self._codec = JsonCodec(self._schema | Schema([Ok, Failed, Unknown]))
        signs = self._class.signs
        self._keys = keys_of(spec.directory, spec.authentication) if signs else None
        self._book: dict[NodeId, Address] = {}
        self.standing = StandingFaults()
        self._calls: dict[CallId, asyncio.Future[Outcome]] = {}
        self._last_call: CallId = 0
        self._client_index = len(spec.members)
        self._trace: TraceFile | None = None
        self._recorder: Recorder | None = None

    # Life.

    async def __aenter__(self) -> "Cluster":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start all members; when this returns, all listen and all have begun.

        Raises:
            LabError: a node could not start, for instance because its port is taken; all that
                were started are ended again.
        """
        prepare(self.spec)
        if self.spec.trace:
            self._trace = TraceFile(self.spec.directory / LAUNCHER_TRACE)
            started = datetime.now(UTC).isoformat(timespec="seconds")
            meta = Meta(self.spec.lab, self.spec.members, world="sockets", started=started)
            self._recorder = Recorder(self._trace.write, meta, nodes=[self._class], clocks=False)
        if self._keys is not None:
            for id in self.members:
                self._keys.add(id)
        try:
            ports = await asyncio.gather(*(self._spawn(id) for id in self.members))
        except BaseException:
            await self.stop()
            raise
        for id, port in zip(self.members, ports, strict=True):
            self._book[id] = (self.spec.host, port)
        for id in self.members:
            self._begin(id)

    async def stop(self) -> None:
        """End everything: clients, then members, by force where need be. May be called twice."""
        try:
            await asyncio.gather(*(client.close() for client in self.clients.values()))
            await asyncio.gather(*(member.stop(STOP_SECONDS) for member in self.members.values()))
        finally:
            if self._trace is not None:
                self._trace.close()

    async def _spawn(self, id: NodeId) -> int:
        member, spec = self.members[id], self.spec
        life = member.life + 1
        if life >= MAX_LIVES:
            raise BadInput(f"{id} has had {life} lives in this run, which is the limit")
        config = NodeConfig(
            lab=spec.lab,
            cluster=self._name,
            secret=self._secret.hex(),
            node=id,
            index=list(self.members).index(id),
            life=life,
            members=spec.members,
            node_class=name_class(self._class),
            directory=str(spec.directory / id),
            epoch_ns=self.clock.epoch_ns,
            host=spec.host,
            port=spec.ports.get(id, 0),
            codec=spec.codec,
            datagrams=spec.transport == "udp",
            config=dict(spec.config),
            trace=spec.trace,
            seed=spec.seed,
            facade=spec.facade,
            facade_config=dict(spec.facade_config),
            signing_key="" if self._keys is None else self._keys.own(id).hex(),
            public_keys={} if self._keys is None else self._keys.told_to(id),
            authentication=spec.authentication,
            files=dict(spec.files),
            worlds=spec.worlds,
        )
        path = spec.directory / id / "config.json"
        config.write(path)
        return await member.spawn(path, spec.directory / id / "node.log")

    def _begin(self, id: NodeId) -> None:
        standing = [fault_to_plain(fault) for fault in self.standing.of(id)]
        self.members[id].tell(control.Begin(self._book, standing))

    # Clients.

    def client(self, node: type[Node], id: NodeId, **config: Any) -> Client:
        """Make a client of this cluster in the launcher's own process; its peers are all members.

        What it saves is kept beside the members' data, as theirs is.

        Args:
            node: the client's class.
            id: its name.
            config: keyword arguments of the class.
        """
        if id in self.members or id in self.clients:
            raise BadInput(f"the name {id!r} is taken: each client needs one of its own")
        if self._client_index >= MAX_NODES:
            raise BadInput(f"a cluster has at most {MAX_NODES} members and clients")
        index, self._client_index = self._client_index, self._client_index + 1
        (directory := self.spec.directory / id).mkdir(exist_ok=True)
        made = make_node(node, id, self.spec.members, **config)
        if self._keys is not None:
            self._introduce(made, self._keys)
        resident = Resident(
            made,
            Identity(self._name, id, self._secret),
            directory,
            clock=self.clock.another(),
            seed=f"{self.spec.seed}/{id}/0",
            place=(index, 0),
            servers=self._schema,
            observer=self._recorder,
            codec=self.spec.codec,
        )
        self.clients[id] = Client(resident, self.clock, self.history, self._recorder)
        resident.begin(self._book, self.standing.of(id))
        return self.clients[id]

    def _introduce(self, client: Node, keys: Keys | MacKeys) -> None:
        """Give a client its keys, and tell its public one to the members."""
        keys.add(client.id)
        client.sign_by(keys.signer(client.id))
        for id, member in self.members.items():
            member.tell(control.Trust({client.id: keys.told_to(id)[client.id]}))

    async def invoke(self, id: NodeId, operation: object, timeout: int = PATIENCE) -> Outcome:
        """Let an operation happen to a member itself, and wait for its outcome.

        Nothing of it is written into the history: that is the clients'.
        """
        self._last_call += 1
        call = self._last_call
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._calls[call] = answer
        self._member(id).tell(control.DoInvoke(call, self._codec.encode(operation).decode()))
        try:
            async with asyncio.timeout(timeout / SECOND):
                return await answer
        except TimeoutError:
            return Unknown(f"no answer within {show_time(timeout)}")
        finally:
            del self._calls[call]

    async def ask(self, id: NodeId, operation: object, timeout: int = PATIENCE) -> Outcome:
        """Let a client ask, or a person at a member itself; the history tells of it.

        Raises:
            LabError: the client's own code broke the contract.
        """
        if id in self.clients:
            return await self.clients[id].call(operation, timeout)
        function, key, argument = describe(operation)
        written = self.history.invoke(id, function, key, argument, self.clock.world())
        if self._recorder is not None:
            self._recorder.called(self.clock.world(), id, written)
        outcome: Outcome = Unknown("the caller was interrupted")
        try:
            outcome = await self.invoke(id, operation, timeout)
        finally:
            self.history.finish(written, outcome, self.clock.world())
            if self._recorder is not None:
                self._recorder.returned(self.clock.world(), id, written)
        return outcome

    # Faults.

    async def apply(self, fault: Fault) -> None:
        """Let a fault happen now, whatever its own time says.

        Raises:
            BadInput: it names a node that is not there, or only the simulator has its kind.
        """
        Schedule((fault,)).check_nodes((*self.members, *self.clients))
        check_liars((fault,), self.members, self.spec.worlds)
        self.standing.happened.append(replace(fault, at=self.clock.world()))
        if self._recorder is not None:
            self._recorder.failed(self.clock.world(), fault)
        match fault:
            case faults.Crash(_, node):
                await self._member(node).kill()
            case faults.Restart(_, node):
                await self._restart(node)
            case faults.Pause(_, node):
                self._member(node).pause()
            case faults.Resume(_, node):
                self._member(node).resume()
            case _:
                self._spread(fault)

    async def run_schedule(self, schedule: Schedule) -> None:
        """Let the faults of a schedule happen at their times, counted from now.

        Raises:
            BadInput: it names a node that is not there, or wants what only the simulator can do;
                nothing has happened then.
        """
        schedule.check_nodes((*self.members, *self.clients))
        check_liars(schedule, self.members, self.spec.worlds)
        begun = self.clock.world()
        for fault in schedule:
            await asyncio.sleep(max(0, begun + fault.at - self.clock.world()) / SECOND)
            await self.apply(fault)

    async def kill(self, id: NodeId) -> None:
        """SIGKILL a member; when this returns, its process is gone."""
        await self.apply(faults.Crash(self.clock.world(), id))

    async def restart(self, id: NodeId) -> None:
        """Start a dead member anew; when this returns, it listens and has begun."""
        await self.apply(faults.Restart(self.clock.world(), id))

    async def pause(self, id: NodeId) -> None:
        """SIGSTOP a member: it keeps its state and its connections, and does nothing."""
        await self.apply(faults.Pause(self.clock.world(), id))

    async def resume(self, id: NodeId) -> None:
        """SIGCONT: a paused member goes on."""
        await self.apply(faults.Resume(self.clock.world(), id))

    async def partition(self, *groups: tuple[NodeId, ...]) -> None:
        """Let frames pass within a group only; who is in no group is alone, clients too."""
        await self.apply(faults.Partition(self.clock.world(), groups))

    async def block(self, source: NodeId, target: NodeId) -> None:
        """Lose what ``source`` sends to ``target``, and nothing else."""
        await self.apply(faults.Block(self.clock.world(), source, target))

    async def heal(self) -> None:
        """End all partitions and blocks."""
        await self.apply(faults.Heal(self.clock.world()))

    async def link(self, source: NodeId = "*", target: NodeId = "*", **parts: Any) -> None:
        """Change how links behave; the parts are those of :class:`common.values.faults.Link`."""
        await self.apply(faults.Link(self.clock.world(), source, target, **parts))

    def _spread(self, fault: Fault) -> None:
        """Tell everyone whom a fault concerns, and remember it for those who start later."""
        self.standing.add(fault)
        for id, member in self.members.items():
            if concerns(fault, id):
                member.tell(control.DoFault(fault_to_plain(fault)))
        for id, client in self.clients.items():
            if concerns(fault, id):
                client.resident.host.apply(fault)

    async def _restart(self, id: NodeId) -> None:
        member = self._member(id)
        if member.state is not State.DOWN:
            return
        await member.gone()
        self._book[id] = (self.spec.host, await self._spawn(id))
        self._begin(id)
        moved = {id: self._book[id]}
        for other in self.members.values():
            if other is not member:
                other.tell(control.Know(moved))
        for client in self.clients.values():
            client.resident.know(moved)

    # What there is to see.

    async def status(self) -> dict[NodeId, control.Status | None]:
        """How each member is; None for one that is down, paused, or does not answer."""
        asked = await asyncio.gather(*(member.status() for member in self.members.values()))
        return dict(zip(self.members, asked, strict=True))

    def collect_trace(self, path: Path) -> Trace:
        """Join what all processes have traced so far into one trace, and write it to ``path``.

        After :meth:`stop` that is everything; before, the last few milliseconds may be missing.

        Raises:
            BadInput: the cluster records no trace, or the file cannot be written.
        """
        if self._trace is None:
            raise BadInput("this cluster records no trace: make it with trace=True")
        self._trace.flush()
        paths = sorted(self.spec.directory.glob("*/trace-*.jsonl"))
        trace = merge(read_all([self.spec.directory / LAUNCHER_TRACE, *paths], torn_ok=True))
        trace.meta = replace(trace.meta, clients=tuple(self.clients))
        with open_trace(path) as file:
            file.writelines(trace.lines())
        return trace

    def _member(self, id: NodeId) -> Member:
        if id not in self.members:
            raise BadInput(f"{id!r} is no member of this cluster: it has {', '.join(self.members)}")
        return self.members[id]

    def _member_returned(self, returned: control.Returned) -> None:
        answer = self._calls.get(returned.call)
        if answer is not None and not answer.done():
            outcome = self._codec.decode(returned.outcome.encode())
            assert isinstance(outcome, Ok | Failed | Unknown), "nodes return outcomes"
            answer.set_result(outcome)

    def _member_failed(self, id: NodeId, error: NodeFailed) -> None:
        self.failures[id] = error
        if self._recorder is not None:
            self._recorder.noted(self.clock.world(), id, f"ended: {error}", {})
        if self._on_failure is not None:
            self._on_failure(id, error)
