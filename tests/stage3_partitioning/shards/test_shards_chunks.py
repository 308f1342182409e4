"""Graded suite of the lab ``shards``, first part: a table of chunks, and its versions."""

from random import Random

from common.course.suites.grading import Sweep, graded
from tests.stage3_partitioning.shards.lab import ShardsLab
from tests.stage3_partitioning.shards.room import THREE, table

LAB = "shards"
LETTERS = "abcdefghij"


@graded(points=1, title="Who has it", requirement="each key is in one chunk")
def test_the_chunk_of_a_key_is_the_one_that_covers_it(lab: ShardsLab) -> None:
    made = table(
        lab, ("", "n1", (1, 0)), ("d", "n2", (2, 0)), ("dd", "n3", (3, 0)), ("m", "n1", (4, 0))
    )
    for key in ("", "a", "d", "dc", "dd", "dda", "e", "lz", "m", "ma", "zzz"):
        (covers,) = (chunk for chunk in made.chunks if chunk.low <= key < chunk.high)
        assert lab.chunk_of(made, key) == covers, f"the chunk of {key!r}"
        assert lab.owner(made, key) == covers.shard


@graded(points=1, title="A shard's version", requirement="the greatest of its chunks")
def test_the_version_of_a_shard_is_the_greatest_of_its_chunks(lab: ShardsLab) -> None:
    made = table(
        lab, ("", "n1", (2, 9)), ("d", "n2", (4, 0)), ("h", "n1", (3, 1)), ("m", "n1", (3, 0))
    )
    versions = [lab.shard_version(made, shard) for shard in THREE]
    assert versions == [(3, 1), (4, 0), (0, 0)]


@graded(points=2, title="A split", requirement="two halves, the next two minor versions")
def test_a_split_makes_two_chunks_of_one_and_changes_no_owner_and_no_major_number(
    lab: ShardsLab,
) -> None:
    made = table(lab, ("", "n1", (2, 1)), ("d", "n2", (3, 0)), ("m", "n1", (2, 7)))
    expected = table(
        lab, ("", "n1", (2, 1)), ("d", "n2", (3, 1)), ("h", "n2", (3, 2)), ("m", "n1", (2, 7))
    )
    assert lab.split(made, "h") == expected
    ends = lab.split(lab.split(made, "c"), "z")
    assert [chunk.low for chunk in ends.chunks] == ["", "c", "d", "m", "z"]
    assert [chunk.version for chunk in ends.chunks] == [(3, 1), (3, 2), (3, 0), (3, 3), (3, 4)]


@graded(points=1, title="Split already", requirement="where a chunk begins, nothing is split")
def test_a_split_where_a_chunk_begins_changes_nothing(lab: ShardsLab) -> None:
    made = table(lab, ("", "n1", (2, 1)), ("d", "n2", (3, 0)))
    assert lab.split(made, "d") == made
    assert lab.split(made, "") == made
    assert lab.split(made, "e") != made


@graded(points=2, title="A move", requirement="the next major version, for both shards")
def test_a_move_changes_the_major_versions_of_the_two_shards_and_of_no_other_one(
    lab: ShardsLab,
) -> None:
    made = table(
        lab,
        *(("", "n3", (3, 1)), ("b", "n1", (2, 4)), ("d", "n1", (2, 5))),
        *(("m", "n2", (3, 0)), ("q", "n1", (2, 6))),
    )
    after = lab.moved(made, "d", "n2")
    assert after == table(
        lab,
        *(("", "n3", (3, 1)), ("b", "n1", (4, 1)), ("d", "n2", (4, 0))),
        *(("m", "n2", (3, 0)), ("q", "n1", (2, 6))),
    )
    majors = [lab.shard_version(after, shard)[0] for shard in THREE]
    assert majors == [4, 4, 3]


@graded(points=1, title="The last one", requirement="who has nothing has version NONE")
def test_a_shard_that_gives_its_last_chunk_away_has_no_version_left(lab: ShardsLab) -> None:
    made = lab.moved(lab.first_table(THREE), "", "n2")
    assert made == table(lab, ("", "n2", (2, 0)))
    assert lab.shard_version(made, "n1") == (0, 0)
    again = lab.moved(made, "", "n1")
    assert lab.shard_version(again, "n1") == (3, 0), "what comes back has a version of its own"


@graded(points=2, title="Always whole", requirement="no hole, no overlap; versions only grow")
def test_a_table_stays_whole_and_its_version_grows_by_whatever_is_done_to_it(
    lab: ShardsLab, sweep: Sweep
) -> None:
    for seed in sweep(8):
        random = Random(f"shards/{seed}")
        made = lab.first_table(THREE)
        owners = dict.fromkeys(LETTERS, "n1")
        for _ in range(20):
            before, key = made, random.choice(LETTERS)
            match random.randrange(3):
                case 0:
                    made = lab.split(made, key)
                case 1:
                    chunk, to = lab.chunk_of(made, key), random.choice(THREE)
                    if chunk.shard == to:
                        continue
                    made = lab.moved(made, chunk.low, to)
                    owners |= {each: to for each in LETTERS if chunk.low <= each < chunk.high}
                    for shard in THREE:
                        new = lab.shard_version(made, shard)[0]
                        same = new == lab.shard_version(before, shard)[0]
                        assert same == (shard not in (chunk.shard, to)), f"{shard} has {new}"
                case 2:
                    made = lab.touched(made, lab.chunk_of(made, key).low)
            lows = [chunk.low for chunk in made.chunks]
            assert lows == sorted(set(lows)), "chunks are in order"
            assert lows[0] == ""
            assert [chunk.high for chunk in made.chunks] == [*lows[1:], "\U0010ffff"]
            assert made == before or made.version > before.version
            assert {key: lab.owner(made, key) for key in LETTERS} == owners


@graded(points=1, title="By hash", requirement="neighbours are strangers, shares are even")
def test_hashes_spread_neighbours_evenly_over_the_shards(lab: ShardsLab) -> None:
    keys = [f"user{number:04}" for number in range(600)]
    hashed = lab.first_table(THREE, True)
    shares = [
        sum(lab.owner(hashed, lab.place_of(key, True)) == shard for key in keys) for shard in THREE
    ]
    assert min(shares) > 150, shares
    assert {lab.owner(lab.first_table(THREE), key) for key in keys} == {"n1"}
