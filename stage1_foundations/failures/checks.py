"""What clients of the account ask for, and what must be true of its histories.

There are two checks. The honesty check says in plain words who lied about what; linearizability
(:mod:`common.check.linearizability`) is stronger, since it looks at order and balances too.
"""

from collections import Counter
from collections.abc import Hashable, Iterable
from random import Random

from common.check.linearizability import check_linearizability
from common.check.model import Model, State, frozen
from common.check.verdict import Answer, Verdict
from common.values.history import Failed, History, Ok, Operation
from stage1_foundations.failures.account import Deposit, Statement, Withdraw

CLIENTS_AT_MOST = 100
"""Clients are told apart by the last two digits of their amounts."""


def some_command(random: Random, client: str, number: int) -> object:
    """A deposit, a withdrawal or a look; no two commands of a run have the same entry."""
    if number % 5 == 4:
        return Statement()
    amount = CLIENTS_AT_MOST * (number + 1) + int(client[1:]) % CLIENTS_AT_MOST
    return Deposit(amount) if random.random() < 0.7 else Withdraw(amount)


class AccountModel(Model):
    """The account: ``deposit``, ``withdraw`` (only what is covered), ``statement``."""

    name = "account"
    subject = "the statement"
    functions = frozenset({"deposit", "withdraw", "statement"})
    initial = ()

    def apply(self, state: State, operation: Operation) -> tuple[bool, State]:
        """A command adds an entry and tells the balance; a statement is the state."""
        assert isinstance(state, tuple)
        outcome = operation.outcome
        if operation.function == "statement":
            return not isinstance(outcome, Ok) or frozen(outcome.value) == state, state
        balance = sum(state) + entry_of(operation)
        if isinstance(outcome, Ok):
            return balance >= 0 and balance == outcome.value, (*state, entry_of(operation))
        return True, (*state, entry_of(operation)) if balance >= 0 else state

    def is_read_only(self, operation: Operation) -> bool:
        """Statements are."""
        return operation.function == "statement"

    def is_hopeless(self, state: State, operation: Operation) -> bool:
        """A statement only grows, so one that does not begin with the state never comes."""
        if operation.function != "statement" or not isinstance(operation.outcome, Ok):
            return False
        wanted: Hashable = frozen(operation.outcome.value)
        assert isinstance(state, tuple)
        return not (isinstance(wanted, tuple) and wanted[: len(state)] == state)


def entry_of(operation: Operation) -> int:
    """The entry that a command leaves in the statement if it is carried out."""
    assert isinstance(operation.argument, int), "a command has one field, its amount"
    return operation.argument if operation.function == "deposit" else -operation.argument


def check_account(history: Iterable[Operation]) -> Verdict:
    """Whether the history is that of one account: linearizable."""
    return check_linearizability(history, AccountModel())


def check_honesty(history: History) -> Verdict:
    """Whether everything that clients were told agrees with every statement that was read.

    No two commands of the history may have the same entry, so that an entry tells whose it is. Then
    in each statement: Ok before the statement was asked for, once; Failed, never; Unknown, or still
    under way, at most once; and nothing that nobody asked for.
    """
    commands = [each for each in history if each.function != "statement"]
    known = {entry_of(command): command for command in commands}
    assert len(known) == len(commands), "two commands of this history have the same entry"
    read = [each for each in history if each.function == "statement" and is_ok(each)]
    for statement in read:
        problem = _problem(statement, known)
        if problem is not None:
            return Verdict(Answer.NO, f"{problem}.", (statement,), steps=len(history))
    sentence = f"All {len(commands)} commands ended as {len(read)} statements show."
    return Verdict(Answer.YES, sentence, steps=len(history), rests_on=len(read))


def is_ok(operation: Operation) -> bool:
    """Whether the client was told that it happened."""
    return isinstance(operation.outcome, Ok)


def _problem(statement: Operation, known: dict[int, Operation]) -> str | None:
    entries = _value(statement)
    if not isinstance(entries, tuple | list):
        return f"It was given the answer to something else: {statement}"
    counted: Counter[object] = Counter(entries)
    for entry, times in counted.items():
        if entry not in known:
            return f"The statement has the entry {entry:+}, and nobody asked for that"
        if times > 1:
            return f"It happened {times} times: {known[entry]}"
        if isinstance(known[entry].outcome, Failed):
            return f"It was called failed, and it happened: {known[entry]}"
    for entry, command in known.items():
        ended = command.returned_at is not None and command.returned_at < statement.invoked_at
        if is_ok(command) and ended and entry not in counted:
            return f"It was called ok, and it did not happen: {command}"
    return None


def _value(statement: Operation) -> object:
    assert isinstance(statement.outcome, Ok), "only statements that were read are looked at"
    return statement.outcome.value
