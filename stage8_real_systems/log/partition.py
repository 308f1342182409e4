"""A replica of a partition: it follows or leads, as the controller decides."""

from stage8_real_systems.log.following import Following
from stage8_real_systems.log.leading import Leading


class Partition(Following, Leading):
    """All of a replica: what each role does is in ``following`` and ``leading``."""
