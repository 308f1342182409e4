"""Handlers: which method of a node takes what, decided when its class is made."""

import inspect
import os
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from common.contract.kinds import (
    DELIVERY,
    MESSAGE,
    OPERATION,
    RECORD,
    TIMER,
    field_types,
    kind_of,
)
from common.values.errors import ContractError

Handler = TypeVar("Handler", bound=Callable[..., None])

Handlers: TypeAlias = dict[type, Callable[..., None]]
"""By class, the method that takes its values."""

_ARGUMENTS = {
    MESSAGE: "(self, message, sender)",
    TIMER: "(self, timer)",
    OPERATION: "(self, operation, call)",
    DELIVERY: "(self, delivery, subnode)",
}
_HANDLES = "__handles__"


def on(*kinds: type) -> Callable[[Handler], Handler]:
    """Mark a method as the handler of the given message, timer, operation or delivery classes.

    A handler of messages is called ``(message, sender)``, one of timers ``(timer)``, one of
    operations ``(operation, call)``, one of deliveries ``(delivery, subnode)``, with the name of
    the subnode.
    """

    def mark(method: Handler) -> Handler:
        setattr(method, _HANDLES, kinds)
        return method

    return mark


def handlers_of(cls: type) -> Handlers:
    """The handlers of a node class: its own, and those of the classes that it derives from.

    Raises:
        ContractError: a handler takes what is not declared, or has other arguments; the text names
            the method.
    """
    handlers: Handlers = {}
    for base in reversed(cls.__mro__):  # a class may join two halves, each with handlers
        handlers |= vars(base).get("_handlers", {})
    for method in vars(cls).values():
        for kind in getattr(method, _HANDLES, ()):
            _check_handler(cls, method, kind)
            handlers[kind] = method
    for kind, method in handlers.items():  # an override keeps its parent's @on
        handlers[kind] = getattr(cls, method.__name__)
    return handlers


def place_of(what: type | Callable[..., None]) -> str:
    """A class or a method by its name, with the file and the line where it begins."""
    try:
        file, line = inspect.getsourcefile(what), inspect.getsourcelines(what)[1]
    except (OSError, TypeError):  # there is no such file here, as behind the judge's pipe
        return what.__qualname__
    shown = os.path.relpath(file or "")
    return f"{what.__qualname__} ({file if shown.startswith('..') else shown}:{line})"


def check_names(cls: type, base: type[Any]) -> None:
    """Check that a class does not replace a helper of ``base`` by accident.

    Raises:
        ContractError: it has one of the same name.
    """
    for name in vars(cls):
        private = name.startswith("_") and not name.startswith("__") and name != "_handlers"
        if private and name in vars(base):
            raise ContractError(
                f"{cls.__module__}.{cls.__qualname__}: the name {name} belongs to "
                f"{base.__name__}: give yours another"
            )


def _check_handler(cls: type, method: Callable[..., None], kind: type) -> None:
    place = f"{cls.__module__}.{cls.__qualname__}.{method.__name__}"
    declared = kind_of(kind)
    if declared is None or declared == RECORD:
        raise ContractError(
            f"{place}: @on({kind.__name__}): declare {kind.__name__} with @message, @timer, "
            "@operation or @delivery"
        )
    wanted = _ARGUMENTS[declared]
    if len(inspect.signature(method).parameters) != wanted.count(",") + 1:
        raise ContractError(f"{place}: the handler of a {declared} is called {wanted}")
    field_types(kind)
