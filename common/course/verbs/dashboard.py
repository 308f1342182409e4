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
from textual.containers import Horizontal
from textual.widgets import DataTable, Digits, Footer, Header, Label, RichLog

from common.contract.events import NodeId
from common.course.verbs.session import Session, SessionOptions
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

STATES = {
    State.NEW: "[dim]new[/]",
    State.UP: "[green]up[/]",
    State.PAUSED: "[yellow]paused[/]",
    State.DOWN: "[red]down[/]",
}


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
    #counts { height: 5; padding: 0 1; }
    #counts Label { width: 12; padding: 1 0; }
    #counts Digits { width: 18; }
    DataTable { height: auto; max-height: 60%; }
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
        self._placed = 0
        self._finish = asyncio.Event()

    def compose(self) -> ComposeResult:
        """Lay out: counts above, nodes in the middle, what happens below."""
        yield Header(show_clock=False)
        with Horizontal(id="counts"):
            for name in ("ok", "failed", "unknown"):
                yield Label(name)
                yield Digits("0", id=name)
        yield DataTable(cursor_type="row")
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
            if session.hint:
                self.query_one(RichLog).write(escape(session.hint))
            async with session:
                for id in session.members:
                    columns = len(self.query_one(DataTable).columns)
                    self.query_one(DataTable).add_row(id, *[""] * (columns - 1), key=id)
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
            await session.cluster.run_schedule(self._schedule)

    async def _refresh(self, session: Session) -> None:
        for name, count in session.tally().items():
            self.query_one(f"#{name}", Digits).update(str(count))
        statuses = await session.cluster.status()
        table = self.query_one(DataTable)
        for row, id in enumerate(session.members):
            cells = self._cells(session.cluster.members[id].state, id, statuses[id])
            for column, cell in enumerate(cells, 1):
                table.update_cell_at((row, column), cell, update_width=True)  # type: ignore[arg-type]
        self._go_with_leader(session, statuses)
        ended = [one for one in session.cluster.history if one.returned_at is not None]
        for operation in ended[self._told :][-SHOWN_OPERATIONS:]:
            self._say(f"[dim]{escape(str(operation))}[/]")
        self._told = len(ended)
        for failure in session.cluster.failures.values():
            raise failure

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
            self._placed = leading[max(leading)]
            table.move_cursor(row=self._placed)

    def _cells(self, state: State, id: NodeId, status: Status | None) -> list[str]:
        if status is None:
            self._before.pop(id, None)
            return [STATES[state], *[""] * (len(self._worlds.columns) + 4)]
        fields = [str(status.fields.get(name, "")) for name in self._worlds.columns]
        steps = status.counters.get("steps", 0)
        rate = (steps - self._before.get(id, steps)) / REFRESH_SECONDS
        self._before[id] = steps
        sent, dropped = (status.counters[name] for name in ("messages_sent", "messages_dropped"))
        waiting = sum(status.queues.values())
        return [STATES[state], *fields, f"{rate:.0f}", str(sent), str(dropped), str(waiting)]

    def _say(self, text: str) -> None:
        self.query_one(RichLog).write(text)

    def _chosen(self) -> NodeId:
        assert self.session is not None, "keys work once the session runs"
        return self.session.members[self.query_one(DataTable).cursor_row]

    async def _do(self, told: str, what: Awaitable[None]) -> None:
        self._say(f"[bold yellow]{told}[/]")
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
        await self._do(f"SIGKILL {self._chosen()}", self.session.cluster.kill(self._chosen()))

    async def action_restart(self) -> None:
        """Start the chosen node again."""
        assert self.session is not None
        await self._do(f"restart {self._chosen()}", self.session.cluster.restart(self._chosen()))

    async def action_pause(self) -> None:
        """SIGSTOP the chosen node, or SIGCONT."""
        assert self.session is not None
        id, cluster = self._chosen(), self.session.cluster
        if cluster.members[id].state is State.PAUSED:
            await self._do(f"SIGCONT {id}", cluster.resume(id))
        else:
            await self._do(f"SIGSTOP {id}", cluster.pause(id))

    async def action_isolate(self) -> None:
        """Cut the chosen node, and the client of its number, off from all others."""
        assert self.session is not None
        id, cluster = self._chosen(), self.session.cluster
        near = (id, f"c{id[1:]}")
        far = tuple(one for one in (*cluster.members, *cluster.clients) if one not in near)
        await self._do(
            f"partition: {', '.join(near)} | {', '.join(far)}", cluster.partition(near, far)
        )

    async def action_slow(self) -> None:
        """Slow down everything that the chosen node sends."""
        assert self.session is not None
        link = self.session.cluster.link(self._chosen(), latency=SLOW)
        await self._do(
            f"slow: {self._chosen()} sends {SLOW[0] // MS} to {SLOW[1] // MS} ms late", link
        )

    async def action_lossy(self) -> None:
        """Lose a part of what the chosen node sends."""
        assert self.session is not None
        link = self.session.cluster.link(self._chosen(), loss=LOSSY)
        await self._do(f"lossy: {LOSSY:.0%} of what {self._chosen()} sends is lost", link)

    async def action_heal(self) -> None:
        """End partitions, and make all links good again."""
        assert self.session is not None
        cluster = self.session.cluster
        await self._do("heal", cluster.heal())
        await cluster.link(latency=(0, 0), loss=0.0, duplicate=0.0, reorder=0.0, bandwidth=0)

    def action_finish(self) -> None:
        """End the run; the verdicts come afterwards."""
        self._finish.set()
