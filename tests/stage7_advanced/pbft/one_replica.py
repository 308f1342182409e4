"""One replica alone, fed by hand: for the sentences of the paper that are about one replica."""

from typing import Any, NamedTuple

from common.contract import Signed, digest
from common.contract.effects import (
    Broadcast,
    CancelTimer,
    Effect,
    Forget,
    Save,
    Send,
    SetTimer,
)
from common.contract.events import Event, Fire, Receive, Start
from common.contract.signing import IDEAL, VOID
from tests.stage7_advanced.pbft.lab import PbftLab

FOUR = ("n1", "n2", "n3", "n4")
NULL = digest(None)


class Said(NamedTuple):
    """What the replica signed and sent, and to whom."""

    to: tuple[str, ...]
    content: Any


class OneReplica:
    """A replica, its disk and its timers; the test plays all others.

    Args:
        lab: the lab under test.
        kind: the class of the replica.
        id: its name; n1 is the primary of view 0.
        config: keyword arguments.
    """

    def __init__(self, lab: PbftLab, kind: str, id: str = "n2", **config: Any) -> None:
        self.lab = lab
        self.id = id
        self._made = getattr(lab, kind)
        self._config = config
        self.disk: dict[Any, object] = {}
        self.timers: dict[int, SetTimer] = {}
        self.start()

    def start(self) -> list[Said]:
        """Begin a life with what is on disk, as after a crash."""
        peers = tuple(each for each in FOUR if each != self.id)
        self.node = self._made(self.id, peers, **self._config)
        self.node.seed("by hand")
        self.timers.clear()
        return self._step(Start(0, dict(self.disk)))

    # What others say.

    def hears(self, signer: str, content: object, signature: bytes = IDEAL) -> list[Said]:
        """Let something signed arrive; returns what the replica says to it."""
        return self._step(Receive(0, signer, Signed(signer, content, signature)))

    def hears_all(self, signers: str, content: object) -> list[Said]:
        """The same from each of several: ``hears_all("n3 n4", Prepare(...))``."""
        return [said for signer in signers.split() for said in self.hears(signer, content)]

    def hears_void(self, signer: str, content: object) -> list[Said]:
        """Let something arrive that its signer never signed."""
        return self.hears(signer, content, VOID)

    def asked(self, request: Signed, sender: str = "") -> list[Said]:
        """Let a request arrive, from its client unless somebody else is named."""
        return self._step(Receive(0, sender or request.signer, self.lab.Submit(request)))

    def fires(self, kind: type) -> list[Said]:
        """Let the timer of this class fire."""
        timer = self.timer(kind)
        del self.timers[timer.id]
        return self._step(Fire(0, timer.id, timer.timer))

    def timer(self, kind: type) -> SetTimer:
        """The one timer of this class that is set."""
        found = self.timers_of(kind)
        assert len(found) == 1, f"{len(found)} timers {kind.__name__} are set, not one"
        return found[0]

    def timers_of(self, kind: type) -> list[SetTimer]:
        """The timers of this class that are set."""
        return [timer for timer in self.timers.values() if isinstance(timer.timer, kind)]

    # What is said often.

    def request(self, number: int = 1, text: str = "", client: str = "c1") -> Signed:
        """A client's request to append a text."""
        command = self.lab.Append("x", text or f"{client}.{number};")
        return Signed(client, self.lab.Request(client, number, command), IDEAL)

    def word(self, number: int, request: Signed | None, view: int = 0) -> Any:
        """A pre-prepare for the request, or for the null request."""
        return self.lab.PrePrepare(view, number, digest_of(request), request)

    def commits(self, number: int, request: Signed | None, view: int = 0) -> list[Said]:
        """Let a backup hear all that makes it carry out a request, as in a good view."""
        primary = FOUR[view % 4]
        others = " ".join(each for each in FOUR if each not in (self.id, primary))
        said = self.hears(primary, self.word(number, request, view))
        d = digest_of(request)
        said += self.hears_all(others, self.lab.Prepare(view, number, d))
        return said + self.hears_all(f"{primary} {others}", self.lab.Commit(view, number, d))

    def _step(self, event: Event) -> list[Said]:
        said: list[Said] = []
        for effect in self.node.step(event):
            self._keep(effect)
            match effect:
                case Send(to, Signed(_, content)):
                    said.append(Said((to,), content))
                case Broadcast(to, Signed(_, content)):
                    said.append(Said(to, content))
                case Send(to, message):
                    said.append(Said((to,), message))
        return said

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


def digest_of(request: Signed | None) -> str:
    """What stands for a request in votes."""
    return NULL if request is None else digest(request.content)


def of(kind: type, said: list[Said]) -> list[Any]:
    """What was said of one class."""
    return [each.content for each in said if isinstance(each.content, kind)]
