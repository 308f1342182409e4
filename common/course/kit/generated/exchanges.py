"""What somebody takes for something else: first and last, own and other, a copy and the thing."""

from collections.abc import Iterator

import libcst as cst

from common.course.kit.generated.changes import Change, becomes, enclosed
from common.course.kit.generated.statements import called
from common.course.kit.generated.surroundings import Surroundings, alike

NAMES = {
    "min": ("min-max", "max"),
    "max": ("min-max", "min"),
    "any": ("any-all", "all"),
    "all": ("any-all", "any"),
}
"""Functions that are mistaken for each other."""

COPIES = ("list", "dict", "set", "tuple", "frozenset", "copy", "deepcopy")
"""Functions that make a copy of what they are given."""

COMPUTED = (cst.GeneratorExp, cst.ListComp, cst.SetComp, cst.DictComp)
"""What nobody else holds, so that there is nothing to copy."""

ATOMS = (cst.Name, cst.Attribute, cst.Call, cst.Subscript)
"""Expressions that need no parentheses beside a ``+``."""


def function_exchanged(node: cst.CSTNode, around: Surroundings) -> Iterator[Change]:
    """``min(x)`` becomes ``max(x)``, ``any(x)`` becomes ``all(x)``."""
    del around
    if isinstance(node, cst.Call) and (known := NAMES.get(called(node))) is not None:
        kind, other = known
        yield becomes(kind, node, node.with_changes(func=cst.Name(other), lpar=[], rpar=[]))


def first_last(node: cst.CSTNode, around: Surroundings) -> Iterator[Change]:
    """``x[0]`` becomes ``x[-1]``; ``x.pop(0)`` and ``x.popleft()`` become ``x.pop()``."""
    del around
    match node:
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=index))]):
            other = {"0": "-1", "-1": "0"}.get(_number(index))
            if other is not None:
                new = node.with_deep_changes(node.slice[0], slice=cst.Index(_integer(int(other))))
                yield Change("first-last", node, new)
        case cst.Call(func=cst.Attribute(attr=cst.Name("pop")), args=[cst.Arg(value=first)]):
            if _number(first) == "0":
                yield Change("first-last", node, node.with_changes(args=[]))
        case cst.Call(func=cst.Attribute(attr=cst.Name("popleft")) as method, args=[]):
            new_method = method.with_changes(attr=cst.Name("pop"))
            yield Change("first-last", node, node.with_changes(func=new_method))


def own_other(node: cst.CSTNode, around: Surroundings) -> Iterator[Change]:
    """``self.id`` and ``sender``, ``self.term`` and ``message.term`` are taken for each other."""
    match node:
        case cst.Name(name) if name in around.others and around.is_read(node):
            yield becomes("own-other", node, cst.Attribute(cst.Name("self"), cst.Name("id")))
        case cst.Attribute(value=cst.Name("self"), attr=cst.Name(name)) if around.is_read(node):
            if name == "id" and around.others:
                yield becomes("own-other", node, cst.Name(around.others[0]))
            for parameter in around.parameters:
                fields = around.fields_of(parameter)
                if name in fields and alike(fields[name], around.own.get(name, "")):
                    other = cst.Attribute(cst.Name(parameter), cst.Name(name))
                    yield becomes("own-other", node, other)
        case cst.Attribute(value=cst.Name(parameter), attr=cst.Name(name)):
            types = around.fields_of(parameter) if parameter in around.parameters else {}
            known = name in types and name in around.own
            if known and alike(types[name], around.own[name]) and around.is_read(node):
                own = cst.Attribute(cst.Name("self"), cst.Name(name))
                yield becomes("own-other", node, own)


def truth_exchanged(node: cst.CSTNode, around: Surroundings) -> Iterator[Change]:
    """``True`` becomes ``False``."""
    del around
    match node:
        case cst.Name("True" | "False" as value):
            yield becomes("true-false", node, cst.Name("False" if value == "True" else "True"))


def bound_moved(node: cst.CSTNode, around: Surroundings) -> Iterator[Change]:
    """``n + 1`` becomes ``n``; a ``range`` or a slice begins or ends one earlier or later."""
    del around
    match node:
        case cst.BinaryOperation(
            left=left, operator=cst.Add() | cst.Subtract(), right=cst.Integer("1")
        ):
            yield becomes("bound-moved", node, left)
        case cst.Call(func=cst.Name("range"), args=[cst.Arg() as end] | [_, cst.Arg() as end, *_]):
            for by in (1, -1):
                yield _moved(end.value, by)
            if len(node.args) > 1:
                yield _moved(node.args[0].value, 1)
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Slice() as cut)]):
            if cut.lower is not None:
                yield _moved(cut.lower, 1)
            if cut.upper is not None:
                yield _moved(cut.upper, -1)


def copy_left_out(node: cst.CSTNode, around: Surroundings) -> Iterator[Change]:
    """``list(x)`` becomes ``x``: then a change of one is a change of both."""
    del around
    match node:
        case cst.Call(func=cst.Name(name), args=[cst.Arg(value=copied, star="", keyword=None)]):
            if name in COPIES and not isinstance(copied, COMPUTED):
                yield becomes("copy-left-out", node, copied)
        case cst.Call(func=cst.Attribute(value=copied, attr=cst.Name("copy")), args=[]):
            yield becomes("copy-left-out", node, copied)
        case cst.Subscript(
            value=copied,
            slice=[cst.SubscriptElement(slice=cst.Slice(lower=None, upper=None, step=None))],
        ):
            yield becomes("copy-left-out", node, copied)
        case (
            cst.List(elements=[cst.StarredElement(value=copied)])
            | cst.Dict(elements=[cst.StarredDictElement(value=copied)])
        ):
            yield becomes("copy-left-out", node, copied)


def _moved(bound: cst.BaseExpression, by: int) -> Change:
    return Change("bound-moved", bound, _plus(bound, by))


def _plus(value: cst.BaseExpression, by: int) -> cst.BaseExpression:
    """A number that is greater by one, or less by one, written as simply as can be."""
    operator: cst.BaseBinaryOp = cst.Add() if by > 0 else cst.Subtract()
    match value:
        case cst.Integer(text) if text.isdecimal():
            return _integer(int(text) + by)
        case cst.UnaryOperation(operator=cst.Minus(), expression=cst.Integer(text)):
            return _integer(by - int(text))
        case cst.BinaryOperation(left=left, operator=cst.Add(), right=cst.Integer("1")) if by < 0:
            return left
        case cst.BinaryOperation(left=left, operator=cst.Subtract(), right=cst.Integer("1")):
            if by > 0:
                return left
    whole = value if isinstance(value, ATOMS) else enclosed(value)
    return cst.BinaryOperation(whole, operator, cst.Integer("1"))


def _integer(value: int) -> cst.BaseExpression:
    if value < 0:
        return cst.UnaryOperation(cst.Minus(), cst.Integer(str(-value)))
    return cst.Integer(str(value))


def _number(node: cst.BaseExpression) -> str:
    match node:
        case cst.Integer(text):
            return text
        case cst.UnaryOperation(operator=cst.Minus(), expression=cst.Integer(text)):
            return f"-{text}"
    return ""
