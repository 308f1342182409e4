"""One server alone, fed by hand: for the sentences of Figure 2 that are about one server."""

from collections.abc import Sequence
from typing import Any, TypeVar

from common.contract.effects import Broadcast, CancelTimer, Effect, Forget, Save, Send, SetTimer
from common.contract.events import Event, Fire, Receive, Start
from common.values.units import SECOND
from tests.stage4_consensus.raft.lab import RaftLab

Message = TypeVar("Message")

MEMBERS = ("n1", "n2", "n3")


class OneServer:
    """The server n1, its disk, its timers, and what it sends.

    Args:
        lab: the lab under test.
        members: all servers.
        kind: the class of the server.
        config: keyword arguments for the server.
    """

    def __init__(
        self,
        lab: RaftLab,
        members: Sequence[str] = MEMBERS,
        kind: str = "RaftRegisters",
        **config: Any,
    ) -> None:
        self.lab = lab
        self.members = tuple(members)
        self.kind = kind
        self.config = config
        self.disk: dict[Any, object] = {}
        self.now = 0
        self.lives = 0
        self.start()

    def start(self) -> list[Send]:
        """Begin a life with what is on disk, as after a crash."""
        made = self.lab.look_into(self.kind)
        self.server = made("n1", self.members[1:], **self.config)
        self.lives += 1
        self.server.seed(f"life {self.lives}")
        self.timers: dict[int, SetTimer] = {}
        return self._step(Start(self.now, dict(self.disk)))

    def receive(self, sender: str, message: object) -> list[Send]:
        """Let a message arrive; returns what is sent in answer."""
        return self._step(Receive(self.now, sender, message))

    def fire(self, kind: type) -> list[Send]:
        """Let the timer of this class fire; returns what is sent."""
        timer = self.timers.pop(self.timer(kind).id)
        self.now += timer.after
        return self._step(Fire(self.now, timer.id, timer.timer))

    def timer(self, kind: type) -> SetTimer:
        """The one timer of this class that is set."""
        found = [timer for timer in self.timers.values() if isinstance(timer.timer, kind)]
        assert len(found) == 1, f"{len(found)} timers {kind.__name__} are set, not one"
        return found[0]

    def _step(self, event: Event) -> list[Send]:
        effects = self.server.step(event)
        for effect in effects:
            self._keep(effect)
        return [each for effect in effects for each in _sends(effect)]

    def _keep(self, effect: Effect) -> None:
        match effect:
            case Save(key, value):
                self.disk[key] = value
            case Forget(key):
                self.disk.pop(key, None)
            case SetTimer(id):
                self.timers[id] = effect
            case CancelTimer(id):
                self.timers.pop(id, None)

    # Shorter ways to say what tests say often.

    def entries(self) -> list[tuple[int, object]]:
        """What the log on the disk holds: term and command of each entry, in order."""
        held = []
        for index in range(1, 1000):
            entry: Any = self.disk.get(("log", index))
            if entry is None:
                break
            held.append((entry.term, entry.command))
        return held

    def terms(self) -> list[int]:
        """The terms of the entries in the log on the disk."""
        return [term for term, _ in self.entries()]

    def append(
        self, term: int, previous: tuple[int, int], terms: Sequence[int], commit: int = 0
    ) -> Any:
        """Let AppendEntries of n2 arrive, with an entry for each term; returns the reply."""
        first = previous[0] + 1
        entries = [self.entry(each, index) for index, each in enumerate(terms, first)]
        sent = self.receive(
            "n2", self.lab.AppendEntries(term, *previous, tuple(entries), commit, 0)
        )
        return only(sent, self.lab.AppendEntriesReply)

    def entry(self, term: int, index: int) -> Any:
        """The entry that any leader would have at this place."""
        text = f"{term}.{index};"
        command = self.lab.Numbered(f"c{term}", index, self.lab.Append("x", text))
        return self.lab.Entry(term, command)

    def ask_vote(self, candidate: str, term: int, last: tuple[int, int] = (0, 0)) -> Any:
        """Let a RequestVote arrive; ``last`` is index and term. Returns the reply."""
        sent = self.receive(candidate, self.lab.RequestVote(term, *last))
        return only(sent, self.lab.RequestVoteReply)

    def be_candidate(self) -> list[Send]:
        """Let the election timer fire, and let n2 give its pre-vote where it is asked."""
        sent = self.fire(self.lab.ElectionTimeout)
        for each in find(sent, self.lab.RequestPreVote):
            yes = self.lab.RequestPreVoteReply(each.term - 1, each.term, True)
            return self.receive("n2", yes)
        return sent

    def be_leader(self) -> list[Send]:
        """Be elected by n2; returns what is sent as leader."""
        asked = find(self.be_candidate(), self.lab.RequestVote)[0]
        return self.receive("n2", self.lab.RequestVoteReply(asked.term, True))

    def accept(self, sender: str, sent: Sequence[Send]) -> list[Send]:
        """Let a follower accept every AppendEntries that was sent to it."""
        answers: list[Send] = []
        for each in sent:
            if each.to == sender and isinstance(each.message, self.lab.AppendEntries):
                asked: Any = each.message
                last = asked.prev_log_index + len(asked.entries)
                previous = asked.prev_log_index
                yes = self.lab.AppendEntriesReply(asked.term, asked.round, True, previous, last)
                answers += self.receive(sender, yes)
        return answers

    def command(self, text: str, number: int = 1, client: str = "c1") -> list[Send]:
        """Let a client ask for an append to the register x."""
        return self.receive(client, self.lab.CommandRequest(number, self.lab.Append("x", text)))

    def held(self) -> str:
        """What the register x holds on this server."""
        value: str = self.server.machine.application.apply(self.lab.Get("x"))
        return value

    def quiet(self) -> None:
        """Let so much time pass that no leader is remembered."""
        self.now += SECOND


def _sends(effect: Effect) -> list[Send]:
    match effect:
        case Send():
            return [effect]
        case Broadcast(targets, message):
            return [Send(to, message) for to in targets]
    return []


def find(sent: Sequence[Send], kind: type[Message], to: str = "") -> list[Message]:
    """The messages of this class, to this node where one is named."""
    return [each.message for each in sent if isinstance(each.message, kind) and to in ("", each.to)]


def only(sent: Sequence[Send], kind: type[Message]) -> Message:
    """The one message of this class."""
    found = find(sent, kind)
    assert len(found) == 1, f"{len(found)} messages {kind.__name__} were sent, not one: {sent}"
    return found[0]
