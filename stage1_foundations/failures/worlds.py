"""The lab ``failures`` in every world: one account, and clients that speak of it.

Live, the network loses and doubles, the server is killed and comes back, and then it stands still.
"""

from common.worlds import Size, Variant, Worlds
from common.worlds.troubles import kill_first, rough_then_calm, stand_still, together
from stage1_foundations.failures.account import AccountServer
from stage1_foundations.failures.checks import check_account, check_honesty, some_command
from stage1_foundations.failures.client import AccountClient
from stage1_foundations.failures.hasty import HastyClient
from stage1_foundations.failures.small import HASTY, HONEST

CHECKS = {"honesty": check_honesty, "linearizability": check_account}

WORLDS = Worlds(
    __package__,
    variants={
        "honest": Variant(
            "one account, and clients that say ok, failed or unknown",
            node=AccountServer,
            client=AccountClient,
            choose=some_command,
            checks=CHECKS,
        ),
        "hasty": Variant(
            "the same account, and clients that call silence a failure: see them caught",
            node=AccountServer,
            client=HastyClient,
            choose=some_command,
            checks=CHECKS,
            breaks=tuple(CHECKS),
        ),
    },
    live=Size(members=1, clients=3),
    columns=("balance", "entries"),
    trouble=together(rough_then_calm, kill_first, stand_still),
    small={"honest": HONEST},
    broken={"hasty": HASTY},
)
