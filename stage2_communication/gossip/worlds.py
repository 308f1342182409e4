"""The lab ``gossip`` in every world: five sites, with a person at each.

What is deleted is kept as a certificate for longer than any trouble lasts. The variant ``hasty``
drops it after 60 ms, and what was deleted comes back.
"""

from common.values.units import MS, SECOND
from common.worlds import Size, Variant, Worlds
from common.worlds.troubles import cut_off_last, kill_first, together
from stage2_communication.gossip.certificates import DeletingSite
from stage2_communication.gossip.checks import (
    change_or_look,
    gone_stays_gone,
    only_what_was_told,
    tell_or_ask,
)
from stage2_communication.gossip.pull import PushPuller
from stage2_communication.gossip.rumors import Spreader
from stage2_communication.gossip.small import DROPPED, KEPT

TABLE = {"gone stays gone": gone_stays_gone}
RUMORS = {"only what was told": only_what_was_told}

WORLDS = Worlds(
    __package__,
    variants={
        "table": Variant(
            "a table that anti-entropy keeps the same everywhere, with deletions",
            node=DeletingSite,
            choose=change_or_look,
            checks=TABLE,
            config={"keep": 60 * SECOND},
        ),
        "hasty": Variant(
            "the same, but death certificates are dropped too early",
            node=DeletingSite,
            choose=change_or_look,
            checks=TABLE,
            config={"keep": 60 * MS, "keepers": 0},
            breaks=tuple(TABLE),
        ),
        "rumors": Variant(
            "news that are pushed until they are old",
            node=Spreader,
            choose=tell_or_ask,
            checks=RUMORS,
        ),
        "push-pull": Variant(
            "news that are pushed and asked for",
            node=PushPuller,
            choose=tell_or_ask,
            checks=RUMORS,
        ),
    },
    live=Size(members=5),
    columns=("entries", "checksum", "certificates", "dormant", "known", "hot"),
    trouble=together(cut_off_last, kill_first),
    small={"kept": KEPT},
    broken={"dropped": DROPPED},
)
