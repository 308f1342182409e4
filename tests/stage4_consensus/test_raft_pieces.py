"""The pieces of a Raft server's state, each alone: no node, no network, no clock."""

from random import Random

from common.values.quorum import is_majority
from stage4_consensus.raft.configuration import Configurations, agreed, is_quorum
from stage4_consensus.raft.followers import Followers, Progress
from stage4_consensus.raft.messages import Configuration, Snapshot
from stage4_consensus.raft.pieces import Gathering, Sending, assemble
from stage4_consensus.raft.rounds import Rounds
from stage4_consensus.raft.under_way import PendingRead, PendingReads, Waiting

THREE = Configuration(("a", "b", "c"))
JOINT = Configuration(("a", "d", "e"), ("a", "b", "c"))


# Followers.


def test_one_probe_is_under_way_at_a_time_and_next_index_waits_for_its_answer() -> None:
    progress = Progress(next_index=5)
    assert progress.may_send(last_index=4, most=8), "a probe goes out even without an entry"
    progress.record_sent(0)
    assert progress.next_index == 5
    assert not progress.may_send(last_index=9, most=8)


def test_after_a_match_several_messages_are_under_way_and_each_begins_behind_the_last() -> None:
    progress = Progress(next_index=5)
    progress.record_sent(1)
    progress.record_match(5)
    assert (progress.match_index, progress.next_index, progress.in_flight) == (5, 6, [])
    sent = []
    while progress.may_send(last_index=20, most=3):
        sent.append(progress.next_index)
        progress.record_sent(2)
    assert sent == [6, 8, 10]
    progress.record_match(9)
    assert progress.in_flight == [11], "the first two are answered by the second's answer"
    assert progress.may_send(last_index=20, most=3)
    assert not progress.may_send(last_index=11, most=3), "all of the log is on its way"


def test_answers_that_come_late_move_no_number_back() -> None:
    progress = Progress(next_index=5)
    progress.record_match(9)
    progress.record_match(7)
    assert (progress.match_index, progress.next_index) == (9, 10)
    assert progress.is_refusal_old(9)
    progress.probe_from(3)
    assert progress.next_index == 10, "what is known to match is not asked about again"


def test_only_a_refusal_of_the_latest_probe_counts() -> None:
    progress = Progress(next_index=8)
    assert progress.is_refusal_old(5), "that was another probe"
    assert not progress.is_refusal_old(7)
    progress.record_match(7)
    progress.record_sent(3)
    assert not progress.is_refusal_old(9), "the message before was lost: probe again"


def test_a_leader_counts_itself_where_it_votes_and_nowhere_else() -> None:
    followers = Followers("a")
    followers.keep_exactly(("a", "b", "c", "d"), next_index=8)
    assert list(followers.progress) == ["b", "c", "d"]
    followers.progress["b"].record_match(4)
    assert followers.stored_by_quorum(THREE, own_index=7) == 4
    assert followers.stored_by_quorum(Configuration(("b", "c", "d")), own_index=7) == 0
    assert followers.stored_by_quorum(JOINT, own_index=7) == 0, "d and e have nothing yet"
    assert followers.all_have(4, ["b"])
    assert not followers.all_have(4, ["b", "c"])
    assert not followers.all_have(0, ["e"]), "nothing is known of e"


def test_who_stays_keeps_its_numbers_and_who_comes_begins_anew() -> None:
    followers = Followers("a")
    followers.keep_exactly(("b", "c"), next_index=8)
    followers.progress["b"].record_match(4)
    followers.keep_exactly(("b", "d"), next_index=9)
    assert list(followers.progress) == ["b", "d"]
    assert (followers.progress["b"].match_index, followers.progress["d"].next_index) == (4, 9)
    followers.keep_exactly(("b", "c"), next_index=10)
    assert followers.progress["c"] == Progress(10), "who comes back begins anew as well"


def test_answers_count_for_one_quorum_check_and_for_the_latest_round() -> None:
    followers = Followers("a")
    followers.keep_exactly(("b", "c"), next_index=1)
    assert followers.heard_since_last_check() == ["b", "c"], "a new follower has time to answer"
    followers.record_answer("b", 3)
    followers.record_answer("b", 2)
    assert followers.record_answer("stranger", 9) is None
    assert followers.heard_since_last_check() == ["b"]
    assert followers.heard_since_last_check() == []
    assert followers.answered_by_quorum(THREE, latest_round=5) == 3


def reached_by_quorum(configuration: Configuration, reached: dict[str, int], number: int) -> bool:
    """Whether a quorum has reached a number, by looking at each server."""
    those = [name for name, there in reached.items() if there >= number]
    sides = [side for side in (configuration.voters, configuration.old_voters) if side]
    return all(is_majority(those, side) for side in sides)


def test_what_a_quorum_has_reached_is_what_trying_every_number_says() -> None:
    random = Random(8)
    for _ in range(2000):
        voters, old = [tuple(random.sample("abcdefg", random.randrange(1, 6))) for _ in range(2)]
        configuration = Configuration(voters, old if random.random() < 0.5 else ())
        reached = {name: random.randrange(5) for name in random.sample("abcdefg", 5)}
        found = [each for each in range(1, 5) if reached_by_quorum(configuration, reached, each)]
        assert agreed(configuration, reached) == max(found, default=0)
        assert is_quorum(configuration, [*reached]) == reached_by_quorum(configuration, reached, 0)


