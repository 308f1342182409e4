"""State that all nodes of a process would share, found by reading a protocol file.

Each node keeps its state in attributes of its own. What stands on a class, in a module or in the
default of an argument exists once in a process. In a simulation all nodes are in one process, so
it would tell one node what another one did; on sockets each node would have its own. A test that
passes with it says nothing about the protocol.
"""

import ast
from collections.abc import Iterator
from typing import TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_LITERALS = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)

_MAKERS = frozenset((
    "dict", "list", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict", "count",
    "cycle", "iter", "Random",
))  # fmt: skip
"""Calls that make something that can change; what ``count()`` and the like make changes by use."""

_CHANGES = frozenset((
    "add", "append", "appendleft", "clear", "difference_update", "discard", "extend", "extendleft",
    "insert", "intersection_update", "pop", "popitem", "popleft", "remove", "reverse",
    "setdefault", "sort", "subtract", "symmetric_difference_update", "update",
))  # fmt: skip
"""Methods that change what they are called on."""

_CHANGERS = frozenset(("next", "heappush", "heappop", "heapify", "insort", "setattr"))
"""Functions that change their first argument."""


_NAMES: dict[type[ast.expr], str] = {ast.Name: "id", ast.Attribute: "attr"}


def shared_state(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The lines at which state is shared by all nodes, with what to do instead.

    A module's table that no function changes is a constant, and no state. A class's is one if its
    name is in capitals, or if ``__init__`` gives each object its own.
    """
    tables = {name for name, _ in _made(tree.body)}
    for part in ast.walk(tree):
        if isinstance(part, ast.ClassDef):
            yield from _on_class(part, tree)
        elif isinstance(part, ast.Global):
            names = ", ".join(part.names)
            yield part.lineno, f"{names} of the module {_INSTEAD}"
        elif isinstance(part, Function):
            yield from _in_defaults(part)
            if not isinstance(part, ast.Lambda):
                for name in sorted(tables - _own_names(part)):
                    for line in _changed(part, name, ast.Name):
                        yield line, f"{name} of the module {_INSTEAD}"
                yield from _on_class_objects(part)


_INSTEAD = "is shared by all nodes: make it in `__init__`, as an attribute of self"


def _on_class(part: ast.ClassDef, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Tables on a class."""
    fresh = {
        target.attr
        for method in part.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
        for target in ast.walk(method)
        if isinstance(target, ast.Attribute) and isinstance(target.ctx, ast.Store)
    }
    for name, line in _made(part.body):
        constant = name.isupper() or name.startswith("__")
        if name not in fresh and not (constant and not any(_changed(tree, name, ast.Attribute))):
            yield line, f"{name} on the class {part.name} {_INSTEAD}"


def _in_defaults(part: Function) -> Iterator[tuple[int, str]]:
    """Defaults of arguments: they are made once, when the function is."""
    for default in (*part.args.defaults, *part.args.kw_defaults):
        if default is not None and _can_change(default):
            yield (
                default.lineno,
                "the default of an argument is made once and shared by all nodes: write None, and "
                "make it in the function",
            )


def _on_class_objects(part: ast.AST) -> Iterator[tuple[int, str]]:
    """Assignments to an attribute of a class: ``type(self).count += 1``."""
    for target in ast.walk(part):
        if isinstance(target, ast.Attribute) and isinstance(target.ctx, ast.Store):
            match target.value:
                case (
                    ast.Call(func=ast.Name("type"), args=[ast.Name("self")])
                    | ast.Attribute(attr="__class__")
                    | ast.Name("cls")
                ):
                    yield target.lineno, f"{target.attr} of the class {_INSTEAD}"


def _made(body: list[ast.stmt]) -> Iterator[tuple[str, int]]:
    """The names of a module or class that stand for something that can change, with their lines."""
    for part in body:
        match part:
            case ast.Assign(targets=targets, value=value) if _can_change(value):
                yield from ((t.id, part.lineno) for t in targets if isinstance(t, ast.Name))
            case ast.AnnAssign(target=ast.Name(name), value=ast.expr() as value) if _can_change(
                value
            ):
                yield name, part.lineno


def _can_change(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        called = value.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        return name in _MAKERS
    return isinstance(value, _LITERALS)


def _own_names(part: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """The names that a function gives a meaning of its own."""
    arguments = (*part.args.posonlyargs, *part.args.args, *part.args.kwonlyargs)
    stored = (
        each.id
        for each in ast.walk(part)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    )
    return {*(argument.arg for argument in arguments), *stored}


def _changed(part: ast.AST, name: str, kind: type[ast.expr]) -> Iterator[int]:
    """The lines at which the variable, or the attribute, of this name is changed in place."""

    def is_it(value: ast.expr) -> bool:
        return isinstance(value, kind) and getattr(value, _NAMES[kind]) == name

    for each in ast.walk(part):
        match each:
            case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()) if is_it(value):
                yield each.lineno
            case ast.Call(func=ast.Attribute(value=value, attr=method)) if is_it(value):
                if method in _CHANGES:
                    yield each.lineno
            case ast.Call(func=called, args=[first, *_]) if is_it(first):
                if getattr(called, "id", getattr(called, "attr", "")) in _CHANGERS:
                    yield each.lineno
