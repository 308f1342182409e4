"""The lab ``failures`` in every world: one account, and clients that speak of it.

Live, the network loses and doubles, the server is killed and comes back, and then it stands still.
"""

from random import Random

from common.worlds import Size, Variant, Worlds
from common.worlds.troubles import kill_first, rough_then_calm, stand_still, together
from stage1_foundations.failures.account import AccountServer, Deposit, Statement, Withdraw
from stage1_foundations.failures.checks import check_account, check_honesty
from stage1_foundations.failures.client import AccountClient
from stage1_foundations.failures.hasty import HastyClient
from stage1_foundations.failures.small import HASTY, HONEST

CLIENTS_AT_MOST = 100
"""Clients are told apart by the last two digits of their amounts."""


def some_command(random: Random, client: str, number: int) -> object:
    """A deposit, a withdrawal or a look; no two commands of a run have the same entry."""
    if number % 5 == 4:
        return Statement()
    amount = CLIENTS_AT_MOST * (number + 1) + int(client[1:]) % CLIENTS_AT_MOST
    return Deposit(amount) if random.random() < 0.7 else Withdraw(amount)


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
