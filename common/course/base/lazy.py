"""A command that starts at once: the code of a verb is imported when the verb is called.

One table names all verbs. What ``lab --help`` says of a verb is the first paragraph of its
function's docstring, which is read from the source, for importing all of them takes a second.
"""

import ast
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup


class Verb(NamedTuple):
    """Where a verb is, and how it is used.

    Attributes:
        where: ``module:function``; the function's parameters and docstring are the verb's.
        example: a whole command.
    """

    where: str
    example: str


def group(package: str, panels: Mapping[str, Mapping[str, Verb]]) -> type[TyperGroup]:
    """The kind of command that has these verbs.

    Args:
        package: where the verbs' modules are.
        panels: by the heading that they stand under in the help, the verbs by name.

    Returns:
        What :class:`typer.Typer` takes as ``cls``.
    """
    verbs = {
        name: verb._replace(where=f"{package}.{verb.where}")
        for named in panels.values()
        for name, verb in named.items()
    }

    class Verbs(TyperGroup):
        """Knows its verbs by name, and imports the one that is called."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            for panel, named in panels.items():
                for name in named:
                    self.add_command(TyperCommand(name, rich_help_panel=panel))

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            """The verb as the help and a shell's completion show it: with its docstring alone."""
            known = super().get_command(ctx, cmd_name)
            if known is not None and known.help is None:
                known.help = docstring(verbs[cmd_name].where)
            return known

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            """The verb that is called, with all that it can do."""
            name, known, rest = super().resolve_command(ctx, args)
            return name, load(name, verbs[name]) if name in verbs else known, rest

    return Verbs


def load(name: str, verb: Verb) -> Any:
    """Import a verb; returns it as typer has it."""
    module, _, function = verb.where.partition(":")
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
    alone.command(name, epilog=f"Example: {verb.example}")(getattr(import_module(module), function))
    return typer.main.get_command(alone)


def docstring(where: str) -> str:
    """The docstring of ``module:function``, which is not imported."""
    module, _, function = where.partition(":")
    origin = getattr(find_spec(module), "origin", None)
    assert isinstance(origin, str), f"there is no module {module}"
    tree = ast.parse(Path(origin).read_text(encoding="utf-8"))
    for found in tree.body:
        if isinstance(found, ast.FunctionDef) and found.name == function:
            return ast.get_docstring(found) or ""
    raise AssertionError(f"there is no function {function} in {module}")
