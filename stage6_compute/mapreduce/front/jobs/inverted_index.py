"""Which files each word occurs in (OSDI'04, 2.3)."""

from collections.abc import Iterable, Iterator


def map(name: str, line: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each word, with the file that it is in."""
    for word in line.split():
        yield word, (name,)


def map_block(name: str, text: str) -> dict[str, tuple[str, ...]]:
    """The same, each word once."""
    return dict.fromkeys(text.split(), (name,))


def combine(some: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """The files of both, each once."""
    return some if some == others else tuple(sorted({*some, *others}))


def reduce(word: str, files: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """All files, each once, in order."""
    yield " ".join(sorted({name for some in files for name in some}))
