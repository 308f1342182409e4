"""The account as a real process, and real clients: SIGKILL, SIGSTOP, and the history checked."""

from collections.abc import Sequence
from random import Random

from common.runtime.live import LiveLab, Variant
from common.values.faults import Crash, Fault, Link, Pause, Restart, Resume, Schedule
from common.values.units import MS
from stage1_foundations.failures.account import Deposit, Statement, Withdraw
from stage1_foundations.failures.checks import check_account, check_honesty

CLIENTS_AT_MOST = 100
"""Clients are told apart by the last two digits of their amounts."""


def choose(random: Random, client: str, number: int) -> object:
    """A deposit, a withdrawal or a look; no two commands of a run have the same entry."""
    if number % 5 == 4:
        return Statement()
    amount = CLIENTS_AT_MOST * (number + 1) + int(client[1:]) % CLIENTS_AT_MOST
    return Deposit(amount) if random.random() < 0.7 else Withdraw(amount)


def trouble(members: Sequence[str], duration: int) -> Schedule:
    """A network that loses and doubles; the server is killed, comes back, and then stands still."""
    server = members[0]
    tenth = duration // 10
    faults: list[Fault] = [
        Link(0, loss=0.05, duplicate=0.1, latency=(0, 2 * MS)),
        Crash(2 * tenth, server),
        Restart(4 * tenth, server),
        Pause(6 * tenth, server),
        Resume(7 * tenth, server),
    ]
    return Schedule(faults)


LIVE = LiveLab(
    lab="failures",
    members=1,
    clients=3,
    columns=("balance", "entries"),
    variants={
        "honest": Variant(
            title="one account, and clients that say ok, failed or unknown",
            node="stage1_foundations.failures.account:AccountServer",
            client="stage1_foundations.failures.client:AccountClient",
            choose=choose,
            checks={"honesty": check_honesty, "linearizability": check_account},
        ),
        "hasty": Variant(
            title="the same account, and clients that call silence a failure: see them caught",
            node="stage1_foundations.failures.account:AccountServer",
            client="stage1_foundations.failures.hasty:HastyClient",
            choose=choose,
            checks={"honesty": check_honesty, "linearizability": check_account},
        ),
    },
    trouble=trouble,
)
"""How ``lab run failures`` runs this lab."""
