"""Word count as a job of mrjob, which runs this file once for each task."""

from collections import Counter
from collections.abc import Iterator

from mrjob.job import MRJob
from mrjob.protocol import TextProtocol


class WordCount(MRJob):  # type: ignore[misc]
    """Counts in each mapper, and adds up in the reducers."""

    INTERNAL_PROTOCOL = TextProtocol
    OUTPUT_PROTOCOL = TextProtocol

    def mapper_init(self) -> None:
        """Nothing is counted yet."""
        self.counted: Counter[str] = Counter()

    def mapper(self, _: None, line: str) -> None:
        """Count the words of a line."""
        self.counted.update(line.split())

    def mapper_final(self) -> Iterator[tuple[str, str]]:
        """Give what was counted."""
        for word, count in self.counted.items():
            yield word, str(count)

    def reducer(self, word: str, counts: Iterator[str]) -> Iterator[tuple[str, str]]:
        """Add up."""
        yield word, str(sum(map(int, counts)))


if __name__ == "__main__":
    WordCount.run()
