"""The dashboard of ``lab run``: nodes, roles, rates, and faults by key.

Keys act on the node under the cursor. Where nodes have a leader, the cursor goes with it until the
person moves it, so that ``k`` kills the leader; on a node that is down or paused it stays, so that
the next key is for that one.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import ClassVar

from rich.markup import escape
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Footer, Header, RichLog, Static

from common.contract.events import NodeId
from common.course.verbs.session import Session, SessionOptions
from common.course.verbs.trouble import network, told, trouble_of
from common.runtime.control import Status
from common.runtime.member import State
from common.values.errors import LabError
from common.values.faults import Schedule, fault_to_plain
from common.values.units import MS
from common.worlds import Worlds

REFRESH_SECONDS = 0.5
SLOW = (100 * MS, 300 * MS)
LOSSY = 0.2
SHOWN_OPERATIONS = 3
PINNED = 4
"""So many faults stay in view, the last ones; what clients do streams below them."""

STATES = {
    State.NEW: "[dim]new[/]",
    State.UP: "[green]up[/]",
    State.PAUSED: "[yellow]paused[/]",
    State.DOWN: "[red]down[/]",
}
UNDONE_BY = {
    State.PAUSED: "is paused: p again resumes it",
    State.DOWN: "is down: r starts it again",
}
"""What a key does about a node in such a state."""


def show_dashboard(worlds: Worlds, options: SessionOptions, schedule: Schedule | None) -> Session:
    """Run a lab under the dashboard until the person quits; returns the finished session.

    Raises:
        LabError: the cluster could not start, or a client's code broke the contract.
    """
    app = Dashboard(worlds, options, schedule)
    app.run()
    if app.error is not None:
        raise app.error
    assert app.session is not None, "an app that ended without an error had a session"
    return app.session


class Dashboard(App[None]):
    """A terminal dashboard of one live run.

    Args:
        worlds: what to run.
        options: how.
        schedule: faults that happen by themselves, or None.
    """

    CSS = """
    #counts, #starting, #network, #faults { height: auto; padding: 0 1; }
    #network, #faults { display: none; }
    #network { color: $warning; text-style: bold; }
    #faults { border-top: solid $primary; }
    DataTable { height: auto; max-height: 60%; display: none; }
    RichLog { border-top: solid $primary; padding: 0 1; }
    """
    ENABLE_COMMAND_PALETTE = False  # its key would take the place of ours in a narrow terminal
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "kill", "kill"),
        Binding("r", "restart", "restart"),
        Binding("p", "pause", "pause"),
        Binding("x", "isolate", "cut off"),
        Binding("s", "slow", "slow"),
        Binding("l", "lossy", "lossy"),
        Binding("h", "heal", "heal"),
        Binding("q", "finish", "quit"),
    ]

    def __init__(self, worlds: Worlds, options: SessionOptions, schedule: Schedule | None) -> None:
        super().__init__()
        self.title = f"lab run {worlds.lab}"
        self.session: Session | None = None
        self.error: LabError | None = None
        self._worlds = worlds
        self._options = options
        self._schedule = schedule
        self._told = 0
        self._before: dict[NodeId, int] = {}
        self._placed: int | None = 0
        self._finish = asyncio.Event()

    def compose(self) -> ComposeResult:
        """Lay out: counts above, nodes in the middle, faults, and what clients do below."""
        yield Header(show_clock=False)
        yield Static("", id="counts")
        yield Static("starting ...", id="starting")
        yield DataTable(cursor_type="row")
        yield Static("", id="network")
        yield Static("", id="faults")
        yield RichLog(markup=True, max_lines=1_000)
        yield Footer()

    def on_mount(self) -> None:
        """Begin."""
        columns = ("node", "state", *self._worlds.columns, "steps/s", "sent", "dropped", "waiting")
        self.query_one(DataTable).add_columns(*columns)
        self._run_session()

    @work
    async def _run_session(self) -> None:
        """The whole run; ends the app when it ends."""
        try:
            self.session = session = Session(self._worlds, self._options)
            self.sub_title = session.variant.title
            self.query_one("#starting", Static).update(f"starting {', '.join(session.members)} ...")
            if session.hint:
                self.query_one(RichLog).write(escape(session.hint))
            async with session:
                for id in session.members:
                    columns = len(self.query_one(DataTable).columns)
                    self.query_one(DataTable).add_row(id, *[""] * (columns - 1), key=id)
                self.query_one("#starting").display = False
                self.query_one(DataTable).display = True
                self.query_one(DataTable).focus()
                self.refresh_bindings()
                trouble = asyncio.create_task(self._run_schedule(session))
                while not self._finish.is_set():
                    await self._refresh(session)
                    await self._wait_a_moment()
                trouble.cancel()
                await session.drain()
        except LabError as error:
            self.error = error
            if self.session is not None:
                self.session.close()
        self.exit()

    async def _wait_a_moment(self) -> None:
        try:
            async with asyncio.timeout(REFRESH_SECONDS):
                await self._finish.wait()
        except TimeoutError:
            pass

    async def _run_schedule(self, session: Session) -> None:
        if self._schedule is not None:
            for fault in self._schedule:
                self._say(f"planned: {escape(str(fault_to_plain(fault)))}")
            await session.settle()
            await session.cluster.run_schedule(self._schedule)

    async def _refresh(self, session: Session) -> None:
        counts = "   ".join(f"{name} [bold]{n:,}[/]" for name, n in session.tally().items())
        self.query_one("#counts", Static).update(counts)
        statuses = await session.cluster.status()
        table = self.query_one(DataTable)
        for row, id in enumerate(session.members):
            cells = self._cells(session.cluster.members[id].state, id, statuses[id])
            for column, cell in enumerate(cells, 1):
                table.update_cell_at((row, column), cell, update_width=True)  # type: ignore[arg-type]
        self._show_trouble(session)
        self._go_with_leader(session, statuses)
        ended = [one for one in session.cluster.history if one.returned_at is not None]
        for operation in ended[self._told :][-SHOWN_OPERATIONS:]:
            self._say(f"[dim]{escape(str(operation))}[/]")
        self._told = len(ended)
        session.check_failures()

    def _show_trouble(self, session: Session) -> None:
        """Draw the partition, say which key undoes what, and keep the last faults in view."""
        cluster = session.cluster
        cut = network(cluster.standing)
        lines = [f"network cut: {escape(cut)}   (h heals)"] if cut else []
        for id, member in cluster.members.items():
            if member.state in UNDONE_BY:
                lines.append(f"{id} {UNDONE_BY[member.state]}")
        happened = told(list(cluster.standing.happened)[-PINNED:])
        for name, shown in (("#network", lines), ("#faults", happened)):
            self.query_one(name).display = bool(shown)
            self.query_one(name, Static).update("\n".join(map(str, shown)))

    def _go_with_leader(self, session: Session, statuses: Mapping[NodeId, Status | None]) -> None:
        """Put the cursor on the node that leads in the highest term, unless it is wanted here."""
        table = self.query_one(DataTable)
        is_up = session.cluster.members[self._chosen()].state is State.UP
        leading = {
            term if isinstance(term := status.fields.get("term"), int) else 0: row
            for row, id in enumerate(session.members)
            if (status := statuses[id]) is not None and status.fields.get("role") == "leader"
        }
        if leading and is_up and table.cursor_row == self._placed:
            row = self._placed = leading[max(leading)]
            table.move_cursor(row=row)

    def _cells(self, state: State, id: NodeId, status: Status | None) -> list[str]:
        assert self.session is not None, "its nodes are shown"
        trouble = ", ".join(trouble_of(id, self.session.cluster.standing))
        shown = f"[yellow]{trouble}[/]" if trouble and state is State.UP else STATES[state]
        if status is None:
            self._before.pop(id, None)
            return [shown, *[""] * (len(self._worlds.columns) + 4)]
        fields = [str(status.fields.get(name, "")) for name in self._worlds.columns]
        steps = status.counters.get("steps", 0)
        rate = (steps - self._before.get(id, steps)) / REFRESH_SECONDS
        self._before[id] = steps
        sent, dropped = (status.counters[name] for name in ("messages_sent", "messages_dropped"))
        waiting = sum(status.queues.values())
        return [shown, *fields, f"{rate:.0f}", str(sent), str(dropped), str(waiting)]

    def _say(self, text: str) -> None:
        self.query_one(RichLog).write(text)

    def _chosen(self) -> NodeId:
        assert self.session is not None, "keys work once the session runs"
        return self.session.members[self.query_one(DataTable).cursor_row]

    def _kept(self) -> NodeId:
        """The chosen node; the cursor stays there, for the next key is about the same one."""
        self._placed = None
        return self._chosen()

    async def _do(self, what: Awaitable[None]) -> None:
        try:
            await what
        except LabError as error:
            self._say(f"[red]{escape(str(error))}[/]")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that need nodes do nothing until there are some."""
        del parameters
        needs_nodes = action in ("kill", "restart", "pause", "isolate", "slow", "lossy", "heal")
        return not needs_nodes or (
            self.session is not None and bool(self.query_one(DataTable).rows)
        )

    async def action_kill(self) -> None:
        """SIGKILL the chosen node."""
        assert self.session is not None
        await self._do(self.session.cluster.kill(self._chosen()))

    async def action_restart(self) -> None:
        """Start the chosen node again."""
        assert self.session is not None
        await self._do(self.session.cluster.restart(self._chosen()))

    async def action_pause(self) -> None:
        """SIGSTOP the chosen node, or SIGCONT."""
        assert self.session is not None
        id, cluster = self._kept(), self.session.cluster
        paused = cluster.members[id].state is State.PAUSED
        await self._do(cluster.resume(id) if paused else cluster.pause(id))

    async def action_isolate(self) -> None:
        """Cut the chosen node, and the client of its number, off from all others."""
        assert self.session is not None
        id, cluster = self._kept(), self.session.cluster
        everybody = (*cluster.members, *cluster.clients)
        near = tuple(one for one in everybody if one in (id, f"c{id[1:]}"))
        far = tuple(one for one in everybody if one not in near)
        await self._do(cluster.partition(near, far))

    async def action_slow(self) -> None:
        """Slow down everything that the chosen node sends."""
        assert self.session is not None
        await self._do(self.session.cluster.link(self._kept(), latency=SLOW))

    async def action_lossy(self) -> None:
        """Lose a part of what the chosen node sends."""
        assert self.session is not None
        await self._do(self.session.cluster.link(self._kept(), loss=LOSSY))

    async def action_heal(self) -> None:
        """End partitions, and make all links good again."""
        assert self.session is not None
        cluster = self.session.cluster
        await self._do(cluster.heal())
        await self._do(
            cluster.link(latency=(0, 0), loss=0.0, duplicate=0.0, reorder=0.0, bandwidth=0)
        )

    def action_finish(self) -> None:
        """End the run; the verdicts come afterwards."""
        self._finish.set()
