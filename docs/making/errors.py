"""What is wrong with a page, in one sentence that says where."""

from common.values.errors import BadInput


class PageError(BadInput):
    """A page asks for what there is not.

    Args:
        page: its source, relative to the repository.
        line: the line of the source, from 1.
        what: the sentence.
    """

    def __init__(self, page: str, line: int, what: str) -> None:
        super().__init__(f"{page}, line {line}: {what}")
