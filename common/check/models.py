"""Sequential models of what the labs build: registers, a key-value map, a queue, a lock."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

from common.check.model import OTHER, Model, State, frozen
from common.values.errors import BadInput
from common.values.history import Ok, Operation


class Register(Model):
    """One value: ``read``, ``write``; each key is a register of its own."""

    name = "register"
    functions = frozenset({"read", "write"})

    def apply(self, state: State, operation: Operation) -> tuple[bool, State]:
        """A read returns the state, a write replaces it."""
        if operation.function == "write":
            return True, frozen(operation.argument)
        return not isinstance(operation.outcome, Ok) or (
            frozen(operation.outcome.value) == state
        ), state

    def is_read_only(self, operation: Operation) -> bool:
        """Reads are."""
        return operation.function == "read"

    def sets(self, operation: Operation) -> tuple[State] | None:
        """A write sets its argument."""
        return (frozen(operation.argument),) if operation.function == "write" else None

    def is_hopeless(self, state: State, operation: Operation) -> bool:
        """Nothing but a write or a compare-and-set, which set, can help a read."""
        return not self.apply(state, operation)[0]

    def may_help(
        self, optional: Sequence[Operation], required: Sequence[Operation]
    ) -> list[Operation]:
        """Writes of values that some read returned.

        Take any other write out of a legal order: no read was between it and the next write, since
        it would have returned that value, so the order stays legal.
        """
        read = set(_looked_for(required))
        return [each for each in optional if frozen(each.argument) in read]

    def possible_starts(self, operations: Sequence[Operation]) -> list[State] | None:
        """Each value that some operation looks for, and one that none does."""
        return [*_looked_for(operations), OTHER]


class CompareAndSetRegister(Register):
    """A register with ``compare-and-set``, whose argument is ``(expected, new)``.

    Its outcome is ``Ok()`` or ``Ok(True)`` if it swapped, ``Ok(False)`` if the value was another
    one. (``Failed`` says less: it did not happen, for whatever reason.)
    """

    name = "cas-register"
    functions = frozenset({"read", "write", "compare-and-set"})

    def apply(self, state: State, operation: Operation) -> tuple[bool, State]:
        """As a register; a compare-and-set replaces the state if it equals what was expected."""
        if operation.function != "compare-and-set":
            return super().apply(state, operation)
        expected, new = _pair(operation)
        if isinstance(operation.outcome, Ok):
            swapped = operation.outcome.value is not False
            return (state == expected) == swapped, new if swapped else state
        return True, new if state == expected else state

    def is_read_only(self, operation: Operation) -> bool:
        """Reads are, and a compare-and-set that found another value, or put back the same."""
        if operation.function == "compare-and-set":
            expected, new = _pair(operation)
            return operation.outcome == Ok(False) or expected == new
        return super().is_read_only(operation)

    def sets(self, operation: Operation) -> tuple[State] | None:
        """A write sets its argument, a compare-and-set its new value."""
        if operation.function == "compare-and-set" and not self.is_read_only(operation):
            return (_pair(operation)[1],)
        return super().sets(operation)

    def may_help(
        self, optional: Sequence[Operation], required: Sequence[Operation]
    ) -> list[Operation]:
        """All: a compare-and-set that found another value may need one that nobody reads."""
        del required
        return list(optional)


class KeyValue(CompareAndSetRegister):
    """A map from keys to values: ``get``, ``put``, ``append``, ``delete``, ``compare-and-set``.

    A key that was never put holds nothing, which a get may report as None or as empty text.
    ``append`` joins text to text, and puts anything else at the end of a list.
    """

    name = "kv"
    functions = frozenset({"get", "put", "append", "delete", "compare-and-set", "read", "write"})

    def apply(self, state: State, operation: Operation) -> tuple[bool, State]:
        """As a compare-and-set register for each key, with append and delete."""
        match operation.function:
            case "put" | "write":
                return True, frozen(operation.argument)
            case "delete":
                return True, None
            case "append":
                return _appended(state, frozen(operation.argument))
            case "compare-and-set":
                return super().apply(state, operation)
        if not isinstance(operation.outcome, Ok):
            return True, state
        found = frozen(operation.outcome.value)
        return found == state or (found in (None, "") and state in (None, "")), state

    def is_read_only(self, operation: Operation) -> bool:
        """Gets are, and a compare-and-set that found another value, or put back the same."""
        return operation.function in ("get", "read") or super().is_read_only(operation)

    def sets(self, operation: Operation) -> tuple[State] | None:
        """A put sets its argument, a delete nothing, a compare-and-set its new value."""
        match operation.function:
            case "put" | "write":
                return (frozen(operation.argument),)
            case "delete":
                return (None,)
            case "append":
                return None
        return super().sets(operation)

    def is_hopeless(self, state: State, operation: Operation) -> bool:
        """An append only makes a value longer, so it helps a get whose value begins with it."""
        if operation.function not in ("get", "read") or not isinstance(operation.outcome, Ok):
            return False
        wanted = frozen(operation.outcome.value)
        if state in (None, ""):
            return False
        if isinstance(state, str):
            return not (isinstance(wanted, str) and wanted.startswith(state))
        if isinstance(state, tuple):
            return not (isinstance(wanted, tuple) and wanted[: len(state)] == state)
        return state != wanted

    def possible_starts(self, operations: Sequence[Operation]) -> list[State] | None:
        """Each value that is looked for, also without what these operations may have appended."""
        endings = [frozen(each.argument) for each in operations if each.function == "append"]
        starts = [*_looked_for(operations), ""]  # a get may report both as nothing
        for start in starts:  # the list grows while it is walked
            starts.extend(each for each in _without_endings(start, endings) if each not in starts)
        return [*starts, OTHER]


class Queue(Model):
    """A first-in first-out queue: ``enqueue``, ``dequeue`` (None from an empty queue)."""

    name = "queue"
    subject = "the queue"
    functions = frozenset({"enqueue", "dequeue"})
    initial = ()

    def apply(self, state: State, operation: Operation) -> tuple[bool, State]:
        """An enqueue adds at the end, a dequeue takes the first."""
        assert isinstance(state, tuple)
        if operation.function == "enqueue":
            return True, (*state, frozen(operation.argument))
        if not isinstance(operation.outcome, Ok):
            return True, state[1:]
        if operation.outcome.value is None:
            return not state, state
        return bool(state) and state[0] == frozen(operation.outcome.value), state[1:]

    def is_read_only(self, operation: Operation) -> bool:
        """A dequeue that found nothing is."""
        return operation.function == "dequeue" and operation.outcome == Ok(None)

    def foresee(
        self, required: Sequence[Operation], optional: Sequence[Operation]
    ) -> Callable[[State], bool]:
        """Without this, every order of concurrent enqueues is kept until their dequeues.

        Of values that were enqueued once: the last in the queue cannot be behind one whose dequeue
        began after its own had ended, nor behind one that nobody takes.
        """
        everything = [*required, *optional]
        put = Counter(frozen(each.argument) for each in everything if each.function == "enqueue")
        taken = {
            frozen(each.outcome.value): each
            for each in required
            if each.function == "dequeue" and isinstance(each.outcome, Ok)
        }
        guests = any(each.function == "dequeue" for each in optional)

        def is_lost(state: State) -> bool:
            assert isinstance(state, tuple)
            last = taken.get(state[-1]) if state else None
            if last is None or put[state[-1]] != 1:
                return False
            end = last.returned_at or 0
            for value in state[:-1]:
                other = taken.get(value)
                if put[value] == 1 and (
                    other.invoked_at > end if other is not None else not guests
                ):
                    return True
            return False

        return is_lost


class Lock(Model):
    """A mutual-exclusion lock: ``acquire``, ``release``, by process.

    ``Ok()`` or ``Ok(True)`` says that it was done, ``Ok(False)`` that it was refused: the lock was
    held (acquire), or not by this process (release).
    """

    name = "lock"
    subject = "the holder"
    functions = frozenset({"acquire", "release"})

    def apply(self, state: State, operation: Operation) -> tuple[bool, State]:
        """An acquire needs a free lock, a release one that its own process holds."""
        free, held = None, operation.process
        wanted, after = (free, held) if operation.function == "acquire" else (held, free)
        fits = state == wanted
        if operation.outcome == Ok(False):
            return not fits, state
        if isinstance(operation.outcome, Ok):
            return fits, after
        return True, after if fits else state

    def is_read_only(self, operation: Operation) -> bool:
        """What was refused is."""
        return operation.outcome == Ok(False)

    def possible_starts(self, operations: Sequence[Operation]) -> list[State] | None:
        """Free, or held by any of the processes."""
        return [None, *dict.fromkeys(each.process for each in operations), OTHER]

    def signature(self, operation: Operation) -> Hashable:
        """Who asks matters to a lock."""
        return (operation.process, super().signature(operation))


def _pair(operation: Operation) -> tuple[State, State]:
    argument = operation.argument
    if not isinstance(argument, Sequence) or isinstance(argument, str) or len(argument) != 2:
        raise BadInput(f"{operation}: a compare-and-set takes the pair (expected, new)")
    return frozen(argument[0]), frozen(argument[1])


def _looked_for(operations: Sequence[Operation]) -> list[State]:
    """The values that reads saw and that compare-and-sets expected, and nothing, each once."""
    wanted: dict[State, None] = {None: None}
    for each in operations:
        if each.function == "compare-and-set":
            wanted[_pair(each)[0]] = None
        elif each.function in ("read", "get") and isinstance(each.outcome, Ok):
            wanted[frozen(each.outcome.value)] = None
    return list(wanted)


def _without_endings(value: State, endings: Sequence[State]) -> list[State]:
    """What ``value`` may have been before one of the ``endings`` was appended to it."""
    before: list[State] = []
    for ending in endings:
        if isinstance(value, str) and isinstance(ending, str) and ending:
            if value.endswith(ending):
                before.append(value[: -len(ending)])
        elif isinstance(value, tuple) and value and value[-1] == ending:
            before.append(value[:-1])
    return before


def _appended(state: State, more: State) -> tuple[bool, State]:
    """Append to a value; impossible where what is there and what is added do not fit together."""
    if isinstance(more, str) and (state is None or isinstance(state, str)):
        return True, (state or "") + more
    if state is None or isinstance(state, tuple):
        return True, (*(state or ()), more)
    return state is OTHER, state


REGISTER = Register()
CAS_REGISTER = CompareAndSetRegister()
KEY_VALUE = KeyValue()
QUEUE = Queue()
LOCK = Lock()
