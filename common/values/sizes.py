"""How large texts are as bytes: a message between nodes has room for so many and no more."""


def bytes_of(*texts: str | None) -> int:
    """The size of some texts in UTF-8; None has none."""
    return sum(len(each) if each.isascii() else len(each.encode()) for each in texts if each)
