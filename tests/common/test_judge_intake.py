"""Hostile and clumsy submissions: what becomes of them, and what is said about it."""

import hashlib
import io
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from common.course.base.course import Course
from common.course.judge import entries, intake
from common.course.judge.intake import Intake, Room, room_of, take_in
from common.values.errors import BadInput

ROOM = "stage1_foundations/echo"
NODE = f"{ROOM}/node.py"
CLIENT = f"{ROOM}/client.py"
LAB = Room(ROOM, ("node.py", "client.py"), frozenset({"cap", "link"}))
TEXT = b"the student's work\n"


def zipped(path: Path, files: dict[str, bytes], **about: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = about.get(name, 0) << 16
            archive.writestr(info, content)
    return path


def tarred(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def take(submission: Path, tmp_path: Path) -> tuple[Intake, Path]:
    into = tmp_path / "workspace"
    return take_in(submission, LAB, into), into


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_folder_is_taken_and_what_is_not_the_labs_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "alice"
    (folder / ROOM).mkdir(parents=True)
    (folder / NODE).write_bytes(TEXT)
    (folder / "conftest.py").write_bytes(b"raise SystemExit\n")
    (folder / "pytest.ini").write_bytes(b"[pytest]\naddopts = --co\n")
    (folder / ROOM / "json.py").write_bytes(b"")
    (folder / ROOM / "__pycache__").mkdir()
    (folder / ROOM / "__pycache__" / "node.cpython-311.pyc").write_bytes(b"x")
    got, into = take(folder, tmp_path)
    assert got.taken == (NODE,)
    assert tree(into) == {NODE: TEXT}
    assert len(got.refused) == 4
    assert any("compiled code" in sentence for sentence in got.refused)


@pytest.mark.parametrize("prefix", ["", "alice/", "alice/home work/", "./"])
def test_a_zip_of_any_depth_is_taken(tmp_path: Path, prefix: str) -> None:
    archive = zipped(tmp_path / "a.zip", {prefix + NODE: TEXT, prefix + CLIENT: b"more\n"})
    got, into = take(archive, tmp_path)
    assert tree(into) == {NODE: TEXT, CLIENT: b"more\n"}
    assert got.refused == ()


def test_backslashes_of_windows_are_folders(tmp_path: Path) -> None:
    raw = zipped(tmp_path / "a.zip", {NODE.replace("/", "|"): TEXT}).read_bytes()
    (tmp_path / "b.zip").write_bytes(raw.replace(b"|", b"\\"))
    assert take(tmp_path / "b.zip", tmp_path)[0].taken == (NODE,)


@pytest.mark.parametrize("mode", ["w:", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_is_taken_however_it_is_compressed(tmp_path: Path, mode: str) -> None:
    got, into = take(tarred(tmp_path / "t", (member(f"bob/{NODE}"), TEXT), mode=mode), tmp_path)
    assert (got.taken, tree(into)) == ((NODE,), {NODE: TEXT})


def test_a_file_by_itself_is_taken_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "node.py").write_bytes(TEXT)
    got, into = take(tmp_path / "node.py", tmp_path)
    assert (got.taken, tree(into), got.bare) == ((NODE,), {NODE: TEXT}, True)
    assert got.refused == (
        "node.py in the top folder: taken by name alone, for there is no folder echo",
    )


@pytest.mark.parametrize("prefix", ["echo/", "alice/echo/", "alice/work/elsewhere/echo/"])
def test_the_room_is_enough_without_its_stage(tmp_path: Path, prefix: str) -> None:
    files = {f"{prefix}node.py": TEXT, "cap/client.py": b"of another lab\n", "client.py": b"?"}
    got, into = take(zipped(tmp_path / "a.zip", files), tmp_path)
    assert (tree(into), got.bare) == ({NODE: TEXT}, False)
    assert any(
        sentence.startswith("cap/client.py is no file of this lab") for sentence in got.refused
    )


@pytest.mark.parametrize("prefix", ["", "alice/", "alice/home work/"])
def test_without_the_room_the_files_of_one_folder_are_taken(tmp_path: Path, prefix: str) -> None:
    files = {f"{prefix}node.py": TEXT, f"{prefix}client.py": b"more\n", "x/client.py": b"?"}
    got, into = take(zipped(tmp_path / "a.zip", files), tmp_path)
    assert (tree(into), got.bare) == ({NODE: TEXT, CLIENT: b"more\n"}, True)
    assert any("more than one copy" in sentence for sentence in got.refused)
    assert any("taken by name alone" in sentence for sentence in got.refused)


def test_a_file_in_the_room_of_another_lab_is_never_taken_for_this_ones(tmp_path: Path) -> None:
    files = {"stage1_foundations/cap/client.py": b"cap's\n", "link/client.py": b"link's\n"}
    got, into = take(zipped(tmp_path / "a.zip", files), tmp_path)
    assert (got.taken, tree(into)) == ((), {})
    assert any("none of the lab's files is in there: echo/" in told for told in got.refused)


def test_a_lab_without_such_a_file_takes_nothing(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"client.py": TEXT})
    other = Room("stage1_foundations/netem", ("shape.py",), frozenset({"echo"}))
    assert take_in(archive, other, tmp_path / "workspace").taken == ()


def test_the_backups_of_a_workspace_are_no_submission(tmp_path: Path) -> None:
    files = {f".lab/backups/0001/{NODE}": b"old\n", f".lab/backups/0001/{CLIENT}": b"old\n"}
    got, into = take(zipped(tmp_path / "a.zip", files | {NODE: TEXT}), tmp_path)
    assert tree(into) == {NODE: TEXT}
    assert not any("more than one copy" in sentence for sentence in got.refused)


@pytest.mark.parametrize(
    "name", ["../../evil.py", "/etc/evil.py", "a/../../evil.py", "..\\evil.py", "C:\\evil.py"]
)
def test_no_name_reaches_outside_of_the_workspace(tmp_path: Path, name: str) -> None:
    archive = zipped(tmp_path / "a.zip", {NODE: TEXT, name: b"evil\n"})
    got, into = take(archive, tmp_path)
    assert tree(into) == {NODE: TEXT}
    assert any("outside" in sentence for sentence in got.refused)
    assert not list(tmp_path.rglob("evil.py"))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.FIFOTYPE, "a device"),
    ],
)
def test_a_tar_brings_no_links_and_no_devices(tmp_path: Path, kind: bytes, said: str) -> None:
    linked = member(NODE, kind, "/etc/passwd")
    got, into = take(tarred(tmp_path / "t.tar.gz", (linked, b"")), tmp_path)
    assert tree(into) == {}
    assert any(f"{NODE} is {said}" in sentence for sentence in got.refused)


