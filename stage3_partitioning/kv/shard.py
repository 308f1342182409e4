"""A shard: answers for the keys that it owns, and says of all others where to ask.

What it answers is durable: whatever a command changed is saved in the same step, and an answer
leaves no earlier than that (the contract). A repeated request is known again by its number, and
answered with the first result: the *sessions* do that, one for each slot and client, for a slot may
have moved between the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Unpack

from common.contract import CallId, NodeId, on, record
from common.values.history import Ok
from stage3_partitioning.kv.commands import QUESTIONS
from stage3_partitioning.kv.front_commands import Fronted
from stage3_partitioning.kv.fronted import carry_out_together
from stage3_partitioning.kv.member import Config, Member
from stage3_partitioning.kv.messages import (
    Answer,
    Ask,
    Flush,
    Known,
    Moved,
    Overview,
    Reply,
    Request,
    Scan,
    Serve,
    Session,
    Size,
    SlotKeys,
    Table,
    TryAgain,
)
from stage3_partitioning.kv.ownership import Incoming, Outgoing, Standing, standing
from stage3_partitioning.kv.slots import runs_of
from stage3_partitioning.kv.store import Item, Store

MOST_HELD = 1024
"""So many requests may wait for keys that are on their way; one more is told to try again."""

MOST_DUE = 16
"""So many keys whose time is over are thrown away in one step at most."""


@record
class Local:
    """Who waits for an answer: a call of this node's own."""

    call: CallId


@dataclass(slots=True)
class Waiting:
    """A request in work: who gets the answer, its number, the commands, and how to take them."""

    origin: NodeId | Local
    number: int
    commands: tuple[Fronted, ...]
    asking: bool
    only_look: bool = False


