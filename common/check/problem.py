"""The operations of one object, arranged for the search in :mod:`common.check.search`.

Everything that does not depend on the configuration is computed here, once: which operations may
come next, which of them are interchangeable, and what the model does at each state.
"""

from bisect import bisect_right
from collections.abc import Hashable, Iterable
from dataclasses import replace
from typing import TypeAlias

from common.check.model import Model, State
from common.values.history import Failed, Ok, Operation, Unknown

Candidate: TypeAlias = tuple[int, int, int]
"""Bit in ``done`` (bits in ``used``, for optional ones), class, bits that must be done before."""


class Problem:
    """The operations of one partition, as numbers.

    Args:
        operations: in the order of their invocations; failed ones are left out.
        model: the sequential model of the object.
        freed: operations, by ``id``, whose outcome is to be treated as unknown.
        starts: the states that may have been there before; None for the model's initial one.

    Attributes:
        required: the operations that are known to have happened, in the order of their returns.
        optional: those that may have happened, in the order of their invocations.
        reads: for each number ``first`` of a required operation, the read-only operations that may
            come next while that one is the first that is not done. Bits count from ``first``.
        updates: the same for all other required operations.
        options: the same for the optional ones, those of one class together.
        next_goal: for each number, that of the next required read, or -1.
        rescuers: for each required read, the required and the optional operations, as bits, that
            may be done before it and set the state to something from which it can be reached.
    """

    def __init__(
        self,
        operations: Iterable[Operation],
        model: Model,
        freed: frozenset[int] = frozenset(),
        starts: Iterable[State] | None = None,
    ) -> None:
        self.model = model
        self.required: list[Operation] = []
        self.optional: list[Operation] = []
        happened = [each for each in operations if not isinstance(each.outcome, Failed)]
        for each in happened:
            known = isinstance(each.outcome, Ok) and each.returned_at is not None
            if known and id(each) not in freed:
                self.required.append(each)
            elif not model.is_read_only(each):
                self.optional.append(each)
        self.required.sort(key=_return)
        self.optional = model.may_help(self.optional, self.required)
        self._classes: list[Operation] = []
        self._class_of: dict[Hashable, int] = {}
        self._after: list[dict[int, int]] = []
        self._states: list[State] = []
        self._state_ids: dict[State, int] = {}
        initial = (model.initial,) if starts is None else starts
        self.starts = [self._state_id(state) for state in initial]
        self._arrange(happened)
        self._find_goals()

    def state(self, number: int) -> State:
        """The state that configurations know by this number."""
        return self._states[number]

    def after(self, kind: int, state: int) -> int:
        """The state after an operation of the class ``kind`` at ``state``, or -1: impossible."""
        known = self._after[kind].get(state)
        if known is None:
            possible, after = self.model.apply(self._states[state], self._classes[kind])
            known = self._after[kind][state] = self._state_id(after) if possible else -1
        return known

    def is_hopeless(self, state: int, goal: int) -> bool:
        """Whether the required read ``goal`` needs the state to be set to something else first."""
        known = self._hopeless.get((state, goal))
        if known is None:
            known = self.model.is_hopeless(self._states[state], self.required[goal])
            self._hopeless[state, goal] = known
        return known

    def is_lost(self, state: int) -> bool:
        """Whether the model foresees that not all required operations can happen any more."""
        known = self._lost.get(state)
        if known is None:
            known = self._lost[state] = self._foreseen(self._states[state])
        return known

    def _state_id(self, state: State) -> int:
        number = self._state_ids.setdefault(state, len(self._states))
        if number == len(self._states):
            self._states.append(state)
        return number

    def _class(self, operation: Operation, alone: bool) -> int:
        signature = (self.model.signature(operation), id(operation) if alone else None)
        number = self._class_of.setdefault(signature, len(self._classes))
        if number == len(self._classes):
            self._classes.append(operation)
            self._after.append({})
        return number

    def _arrange(self, happened: list[Operation]) -> None:
        """Fill in ``reads``, ``updates`` and ``options``."""
        needed, tied = self._ties(happened)
        kinds = [self._class(each, id(each) in tied) for each in self.required]
        unknown = Unknown()
        option_kinds = [
            self._class(replace(each, outcome=unknown), id(each) in tied) for each in self.optional
        ]
        self.reads: list[list[Candidate]] = []
        self.updates: list[list[Candidate]] = []
        self.options: list[list[Candidate]] = []
        invoked = sorted(range(len(self.required)), key=lambda n: self.required[n].invoked_at)
        pending: list[int] = []
        coming, optional_coming = 0, 0
        members: dict[int, tuple[int, int]] = {}
        for first, operation in enumerate(self.required):
            limit = _return(operation)
            while coming < len(invoked) and self.required[invoked[coming]].invoked_at <= limit:
                pending.append(invoked[coming])
                coming += 1
            pending = sorted(number for number in pending if number >= first)
            reads: list[Candidate] = []
            updates: list[Candidate] = []
            for number in pending:
                needs = _bit(needed.get(id(self.required[number]), -1), first)
                into = reads if self.model.is_read_only(self.required[number]) else updates
                into.append((1 << (number - first), kinds[number], needs))
            while (
                optional_coming < len(self.optional)
                and self.optional[optional_coming].invoked_at <= limit
            ):
                kind = option_kinds[optional_coming]
                need = needed.get(id(self.optional[optional_coming]), -1)
                bits = members[kind][0] if kind in members else 0
                members[kind] = (bits | 1 << optional_coming, need)
                optional_coming += 1
            self.reads.append(reads)
            self.updates.append(updates)
            self.options.append(
                [(bits, kind, _bit(need, first)) for kind, (bits, need) in members.items()]
            )

    def _ties(self, happened: list[Operation]) -> tuple[dict[int, int], set[int]]:
        """Find operations that begin at the very time at which another of their process returned.

        Equal times leave the order open, but not within a process. Such operations are in no class
        with others, because being interchangeable supposes that only times order them.

        Returns:
            The number of the earlier operation by the ``id`` of the later one, and the ids of both.
        """
        number_of = {id(each): number for number, each in enumerate(self.required)}
        last: dict[str, Operation] = {}
        needed: dict[int, int] = {}
        tied: set[int] = set()
        for each in sorted(happened, key=lambda operation: operation.invoked_at):
            earlier = last.get(each.process)
            if earlier is not None and earlier.returned_at == each.invoked_at:
                needed[id(each)] = number_of[id(earlier)]
                tied |= {id(each), id(earlier)}
            if id(each) in number_of:
                last[each.process] = each
        return needed, tied

    def _find_goals(self) -> None:
        """Fill in ``next_goal`` and ``rescuers``."""
        model = self.model
        self._hopeless: dict[tuple[int, int], bool] = {}
        self._lost: dict[int, bool] = {}
        self._foreseen = model.foresee(self.required, self.optional)
        setters = _Setters(self.required, model)
        optional_setters = _Setters(self.optional, model)
        self.rescuers: list[tuple[int, int]] = [(0, 0)] * len(self.required)
        self.next_goal = [-1] * (len(self.required) + 1)
        for number in range(len(self.required) - 1, -1, -1):
            wanted = self.required[number]
            self.next_goal[number] = self.next_goal[number + 1]
            if model.is_read_only(wanted):
                self.next_goal[number] = number
                self.rescuers[number] = (
                    setters.that_help(wanted, model),
                    optional_setters.that_help(wanted, model),
                )


class _Setters:
    """The operations of a list that set the state, by the state that they set."""

    def __init__(self, operations: list[Operation], model: Model) -> None:
        self._times: dict[State, list[int]] = {}
        self._bits: dict[State, list[int]] = {}
        order = sorted(range(len(operations)), key=lambda number: operations[number].invoked_at)
        for number in order:
            after = model.sets(operations[number])
            if after is not None:
                self._times.setdefault(after[0], []).append(operations[number].invoked_at)
                bits = self._bits.setdefault(after[0], [0])
                bits.append(bits[-1] | 1 << number)

    def that_help(self, wanted: Operation, model: Model) -> int:
        """Those that may be done before ``wanted`` returns and after which it is not hopeless."""
        helpers = 0
        for state, times in self._times.items():
            if not model.is_hopeless(state, wanted):
                helpers |= self._bits[state][bisect_right(times, _return(wanted))]
        return helpers


def _return(operation: Operation) -> int:
    assert operation.returned_at is not None, "required operations have returned"
    return operation.returned_at


def _bit(number: int, first: int) -> int:
    return 1 << (number - first) if number >= first else 0
