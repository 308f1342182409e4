"""What stands beside the lab ``log``: checks, files on a disk, wrong replicas, the demo."""

from pathlib import Path
from typing import Any

import pytest

from common.check.explorer import explore_instance
from common.check.verdict import Answer
from common.contract import Receive, Send, Start
from common.values.history import Failed, History, Ok, Operation, Outcome, Unknown
from common.values.report import Judged, Table
from stage8_real_systems.log.alone import Appoint, IsrWish, LoneReplica
from stage8_real_systems.log.batches import Batch, batch_of, texts
from stage8_real_systems.log.broker import Broker
from stage8_real_systems.log.checks import never_back, one_log, one_owner
from stage8_real_systems.log.compaction import compact
from stage8_real_systems.log.demo import demo
from stage8_real_systems.log.disk import DiskFiles
from stage8_real_systems.log.group_client import Consumed
from stage8_real_systems.log.messages import FetchLog, PartitionState
from stage8_real_systems.log.quorum import Decided
from stage8_real_systems.log.requests import Error, Refused
from stage8_real_systems.log.segments import CorruptLog, framed
from stage8_real_systems.log.small import CUT_AT_THE_HIGH_WATERMARK
from stage8_real_systems.log.storage import Log

# Checks.


def send(text: str, outcome: Outcome, at: int = 0, client: str = "c1") -> Operation:
    return Operation(client, "send", "0", text, at, at + 1, outcome)


def read(start: int, *found: tuple[int, str], at: int = 50) -> Operation:
    return Operation("c2", "read", "0", None, at, at + 1, Ok((start, found)))


def found_by(history: list[Operation]) -> str | None:
    verdict = one_log(History(history))
    assert (verdict.answer is Answer.NO) == (verdict.anomaly is not None)
    return verdict.anomaly


def test_a_history_of_one_log_is_one() -> None:
    history = [
        send("a", Ok(0), 1),
        send("b", Unknown(), 3),
        send("c", Ok(2), 5),
        send("d", Failed(), 7),
        read(0, (0, "a"), (1, "b"), (2, "c")),
        read(2, (2, "c")),
        read(3),
    ]
    assert found_by(history) is None


@pytest.mark.parametrize(
    ("anomaly", "history"),
    [
        ("inconsistent-offsets", [send("a", Ok(0)), send("b", Ok(0), 3)]),
        ("inconsistent-offsets", [send("a", Ok(0)), send("b", Unknown(), 3), read(0, (0, "b"))]),
        ("duplicate", [send("a", Ok(0)), read(0, (0, "a"), (1, "a"))]),
        ("phantom", [send("a", Ok(0)), read(0, (0, "a"), (1, "z"))]),
        ("phantom", [send("a", Failed()), read(0, (0, "a"))]),
        ("lost-write", [send("a", Ok(0)), send("b", Unknown()), read(0, (1, "b"))]),
        ("reordered", [send("a", Ok(5), 1), send("b", Ok(4), 3, "c2")]),
    ],
)
def test_a_history_of_something_else_is_found(anomaly: str, history: list[Operation]) -> None:
    assert found_by(history) == anomaly


def test_what_was_sent_at_one_time_may_be_in_any_order() -> None:
    both = [
        Operation("c1", "send", "0", "a", 1, 9, Ok(5)),
        Operation("c2", "send", "0", "b", 3, 7, Ok(4)),
    ]
    assert found_by(both) is None


def consume(member: str, generation: int, *owns: str) -> Operation:
    return Operation(
        member, "consume", None, None, 1, 2, Ok(Consumed(generation, member, owns, ()))
    )


def test_two_owners_in_one_generation_are_found() -> None:
    alright = [consume("a", 1, "0", "1"), consume("a", 2, "0"), consume("b", 2, "1")]
    assert one_owner(History(alright)).answer is Answer.YES
    assert one_owner(History([*alright, consume("b", 1, "1")])).answer is Answer.NO


def positions(at: int, until: int, offset: int) -> Operation:
    return Operation("c1", "positions", None, None, at, until, Ok((("0", offset), ("1", -1))))


def test_a_commit_that_goes_back_is_found() -> None:
    alright = [positions(1, 2, 3), positions(3, 9, 3), positions(4, 5, 7), positions(10, 11, 7)]
    assert never_back(History(alright)).answer is Answer.YES
    assert never_back(History([*alright, positions(12, 13, 6)])).answer is Answer.NO


