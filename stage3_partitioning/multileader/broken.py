"""What people try first, and what comes of it; ``demo`` and the explorer show it."""

from stage3_partitioning.multileader.latest import LastWriterWins
from stage3_partitioning.multileader.versions import Write, count


class ByTheClock(LastWriterWins):
    """Believes the clock. A leader whose clock is behind erases what its own people write."""

    def stamp(self) -> int:
        """The clock's time, and nothing else."""
        return self.now


class AsTheyCome(LastWriterWins):
    """Takes the writes of each leader in order, and does not ask for their causes."""

    def is_due(self, write: Write) -> bool:
        """Whether it is the next one of its leader."""
        return write.number == count(self.have, write.leader) + 1