class Shard(Member):
    """The part of a node that holds keys. The arguments are those of ``Config``."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Unpack[Config]) -> None:
        super().__init__(id, peers, **config)
        self.store = Store(self.slots)
        """Keys and values. What others were told of them is durable."""
        self.sessions: dict[int, dict[NodeId, Session]] = {}
        """By slot and client, the latest request that changed something. Durable."""
        self.outgoing: Outgoing | None = None
        """The move of which this node is the source. Durable."""
        self.incoming: Incoming | None = None
        """The move of which this node is the target. Durable."""
        self.held: list[Waiting] = []
        """Requests for keys that are on their way. Lost in a crash; their clients ask again."""

    def status(self) -> Mapping[str, object]:
        """Its slots and keys, and what moves."""
        moving = ""
        if self.outgoing is not None:
            move, (slot, _) = self.outgoing.move, self.outgoing.done
            moving = f"{slot - move.first}/{move.last - move.first + 1} to {move.target}"
        elif self.incoming is not None:
            moving = f"from {self.incoming.move.source}"
        held = self.owners.count(self.id)
        return {"epoch": self.table.epoch, "slots": held, "keys": len(self.store), "moving": moving}

    def on_start(self) -> None:
        """Take up what earlier lives saved."""
        super().on_start()
        for entry in self.saved.items():
            match entry:
                case ("item", str(name)), Item() as item:
                    self.store.load(name.encode("latin-1"), item)
                case ("session", int(), str()), Session() as session:
                    self.sessions.setdefault(session.slot, {})[session.client] = session
                case "outgoing", Outgoing() as outgoing:
                    self.outgoing = outgoing
                case "incoming", Incoming() as incoming:
                    self.incoming = incoming

    # Requests.

    @on(Request)
    def request_received(self, request: Request, sender: NodeId) -> None:
        """Answer a client of the lab's own protocol, now or when its key has arrived."""
        self.handle(Waiting(sender, request.number, (request.command,), request.asking))

    @on(Serve)
    def serve(self, operation: Serve, call: CallId) -> None:
        """Answer a front that lives in this process; its clients have no numbers."""
        local, look = Local(call), operation.only_look
        self.handle(Waiting(local, 0, operation.commands, operation.asking, look))

    def handle(self, waiting: Waiting) -> None:
        """Carry the commands out if all their keys are here, or say where they are.

        Keys on their way: the request waits until the target has them. Some here and some not:
        nobody could carry the commands out together, so try again.
        """
        found = [self.standing_of(command.key, waiting.asking) for command in waiting.commands]
        where, node = found[0]
        slot = self.slot_of(waiting.commands[0].key)
        if any(each is Standing.ON_ITS_WAY for each, _ in found):
            self._hold(waiting)
        elif found.count(found[0]) < len(found):
            self._reply(waiting, TryAgain(waiting.number))
        elif where is Standing.HERE:
            self._carry_out(waiting, slot)
        elif where is Standing.ASK:
            self._reply(waiting, Ask(waiting.number, slot, node))
        else:
            self._reply(waiting, Moved(waiting.number, slot, node, self.table.epoch))

    def standing_of(self, key: bytes, asking: bool) -> tuple[Standing, NodeId]:
        """What a key is here. While its slot arrives, only those who are ``asking`` find it."""
        slot = self.slot_of(key)
        owner = self.owners[slot]
        where, node = standing((slot, key), self.id, owner, self.outgoing, self.incoming)
        if where is Standing.IF_ASKED:
            assert self.incoming is not None, "only a target is asked"
            return (Standing.HERE, node) if asking else (Standing.MOVED, self.incoming.move.source)
        return where, node

    def _hold(self, waiting: Waiting) -> None:
        if len(self.held) < MOST_HELD:
            self.held.append(waiting)
        else:
            self._reply(waiting, TryAgain(waiting.number))

    def release(self) -> None:
        """Handle again what was held: the owner of some key has changed."""
        held, self.held = self.held, []
        for waiting in held:
            self.handle(waiting)

    def _carry_out(self, waiting: Waiting, slot: int) -> None:
        """Carry out, once. A number below the client's last one: its client has gone on."""
        self._throw_away_what_is_due()
        origin, number = waiting.origin, waiting.number
        if waiting.only_look:
            self._reply(waiting, Answer(number, ()))
            return
        if isinstance(origin, Local):
            results = carry_out_together(self.store, waiting.commands, self.now)
            self.save_changes()
            self.finish(origin.call, Ok(Answer(0, results)))
            return
        (command,) = waiting.commands
        last = self.sessions.get(slot, {}).get(origin)
        if isinstance(command, QUESTIONS):
            (result,) = carry_out_together(self.store, waiting.commands, self.now)
        elif last is None or number > last.number:
            (result,) = carry_out_together(self.store, waiting.commands, self.now)
            self.remember(Session(slot, origin, number, result))
        elif number == last.number:
            result = last.result
        else:
            return
        self.save_changes()
        self.send(origin, Answer(number, result))

    def _reply(self, waiting: Waiting, reply: Reply) -> None:
        if isinstance(waiting.origin, Local):
            self.finish(waiting.origin.call, Ok(reply))
        else:
            self.send(waiting.origin, reply)

    # What a front may ask of this node alone.

    @on(Scan)
    def scan(self, operation: Scan, call: CallId) -> None:
        """Name the keys of whole slots, so that no key is missed that is there all the time."""
        found: list[bytes] = []
        following = 0
        for slot in sorted(each for each in self.store.tables if each >= operation.slot):
            if len(found) >= operation.count:
                following = slot
                break
            found += [key for key in sorted(self.store.tables[slot]) if self._is_there(key)]
        kind = {"text": bytes, "list": tuple}.get(operation.kind, object)
        named = tuple(key for key in found if self.store.holds(key, self.now, kind))
        self.finish(call, Ok((following, named)))

    @on(SlotKeys)
    def slot_keys(self, operation: SlotKeys, call: CallId) -> None:
        """Name keys of one slot."""
        there = sorted(self.store.tables.get(operation.slot, {}))
        found = [key for key in there if self._is_there(key)]
        self.finish(call, Ok(tuple(found[: operation.count])))

    @on(Overview)
    def overview(self, operation: Overview, call: CallId) -> None:
        """Say what the table says, and what the moves have changed since."""
        owners = list(self.owners)
        leaving = coming = None
        if self.outgoing is not None:
            move, (slot, key) = self.outgoing.move, self.outgoing.frontier
            owners[move.first : slot] = [move.target] * (slot - move.first)
            leaving = (slot, move.target) if key else None
        if self.incoming is not None:
            move, (slot, key) = self.incoming.move, self.incoming.frontier
            owners[move.first : slot] = [self.id] * (slot - move.first)
            coming = (slot, move.source) if key else None
        self.finish(call, Ok(Known(self.table.epoch, runs_of(owners), leaving, coming)))

    @on(Size)
    def size(self, operation: Size, call: CallId) -> None:
        """Count the keys, those included whose time is over and that nobody has looked at."""
        self.finish(call, Ok(len(self.store)))

    @on(Flush)
    def flush(self, operation: Flush, call: CallId) -> None:
        """Delete keys that this node owns just now; those on their way are not its own."""
        mine = [
            key
            for table in self.store.tables.values()
            for key in table
            if self.standing_of(key, asking=True)[0] is Standing.HERE
        ]
        for key in mine[: operation.count]:
            self.store.remove(key)
        self.save_changes()
        self.finish(call, Ok(max(0, len(mine) - operation.count)))

    # Helpers.

    def _is_there(self, key: bytes) -> bool:
        item = self.store.tables[self.slot_of(key)][key]
        return item.expires_at is None or item.expires_at > self.now

    def _throw_away_what_is_due(self) -> None:
        """Delete some of what has expired; a key on its way stays as it was handed over."""
        deadlines = self.store.deadlines
        if not deadlines or deadlines[0][0] > self.now:
            return
        for key in list(self.store.due(self.now, MOST_DUE)):
            if self.standing_of(key, asking=True)[0] is Standing.HERE:
                self.store.remove(key)

    def remember(self, session: Session) -> None:
        """Know this request again if it is repeated."""
        self.sessions.setdefault(session.slot, {})[session.client] = session
        if self.durable:
            self.save(("session", session.slot, session.client), session)

    def save_changes(self) -> None:
        """Make durable what the step has changed in the store."""
        if not self.store.changed:
            return
        changed, self.store.changed = self.store.changed, {}
        if not self.durable:
            return
        for key in changed:
            item = self.store.tables.get(self.slot_of(key), {}).get(key)
            name = ("item", key.decode("latin-1"))  # saved under text: a character for each byte
            if item is None:
                self.forget(name)
            else:
                self.save(name, item)

    def adopt(self, table: Table) -> None:
        """A newer table: the moves that it knows of are history."""
        super().adopt(table)
        if self.outgoing is not None and self.outgoing.move.number <= self.table.epoch:
            self.outgoing = None
            self.forget("outgoing")
        if self.incoming is not None and self.incoming.move.number <= self.table.epoch:
            self.incoming = None
            self.forget("incoming")
        self.release()
