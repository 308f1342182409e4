"""What somebody forgets: a statement, a save, a send, a timer, a loop, a case; or stops too early.

Not left out, because nobody could see it or everybody would at once:

* ``note``, ``assert``, docstrings, ``pass`` and ``del`` of a parameter, which do nothing to others;
* the only assignment of a local variable: the next line that reads it would crash.
"""

from collections.abc import Iterator, Sequence

import libcst as cst

from common.course.kit.generated.changes import NOTHING, Change
from common.course.kit.generated.surroundings import Surroundings

EFFECTS = {
    "save": "save-left-out",
    "forget": "save-left-out",
    "send": "send-left-out",
    "broadcast": "broadcast-left-out",
    "set_timer": "timer-left-out",
    "cancel_timer": "timer-left-out",
    "finish": "answer-left-out",
}
"""The effects of a node, and the names of the changes that leave them out."""

BEFORE = "return before"
"""What is told of a statement that is no longer reached."""

LEAVES = (cst.Return, cst.Break, cst.Continue, cst.Raise)
"""Statements after which nothing of their block is done."""


def statement_left_out(node: cst.CSTNode, around: Surroundings) -> Iterator[Change]:
    """``self.save(...)`` becomes ``pass``."""
    match node:
        case cst.SimpleStatementLine(body=[small]):
            kind = _kind(small, around)
            if kind:
                empty = node.with_changes(body=[cst.Pass()])
                yield Change(kind, node, empty, "left out", small)


def timer_left_out(node: cst.CSTNode, around: Surroundings) -> Iterator[Change]:
    """``timer = self.set_timer(...)`` becomes ``timer = 0``, which is the id of no timer."""
    if called(node) == "self.set_timer" and not isinstance(around.parent(node), cst.Expr):
        yield Change("timer-left-out", node, cst.Integer("0"), "left out")


def loop_changed(node: cst.CSTNode, around: Surroundings) -> Iterator[Change]:
    """``for x in xs: ...`` is left out, or ends after the first ``x``."""
    del around
    if not isinstance(node, cst.For | cst.While):
        return
    if isinstance(node, cst.For):
        empty = NOTHING.with_changes(leading_lines=node.leading_lines)
        yield Change("loop-left-out", node, empty, "left out")
    if isinstance(node.body, cst.IndentedBlock) and not _leaves(node.body.body[-1]):
        once = _block(node.body, [*node.body.body, cst.SimpleStatementLine([cst.Break()])])
        changed = node.with_changes(body=once)
        yield Change("loop-once", node, changed, "ended after the first time")


def case_left_out(node: cst.CSTNode, around: Surroundings) -> Iterator[Change]:
    """``match`` lacks one of its cases."""
    del around
    if not isinstance(node, cst.Match):
        return
    for case in node.cases:
        others = [other for other in node.cases if other is not case]
        new = node.with_changes(cases=others) if others else NOTHING
        yield Change("case-left-out", node, new, "left out", case)


def early_return(node: cst.CSTNode, around: Surroundings) -> Iterator[Change]:
    """The function returns before one of its statements."""
    if node is not around.function or not around.returns_nothing:
        return
    block = around.function.body
    if not isinstance(block, cst.IndentedBlock):
        return
    for number, statement in enumerate(block.body):
        if _does_nothing(statement):
            continue  # it is the same as a return before the next one
        leave = cst.SimpleStatementLine([cst.Return()])
        body = _block(block, [*block.body[:number], leave, *block.body[number:]])
        yield Change("early-return", block, body, BEFORE, statement)


def called(node: cst.CSTNode) -> str:
    """``self.save`` for a call of it; "" for what is no call of a name."""
    match node:
        case cst.Call(func=cst.Attribute(value=cst.Name(owner), attr=cst.Name(name))):
            return f"{owner}.{name}"
        case cst.Call(func=cst.Name(name)):
            return name
        case cst.Await(expression=awaited):
            return called(awaited)
    return ""


def _kind(statement: cst.BaseSmallStatement, around: Surroundings) -> str:
    """The name of the change that leaves a statement out; "" where it is not made."""
    match statement:
        case cst.Expr(value=cst.Call() | cst.Await() as call):
            owner, _, name = called(call).rpartition(".")
            return EFFECTS.get(name, "call-left-out") if owner == "self" else "call-left-out"
        case cst.Expr(value=cst.BaseString() | cst.Ellipsis()):
            return ""
        case cst.Expr() | cst.AugAssign():
            return "statement-left-out"
        case cst.Assign(targets=targets, value=value):
            return _assigning([target.target for target in targets], value, around)
        case cst.AnnAssign(target=target, value=cst.BaseExpression() as value):
            return _assigning([target], value, around)
        case cst.Return():
            return "return-left-out"
        case cst.Raise():
            return "raise-left-out"
        case cst.Break() | cst.Continue():
            return f"{type(statement).__name__.lower()}-left-out"
        case cst.Del(target=cst.Attribute() | cst.Subscript()):
            return "removal-left-out"
    return ""


def _assigning(
    targets: Sequence[cst.BaseExpression], value: cst.BaseExpression, around: Surroundings
) -> str:
    names = [name for target in targets for name in _names(target)]
    if called(value) == "self.set_timer":
        return ""  # timer_left_out does it
    if not all(around.is_bound_before(name.value, name) for name in names):
        return ""
    return "reset-left-out" if _is_initial(value) else "assignment-left-out"


def _names(target: cst.BaseExpression) -> Iterator[cst.Name]:
    """The local variables that are assigned to."""
    match target:
        case cst.Name():
            yield target
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            for element in elements:
                yield from _names(element.value)


def _is_initial(value: cst.BaseExpression) -> bool:
    """Whether this is a value to begin with: nothing, zero, empty, or a record of defaults."""
    match value:
        case cst.Name("None" | "False") | cst.Integer("0") | cst.SimpleString('""' | "''"):
            return True
        case cst.List(elements=[]) | cst.Dict(elements=[]) | cst.Tuple(elements=[]):
            return True
        case cst.Call(func=cst.Name(name), args=[]):
            return name in ("list", "dict", "set", "tuple", "frozenset") or name[0].isupper()
        case cst.Call(func=cst.Name("deque" | "Counter" | "defaultdict")):
            return True
    return False


def _leaves(statement: cst.BaseStatement) -> bool:
    match statement:
        case cst.SimpleStatementLine(body=[*_, last]):
            return isinstance(last, LEAVES)
    return False


def _does_nothing(statement: cst.BaseStatement) -> bool:
    match statement:
        case cst.SimpleStatementLine(body=[cst.Pass() | cst.Assert() | cst.Del(target=cst.Name())]):
            return True
        case cst.SimpleStatementLine(body=[cst.Expr(value=value)]):
            return isinstance(value, cst.BaseString) or called(value) == "self.note"
    return False


def _block(block: cst.IndentedBlock, body: Sequence[cst.BaseStatement]) -> cst.IndentedBlock:
    return block.with_changes(body=body)
