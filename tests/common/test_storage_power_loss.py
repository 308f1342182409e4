"""The store on a disk that forgets what was not synced, cut off after every single operation."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from common.runtime.storage import LogStorage
from common.values.errors import LabError
from tests.common.forgetful_disk import ForgetfulDisk, PowerLoss
from tests.common.storage_workload import SCHEMA, expected, step

DIRECTORY = Path("data")
STEPS = 40


def open_store(disk: ForgetfulDisk) -> LogStorage:
    return LogStorage(
        DIRECTORY, SCHEMA, compact_factor=1.5, compact_above=700, room=100, files=disk
    )


@dataclass
class Life:
    """What was seen of a store between two losses of power; numbers of steps."""

    loaded: int | None = None
    acknowledged: int = 0
    attempted: int = 0


def live(disk: ForgetfulDisk, random: Random) -> Life:
    """Run until the steps are done or the power goes."""
    life = Life()
    try:
        store = open_store(disk)
        content = store.load()
        last = content.get("last", 0)
        assert isinstance(last, int)
        assert content == expected(last), "half a step, or a step without those before it"
        life.loaded = life.acknowledged = life.attempted = last
        while life.acknowledged < STEPS:
            for _ in range(random.randint(1, 3)):
                life.attempted += 1
                store.append(step(life.attempted))
            store.sync()
            life.acknowledged = life.attempted
    except PowerLoss:
        pass
    return life


def lives(seed: str, budgets: list[int], deaf: tuple[str, ...] = ()) -> None:
    """Several lives on one disk, each but the last ended by a loss of power."""
    random = Random(seed)
    contents: dict[Path, bytes] = {}
    acknowledged = attempted = 0
    for budget in [*budgets, None]:
        disk = ForgetfulDisk(contents, budget, deaf)
        life = live(disk, random)
        if life.loaded is not None:
            assert life.loaded >= acknowledged, f"{acknowledged} was acknowledged, and is lost"
            assert life.loaded <= attempted, "a step is there that nobody took"
        acknowledged = max(acknowledged, life.acknowledged)
        attempted = max(attempted, life.attempted)
        contents = disk.after_power_loss(random)
    assert acknowledged >= STEPS


def test_what_was_acknowledged_survives_power_loss_after_any_operation() -> None:
    disk = ForgetfulDisk()
    live(disk, Random("0"))
    assert disk.operations > STEPS
    assert any(path.name > "snapshot-00000003" for path in disk.names_now), "it never compacted"
    for budget in range(disk.operations + 1):
        for outcome in range(6):
            lives(f"{outcome}", [budget])


def test_what_was_acknowledged_survives_power_loss_upon_power_loss() -> None:
    for seed in range(400):
        random = Random(seed)
        lives(f"again {seed}", [random.randint(0, 25) for _ in range(random.randint(2, 5))])


def many_lives(lie: str) -> None:
    for seed in range(200):
        lives(f"{lie} {seed}", [40 + seed % 40], (lie,))


@pytest.mark.parametrize("lie", ["sync", "sync_directory"])
def test_a_disk_that_only_pretends_to_sync_is_noticed(lie: str) -> None:
    with pytest.raises((AssertionError, LabError)):
        many_lives(lie)
