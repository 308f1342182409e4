"""A coordinator that lacks a rule. Do not build on it."""

from stage3_partitioning.cassandra.quorum import Coordinator, Reading


class Hasty(Coordinator):
    """Tells a reader at once, and repairs behind its back."""

    def look_at_reading(self, round: int, reading: Reading) -> None:
        reading.repairing.clear()
        super().look_at_reading(round, reading)
