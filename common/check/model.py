"""What a sequential model is: what an object does when operations happen one at a time.

Herlihy and Wing 1990, section 2, call it the sequential specification. A model is a pure function
from a state and an operation with its outcome to a verdict and the next state; all the rest of it
is knowledge about the object that makes the search for an order short
(:mod:`common.check.search`), and never changes its answer.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeAlias

from common.values.errors import BadInput
from common.values.history import Ok, Operation

State: TypeAlias = Hashable
"""The state of an object between two operations."""


LONGEST_SHOWN = 60
"""Characters of a value that a sentence shows; more are cut out near the beginning."""


_PLAIN = frozenset((int, str, bytes, type(None)))
"""Most values of most histories: checkers ask for them millions of times."""


def frozen(value: object) -> Hashable:
    """A hashable value that equals another's exactly when the two are the same to a client.

    Lists and tuples are the same, ``True`` and ``1`` are not.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, list | tuple):
        return tuple(frozen(part) for part in value)
    if isinstance(value, dict):
        return ("map", tuple(sorted((str(key), frozen(part)) for key, part in value.items())))
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, Hashable):
        return value
    raise BadInput(f"a history holds {value!r}, which cannot be compared: use plain values")


def show(state: State) -> str:
    """A state, or a frozen value, for people."""
    if isinstance(state, tuple) and len(state) == 2 and state[0] == "bool":
        return repr(state[1])
    if isinstance(state, tuple):
        return "[" + ", ".join(show(part) for part in state) + "]"
    shown = "nothing" if state is None else repr(state)
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:9]}...{shown[9 - LONGEST_SHOWN :]}"


class Model(ABC):
    """A sequential model of one kind of object.

    Attributes:
        name: what ``lab check-history --model`` calls it.
        subject: what to call the state in a sentence.
        functions: the operations that it knows.
        initial: the state before the first operation.
    """

    name: str
    subject: str = "the value"
    functions: frozenset[str]
    initial: State = None

    @abstractmethod
    def apply(self, state: State, operation: Operation) -> tuple[bool, State]:
        """Let one operation happen at ``state``.

        Returns:
            Whether its outcome is possible there, and the state after it. An operation whose
            outcome is unknown is possible wherever it can take effect.
        """

    def partition(self, history: Iterable[Operation]) -> dict[object, list[Operation]]:
        """The operations of each independent object, which can be checked one by one.

        Herlihy and Wing 1990, theorem 1 (locality): a history is linearizable exactly when the
        part of each object is.
        """
        parts: dict[object, list[Operation]] = {}
        for operation in history:
            if operation.function not in self.functions:
                known = ", ".join(sorted(self.functions))
                raise BadInput(
                    f"the model {self.name} does not know {operation.function!r} "
                    f"(in {operation}); it knows {known}"
                )
            parts.setdefault(frozen(operation.key), []).append(operation)
        return parts

    @abstractmethod
    def is_read_only(self, operation: Operation) -> bool:
        """Whether the operation, with the outcome it had, leaves every state as it is."""

    def signature(self, operation: Operation) -> Hashable:
        """Equal for two operations that ``apply`` cannot tell apart."""
        told = frozen(operation.outcome.value) if isinstance(operation.outcome, Ok) else None
        known = isinstance(operation.outcome, Ok)
        return (operation.function, frozen(operation.argument), known, told)

    def sets(self, operation: Operation) -> tuple[State] | None:
        """The one state that the operation leaves behind if it takes effect, whatever was before.

        None for an operation that builds on the state, or that is read-only.
        """
        del operation
        return None

    def is_hopeless(self, state: State, operation: Operation) -> bool:
        """Whether ``operation`` cannot happen at ``state``, nor after others that set nothing.

        False is always a safe answer; true lets the search turn back early.
        """
        del state, operation
        return False

    def foresee(
        self, required: Sequence[Operation], optional: Sequence[Operation]
    ) -> Callable[[State], bool]:
        """A test whether a state is one after which ``required`` cannot all happen any more.

        False is always a safe answer of the test; true lets the search turn back early. The test
        is put to every state on the way, so it need look only at what the last operation changed.
        """
        del required, optional
        return lambda state: False

    def may_help(
        self, optional: Sequence[Operation], required: Sequence[Operation]
    ) -> list[Operation]:
        """Those of ``optional`` that an order of ``required`` may need; the rest is never tried.

        All of them is always a safe answer. Each one fewer halves the subsets to search.
        """
        del required
        return list(optional)

    def possible_starts(self, operations: Sequence[Operation]) -> list[State] | None:
        """States that stand for every state that may have been there before ``operations``.

        If an order of the operations is legal from any state at all, one is legal from a state of
        this list. None where there is no such list; the search then begins at the beginning.
        """
        del operations
        return None


class Other:
    """Stands for all states that no operation at hand sees or sets."""

    def __repr__(self) -> str:
        return "something else"


OTHER = Other()
