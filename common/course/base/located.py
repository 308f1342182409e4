"""YAML of a person, checked against types, with errors that name file and line."""

import re
from collections.abc import Hashable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from common.values.errors import BadInput

Value = TypeVar("Value")

MAX_BYTES = 1_000_000
"""A longer file is no configuration that a person wrote."""

_AT = re.compile(r"(?s)(.*?) - at `(?:key in )?\$(.*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_NAMED = re.compile(r"field `([^`]+)`")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML's own loader, in C where it is built, which refuses a key that is there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping, every key of which is there once."""
        seen: set[object] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"{key.value} is there twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        made: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return made


class Located:
    """A YAML file, read, with the line of each of its parts.

    Args:
        path: the file.

    Raises:
        BadInput: it cannot be read, is too long, or is no YAML; the text names the line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            raw = path.read_bytes()
            if len(raw) > MAX_BYTES:
                raise BadInput(f"{path} has more than {MAX_BYTES} bytes: is it the right file?")
            self._text = raw.decode("utf-8")
        except OSError as error:
            raise BadInput(f"{path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise BadInput(f"{path} is not text in UTF-8") from None
        try:
            self.plain = yaml.load(self._text, _Loader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f":{mark.line + 1}" if mark else ""
            what = getattr(error, "problem", None) or str(error).splitlines()[0]
            raise BadInput(f"{path}{where}: this is not YAML: {what}") from None

    def decode(self, type: type[Value]) -> Value:
        """The file as a value of the given type.

        Raises:
            BadInput: a part is missing, unknown or of the wrong type; the text names the line.
        """
        try:
            return msgspec.convert(self.plain, type)
        except msgspec.ValidationError as error:
            raise self._explained(str(error)) from None

    def error(self, what: str, *steps: str | int) -> BadInput:
        """An error about the part that ``steps`` lead to: names of keys, numbers of items."""
        return BadInput(f"{self.path}:{self.line(*steps)}: {what}")

    def line(self, *steps: str | int) -> int:
        """The line of a part, counted from 1; of what is not there, the line of what holds it."""
        node, line = self._root, 1
        for step in steps:
            if isinstance(node, yaml.MappingNode):
                found = [(key, value) for key, value in node.value if key.value == step]
                if not found:
                    return line
                line, node = found[0][0].start_mark.line + 1, found[0][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
                node = node.value[step]
                line = node.start_mark.line + 1
        return line

    @cached_property
    def _root(self) -> yaml.Node | None:
        root: yaml.Node | None = yaml.compose(self._text, yaml.SafeLoader)
        return root

    def _explained(self, told: str) -> BadInput:
        found = _AT.match(told)
        what, place = (found[1], found[2]) if found else (told, "")
        steps: list[str | int] = [name or int(number) for name, number in _STEP.findall(place)]
        if named := _NAMED.search(what):
            steps.append(named[1])
        where = f" (at {place.lstrip('.')})" if place else ""
        return self.error(f"{what[0].lower()}{what[1:]}{where}", *steps)
