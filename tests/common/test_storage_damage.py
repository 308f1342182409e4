"""Files cut at every byte and flipped at every byte: cut or refused, never a wrong value."""

from pathlib import Path

import pytest

from common.contract.events import SavedKey
from common.runtime import log
from common.runtime.files import Files
from common.runtime.storage import LogStorage
from common.values.errors import BadInput, CorruptStorage
from tests.common.storage_workload import SCHEMA, expected, step

STEPS = 8


class HastyFiles(Files):
    """Real files on which nothing waits for the disk: these tests are not about power."""

    def sync(self, file: int) -> None:
        pass

    def sync_directory(self, directory: Path) -> None:
        pass


def write_steps(directory: Path, *, compact_above: int = 1 << 20) -> list[int]:
    """Eight steps, a record each; returns the size of the log after each."""
    sizes = []
    store = LogStorage(
        directory, SCHEMA, compact_factor=0.1, compact_above=compact_above, files=HastyFiles()
    )
    store.load()
    for number in range(1, STEPS + 1):
        store.append(step(number))
        store.sync()
        sizes.append(log_of(directory).stat().st_size)
    store.close()
    return sizes


def log_of(directory: Path) -> Path:
    (path,) = directory.glob("log-*")
    return path


def put(path: Path, data: bytes) -> None:
    """Replace a file. A new one, because ext4 waits for the disk where an old one is emptied."""
    path.unlink()
    path.write_bytes(data)


def load(directory: Path) -> tuple[dict[SavedKey, object], int]:
    """The map, and how many bytes were cut."""
    store = LogStorage(directory, SCHEMA, files=HastyFiles())
    try:
        loaded = store.load()
        assert store.recovery is not None
        return loaded, store.recovery.cut
    finally:
        store.close()


def test_a_log_cut_at_every_byte_loses_the_cut_record_and_nothing_else(tmp_path: Path) -> None:
    sizes = write_steps(tmp_path)
    path = log_of(tmp_path)
    whole = path.read_bytes()
    for size in range(log.HEADER_SIZE, len(whole) + 1):
        put(path, whole[:size])
        complete = sum(end <= size for end in sizes)
        loaded, cut = load(tmp_path)
        assert loaded == expected(complete)
        end = [log.HEADER_SIZE, *sizes][complete]
        assert cut == len(whole[end:size].rstrip(b"\0"))
        assert path.stat().st_size == end, "the torn tail is still there"


def test_a_store_goes_on_after_its_torn_tail_was_cut(tmp_path: Path) -> None:
    write_steps(tmp_path)
    path = log_of(tmp_path)
    put(path, path.read_bytes()[:-1])
    store = LogStorage(tmp_path, SCHEMA)
    store.load()
    assert "cut" in str(store.recovery)
    store.append(step(STEPS))
    store.close()
    assert load(tmp_path) == (expected(STEPS), 0)


def test_a_log_cut_within_its_header_is_refused(tmp_path: Path) -> None:
    write_steps(tmp_path)
    path = log_of(tmp_path)
    put(path, path.read_bytes()[: log.HEADER_SIZE - 1])
    with pytest.raises(CorruptStorage, match="shorter than its header"):
        load(tmp_path)


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_a_flipped_byte_is_refused_with_file_and_offset_or_cut_with_the_last_record(
    tmp_path: Path, flip: int
) -> None:
    sizes = write_steps(tmp_path)
    path = log_of(tmp_path)
    whole = path.read_bytes()
    starts = [log.HEADER_SIZE, *sizes]
    for place in range(len(whole)):
        put(path, whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
        if place >= starts[-2]:
            loaded, cut = load(tmp_path)
            assert loaded == expected(STEPS - 1)
            assert cut == starts[-1] - starts[-2]
            continue
        with pytest.raises(CorruptStorage) as caught:
            load(tmp_path)
        offset = max((start for start in starts if start <= place), default=0)
        assert str(path) in str(caught.value)
        assert f"at byte {offset}:" in str(caught.value)


def test_a_flipped_missing_or_additional_byte_of_a_snapshot_is_refused(tmp_path: Path) -> None:
    write_steps(tmp_path, compact_above=0)
    (path,) = tmp_path.glob("snapshot-*")
    whole = path.read_bytes()
    for place in range(len(whole)):
        flipped = whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :]
        for damaged in (flipped, whole[:place], whole + whole[: place + 1]):
            put(path, damaged)
            with pytest.raises(CorruptStorage, match=path.name):
                load(tmp_path)
    put(path, whole)
    assert load(tmp_path) == (expected(STEPS), 0)


def test_a_missing_log_is_refused(tmp_path: Path) -> None:
    write_steps(tmp_path, compact_above=0)
    log_of(tmp_path).unlink()
    with pytest.raises(CorruptStorage, match=r"log-.* the file is missing"):
        load(tmp_path)


def test_a_missing_snapshot_is_refused(tmp_path: Path) -> None:
    write_steps(tmp_path, compact_above=0)
    for path in tmp_path.glob("snapshot-*"):
        path.unlink()
    with pytest.raises(CorruptStorage, match="missing"):
        load(tmp_path)


def test_a_record_copied_to_another_place_is_not_taken_for_one(tmp_path: Path) -> None:
    sizes = write_steps(tmp_path)
    path = log_of(tmp_path)
    whole = path.read_bytes()
    put(path, whole + whole[sizes[-2] :])
    assert load(tmp_path) == (expected(STEPS), len(whole) - sizes[-2])


def test_files_in_an_unknown_format_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(log, "FORMAT_VERSION", 7)
        write_steps(tmp_path)
    with pytest.raises(BadInput, match="is in format 7, and this program knows only format 1"):
        load(tmp_path)
