"""Where the student's modules come from, and what they may import.

The zygote gets the text of every file beforehand and compiles it. Compiling runs nothing; a module
is run only in a process that was forked and sealed, except those that are word for word the
course's own. So no student's code ever runs in the process that forks the others.
"""

import builtins
import importlib.abc
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType

from common.contract.rules import check_protocol_source
from common.values.errors import BadInput, LabError

ALLOWED = frozenset((
    "__future__", "abc", "array", "ast", "base64", "binascii", "bisect", "builtins", "calendar",
    "cmath", "collections", "collections.abc", "colorsys", "contextlib", "contextvars", "copy",
    "dataclasses", "decimal", "difflib", "enum", "errno", "fractions", "functools", "graphlib",
    "hashlib", "heapq", "hmac", "itertools", "json", "keyword", "math", "numbers", "operator",
    "pprint", "random", "re", "reprlib", "statistics", "string", "struct", "sys", "textwrap",
    "time", "token", "tokenize", "traceback", "types", "typing", "unicodedata", "warnings",
    "weakref", "zlib", "asyncio", "socket", "ipaddress", "logging", "os", "io",
))  # fmt: skip
"""What a student's file may import of the standard library. Reaching the world is no matter of
imports: a sealed process has no world."""

PRELOADED = sorted(ALLOWED)
"""A sealed process cannot load machine code any more, and some of these have some."""
OURS = ("common.values", "common.contract")


PACKAGES: set[str] = set()
"""The names of the stages' folders, which the judge has told: all code of labs is below them."""


def is_of_lab(module: str) -> bool:
    """Whether a module, given its full name, is code of a lab."""
    return module.partition(".")[0] in PACKAGES


class Source:
    """One file.

    Args:
        path: as people know it, for tracebacks.
        text: what is in it.
        package: whether it is the ``__init__`` of a folder.
        protocol: whether it must keep to the contract: reach the world by effects only.
    """

    def __init__(self, path: str, text: str, package: bool, protocol: bool = False) -> None:
        self.path = path
        self.package = package
        self.code: CodeType | None = None
        self.error: Exception | None = None
        try:
            if protocol:
                check_protocol_source(text, path)
            self.code = compile(text, path, "exec", dont_inherit=True)
        except LabError as error:
            self.error = error
        except (SyntaxError, ValueError) as error:  # for a zero byte either, and without a place
            placed = isinstance(error, SyntaxError) and error.lineno
            self.error = error if placed else BadInput(f"{path} cannot be compiled: {error}")
        except (RecursionError, MemoryError):
            why = "something in it is nested too deeply"
            self.error = BadInput(f"{path} cannot be compiled: {why}")


class Sources(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of the labs among the texts that the judge gave, and nowhere else."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self.sources = sources

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module with this name, if the judge gave it."""
        del path, target
        source = self.sources.get(fullname)
        if source is None:
            return None
        return importlib.util.spec_from_loader(
            fullname, self, origin=source.path, is_package=source.package
        )

    def exec_module(self, module: ModuleType) -> None:
        """Run it."""
        source = self.sources[module.__name__]
        if source.error is not None:
            raise source.error
        assert source.code is not None, "there is code where there is no error"
        module.__file__ = source.path
        exec(source.code, module.__dict__)


def guard_imports() -> None:
    """From now on a lab's file that imports what it may not is told so in one sentence."""
    original = builtins.__import__

    def guarded(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        asker = str((globals or {}).get("__name__", ""))
        if is_of_lab(asker) and not level and not _allowed(name):
            raise ImportError(
                f"{asker} imports {name}: in a judged lab there are the standard library's pure "
                "parts, common.values, common.contract and the labs before, and nothing else"
            )
        return original(name, globals, locals, fromlist or (), level)

    builtins.__import__ = guarded


def _allowed(name: str) -> bool:
    if name.startswith(OURS) or name == "common":
        return True
    top = name.partition(".")[0]
    return name in ALLOWED or top in ALLOWED or top in PACKAGES


def place_of(error: BaseException) -> str:
    """File, line and function of a lab where an error came up, the innermost; or ""."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if is_of_lab(str(frame.f_globals.get("__name__", ""))):
            code = frame.f_code
            place = f"{code.co_filename}:{trace.tb_lineno}"
            place += "" if code.co_name == "<module>" else f", in {code.co_name}"
        trace = trace.tb_next
    return place


def loaded(name: str) -> ModuleType:
    """A module by its full name, imported if it was not. Raises: whatever it raises."""
    return sys.modules.get(name) or importlib.import_module(name)
