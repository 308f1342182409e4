"""The contract's rules, checked on the code that students write.

Two checks: :func:`check_step` runs one event on a copy of the node as well, and
:func:`check_protocol_source` reads a protocol file for imports that reach the world, and for state
that nodes share.
"""

import ast
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from random import Random
from typing import Any

from common.contract.effects import (
    Broadcast,
    Deliver,
    Effect,
    Forget,
    Note,
    Return,
    Save,
    Send,
)
from common.contract.events import Event, Fire, Invoke, Receive
from common.contract.handlers import place_of
from common.contract.kinds import check_value, classes_in, is_made_of, kind_of
from common.contract.node import Node
from common.contract.schema import Schema
from common.contract.shared import shared_state
from common.contract.wrapped import check_key, unwrapped
from common.values.brief import brief
from common.values.errors import ContractError
from common.values.history import Ok

FORBIDDEN_IMPORTS = {
    "time": "read self.now and use self.set_timer()",
    "datetime": "read self.now",
    "random": "draw from self.random",
    "secrets": "draw from self.random",
    "uuid": "count, or draw from self.random",
    "socket": "use self.send()",
    "ssl": "use self.send()",
    "select": "use handlers: the world calls them when something happens",
    "selectors": "use handlers: the world calls them when something happens",
    "threading": "use handlers: a node does one thing at a time",
    "_thread": "use handlers: a node does one thing at a time",
    "concurrent": "use handlers: a node does one thing at a time",
    "multiprocessing": "use handlers: each node is a process of its own already",
    "subprocess": "use handlers and effects: a node starts nothing",
    "asyncio": "use handlers: the world calls them when something happens",
    "signal": "use handlers: a crash is not announced",
    "os": "use self.save() and self.saved",
    "io": "use self.save() and self.saved",
    "pathlib": "use self.save() and self.saved",
    "shutil": "use self.save() and self.saved",
    "tempfile": "use self.save() and self.saved",
    "sqlite3": "use self.save() and self.saved",
    "pickle": "declare a class with @record",
}
"""What a protocol file must not import, and what to use instead."""

FORBIDDEN_CALLS = {
    "open": "use self.save() and self.saved",
    "print": "use self.note()",
    "input": "operations come from clients: @on an @operation",
    "hash": "it differs from machine to machine: use hashlib",
    "id": "it differs from run to run: give things names of your own",
}
"""Built-in functions that a protocol file must not call, and what to use instead."""


RESERVED_ATTRIBUTES = frozenset(vars(Node("n1", ())))
"""The attributes in which Node keeps its own state; a subclass must not assign to them."""


def check_step(node: Node, event: Event) -> list[Effect]:
    """Take a step, and take it on a copy too; returns the effects.

    Raises:
        ContractError: the two gave different effects.
    """
    own = vars(node).get("_random")  # a node behind the judge's pipe has it at the other end
    try:
        twin = deepcopy(node, {} if own is None else {id(own): _same_draws(own)})
    except TypeError as error:
        raise ContractError(
            f"node {node.id} ({type(node).__name__}): its state cannot be copied ({error}): "
            "keep numbers, text, tuples, lists, dictionaries, sets and declared classes"
        ) from error
    effects = node.step(event)
    again = twin.step(event)
    if effects != again:
        raise ContractError(
            f"node {node.id} ({type(node).__name__}): {event} gave other effects on a copy of "
            f"the same state: {_first_difference(effects, again)}; a handler may depend on "
            f"nothing but its node's state and the event{_taken_by(node, event)}"
        )
    return effects


def _taken_by(node: Any, event: Event) -> str:
    """Which method took an event, and where it is; "" behind the judge's pipe."""
    if not isinstance(node, Node):
        return ""
    match event:
        case Receive(_, _, value) | Fire(_, _, value) | Invoke(_, _, value):
            taker = type(node)._handlers[type(value)]
        case _:
            taker = type(node).on_start
    return f"; look into {place_of(taker)}"


def _same_draws(random: Random) -> Random:
    """A generator that gives the same numbers; ``deepcopy`` would copy its 625 numbers singly."""
    made = Random(0)
    made.setstate(random.getstate())
    return made


def check_effects(node: Node, effects: list[Effect]) -> None:
    """Check the effects of a step, each as :func:`check_effect` does."""
    for effect in effects:
        check_effect(node, effect)


