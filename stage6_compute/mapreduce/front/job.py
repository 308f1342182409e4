"""A job: what a person writes, a Python file.

    from operator import add

    def map(name, line):                 # each line of the input, with the name of its file
        for word in line.split():
            yield word, 1

    combine = add                        # two values of one key become one; may be left out

    def reduce(word, counts):            # each key, in order, with all its values
        yield sum(counts)

Keys and values are text, numbers, bytes, None, and tuples and lists of these; keys are of one kind,
so that they have an order. Values come in the order of the input, if there is no ``combine``. Each
value that ``reduce`` yields is a line of the output: key, tab, value; None leaves the key alone.

What may be left out, beside ``combine``:

* ``map_block(name, text)``: the same as ``map`` for many lines at once, where that is faster. It
  returns pairs, a dictionary, or ``Ones``. ``map`` says what is right, and which record was bad.
* ``partition(key, partitions)``: which part of the output a key belongs to, from 0.
* ``configure(...)``: called first, with what ``--set name=value`` gives.
* ``prepare(lines, partitions)``: called once, before all else, with some lines of the input; gives
  more settings for ``configure``.
* ``again(round, counters)``: whether the output is to be the input of another round.
"""

import linecache
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeAlias
from zlib import crc32

from common.values.errors import BadInput
from stage6_compute.mapreduce.front.problems import raised

Pair: TypeAlias = tuple[Any, Any]
Pairs: TypeAlias = Iterable[Pair] | Mapping[Any, Any]

SHIPPED = Path(__file__).with_name("jobs")
"""The jobs that come with the lab."""
MOST_CHARACTERS = 200_000
"""So long may a job's file be."""
MODULE = "mapreduce_job"
"""The name of a job's module while it runs."""


class Ones:
    """Pairs of these keys, each with the value 1: what a ``map_block`` that counts returns.

    With ``combine = add`` they are counted by C code, as ``collections.Counter`` does.

    Args:
        keys: as often as they occur.
    """

    def __init__(self, keys: Sequence[Any]) -> None:
        self.keys = keys

    def __iter__(self) -> Iterator[Pair]:
        return zip(self.keys, repeat(1))

    def __len__(self) -> int:
        return len(self.keys)


class Program(NamedTuple):
    """A job's file as it travels: the text itself, so that no worker reads another one.

    Attributes:
        path: where it was, for errors.
        source: the text.
        settings: what ``configure`` is called with.
    """

    path: str
    source: str
    settings: dict[str, str]


class Job(NamedTuple):
    """The functions of a job."""

    path: str
    map: Callable[[str, str], Iterable[Pair]]
    reduce: Callable[[Any, Iterable[Any]], Iterable[Any]]
    map_block: Callable[[str, str], Pairs] | None
    combine: Callable[[Any, Any], Any] | None
    partition: Callable[[Any, int], int]
    prepare: Callable[[list[str], int], Mapping[str, str]] | None
    again: Callable[[int, Mapping[str, int]], bool] | None


def partition(key: Any, partitions: int) -> int:
    """Which part a key belongs to, unless the job says: the same on every machine.

    Equal keys are in one part, so 1, 1.0 and True are.
    """
    return stable_hash(key) % partitions


def stable_hash(key: Any) -> int:
    """A number for a key that does not change from one process to the next."""
    if isinstance(key, str):
        return crc32(key.encode("utf-8", "surrogatepass"))
    if isinstance(key, bytes):
        return crc32(key)
    if isinstance(key, tuple):
        return crc32(repr([stable_hash(part) for part in key]).encode())
    if key is None:
        return 0
    return hash(key)  # of a number: the same everywhere, and for equal numbers


def shipped_jobs() -> list[str]:
    """The names of the jobs that come with the lab."""
    return sorted(path.stem for path in SHIPPED.glob("*.py") if path.stem != "__init__")


def read_program(name: str, settings: Mapping[str, str]) -> Program:
    """The job's file that a person names: a path, or the name of one that comes with the lab.

    Raises:
        BadInput: there is no such file, or it cannot be read.
    """
    shipped = SHIPPED / f"{name}.py"
    path = shipped if name in shipped_jobs() and not Path(name).exists() else Path(name)
    try:
        source = path.read_text(encoding="utf-8")
        if len(source) > MOST_CHARACTERS:
            raise BadInput(
                f"the job file {path} has {len(source)} characters, and {MOST_CHARACTERS} are the "
                "most, for it travels with each task: move data that it holds into the input"
            )
        return Program(str(path), source, dict(settings))
    except FileNotFoundError:
        known = ", ".join(shipped_jobs())
        raise BadInput(
            f"there is no job file {name}: name a Python file, or one that comes with the lab: "
            f"{known}"
        ) from None
    except (OSError, ValueError) as error:
        raise BadInput(f"the job file {path} cannot be read: {error}") from None


def load_job(program: Program) -> Job:
    """Run a job's file, and take the functions that it defines.

    Raises:
        BadInput: it is no Python, fails, or lacks a function; the text says which.
    """
    path = program.path
    module = ModuleType(MODULE)
    module.__file__ = path
    sys.modules[MODULE] = module
    lines = program.source.splitlines(keepends=True)
    linecache.cache[path] = (len(program.source), None, lines, path)
    try:
        exec(compile(program.source, path, "exec"), vars(module))
    except SyntaxError as error:
        raise BadInput(f"{path}:{error.lineno}: {error.msg}: mend the job file") from None
    except Exception as error:  # whatever somebody's file may raise
        raise BadInput(f"{path} cannot be loaded: {raised('it', error, path)}") from None
    found = {name: _function(module, name) for name in Job._fields if name != "path"}
    for name, takes in (("map", "name, line"), ("reduce", "key, values")):
        if found[name] is None:
            raise BadInput(f"{path} has no function {name}: a job file defines {name}({takes})")
    _configure(module, program)
    found["partition"] = found["partition"] or partition
    return Job(path=path, **found)


def prepared(program: Program, job: Job, lines: list[str], partitions: int) -> Program:
    """The program with the settings that its ``prepare`` finds in some lines of the input.

    Raises:
        BadInput: ``prepare`` fails.
    """
    if job.prepare is None:
        return program
    try:
        found = {**program.settings, **job.prepare(lines, partitions)}
    except Exception as error:  # whatever somebody's function may raise
        raise BadInput(raised("prepare", error, program.path)) from None
    return program._replace(settings=found)


def _function(module: ModuleType, name: str) -> Any:
    found = vars(module).get(name)
    if found is not None and not callable(found):
        raise BadInput(f"{module.__file__}: {name} is {found!r}, and should be a function")
    return found


def _configure(module: ModuleType, program: Program) -> None:
    configure = _function(module, "configure")
    if configure is None and program.settings:
        name = next(iter(program.settings))
        raise BadInput(f"{program.path} has no settings: leave out --set {name}=...")
    if configure is not None:
        try:
            configure(**program.settings)
        except Exception as error:  # whatever somebody's function may raise
            said = raised("configure", error, program.path)
            raise BadInput(f"the settings do not fit {program.path}: {said}") from None
