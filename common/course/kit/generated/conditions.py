"""What somebody gets wrong about a condition: always, never, half of it, the border, a ``not``."""

from collections.abc import Iterator

import libcst as cst
import libcst.matchers as m

from common.course.kit.generated.changes import Change, becomes, enclosed, in_place_of
from common.course.kit.generated.surroundings import Surroundings

MOVED: dict[type[cst.BaseCompOp], type[cst.BaseCompOp]] = {
    cst.LessThan: cst.LessThanEqual,
    cst.LessThanEqual: cst.LessThan,
    cst.GreaterThan: cst.GreaterThanEqual,
    cst.GreaterThanEqual: cst.GreaterThan,
}
"""Comparisons, each with the one that differs from it where both sides are equal."""

POSITIVE: dict[type[cst.BaseCompOp], cst.BaseCompOp] = {
    cst.NotIn: cst.In(),
    cst.IsNot: cst.Is(),
}
"""Comparisons that have a ``not`` in them, without it."""


def condition_fixed(node: cst.CSTNode, around: Surroundings) -> Iterator[Change]:
    """``if c`` is done always, or never; an answer that is yes or no is always the same one."""
    condition = _condition(node)
    if condition is None:
        if not (isinstance(node, cst.BaseExpression) and _is_yes_or_no(node)):
            return
        if _is_part_of_condition(node, around):
            return
        condition = node
    ways: tuple[tuple[str, cst.BaseExpression], ...] = (
        ("always", _fixed(condition, cst.Name("True"), cst.Or())),
        ("never", _fixed(condition, cst.Name("False"), cst.And())),
    )
    for way, new in ways:
        if way == "never" or not isinstance(node, cst.While):
            yield Change(f"condition-{way}", condition, new, f"taken as {way} true")


def condition_left_out(node: cst.CSTNode, around: Surroundings) -> Iterator[Change]:
    """``a and b`` becomes ``a``, or ``b``."""
    del around
    if not isinstance(node, cst.BooleanOperation):
        return
    kind = "condition-left-out"
    yield Change(kind, node, in_place_of(node.left, node))
    match node.left:
        case cst.BooleanOperation(operator=operator, lpar=[]) if type(operator) is _operator(node):
            return  # of a and b and c one is left out at a time
    yield Change(kind, node, in_place_of(node.right, node))


def and_or_exchanged(node: cst.CSTNode, around: Surroundings) -> Iterator[Change]:
    """``a and b`` becomes ``a or b``."""
    if not isinstance(node, cst.BooleanOperation):
        return
    other: cst.BaseBooleanOp = cst.And() if _operator(node) is cst.Or else cst.Or()
    new = node.with_changes(operator=other)
    inside = isinstance(around.parent(node), cst.BooleanOperation)
    yield Change("and-or", node, enclosed(new) if inside else new)


def comparison_moved(node: cst.CSTNode, around: Surroundings) -> Iterator[Change]:
    """``a < b`` becomes ``a <= b``."""
    del around
    if not isinstance(node, cst.Comparison):
        return
    for target in node.comparisons:
        if (other := MOVED.get(type(target.operator))) is not None:
            new = node.with_deep_changes(target, operator=other())
            yield Change("comparison-moved", node, new)


def not_dropped(node: cst.CSTNode, around: Surroundings) -> Iterator[Change]:
    """``not c`` becomes ``c``; ``a not in b`` becomes ``a in b``."""
    del around
    match node:
        case cst.UnaryOperation(operator=cst.Not(), expression=inner):
            yield becomes("not-dropped", node, inner)
        case cst.Comparison(comparisons=[target]):
            if (positive := POSITIVE.get(type(target.operator))) is not None:
                new = node.with_deep_changes(target, operator=positive)
                yield Change("not-dropped", node, new)


def _condition(node: cst.CSTNode) -> cst.BaseExpression | None:
    """What decides whether something is done."""
    match node:
        case (
            cst.If(test=test) | cst.While(test=test) | cst.IfExp(test=test) | cst.CompIf(test=test)
        ):
            return None if m.matches(test, m.Name("True") | m.Name("False")) else test
        case cst.MatchCase(guard=cst.BaseExpression() as guard):
            return guard
    return None


def _is_yes_or_no(node: cst.CSTNode) -> bool:
    """Whether an expression is True or False, whatever its parts are."""
    match node:
        case cst.Comparison() | cst.UnaryOperation(operator=cst.Not()):
            return True
        case cst.BooleanOperation(left=left, right=right):
            return _is_yes_or_no(left) and _is_yes_or_no(right)
    return False


def _is_part_of_condition(node: cst.CSTNode, around: Surroundings) -> bool:
    parent = around.parent(node)
    match parent:
        case None:
            return True
        case cst.BooleanOperation():
            return _is_yes_or_no(parent) or _is_part_of_condition(parent, around)
        case cst.UnaryOperation(operator=cst.Not()):
            return True
    return _condition(parent) is node


def _fixed(
    condition: cst.BaseExpression, answer: cst.Name, with_it: cst.BaseBooleanOp
) -> cst.BaseExpression:
    """The answer; beside the condition where that one gives a name to what it has found."""
    if not m.findall(condition, m.NamedExpr()):
        return answer
    return enclosed(cst.BooleanOperation(enclosed(condition), with_it, answer))


def _operator(node: cst.BooleanOperation) -> type[cst.BaseBooleanOp]:
    return type(node.operator)