# Configurations.


def test_the_latest_configuration_goes_with_its_entry_and_the_one_before_is_back() -> None:
    known = Configurations(0, THREE)
    known.append(4, JOINT)
    known.append(6, Configuration(("a", "d", "e")))
    assert (known.latest_index, known.servers()) == (6, tuple("abcde"))
    known.truncate_from(6)
    assert (known.latest, known.latest_index) == (JOINT, 4)
    known.truncate_from(1)
    assert (known.latest, known.has_superseded()) == (THREE, False)


def test_a_snapshot_keeps_the_configuration_as_of_its_end_and_those_after_it() -> None:
    known = Configurations(0, THREE)
    known.append(4, JOINT)
    known.append(6, Configuration(("d",)))
    assert [known.as_of(index) for index in (3, 4, 5)] == [THREE, JOINT, JOINT]
    known.compact_to(5, known.as_of(5))
    assert (known.as_of(5), known.latest) == (JOINT, Configuration(("d",)))
    known.forget_superseded()
    assert (known.latest, known.has_superseded()) == (Configuration(("d",)), False)


# Rounds and leases.


def test_a_lease_counts_from_when_its_round_began_not_from_its_answers() -> None:
    rounds = Rounds(lease_us=100)
    rounds.begin(now=1000)
    rounds.begin(now=1050)
    assert not rounds.has_lease(1050), "nobody has answered"
    rounds.record_answered(1)
    assert rounds.has_lease(1099)
    assert not rounds.has_lease(1100)
    rounds.record_answered(2)
    assert rounds.has_lease(1149)
    rounds.record_answered(1)
    assert rounds.has_lease(1149), "an older round takes nothing away"


def test_after_its_end_no_answer_gives_the_lease_back_in_this_term() -> None:
    rounds = Rounds(lease_us=100)
    rounds.begin(now=-50)
    rounds.record_answered(1)
    assert rounds.has_lease(-1), "a clock may show anything"
    rounds.begin(now=0)
    rounds.end_lease()
    assert not rounds.has_lease(-1)
    rounds.begin(now=10)
    rounds.record_answered(2)
    rounds.record_answered(3)
    assert not rounds.has_lease(11)


def test_without_leases_rounds_are_only_counted() -> None:
    rounds = Rounds(lease_us=0)
    rounds.begin(now=-5)
    rounds.record_answered(1)
    assert (rounds.latest, rounds.has_lease(-6)) == (1, False)


# What clients wait for.


def test_queries_are_ready_when_their_round_is_answered_and_their_index_applied() -> None:
    reads = PendingReads()
    asked = [PendingRead("c", n, "?", *needs) for n, needs in enumerate([(5, 1), (7, 1), (5, 2)])]
    for read in asked:
        reads.add(read)
    assert reads.take_ready(answered_round=0, applied=9) == []
    assert reads.take_ready(answered_round=1, applied=6) == asked[:1]
    assert not reads.take_ready(answered_round=1, applied=6), "each is answered once"
    assert reads.wait_for_more_than(1)
    assert not reads.wait_for_more_than(2)
    assert reads.take_ready(answered_round=2, applied=7) == asked[1:], "in the order they came"
    assert not reads


def test_a_client_waits_for_its_entry_until_it_is_taken() -> None:
    waiting = Waiting()
    waiting.add(4, "c1", 7)
    assert ("c1", 7) in waiting
    assert ("c1", 8) not in waiting
    assert waiting.take(3) is None
    assert waiting.take(4) == ("c1", 7)
    assert waiting.take(4) is None
    assert ("c1", 7) not in waiting


# A snapshot in pieces.


def test_a_snapshot_that_is_cut_up_is_the_same_when_it_is_gathered_again() -> None:
    random = Random(4)
    for _ in range(200):
        data = tuple(
            "x" * random.randrange(30) if random.random() < 0.6 else (number, ("y",))
            for number in range(random.randrange(6))
        )
        sending = Sending(Snapshot(9, 2, THREE, data))
        gathering = Gathering(3, 9)
        while sending.offset < len(sending.parts):
            piece = sending.next_piece(most_parts=4, most_bytes=40)
            assert 1 <= len(piece) <= 4
            early = sending.offset + len(piece)
            gathering.add(early, ("overtakes",))
            gathering.add(sending.offset, piece)
            gathering.add(sending.offset, piece)
            assert sending.confirm(len(gathering.parts))
            assert not sending.confirm(len(gathering.parts)), "told twice"
        assert assemble(gathering.parts) == data


def test_pieces_of_another_leader_or_of_another_snapshot_do_not_belong_here() -> None:
    gathering = Gathering(3, 9)
    assert gathering.is_of(3, 9)
    assert not gathering.is_of(4, 9)
    assert not gathering.is_of(3, 12)
