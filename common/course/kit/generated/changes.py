"""What a change is: a node of an exercise's syntax tree, and what stands in its place."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import libcst as cst

from common.course.kit.generated.surroundings import Surroundings

Expression = TypeVar("Expression", bound=cst.BaseExpression)

NOTHING = cst.SimpleStatementLine([cst.Pass()])


@dataclass(frozen=True, slots=True)
class Change:
    """One small change.

    Attributes:
        kind: what is done, in words that fit into a name: ``save-left-out``.
        old: the node that is replaced.
        new: what stands there instead.
        told: what is done, in words: ``left out``; "" where the new code says it.
        about: the code to which that is done; None for ``old``.
    """

    kind: str
    old: cst.CSTNode
    new: cst.CSTNode
    told: str = ""
    about: cst.CSTNode | None = None

    @property
    def place(self) -> cst.CSTNode:
        """The code that is changed."""
        return self.old if self.about is None else self.about


Operator = Callable[[cst.CSTNode, Surroundings], Iterator[Change]]
"""Gives the changes that one node of an exercise allows."""


def becomes(kind: str, old: cst.BaseExpression, new: cst.BaseExpression) -> Change:
    """One expression in the place of another."""
    return Change(kind, old, in_place_of(new, old))


def in_place_of(new: Expression, old: cst.BaseExpression) -> Expression:
    """An expression with the parentheses of the one that it replaces: they may span lines."""
    return new.with_changes(lpar=[*old.lpar, *new.lpar], rpar=[*new.rpar, *old.rpar])


def enclosed(expression: Expression) -> Expression:
    """An expression in parentheses, so that it stays one whatever stands beside it."""
    if expression.lpar:
        return expression
    return expression.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
