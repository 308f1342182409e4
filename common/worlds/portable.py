"""The hash of a lab's traces, to be compared between Pythons: 3.11 to 3.14, and in a browser.

``python3.13 -m common.worlds.portable stage4_consensus.raft`` prints it. It needs nothing but the
standard library, so that any interpreter can run it from the repository. What a simulation shows
is a function of seed and code alone; a set whose order reaches a message, a hash of a text or a
rounded logarithm would show here.
"""

import importlib
import sys
from collections.abc import Iterable
from hashlib import sha256

from common.values.units import SECOND
from common.worlds.declaration import Variant, Worlds

SEEDS = 2
"""Rehearsals of each variant."""

UNTIL = 4 * SECOND


def digest(worlds: Worlds) -> str:
    """The hash of some rehearsals of each variant."""
    texts = [rehearsed(worlds, each, range(SEEDS)) for each in worlds.variants.values()]
    return sha256("".join(texts).encode()).hexdigest()


def rehearsed(worlds: Worlds, variant: Variant, seeds: Iterable[int]) -> str:
    """The traces and histories of some rehearsals, and what the checks say of them."""
    texts = []
    for seed in seeds:
        scene = worlds.rehearsal(variant, seed=seed)
        scene.run(UNTIL)
        sentences = [verdict.sentence for verdict in scene.verdicts().values()]
        texts += [scene.lines, scene.history.to_jsonl(), *sentences]
    return "".join(texts)


def digests(packages: Iterable[str]) -> dict[str, str]:
    """By the package of a lab its hash."""
    return {
        package: digest(importlib.import_module(f"{package}.worlds").WORLDS) for package in packages
    }


if __name__ == "__main__":
    for lab, told in digests(sys.argv[1:]).items():
        print(told, lab)
