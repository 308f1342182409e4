"""The water marks, by hand: what is said about numbers above them."""

from tests.stage7_advanced.pbft.one_replica import OneReplica, digest_of, of


def votes_above_the_high_water_mark_are_not_kept(one: OneReplica) -> None:
    """A liar could vote about any number, and each would take room.

    Args:
        one: a new replica with a checkpoint after every 2 requests and a window of 4.
    """
    lab, fifth = one.lab, one.request(5)
    d5 = digest_of(fifth)
    one.hears("n3", lab.Prepare(0, 5, d5))
    one.hears_all("n1 n3 n4", lab.Commit(0, 5, d5))
    said = [one.commits(number, one.request(number)) for number in range(1, 5)]
    one.hears_all("n1 n3", *of(lab.Checkpoint, said[1]))
    assert not of(lab.Commit, one.hears("n1", one.word(5, fifth))), "5 was above 4 when n3 voted"
    said_now = one.hears("n4", lab.Prepare(0, 5, d5))
    assert of(lab.Commit, said_now), "with n4 two backups have voted since"
    assert not of(lab.Reply, said_now), "and nobody else has said commit since"