def test_a_link_in_a_zip_is_seen(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {NODE: b"/etc/passwd"}, **{NODE: 0o120777})
    got, into = take(archive, tmp_path)
    assert tree(into) == {}
    assert any("a link" in sentence for sentence in got.refused)


def test_a_folder_brings_no_links_and_no_pipes(tmp_path: Path) -> None:
    folder = tmp_path / "mallory"
    folder.mkdir()
    secret = tmp_path / "secret"
    (secret / "echo").mkdir(parents=True)
    (secret / "echo/client.py").write_bytes(b"the reference\n")
    (folder / "stage1_foundations").symlink_to(secret)
    (folder / "echo").mkdir()
    os.mkfifo(folder / "echo/node.py")
    got, into = take(folder, tmp_path)
    assert tree(into) == {}
    assert any("stage1_foundations is a link" in sentence for sentence in got.refused)


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = bytes(8 << 20)
    got, into = take(zipped(tmp_path / "a.zip", {NODE: zeros, CLIENT: TEXT}), tmp_path)
    assert tree(into) == {CLIENT: TEXT}
    assert any("8,388,608 bytes" in sentence for sentence in got.refused)
    monkeypatch.setattr("common.course.judge.parcels.MAX_UNPACKED_BYTES", 1 << 20)
    bomb = tarred(tmp_path / "t.tar.gz", (member(NODE), zeros))
    got = take_in(bomb, LAB, tmp_path / "other")
    assert "becomes more than 1,048,576 bytes" in got.refused[0]


def test_a_size_that_lies_changes_nothing(tmp_path: Path) -> None:
    raw = bytearray(zipped(tmp_path / "a.zip", {NODE: bytes(3 << 20)}).read_bytes())
    directory = raw.rindex(b"PK\x01\x02")
    raw[directory + 24 : directory + 28] = struct.pack("<I", 10)
    (tmp_path / "b.zip").write_bytes(raw)
    got, into = take(tmp_path / "b.zip", tmp_path)
    assert sum(map(len, tree(into).values())) <= intake.MAX_FILE_BYTES
    assert got.taken == () or tree(into)[NODE] == bytes(10)


def test_an_archive_of_very_many_files_is_looked_at_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.course.judge.parcels.MAX_ENTRIES", 10)
    files = {NODE: TEXT} | {f"{number}.txt": b"" for number in range(50)}
    got, into = take(zipped(tmp_path / "a.zip", files), tmp_path)
    assert tree(into) == {NODE: TEXT}
    assert any("more than 10" in s or "the rest" in s for s in got.refused)
    assert entries.MAX_ENTRIES == 10_000


