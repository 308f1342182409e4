"""What the text of Python files says, read without running any of it.

Files of a room are told apart by their names: ``checks*.py``, ``worlds.py``, ``demo*.py``,
``story.py``, ``plot*.py``, ``broken*.py``, ``__init__.py`` and what is in folders such as
``front/`` stand beside the protocol; every other ``.py`` file of the room is a file of the lab.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from common.course.base.lab import FileKind, GradedTest
from common.values.errors import BadInput

BESIDE = ("checks", "worlds", "small", "demo", "story", "plot", "broken")
"""Files with these names, or names that begin so (``plot_goodput.py``), are no protocol files."""

WORLD = frozenset((
    "asyncio", "concurrent", "ctypes", "fcntl", "multiprocessing", "os", "select", "selectors",
    "shutil", "signal", "socket", "socketserver", "ssl", "subprocess", "tempfile", "threading",
    "time",
))  # fmt: skip
"""Who imports one of these reaches the world by itself: a program."""

_DECLARES = frozenset(("message", "timer", "operation", "on"))
"""Decorators of the contract by which a file is part of a node."""


def is_beside(name: str) -> bool:
    """Whether a file of this name stands beside a lab's protocol."""
    stem = name.removesuffix(".py")
    return stem.startswith("__") or stem.partition("_")[0] in BESIDE


class Sources:
    """The Python files of a repository; each is read and parsed once at most.

    Args:
        root: the repository.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._trees: dict[Path, ast.Module] = {}
        self._nodes: dict[Path, frozenset[str]] = {}

    def tree(self, path: Path) -> ast.Module:
        """A file's syntax.

        Raises:
            BadInput: it cannot be read, or is not Python; the text names the line.
        """
        if path not in self._trees:
            self._trees[path] = parsed(path)
        return self._trees[path]

    def protocol_files(self, room: Path) -> list[Path]:
        """A lab's files, what they stand on first, and by name where neither needs the other."""
        paths = sorted(path for path in room.glob("*.py") if not is_beside(path.name))
        ordered: list[Path] = []
        visited: set[Path] = set()

        def visit(path: Path) -> None:
            if path in visited:
                return
            visited.add(path)
            used = {self._file(module) for module, _, _ in _taken(self.tree(path))}
            for other in paths:
                if other in used:
                    visit(other)
            ordered.append(path)

        for path in paths:
            visit(path)
        return ordered

    def kind(self, path: Path) -> FileKind:
        """What kind of file it is: part of a node, a program on the world, or plain functions."""
        tree = self.tree(path)
        if self.node_classes(path) or not _DECLARES.isdisjoint(_decorators(tree)):
            return "node"
        tops = {module.partition(".")[0] for module, _, _ in _taken(tree)}
        return "library" if tops.isdisjoint(WORLD) else "program"

    def node_classes(self, path: Path) -> frozenset[str]:
        """The classes of a file that are nodes, also by way of classes of other files."""
        if path not in self._nodes:
            self._nodes[path] = frozenset()  # while we look: files that import each other end here
            self._nodes[path] = frozenset(self._find_nodes(self.tree(path)))
        return self._nodes[path]

    def clients(self, path: Path) -> tuple[str, ...]:
        """The real programs that a lab's ``Front`` names as its clients."""
        for part in ast.walk(self.tree(path)):
            if isinstance(part, ast.Call) and _name(part.func) == "Front":
                for word in part.keywords:
                    if word.arg == "clients":
                        return tuple(str(client) for client in ast.literal_eval(word.value))
        return ()

    def _find_nodes(self, tree: ast.Module) -> set[str]:
        taken = {here: (module, name) for module, name, here in _taken(tree) if name}
        found: set[str] = set()
        for part in tree.body:
            if isinstance(part, ast.ClassDef):
                bases = map(_name, part.bases)
                if any(
                    base in found or self._is_node(*taken.get(base, ("", ""))) for base in bases
                ):
                    found.add(part.name)
        return found

    def _is_node(self, module: str, name: str) -> bool:
        if module.startswith("common.contract"):
            return name == "Node"
        other = self._file(module)
        return other is not None and name in self.node_classes(other)

    def _file(self, module: str) -> Path | None:
        """The file of a module of a stage; None of any other."""
        if module.startswith("common.") or "." not in module:
            return None
        path = self.root / f"{module.replace('.', '/')}.py"
        return path if path.is_file() else None


def imported(tree: ast.Module) -> Iterator[str]:
    """The modules that a file imports, and ``module.name`` of what it takes from them."""
    for part in ast.walk(tree):
        if isinstance(part, ast.Import):
            yield from (alias.name for alias in part.names)
        elif isinstance(part, ast.ImportFrom) and part.module and not part.level:
            yield part.module
            yield from (f"{part.module}.{alias.name}" for alias in part.names)


def graded_tests(tree: ast.Module, path: Path, shown: str) -> Iterator[tuple[int, GradedTest]]:
    """The functions of a file of tests that are decorated with ``@graded(...)``, with their lines.

    Args:
        tree: the file's syntax.
        path: the file, for errors.
        shown: its path relative to the repository.

    Raises:
        BadInput: what a test is worth cannot be read from its decorators.
    """
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and _name(decorator) == "graded":
                    _check_once(node, path)
                    yield node.lineno, _graded(node.name, decorator, path, shown)


def _graded(name: str, decorator: ast.Call, path: Path, shown: str) -> GradedTest:
    try:
        given = {str(word.arg): ast.literal_eval(word.value) for word in decorator.keywords}
        points, title = given["points"], given["title"]
    except (ValueError, KeyError):
        points, title = None, None
    if not isinstance(points, int) or not isinstance(title, str):
        raise BadInput(
            f"{path}:{decorator.lineno}: @graded(...) has to say points and title as plain values, "
            "for they are read without running the suite"
        )
    return GradedTest(name=name, file=shown, points=points, title=title)


def _check_once(node: ast.FunctionDef | ast.AsyncFunctionDef, path: Path) -> None:
    """See that a graded test is run once: else its points would not be known before it ran."""
    for decorator in node.decorator_list:
        if _name(decorator) == "parametrize":
            raise BadInput(
                f"{path}:{decorator.lineno}: {node.name} is graded and has parameters, so nobody "
                "knows what it is worth: go through the cases in a loop, or make tests of them"
            )


def _taken(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """What a file imports when it is loaded: the module, the name in it, and the name here."""
    for part in tree.body:
        if isinstance(part, ast.Import):
            for alias in part.names:
                yield alias.name, "", alias.asname or alias.name
        elif isinstance(part, ast.ImportFrom) and part.module and not part.level:
            for alias in part.names:
                yield part.module, alias.name, alias.asname or alias.name
                yield f"{part.module}.{alias.name}", "", alias.asname or alias.name


def _decorators(tree: ast.Module) -> Iterator[str]:
    """The names of the decorators of a file's classes and functions, and of their methods."""
    todo: list[ast.stmt] = [*tree.body]
    for part in todo:
        if isinstance(part, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from map(_name, part.decorator_list)
        if isinstance(part, ast.ClassDef):
            todo += part.body


def _name(named: ast.expr) -> str:
    """The last word of the name of a decorator or a base class."""
    while isinstance(named, ast.Call | ast.Subscript):
        named = named.func if isinstance(named, ast.Call) else named.value
    if isinstance(named, ast.Attribute):
        return named.attr
    return named.id if isinstance(named, ast.Name) else ""


def parsed(path: Path) -> ast.Module:
    """A file's syntax; errors as above."""
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise BadInput(f"{path}:{error.lineno}: {error.msg}") from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from None
