"""Which changes are the same: functions are compared after everything that does nothing is gone.

``if c: pass``, ``if False: ...`` and a ``return`` at the end of a function are simplified away, and
so is what stands behind a ``return``. So a call left out and the condition around it taken as never
true are one mutant, not two; and a change that leaves the function as it was is none.
"""

import ast
from collections.abc import Sequence

EFFECTLESS = (ast.Name, ast.Attribute, ast.Constant, ast.Compare, ast.BoolOp, ast.UnaryOp,
              ast.Subscript, ast.BinOp, ast.expr_context, ast.boolop, ast.operator, ast.unaryop,
              ast.cmpop, ast.Tuple)  # fmt: skip
"""What an expression may consist of if nothing happens when it is computed."""

LEAVES = (ast.Return, ast.Break, ast.Continue, ast.Raise)


def fingerprint(function: str) -> str:
    """What is the same for functions that do the same, as far as this can be told at a glance.

    Args:
        function: the text of a function.
    """
    tree = _Simplifying().visit(ast.parse(function))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = _without_end(node.body, ast.Return)
    return ast.dump(tree)


class _Simplifying(ast.NodeTransformer):
    """Takes out what does nothing."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Simplify the blocks of a statement."""
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                setattr(node, name, _simplified(block))
        return node

    def visit_Pass(self, node: ast.Pass) -> None:
        """It does nothing."""

    def visit_Assert(self, node: ast.Assert) -> None:
        """It does nothing to others."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Neither does a docstring, nor a note."""
        match node.value:
            case ast.Constant():
                return None
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr="note")):
                return None
        return self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> ast.AST | None:
        """Nor does ``del sender``."""
        if all(isinstance(target, ast.Name) for target in node.targets):
            return None
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt] | None:
        """One side only, where the condition is known; nothing, where nothing is done."""
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        if not node.body and not node.orelse and _is_effectless(node.test):
            return None
        return node

    def visit_While(self, node: ast.While) -> ast.AST | None:
        """Nothing, where it never begins."""
        self.generic_visit(node)
        never = isinstance(node.test, ast.Constant) and not node.test.value
        if not never:
            node.body = _without_end(node.body, ast.Continue)
        return None if never else node

    def visit_For(self, node: ast.For) -> ast.AST:
        """A loop goes on at its end without being told so."""
        self.generic_visit(node)
        node.body = _without_end(node.body, ast.Continue)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """One side only, where the condition is known."""
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        return node


def _simplified(block: Sequence[ast.AST]) -> list[ast.AST]:
    """A block without what stands behind a statement that leaves it."""
    for number, statement in enumerate(block):
        if isinstance(statement, LEAVES):
            return list(block[: number + 1])
    return list(block)


def _without_end(
    block: Sequence[ast.stmt], kind: type[ast.Return | ast.Continue]
) -> list[ast.stmt]:
    """A block without the ``return`` or ``continue`` with which it would end anyway."""
    if not block:
        return []
    *others, last = block
    if isinstance(last, kind) and getattr(last, "value", None) is None:
        return _without_end(others, kind)
    if isinstance(last, ast.If):
        last.body = _without_end(last.body, kind)
        last.orelse = _without_end(last.orelse, kind)
        if not last.body and not last.orelse and _is_effectless(last.test):
            return _without_end(others, kind)
    return list(block)


def _is_effectless(expression: ast.expr) -> bool:
    return all(isinstance(node, EFFECTLESS) for node in ast.walk(expression))
