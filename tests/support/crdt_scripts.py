"""Edit scripts that several people play on copies of a text: on ours, on Yjs', on Automerge's."""

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from tests.stage7_advanced.crdt.desks import PEOPLE, Desk
from tests.support.npm import installed

Step: TypeAlias = tuple[str | int, ...]
"""("type", who, at, sign), ("erase", who, at), ("hear", who, other) or ("hear all",)."""

Script: TypeAlias = list[Step]
PEERS = Path(__file__).with_name("crdt_peers.mjs")
PACKAGES = ("yjs@13.6.33", "@automerge/automerge@3.5.0")
FIRST, MANY = ord("!"), 90
"""Signs are visible ones of ASCII, in turn: the first of them, and how many there are."""


def play(make: Callable[[str], Any], script: Script) -> str:
    """The text of our copies at the end of a script, once everybody has heard everything."""
    desk = Desk(make)
    for step in script:
        do(desk, step)
    return desk.hear_all()


def do(desk: Desk, step: Step) -> None:
    """One step of a script."""
    match step:
        case "type", int(who), int(at), str(sign):
            desk.insert(PEOPLE[who], at, sign)
        case "erase", int(who), int(at):
            desk.delete(PEOPLE[who], at)
        case "hear", int(who), int(other):
            desk.hear(PEOPLE[who], PEOPLE[other])
        case _:
            desk.hear_all()


def at_random(make: Callable[[str], Any], seed: str, steps: int, erased: float) -> Script:
    """A script in which everybody types, erases and hears of others, as it comes.

    Args:
        make: the kind of text by whose lengths places are drawn.
        seed: what it is drawn from.
        steps: how many steps it has.
        erased: how often somebody erases, from 0 to 1.
    """
    random, desk = Random(seed), Desk(make)
    script: Script = []
    for number in range(steps):
        who, other = random.sample(range(len(PEOPLE)), 2)
        length = len(desk.text(PEOPLE[who]))
        what = random.random()
        step: Step = ("hear", who, other)
        if what < 0.5:
            step = ("type", who, random.randint(0, length), chr(FIRST + number % MANY))
        elif what < 0.5 + erased and length:
            step = ("erase", who, random.randrange(length))
        do(desk, step)
        script.append(step)
    return script


def words(at: int, *typed: str, backwards: bool) -> Script:
    """Each person types a word at one place, without having heard of the others."""
    return [
        ("type", who, at if backwards else at + place, sign)
        for who, word in enumerate(typed)
        for place, sign in enumerate(reversed(word) if backwards else word)
    ]


def lines(seed: str, rounds: int) -> Script:
    """Everybody writes and erases in a line of their own; nobody touches another one's."""
    random = Random(seed)
    script: Script = [("type", 0, at, sign) for at, sign in enumerate("1\n2\n3\n")]
    script.append(("hear all",))
    own = ["", "", ""]
    for _ in range(rounds):
        before = [len(line) for line in own]
        for who in range(len(PEOPLE)):
            begin = sum(before[:who]) + 2 * who + 1
            for _ in range(random.randrange(1, 4)):
                at = random.randint(0, len(own[who]))
                if own[who] and at < len(own[who]) and random.random() < 0.4:
                    script.append(("erase", who, begin + at))
                    own[who] = own[who][:at] + own[who][at + 1 :]
                else:
                    sign = chr(FIRST + 30 + random.randrange(MANY - 40))
                    script.append(("type", who, begin + at, sign))
                    own[who] = own[who][:at] + sign + own[who][at:]
        script.append(("hear all",))
    return script


def peers_in(folder: Path) -> Path:
    """Install Yjs and Automerge below a folder, by npm."""
    return installed(folder, *PACKAGES)


def played_by_peers(modules: Path, scripts: Sequence[Script]) -> dict[str, list[str]]:
    """The texts of Yjs and of Automerge at the end of each script."""
    asked = json.dumps({"modules": str(modules), "people": len(PEOPLE), "scripts": scripts})
    done = subprocess.run(
        ["node", str(PEERS)], input=asked, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found
