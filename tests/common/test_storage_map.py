"""The store as a map: against a dictionary, under threads, and on disks that fail."""

import errno
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from common.contract import Forget, Save, record
from common.contract.events import SavedKey
from common.contract.schema import Schema
from common.contract.wrapped import InnerKey
from common.runtime.files import DiskFailed, Files
from common.runtime.storage import MUCH, LogStorage
from common.values.errors import BadInput, ContractError
from tests.common.storage_workload import SCHEMA, Item, expected, step
from tests.common.test_storage_damage import HastyFiles

OWN_KEYS: st.SearchStrategy[Any] = (
    st.text(max_size=2)
    | st.binary(max_size=2)
    | st.tuples(st.sampled_from(["log", b"log"]), st.integers(-1, 3))
)
KEYS: st.SearchStrategy[SavedKey] = OWN_KEYS | st.builds(
    InnerKey, st.sampled_from(["a", "b"]), OWN_KEYS
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple) | st.builds(Item, st.integers(), st.text(max_size=3))
    ),
    max_leaves=4,
)
CHANGES: st.SearchStrategy[Save | Forget] = st.builds(Save, KEYS, VALUES) | st.builds(Forget, KEYS)


class AgainstADictionary(RuleBasedStateMachine):
    """Steps, syncs and new lives, in any order; a dictionary says what has to be there."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.model: dict[SavedKey, object] = {}
        self.open()

    def open(self) -> None:
        self.store = LogStorage(
            Path(self.folder.name),
            SCHEMA,
            compact_factor=1.0,
            compact_above=200,
            files=HastyFiles(),
        )
        self.loaded = self.store.load()

    @rule(changes=st.lists(CHANGES, max_size=4))
    def step(self, changes: list[Save | Forget]) -> None:
        self.store.append(changes)
        for change in changes:
            if isinstance(change, Save):
                self.model[change.key] = change.value
            else:
                self.model.pop(change.key, None)

    @rule()
    def sync(self) -> None:
        self.store.sync()

    @rule()
    def live_anew(self) -> None:
        self.store.close()
        self.open()
        assert self.loaded == self.model

    @invariant()
    def is_never_half_open(self) -> None:
        assert self.store.recovery is not None

    def teardown(self) -> None:
        self.live_anew()
        self.store.close()
        self.folder.cleanup()


AgainstADictionary.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, database=None
)
TestAgainstADictionary = AgainstADictionary.TestCase


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LogStorage]:
    made = LogStorage(tmp_path / "deep" / "data", SCHEMA)
    made.load()
    yield made
    made.close()


def test_a_busy_log_has_room_that_a_crash_leaves_and_an_end_gives_back(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    store = LogStorage(one, SCHEMA, room=1000, files=HastyFiles())
    store.load()
    for number in range(1, 21):
        store.append(step(number))
        store.sync()
    log = one / "log-00000001"
    left = log.read_bytes()
    assert left.endswith(bytes(100)), "it has room"
    store.close()
    assert log.read_bytes() == left.rstrip(b"\0"), "the room was given back"
    other.mkdir()
    (other / log.name).write_bytes(left)
    crashed = LogStorage(other, SCHEMA, room=1000, files=HastyFiles())
    assert crashed.load() == expected(20)
    assert crashed.recovery is not None
    assert (crashed.recovery.records, crashed.recovery.cut) == (20, 0), "room is no torn tail"
    crashed.append(step(21))
    crashed.close()
    again = LogStorage(other, SCHEMA)
    assert again.load() == expected(21)
    again.close()


MOST_AHEAD = 1_000
"""Steps that the appending thread may be ahead of the syncing one."""


def test_a_store_says_when_the_next_flush_is_a_long_one(tmp_path: Path) -> None:
    store = LogStorage(tmp_path, SCHEMA, compact_above=3 * MUCH)
    store.load()
    store.append([Save("small", 1)])
    assert not store.is_much()
    store.append([Save("large", b"x" * MUCH)])
    assert store.is_much(), "many bytes wait"
    store.sync()
    assert not store.is_much()
    for _ in range(20):
        store.append([Save("large", b"y" * (MUCH // 4))])
        compacts = store.is_much()
        store.sync()
        if compacts:
            break
    assert compacts, "the log has outgrown the map: the map is written anew"
    assert store._log_size < MUCH
    store.close()


def test_one_thread_appends_while_another_syncs(tmp_path: Path) -> None:
    store = LogStorage(tmp_path, SCHEMA, compact_factor=1.0, compact_above=2000, files=HastyFiles())
    store.load()
    steps = 0
    synced = threading.Event()

    def sync_until_compacted() -> None:
        while not any(tmp_path.glob("snapshot-*4")):
            store.sync()
            synced.set()

    syncer = threading.Thread(target=sync_until_compacted, daemon=True)
    syncer.start()
    while syncer.is_alive():
        steps += 1
        store.append(step(steps))
        if steps % MOST_AHEAD == 0:  # on a busy machine the appender would starve the other
            synced.clear()
            while syncer.is_alive() and not synced.wait(0.05):
                pass
    store.close()
    again = LogStorage(tmp_path, SCHEMA)
    assert again.load() == expected(steps)
    assert again.recovery is not None
    assert again.recovery.generation >= 4
    again.close()


def test_a_second_process_is_refused_with_the_number_of_the_first(tmp_path: Path) -> None:
    store = LogStorage(tmp_path, SCHEMA)
    code = (
        "import sys; from pathlib import Path; from common.runtime.storage import LogStorage\n"
        "from common.contract.schema import Schema; from common.values.errors import BadInput\n"
        "try: LogStorage(Path(sys.argv[1]), Schema([]))\n"
        "except BadInput as error: print(error)"
    )
    asked = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert f"is in use by process {os.getpid()}" in asked.stdout
    store.close()
    LogStorage(tmp_path, SCHEMA).close()


def test_an_unwritable_place_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskFailed, match="cannot use the data directory"):
        LogStorage(tmp_path / "file", SCHEMA)


class FailingFiles(HastyFiles):
    """A disk on which one operation fails once, with an error of the system's."""

    def __init__(self, verb: str, number: int) -> None:
        self.verb = verb
        self.number = number

    def armed(self, verb: str) -> None:
        if verb == self.verb:
            self.verb = ""
            raise OSError(self.number, os.strerror(self.number))

    def write(self, file: int, data: bytes, at: int) -> None:
        if self.verb == "write":
            super().write(file, data[: len(data) // 2], at)  # a full disk takes a part
        self.armed("write")
        super().write(file, data, at)

    def sync(self, file: int) -> None:
        self.armed("sync")

    def rename(self, old: Path, new: Path) -> None:
        self.armed("rename")
        super().rename(old, new)


def sync_steps(store: LogStorage, numbers: range) -> None:
    for number in numbers:
        store.append(step(number))
        store.sync()


@pytest.mark.parametrize(
    ("verb", "number", "words"),
    [
        ("write", errno.ENOSPC, "No space left on device"),
        ("write", errno.EIO, "Input/output error"),
        ("sync", errno.EIO, "Input/output error"),
        ("rename", errno.EIO, "Input/output error"),
    ],
)
def test_after_a_failure_of_the_disk_nothing_more_is_promised(
    tmp_path: Path, verb: str, number: int, words: str
) -> None:
    files = FailingFiles("", number)
    store = LogStorage(tmp_path, SCHEMA, compact_factor=0, compact_above=500, files=files)
    store.load()
    store.append(step(1))
    store.sync()
    files.verb = verb
    with pytest.raises(DiskFailed, match=words):
        sync_steps(store, range(2, 6))  # several: a rename happens in a compaction only
    with pytest.raises(DiskFailed):
        store.append(step(3))
    with pytest.raises(DiskFailed):
        store.sync()
    store.close()
    again = LogStorage(tmp_path, SCHEMA)
    loaded = again.load()
    assert loaded == expected(int(str(loaded["last"])))
    again.close()


def test_a_store_is_of_no_use_before_load_and_after_close(tmp_path: Path) -> None:
    store = LogStorage(tmp_path, SCHEMA)
    with pytest.raises(ContractError, match="load"):
        store.append(step(1))
    store.load()
    store.close()
    with pytest.raises(ContractError, match="closed"):
        store.append(step(1))
    store.close()


@pytest.mark.parametrize("key", [None, 5, 1.5, ("a", None), (("a",), 1), True, ("a", True)])
def test_a_key_that_is_none_is_refused_and_nothing_of_its_step_is_kept(
    store: LogStorage, key: SavedKey
) -> None:
    with pytest.raises(ContractError, match="is no key"):
        store.append([Save("other", 1), Save(key, 1)])
    store.append([Save("good", 2)])
    store.close()
    again = LogStorage(store.directory, SCHEMA)
    assert again.load() == {"good": 2}
    again.close()


@pytest.mark.parametrize("value", [[1], {"a": 1}, {1}, object(), Item("x", "")])  # type: ignore[arg-type]
def test_a_value_that_could_not_come_back_is_refused(store: LogStorage, value: object) -> None:
    with pytest.raises(ContractError, match="cannot encode"):
        store.append([Save("key", value)])


def test_a_program_with_other_classes_is_told_so(tmp_path: Path) -> None:
    store = LogStorage(tmp_path, SCHEMA)
    store.load()
    store.append(step(1))
    store.close()
    other = LogStorage(tmp_path, Schema([]))
    with pytest.raises(BadInput, match=r"other classes .*Item"):
        other.load()
    other.close()


def test_real_files_are_really_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(Files, "sync", lambda _, file: synced.append(file))
    store = LogStorage(tmp_path, SCHEMA)
    store.load()
    before = len(synced)
    store.append(step(1))
    assert len(synced) == before
    store.sync()
    assert len(synced) == before + 1
    store.sync()
    assert len(synced) == before + 1, "there was nothing to sync"
    store.close()


@record
class Unrelated:
    """A class that no store of these tests knows."""


def test_a_class_outside_the_schema_is_refused(store: LogStorage) -> None:
    with pytest.raises(ContractError, match="Unrelated"):
        store.append([Save("key", Unrelated())])