def test_what_another_program_has_written_is_read_without_a_text() -> None:
    foreign = Batch(0, 0, 2, -1, -1, -1, 0, b"\x00\x01")
    assert texts(foreign) == ("", "")
    assert found_by([read(0, (0, ""), (1, ""))]) is None


# Who is in sync.


def test_a_wish_that_came_to_nothing_leaves_room_for_the_next_one() -> None:
    """It was about an older version; meanwhile the replica wished again, and that was not sent."""
    broker = Broker("n1", ("n2", "n3"))
    broker.seed("wishes")
    broker.step(Start(0, {}))
    replica = LoneReplica("n1", ("n2", "n3"))
    replica.step(Start(0, {}))
    replica.step(Receive(1, "ctl", Appoint(1, PartitionState(("n1", "n2"), ("n1",), "n1", 6, 4))))
    broker.replicas["t-0@1"] = replica
    broker.isr_wishes[7] = "t-0@1"
    fetch = Receive(2, "n2", FetchLog(6, 0, 0))
    wish = Send("ctl", IsrWish(("n1", "n2"), 6, 4))
    assert wish in replica.step(fetch)
    assert wish not in replica.step(fetch), "it is asked for already"
    broker.decided(Decided(7, Refused(Error.NOT_LEADER_OR_FOLLOWER)), "metadata")
    assert wish in replica.step(fetch), "and now once more"


# A disk.


def filled(files: DiskFiles) -> Log:
    log = Log(files, segment_bytes=300)
    for offset in range(20):
        log.append(batch_of((f"k{offset % 3}", f"v{offset}")).placed(offset, 1))
    return log


def test_a_log_on_a_disk_is_there_again_without_its_torn_end(tmp_path: Path) -> None:
    files = DiskFiles(tmp_path)
    before = list(filled(files).batches())
    files.flush()
    files.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[0] == "00000000000000000000.log"
    assert len(names) > 3
    with (tmp_path / names[-1]).open("ab") as last:
        last.write(framed(batch_of(("k", "v")).placed(20, 1))[:-2])
    again = DiskFiles(tmp_path)
    log = Log(again, segment_bytes=300)
    assert log.cut > 0
    assert list(log.batches()) == before
    log.append(batch_of(("k", "more")).placed(20, 1))
    assert log.truncate(5)
    assert log.end == 5
    again.close()


def test_damage_on_a_disk_is_told_and_not_served(tmp_path: Path) -> None:
    files = DiskFiles(tmp_path)
    filled(files)
    files.close()
    first = tmp_path / "00000000000000000000.log"
    data = bytearray(first.read_bytes())
    data[60] ^= 1
    first.write_bytes(data)
    again = DiskFiles(tmp_path)
    with pytest.raises(CorruptLog, match="damaged at byte 0 of .* another replica"):
        Log(again, segment_bytes=300)
    again.close()


def test_a_log_on_a_disk_is_compacted_by_renaming_whole_files(tmp_path: Path) -> None:
    files = DiskFiles(tmp_path)
    log = filled(files)
    compact(log, log.end)
    files.close()
    assert not list(tmp_path.glob("*.cleaned"))
    again = DiskFiles(tmp_path)
    assert list(Log(again, segment_bytes=300).batches()) == list(log_batches(log, tmp_path))
    again.close()


def log_batches(log: Log, directory: Path) -> list[Batch]:
    """What a log says is in its files, read once more."""
    files = DiskFiles(directory)
    found = list(Log(files, segment_bytes=log.segment_bytes).batches())
    files.close()
    assert [each.base_offset for each in found] == list(range(20)), "no offset has gone"
    return found


# Wrong replicas, and the demonstration.


def test_the_explorer_finds_what_kip_101_is_about() -> None:
    exploration: Any = explore_instance(CUT_AT_THE_HIGH_WATERMARK)
    assert exploration.answer is Answer.NO


def test_the_demonstration_shows_the_loss_and_then_none() -> None:
    report = demo(7)
    table = next(part for part in report.parts if isinstance(part, Table))
    assert [row[1] for row in table.rows] == ["c", "a b c"]
    assert [part.result for part in report.parts if isinstance(part, Judged)] == ["yes"] * 3
