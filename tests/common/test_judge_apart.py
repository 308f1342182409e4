"""Each submission is taken in by a process of its own: what it costs, and what ends it."""

import os
import tarfile
import time
from pathlib import Path

import pytest

from common.course.base.course import Course
from common.course.judge.apart import LIMITS, Limits, take_in_apart
from common.course.judge.intake import Room
from common.course.kit.submissions import Desk, find_submissions, receive

ROOM = "stage1_foundations/echo"
NODE = f"{ROOM}/node.py"
ROOMS = {"echo": Room(ROOM, ("node.py",)), "cap": Room("stage1_foundations/cap", ("client.py",))}
TEXT = b"the student's work\n"


def folder(path: Path) -> Path:
    (path / ROOM).mkdir(parents=True)
    (path / NODE).write_bytes(TEXT)
    return path


def header(name: str, size: bytes) -> bytes:
    """A member of a tar with a size of our own."""
    block = bytearray(tarfile.TarInfo(name).tobuf(format=tarfile.GNU_FORMAT))
    block[124:136] = size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def endless_tar(path: Path, name: str) -> Path:
    """A tar whose second member has a negative size, so that it is read again and again."""
    negative = bytes([0o377]) + (256**11 - 512).to_bytes(11, "big")
    first = tarfile.TarInfo("z.txt").tobuf(format=tarfile.GNU_FORMAT)
    path.write_bytes(first + header(name, negative) + bytes(1024))
    return path


def test_all_rooms_are_taken_from_one_reading(tmp_path: Path) -> None:
    taken = take_in_apart(folder(tmp_path / "ada"), ROOMS)
    assert taken["echo"].files == {NODE: TEXT}
    assert taken["cap"].files == {}
    assert "none of the lab's files" in taken["cap"].intake.refused[0]


@pytest.mark.parametrize("name", ["a.txt", ".git/x", "venv/y"])
def test_a_tar_that_never_ends_is_one_sentence(tmp_path: Path, name: str) -> None:
    began = time.monotonic()
    taken = take_in_apart(endless_tar(tmp_path / "zack.tar", name), ROOMS)
    assert time.monotonic() - began < LIMITS.wall_seconds / 2
    assert taken["echo"].files == {}
    assert len(taken["echo"].intake.refused) == 1


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Limits(wall_seconds=0.01), "takes more than 0.01 seconds to be read: pack the files anew"),
        (Limits(processor_seconds=0), "seconds of the processor to be read"),
    ],
)
def test_what_costs_too_much_is_one_sentence(tmp_path: Path, limits: Limits, says: str) -> None:
    taken = take_in_apart(folder(tmp_path / "ada"), ROOMS, limits)
    assert taken["echo"].files == {}
    (sentence,) = taken["echo"].intake.refused
    assert says in sentence


def test_what_takes_too_much_memory_is_one_sentence(tmp_path: Path) -> None:
    packed = tmp_path / "ada.tar.xz"
    with tarfile.open(packed, "w:xz", preset=9) as archive:
        archive.add(folder(tmp_path / "ada"), "ada")
    assert take_in_apart(packed, ROOMS)["echo"].files == {NODE: TEXT}
    taken = take_in_apart(packed, ROOMS, Limits(memory_bytes=40 << 20))
    assert taken["echo"].files == {}
    assert "it needs too much memory" in taken["echo"].intake.refused[0]


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    take_in_apart(endless_tar(tmp_path / "zack.tar", "a"), ROOMS)
    assert [path.name for path in tmp_path.iterdir()] == ["zack.tar"]


# The folder of submissions.


def test_links_among_the_submissions_are_refused_with_a_sentence(tmp_path: Path) -> None:
    there = tmp_path / "class"
    there.mkdir()
    folder(tmp_path / "elsewhere")
    (there / "eve").symlink_to(tmp_path / "elsewhere")
    (there / "dan.zip").symlink_to(tmp_path / "nowhere")
    folder(there / "ada")
    course = Course()
    found = find_submissions(there)
    got = {
        each.student: received.accepted["echo"]
        for each, received in zip(found, Desk(course).receive(found), strict=True)
    }
    assert got["ada"].files == {NODE: TEXT}
    for student in ("eve", "dan.zip"):
        assert got[student].files == {}
        assert "it is a link" in got[student].problem


@pytest.mark.parametrize(
    ("name", "student"),
    [
        (b"\xff\xfeada", "\\xff\\xfeada"),
        (b"red\x1b[31m", "red\\x1b[31m"),
        (b"two\nlines", "two\\nlines"),
        (b"scores.csv", "scores.csv-submission"),
        (b"Scores.JSON.new", "Scores.JSON.new-submission"),
        ("Zoë Müller".encode(), "Zoë Müller"),
    ],
)
def test_strange_names_are_escaped_and_names_of_ours_reserved(
    tmp_path: Path, name: bytes, student: str
) -> None:
    there = os.fsencode(tmp_path / "class")
    os.makedirs(os.path.join(there, name, os.fsencode(ROOM)))
    with open(os.path.join(there, name, os.fsencode(NODE)), "wb") as file:
        file.write(TEXT)
    (one,) = find_submissions(tmp_path / "class")
    assert one.student == student
    course = Course()
    assert receive(one, course, [course.lab("echo")]).accepted["echo"].files == {NODE: TEXT}


def test_names_that_become_too_long_by_escaping_are_cut_and_stay_apart(tmp_path: Path) -> None:
    for last in (b"a", b"b"):
        os.makedirs(os.path.join(os.fsencode(tmp_path), b"\xff" * 250 + last))
    names = [each.student for each in find_submissions(tmp_path)]
    assert len(set(names)) == 2
    assert all(len(name.encode()) < 200 for name in names)
