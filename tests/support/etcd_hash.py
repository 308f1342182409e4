"""A run of the lab ``etcd``, and the hash of what it left, for every Python to agree on."""

from hashlib import sha256

from stage5_fault_tolerance.etcd.demo import Story


def digest() -> str:
    """The hash of the demo's trace: leases, watches, transactions, and the death of a leader."""
    story = Story(5)
    story.tell()
    return sha256(story.trace().encode()).hexdigest()


if __name__ == "__main__":
    print(digest())
