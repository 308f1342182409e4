"""Jobs of ``mapreduce`` on real files: what is bad is one sentence, and leaves no output."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stage6_compute.mapreduce.front.local import Local
from stage6_compute.mapreduce.front.request import claim
from tests.support.mapreduce_jobs import (
    bad,
    command,
    fails,
    parts,
    quiet,
    request,
    words,
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Local]:
    """Two workers and a coordinator."""
    with Local(2) as local:
        yield local


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    assert "there is no input nowhere: name a file" in bad(tmp_path, "nowhere")
    source = words(tmp_path / "in.txt", 5)
    assert "there is no job file none: name" in bad(tmp_path, source, job="none")
    empty = tmp_path / "empty"
    empty.touch()
    assert "there is nothing to read in" in bad(tmp_path, empty)
    job = tmp_path / "job.py"
    job.write_text("def reduce(key, values): ...\n")
    assert "has no function map: a job file defines" in bad(tmp_path, source, job=str(job))


def test_the_simple_engine_says_what_was_bad_too(tmp_path: Path) -> None:
    job = tmp_path / "job.py"
    job.write_text("def map(name, line):\n    yield int(line), 1\n\ndef reduce(key, values): ...\n")
    source = tmp_path / "in.txt"
    source.write_text("1\ntwo\n")
    said = bad(tmp_path, source, "--engine", "sequential", job=str(job))
    assert "map, of the line 'two' of in.txt, raised ValueError" in said
    source.write_bytes(b"\xff\n")
    assert "is not UTF-8" in bad(tmp_path, source, "--engine", "sequential", job=str(job))


def test_options_that_an_engine_does_not_have_are_refused(tmp_path: Path) -> None:
    source = words(tmp_path / "in.txt", 5)
    said = bad(tmp_path, source, "--engine", "sequential", "--timeline", "who.svg")
    assert "--timeline is for --engine local" in said
    said = bad(tmp_path, source, "--engine", "sequential", "--skip-bad-records", 1)
    assert "--skip-bad-records is not for --engine sequential" in said
    assert "--kill w9: there is no such process: there are coordinator, w1" in bad(
        tmp_path, source, "--kill", "w9@1"
    )
    assert "--workers 0: write a number from 1" in bad(tmp_path, source, "--workers", 0)


def test_an_output_has_one_writer(tmp_path: Path) -> None:
    source = words(tmp_path / "in.txt", 5)
    output = tmp_path / "out"
    line = ("word_count", source, "--output", output, "--engine", "sequential")
    assert command(*line).returncode == 0
    again = command(*line)
    assert again.returncode == 3
    assert "exists: it holds the output of a job" in again.stderr
    (output / "_SUCCESS").unlink()
    (output / "_attempts").mkdir()
    assert "another job is writing to it, or one that was killed" in command(*line).stderr
    assert parts(output), "what is there was left alone"


# Bad records, and functions that misbehave.


def test_input_that_is_no_text_is_told_byte_by_byte(engine: Local, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_bytes(b"good\nba\xffd\ngood\n")
    said = fails(engine, request("word_count", [source], tmp_path / "out", splits=1))
    assert "in.txt is not UTF-8: byte 0xff at byte 7, in the line b'ba\\xffd'" in said


def test_a_bad_record_is_shown_or_left_out_as_asked(engine: Local, tmp_path: Path) -> None:
    job = tmp_path / "job.py"
    job.write_text(
        "def map(name, line):\n    yield int(line), 1\n\n"
        "def reduce(key, values):\n    yield sum(values)\n"
    )
    source = tmp_path / "in.txt"
    source.write_text("1\ntwo\n3\nfour\n5\n")
    made = request(str(job), [source], tmp_path / "0", splits=1, partitions=1)
    said = fails(engine, made)
    assert "map raised ValueError: invalid literal for int()" in said
    assert "(line 2 of job.py) on the line at byte 2 of in.txt: 'two'" in said
    claim(tmp_path / "1")
    said = fails(engine, made._replace(output=tmp_path / "1", most_skipped=1))
    assert "more than 1 records of split 0 are bad" in said
    claim(tmp_path / "2")
    counters = engine.compute(made._replace(output=tmp_path / "2", most_skipped=2), quiet)
    assert counters["skipped records"] == 2
    assert parts(tmp_path / "2") == [b"1\t1\n3\t1\n5\t1\n"]


def test_a_map_that_never_ends_is_ended_with_its_record(engine: Local, tmp_path: Path) -> None:
    job = tmp_path / "job.py"
    job.write_text(
        "def map(name, line):\n    while line == 'bad':\n        pass\n    yield line, 1\n\n"
        "def reduce(key, values):\n    yield sum(values)\n"
    )
    source = tmp_path / "in.txt"
    source.write_text("good\nbad\n")
    said = fails(engine, request(str(job), [source], tmp_path / "out", splits=1, seconds=0.1))
    assert "map did not end within 0.1 s" in said
    assert "of in.txt: 'bad'" in said


def test_a_task_that_kills_its_process_makes_the_job_fail_and_not_hang(
    engine: Local, tmp_path: Path
) -> None:
    job = tmp_path / "job.py"
    job.write_text(
        "import os\n\ndef map(name, line):\n    os._exit(7)\n\ndef reduce(key, values): ...\n"
    )
    said = fails(engine, request(str(job), [words(tmp_path / "in.txt", 5)], tmp_path / "out"))
    assert "failed 4 times" in said
    assert "ended with 7" in said


def test_an_input_that_vanishes_is_named(engine: Local, tmp_path: Path) -> None:
    source = words(tmp_path / "in.txt", 50)
    made = request("word_count", [source], tmp_path / "out")
    source.unlink()
    assert "in.txt has vanished since the job began: put it back" in fails(engine, made)


@pytest.mark.needs("root")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(small)],
                             capture_output=True, check=False)  # fmt: skip
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        source = tmp_path / "in.txt"
        source.write_text("".join(f"{number:0500}\n" for number in range(3000)))
        said = bad(tmp_path, source, "--scratch", small, "--workers", 1, job="sort")
        assert "the disk is full: " in said
        assert "could not be written: free some space" in said
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