def check_effect(node: Node, effect: Effect) -> None:
    """Check what leaves a node as sockets and disks would: it cannot change, and has a name there.

    Raises:
        ContractError: something can, or has none; the text names the node, what it asked for, and
            what and where the wrong value is.
    """
    try:
        match effect:
            case Send(_, value) | Broadcast(_, value) | Return(_, Ok(value)):
                _check_crosses(node, value)
            case Save(key, value):
                check_key(key)
                _check_crosses(node, value)
            case Forget(key):
                check_key(key)
            case Note(_, fields):
                check_value(tuple(fields.values()))
            case Deliver(value):
                check_value(value)
    except ContractError as error:
        name = f"node {node.id} ({type(node).__name__})"
        raise ContractError(f"{name}: {_asked(effect)}: {error}") from None


def _asked(effect: Effect) -> str:
    """The call by which an effect was asked for, but for values that may be long."""
    match effect:
        case Send(to, message):
            return f"send({brief(to)}, {_called(message)})"
        case Broadcast(_, message):
            return f"broadcast({_called(message)})"
        case Return(call, _):
            return f"finish({call}, Ok(...))"
        case Save(key, _):
            return f"save({brief(key)}, ...)"
        case Forget(key):
            return f"forget({brief(key)})"
        case Note(text, _):
            return f"note({brief(text)}, ...)"
    return "deliver(...)"


def _called(message: object) -> str:
    path, inner = unwrapped(message)
    of = f" of the subnode {path}" if path else ""
    return f"{type(inner).__name__}(...){of}"


def _check_crosses(node: object, value: object) -> None:
    if not isinstance(node, Node):
        check_value(value)  # behind the judge's pipe; what came through has a name
        return
    node_class: Any = type(node)
    known = _known_to(node_class)
    if is_made_of(value, known):
        return
    check_value(value)
    for kind in classes_in(value):
        if kind not in known:
            raise ContractError(
                f"a {kind.__name__} is in what it sends, saves or answers, and on sockets no node "
                f"of this class would know it: name it in the class {node_class.__name__}: "
                f"carries = ({kind.__name__},)"
            )


@cache
def _known_to(node_class: type[Node]) -> frozenset[type]:
    """The enums and declared classes that such nodes know on sockets."""
    schema = Schema.of(node_class)
    return frozenset((*filter(kind_of, schema.kinds.values()), *schema.enums.values()))


def _first_difference(one: list[Effect], other: list[Effect]) -> str:
    for first, second in zip(one, other, strict=False):
        if first != second:
            return f"{brief(first)} and {brief(second)}"
    return f"{len(one)} effects and {len(other)}"


def check_protocol_source(source: str, path: str) -> None:
    """Check that a protocol file reaches the world, and its nodes each other, by effects only.

    Args:
        source: the text of the file.
        path: its name, for messages.

    Raises:
        ContractError: it imports or calls what it must not, or has state that nodes share; the
            text says where, and what to do instead. A syntax error is told the same way.
    """
    for line, text in _violations(_parsed(source, path)):
        raise ContractError(f"{path}:{line}: {text}")


def check_shares_nothing(source: str, path: str) -> None:
    """Check that nodes which use a file share no state by it; arguments and errors as above."""
    for line, text in shared_state(_parsed(source, path)):
        raise ContractError(f"{path}:{line}: {text}")


def _parsed(source: str, path: str) -> ast.Module:
    try:
        return ast.parse(source, path)
    except SyntaxError as error:
        place = f"{path}:{error.lineno}" if error.lineno else path  # none for a zero byte, say
        raise ContractError(f"{place}: {error.msg}") from None


def _violations(tree: ast.Module) -> Iterator[tuple[int, str]]:
    yield from shared_state(tree)
    defined = {part.name for part in ast.walk(tree) if isinstance(part, ast.FunctionDef)}
    for part in ast.walk(tree):
        if isinstance(part, ast.Import | ast.ImportFrom):
            for name in _imported(part):
                if instead := FORBIDDEN_IMPORTS.get(name.partition(".")[0]):
                    yield part.lineno, f"a protocol file must not import {name}: {instead}"
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
            if part.attr in RESERVED_ATTRIBUTES:
                yield part.lineno, f"the attribute {part.attr} belongs to Node: give yours another"
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
            called = part.func.id
            if called in FORBIDDEN_CALLS and called not in defined:
                instead = FORBIDDEN_CALLS[called]
                yield part.lineno, f"a protocol file must not call {called}(): {instead}"


def _imported(part: ast.Import | ast.ImportFrom) -> list[str]:
    """The modules that an import statement names, relative ones left out."""
    if isinstance(part, ast.Import):
        return [alias.name for alias in part.names]
    return [part.module] if part.module and not part.level else []
