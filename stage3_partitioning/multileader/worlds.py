"""Several leaders in every world: a person at each, who is always answered at once.

Live, the last leader is cut off while its person goes on, and the first one is killed.
"""

from functools import partial

from common.worlds import Size, Variant, Worlds
from common.worlds.troubles import cut_off_last, kill_first, together
from stage3_partitioning.multileader.checks import causes_first, nothing_goes_unseen, put_or_get
from stage3_partitioning.multileader.latest import LastWriterWins
from stage3_partitioning.multileader.siblings import Siblings
from stage3_partitioning.multileader.small import AS_THEY_COME, BOTH, LATEST

ONE_VALUE = {"causes first": causes_first}

_latest = partial(Variant, node=LastWriterWins, choose=put_or_get, checks=ONE_VALUE)

WORLDS = Worlds(
    __package__,
    variants={
        "latest": _latest("the last writer wins; everybody ships to everybody"),
        "siblings": Variant(
            "concurrent values are kept; everybody ships to everybody",
            node=Siblings,
            choose=put_or_get,
            checks={"nothing goes unseen": nothing_goes_unseen},
        ),
        "ring": _latest(
            "the last writer wins; each ships to the next one", config={"topology": "ring"}
        ),
        "star": _latest(
            "the last writer wins; all ship by way of the hub", config={"topology": "star"}
        ),
    },
    live=Size(members=4),
    columns=("writes", "lost", "most siblings"),
    trouble=together(cut_off_last, kill_first),
    small={"latest": LATEST, "both": BOTH},
    broken={"as-they-come": AS_THEY_COME},
    people=True,
)
