"""A bank account that crashes, and still carries out each command at most once.

The account takes deposits and withdrawals and shows its statement. The network may lose a request,
lose the answer, or bring either of them twice and late, and the server may crash between any two
steps. A client that hears nothing can only ask again, with the *same* number; whether that is a
command or the repetition of one is decided here, where the answer is known.

That takes three things, and each is wrong without the others:

* **a table** of the latest number and result of each client
  (:class:`common.contract.application.AtMostOnce`; Liskov and Cowling 2012, section 4.1). A
  repetition gets the first result, word for word. So does the repetition of a *refusal*: a
  withdrawal that was refused stays refused when its copy arrives after a deposit;
* **one write** for the account and the table together. With the account alone on disk a repetition
  after a crash is carried out again; with the table alone it is answered and never happened;
* **disk before answer**: what a client was told must survive the next instant. (The world keeps
  this rule: whatever is saved in a step is durable before anything of that step is sent.)

Birrell and Nelson 1984, "Implementing remote procedure calls", promise the same to a caller: if the
call returns, the procedure ran exactly once; if it does not, once or not at all.

Reading is different. A statement may be made as often as one likes, nothing comes of it, and so
reads need neither table nor disk: they are *idempotent* by nature. Commands are made so by number.
"""

from collections.abc import Mapping
from typing import TypeAlias

from common.contract import (
    Application,
    AtMostOnce,
    Node,
    NodeId,
    Numbered,
    message,
    on,
    operation,
    record,
)

MAX_ENTRIES = 10_000
"""A statement has no more entries than this; then commands are refused. Everything is bounded."""

# What a user asks.


@operation
class Deposit:
    """Put ``amount``, 1 or more, into the account. Ends with Ok(balance after it)."""

    amount: int


@operation
class Withdraw:
    """Take ``amount``, 1 or more, out. Ends with Ok(balance after it), or Failed: not covered."""

    amount: int


@operation
class Statement:
    """What happened? Ends with Ok(entries): deposits as ``+amount``, withdrawals as ``-amount``."""


Command: TypeAlias = Deposit | Withdraw

# What the server answers.


@record
class Done:
    """The command was carried out; this is the balance after it."""

    balance: int


@record
class Refused:
    """The command had no effect and never will have one."""

    reason: str


@record
class Entries:
    """The statement: all entries, the oldest first."""

    entries: tuple[int, ...]


Result: TypeAlias = Done | Refused | Entries


@message
class Request:
    """From a client: ``number`` names the request among its sender's, and only grows."""

    number: int
    asked: Deposit | Withdraw | Statement


@message
class Reply:
    """To a client: the result of its request of this number."""

    number: int
    result: Done | Refused | Entries


# The account, as a state machine that knows nothing of networks.


class Account(Application):
    """Entries, and a balance that is never below zero."""

    def __init__(self) -> None:
        self.entries: tuple[int, ...] = ()
        """Every command that was carried out, in order."""

    @property
    def balance(self) -> int:
        """What is in the account."""
        return sum(self.entries)

    def apply(self, command: object) -> Result:
        """Carry out a deposit or a withdrawal, or refuse it."""
        assert isinstance(command, Deposit | Withdraw), f"{command!r} is no command of an account"
        if command.amount < 1:
            return Refused("an amount is 1 or more")
        if len(self.entries) >= MAX_ENTRIES:
            return Refused(f"the statement is full: it has {MAX_ENTRIES} entries")
        entry = command.amount if isinstance(command, Deposit) else -command.amount
        if self.balance + entry < 0:
            return Refused(f"the balance is {self.balance}")
        self.entries = (*self.entries, entry)
        return Done(self.balance)

    def snapshot(self) -> tuple[int, ...]:
        """The entries."""
        return self.entries

    def restore(self, snapshot: object) -> None:
        """Take up the entries of an earlier snapshot."""
        assert isinstance(snapshot, tuple), "a snapshot of an account is its entries"
        self.entries = snapshot


# The server.


class AccountServer(Node):
    """Holds one account and carries out each client's commands at most once, over crashes too."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.account = Account()
        """The account."""
        self.service = AtMostOnce(self.account)
        """The account behind the table of the clients' latest numbers and results."""

    def status(self) -> Mapping[str, object]:
        """The balance, and how many commands were carried out."""
        return {"balance": self.account.balance, "entries": len(self.account.entries)}

    def on_start(self) -> None:
        """Take up account and table as the latest life left them on disk, under ``"service"``."""
        saved = self.saved.get("service")
        if saved is not None:
            self.service.restore(saved)

    @on(Request)
    def request_received(self, request: Request, sender: NodeId) -> None:
        """Answer a question; carry out a command, once, and answer that.

        A command with the latest number of its client again is answered with its first result: the
        answer may have been lost. One with a lower number is a late copy of something that its
        client has ended: nobody waits for an answer.

        The whole state, ``service.snapshot()``, is saved under ``"service"``, for the sake of one
        write; a real server appends to a log. It is saved with each answer, also with a repeated
        one: the write of the first may be under way still, and only the saves of a step are waited
        for before its messages leave.
        """
        if isinstance(request.asked, Statement):
            self.send(sender, Reply(request.number, Entries(self.account.entries)))
            return
        result = self.service.apply(Numbered(sender, request.number, request.asked))
        if result is None:
            return
        assert isinstance(result, Done | Refused), "the table holds results of commands"
        self.save("service", self.service.snapshot())
        self.send(sender, Reply(request.number, result))
