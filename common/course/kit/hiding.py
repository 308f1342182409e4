"""Takes graded tests out of a suite that is handed out."""

from collections.abc import Callable

import libcst as cst


def without_tests(source: str, hidden: Callable[[str], bool]) -> str:
    """A file of a suite without the test functions that are hidden.

    Args:
        source: the file.
        hidden: whether a function's name is that of a hidden test.
    """
    module = cst.parse_module(source)
    kept = [
        each
        for each in module.body
        if not (isinstance(each, cst.FunctionDef) and hidden(each.name.value))
    ]
    return module.with_changes(body=kept).code
