"""Graded suite of the lab ``raftkv``, fault sweeps: everything fails, then a calm with progress."""

from random import Random

from common.check.models import KEY_VALUE
from common.contract.events import NodeId
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, must_be_linearizable
from common.sim.simulation import Simulation
from common.sim.workload import Choose
from common.values.units import SECOND
from stage4_consensus.raft.checks_outside import others
from tests.stage5_fault_tolerance.raftkv.cluster import (
    CALM,
    must_be_strictly_serializable,
    oks,
    sweep_once,
)
from tests.stage5_fault_tolerance.raftkv.lab import RaftkvLab

LAB = "raftkv"

TOGETHER = ("a", "b", "c")


def single_commands(lab: RaftkvLab) -> Choose:
    """Commands on two keys; no text is written twice."""

    def choose(random: Random, client: NodeId, number: int) -> object:
        key, text = random.choice("xy"), f"{client}.{number};"
        kinds = [
            lab.Get(key),
            lab.Get(key),
            lab.Append(key, text),
            lab.Append(key, text),
            lab.Put(key, text),
            lab.Delete(key),
            lab.CompareAndSet(key, None, text),
        ]
        return random.choice(kinds)

    return choose


def list_transactions(lab: RaftkvLab) -> Choose:
    """Transactions that read some lists and append to others; no value is appended twice."""

    def choose(random: Random, client: NodeId, number: int) -> object:
        steps: list[object] = []
        for place in range(random.randint(1, 3)):
            key, value = random.choice("xyz"), f"{client}.{number}.{place};"
            steps.append(random.choice([lab.Get(key), lab.Append(key, value)]))
        return lab.Transaction((), tuple(steps))

    return choose


def all_three(lab: RaftkvLab) -> Choose:
    """Transactions that put one text to all of three keys, or delete all; and ranges."""

    def choose(random: Random, client: NodeId, number: int) -> object:
        if number % 2:
            return lab.Range("")
        text = f"{client}.{number}"
        few = (lab.Compare(random.choice(TOGETHER), "version", "<", 3),)
        puts = tuple(lab.Put(key, text) for key in TOGETHER)
        return lab.Transaction(few, puts, tuple(lab.Delete(key) for key in TOGETHER))

    return choose


@graded(
    points=5,
    title="Linearizable in a bad network",
    requirement="each key like one register: partitions, one-way too, loss, copies, delays",
)
def test_it_is_linearizable_when_the_network_is_cut_and_loses_messages(
    lab: RaftkvLab, sweep: Sweep
) -> None:
    for seed in sweep(12):
        simulation = sweep_once(lab, seed, single_commands(lab), ("partition", "block", "link"))
        must_be_linearizable(simulation.history, KEY_VALUE)


@graded(
    points=5,
    title="Linearizable through crashes",
    requirement="each key like one register: crashes, slow disks, pauses, clocks that drift, with "
    "a snapshot every few entries",
)
def test_it_is_linearizable_when_servers_crash_and_clocks_drift(
    lab: RaftkvLab, sweep: Sweep
) -> None:
    for seed in sweep(12):
        kinds = ("crash", "crash", "disk", "pause", "clock")
        simulation = sweep_once(lab, seed, single_commands(lab), kinds)
        simulation.run(max(simulation.now, CALM) + SECOND)
        assert all(server.snapshot_index > 0 for server in others(simulation))
        must_be_linearizable(simulation.history, KEY_VALUE)


@graded(
    points=4,
    title="Five servers, everything at once",
    requirement="all kinds of trouble together; afterwards all servers hold the same",
)
def test_all_servers_hold_the_same_after_everything_has_failed(
    lab: RaftkvLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        kinds = ("crash", "partition", "block", "link", "disk", "pause", "clock")
        simulation = sweep_once(lab, seed, single_commands(lab), kinds, count=5)
        must_be_linearizable(simulation.history, KEY_VALUE)
        ask_ok(simulation, "c1", lab.Put("last", "word"))

        def ends(simulation: Simulation = simulation) -> set[tuple[int, int | None]]:
            found = [(server, server.last_index) for server in others(simulation)]
            return {(last, server.term_at(last)) for server, last in found}

        agreed = simulation.run_until(lambda: len(ends()) == 1, simulation.now + 2_000_000)
        assert agreed, "one log; that its snapshots are one state is checked whenever one is taken"


@graded(
    points=5,
    title="Transactions in one order, in that of real time",
    requirement="strict serializability of transactions over several keys",
)
def test_transactions_are_strictly_serializable(lab: RaftkvLab, sweep: Sweep) -> None:
    for seed in sweep(12):
        kinds = ("crash", "partition", "link", "pause")
        simulation = sweep_once(lab, seed, list_transactions(lab), kinds)
        must_be_strictly_serializable(simulation)


@graded(
    points=4,
    title="A range shows all of a transaction, or nothing of it",
    requirement="all changes of a transaction happen at one moment; a range is of one moment",
)
def test_a_range_shows_all_of_a_transaction_or_nothing_of_it(lab: RaftkvLab, sweep: Sweep) -> None:
    for seed in sweep(10):
        simulation = sweep_once(lab, seed, all_three(lab), ("crash", "partition", "link"))
        sizes = set()
        for asked, told in oks(simulation, "range"):
            sizes.add(len(told.items))
            assert tuple(item.key for item in told.items) in ((), TOGETHER), f"{asked}"
            written = {(item.value, item.mod_revision, item.version) for item in told.items}
            assert len(written) <= 1, f"{asked}"
        assert sizes == {0, 3} or sweep.partial, "it was put and deleted"


@graded(
    points=4,
    title="Revisions agree with real time",
    requirement="the page, *Revisions*: a later answer has no earlier revision, and one revision "
    "names one state",
)
def test_revisions_name_states_and_never_go_back(lab: RaftkvLab, sweep: Sweep) -> None:
    for seed in sweep(10):
        simulation = sweep_once(lab, seed, all_three(lab), ("crash", "partition", "pause"))
        changes = oks(simulation, "transaction")
        revisions = [told.revision for _, told in changes]
        assert len(set(revisions)) == len(revisions), "each of them changed something"
        states: dict[int, object] = {}
        for asked, told in oks(simulation, "range"):
            assert states.setdefault(told.revision, told.items) == told.items, f"{asked}"
        answered = [*changes, *oks(simulation, "range")]
        for before, earlier in answered:
            for after, later in answered:
                if (before.returned_at or 0) < after.invoked_at:
                    assert earlier.revision <= later.revision, f"{before}, then {after}"