def test_the_same_name_twice_is_taken_from_neither(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr(NODE, "one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            made.writestr(NODE, "two")
    got, into = take(archive, tmp_path)
    assert tree(into) == {}
    assert any("2 times" in sentence for sentence in got.refused)


def test_of_two_copies_the_fuller_one_is_taken_and_that_is_said(tmp_path: Path) -> None:
    files = {f"old/{NODE}": b"old\n", f"new/{NODE}": TEXT, f"new/{CLIENT}": TEXT}
    got, into = take(zipped(tmp_path / "a.zip", files), tmp_path)
    assert tree(into) == {NODE: TEXT, CLIENT: TEXT}
    assert any("more than one copy" in sentence for sentence in got.refused)


def test_a_folder_with_a_name_of_megabytes_makes_no_long_sentence(tmp_path: Path) -> None:
    """A tar may name one: its extended headers have no bound of their own."""
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        for place in ("x" * 3_000_000, "y" * 3_000_000):
            info = tarfile.TarInfo(f"{place}/{NODE}")
            info.size = len(TEXT)
            archive.addfile(info, io.BytesIO(TEXT))
    got, into = take(tmp_path / "a.tar", tmp_path)
    assert tree(into) == {NODE: TEXT}
    assert got.refused
    assert max(map(len, got.refused)) < 1_200


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 no zip", b"\x1f\x8b\x08 no gzip", b"BZh9 no", b"\xfd7zXZ\0no"]
)
def test_a_damaged_archive_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    got, into = take(tmp_path / "a.zip", tmp_path)
    assert (got.taken, tree(into)) == ((), {})
    assert len(got.refused) >= 1


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "A.TGZ", "a.tar.xz"])
def test_what_has_only_the_name_of_an_archive_is_no_archive(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x7fELF" + bytes(2000))
    got, into = take(tmp_path / name, tmp_path)
    assert tree(into) == {}
    assert f"{name} is no archive: it has the name of an archive" in got.refused[0]


def test_every_cut_and_every_flipped_byte_of_a_zip_is_survived(tmp_path: Path) -> None:
    raw = zipped(tmp_path / "a.zip", {NODE: TEXT * 20, CLIENT: TEXT}).read_bytes()
    broken = tmp_path / "b.zip"
    for place in range(0, len(raw), 3):
        for content in (raw[:place], raw[:place] + bytes([raw[place] ^ 0xFF]) + raw[place + 1 :]):
            broken.write_bytes(content)
            take_in(broken, LAB, tmp_path / f"w{place}-{len(content)}")


def test_a_locked_zip_and_a_missing_file_are_sentences(tmp_path: Path) -> None:
    raw = bytearray(zipped(tmp_path / "a.zip", {NODE: TEXT}).read_bytes())
    raw[6] |= 1
    raw[raw.rindex(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "b.zip").write_bytes(raw)
    got, _ = take(tmp_path / "b.zip", tmp_path)
    assert any("cannot be read" in sentence for sentence in got.refused)
    got = take_in(tmp_path / "nothing.zip", LAB, tmp_path / "other")
    assert got.refused == ("nothing.zip cannot be read: No such file or directory",)


def test_names_with_strange_characters_are_shown_escaped(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {NODE: TEXT, "\x1b[2Jgone\n.py": b""})
    refused = take(archive, tmp_path)[0].refused
    assert all(sentence.isprintable() for sentence in refused)


def test_a_workspace_must_be_empty(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(BadInput, match="not empty"):
        take_in(tmp_path, LAB, tmp_path)


def test_a_file_without_an_exercise_is_the_courses_own_and_a_change_is_told(
    tmp_path: Path,
) -> None:
    own = {"client.py": hashlib.sha256(b"ours\n").hexdigest()}
    room = Room(ROOM, ("node.py",), frozenset({"cap"}), own)
    for number, (client, told) in enumerate(
        ((b"ours\n", ()), (b"ours\r\n", ()), (b"says yes\n", ("the course's own is used",)))
    ):
        archive = zipped(tmp_path / f"{number}.zip", {NODE: TEXT, CLIENT: client})
        into = tmp_path / f"into{number}"
        got = take_in(archive, room, into)
        assert tree(into) == {NODE: TEXT}
        assert len(got.refused) == len(told)
        assert all(part in sentence for part, sentence in zip(told, got.refused, strict=True))


def test_of_every_lab_the_files_with_exercises_are_taken_and_no_others() -> None:
    course = Course()
    for lab in course.labs:
        room = room_of(course, lab)
        assert set(room.files) == {hole.file for hole in lab.holes}
        assert set(room.files) | set(room.supplied) == {file.path for file in lab.files}


@pytest.mark.parametrize("size", [-1, -512, -(1 << 40)])
def test_a_negative_size_in_a_tar_is_damage(tmp_path: Path, size: int) -> None:
    block = bytearray(member("x.txt").tobuf(format=tarfile.GNU_FORMAT))
    block[124:136] = bytes([0o377]) + (256**11 + size).to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    (tmp_path / "a.tar").write_bytes(bytes(block) + bytes(1024))
    assert "damaged" in take(tmp_path / "a.tar", tmp_path)[0].refused[0]


def test_what_is_skipped_and_empty_folders_count_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.course.judge.parcels.MAX_ENTRIES", 10)
    skipped = [(member(f".git/{number}"), b"") for number in range(20)]
    for number in range(20):
        (tmp_path / f"wide/{number:02}").mkdir(parents=True)
    for given in (tarred(tmp_path / "a.tar", *skipped, mode="w:"), tmp_path / "wide"):
        got = take_in(given, LAB, tmp_path / f"into-{given.name}")
        assert any("the rest was not looked at" in sentence for sentence in got.refused)
