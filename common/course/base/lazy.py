"""A command that starts at once: the code of a verb is imported when the verb is called.

One table names all verbs. What ``lab --help`` says of a verb is the first paragraph of its
function's docstring, which is read from the source, for importing all of them takes a second.
"""

import ast
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import click


class Verb(NamedTuple):
    """Where a verb is, and how it is used.

    Attributes:
        where: ``module:function``, below ``common.course``; the function's docstring is the help,
            its decorators say what the verb takes.
        example: a whole command.
    """

    where: str
    example: str

    def place(self) -> tuple[str, str]:
        """The names of the module and of the function."""
        module, _, function = f"common.course.{self.where}".partition(":")
        return module, function


@cache
def load(name: str, verb: Verb) -> click.Command:
    """Import a verb, once: click takes what the decorators say off the function."""
    module, function = verb.place()
    decorated = getattr(import_module(module), function)
    return click.command(name, epilog=f"Example: {verb.example}")(decorated)


def summary(verb: Verb) -> str:
    """The first paragraph of a verb's docstring; the verb is not imported."""
    module, function = verb.place()
    origin = getattr(find_spec(module), "origin", None)
    assert isinstance(origin, str), f"there is no module {module}"
    tree = ast.parse(Path(origin).read_text(encoding="utf-8"))
    for found in tree.body:
        if isinstance(found, ast.FunctionDef) and found.name == function:
            paragraph = (ast.get_docstring(found) or "").partition("\n\n")[0]
            return " ".join(paragraph.split())
    raise AssertionError(f"there is no function {function} in {module}")


class Verbs(click.Group):
    """A command whose verbs are known by name, and imported one at a time.

    Args:
        under: by heading, the verbs that the help lists under it.
        options: what any group takes.
    """

    def __init__(self, under: Mapping[str, Mapping[str, Verb]], **options: Any) -> None:
        self._under = under
        self._verbs = {name: verb for verbs in under.values() for name, verb in verbs.items()}
        super().__init__(commands=[click.Command(name) for name in self._verbs], **options)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all verbs, in the order of the table."""
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A verb as a shell's completion shows it: what it is for, and no more."""
        known = super().get_command(ctx, cmd_name)
        if known is not None and known.help is None:
            known.help = summary(self._verbs[cmd_name])
        return known

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that is called, imported now."""
        name, known, rest = super().resolve_command(ctx, args)
        return name, load(name, self._verbs[name]) if name in self._verbs else known, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What the help says of the verbs."""
        for heading, verbs in self._under.items():
            with formatter.section(heading):
                formatter.write_dl([(name, summary(verb)) for name, verb in verbs.items()])
