"""Histories recorded elsewhere, with known verdicts, are decided right.

They are test data of Porcupine (MIT, see ``tests/data/histories``), recorded by Jepsen against a
real etcd and by a key-value store with append.
"""

import json
from pathlib import Path

import pytest

from common.check.command import check_history
from common.check.verdict import Answer

HISTORIES = Path(__file__).resolve().parents[1] / "data" / "histories"
ETCD = json.loads((HISTORIES / "etcd" / "expected.json").read_text(encoding="utf-8"))
KV = sorted(path.name for path in (HISTORIES / "kv").glob("*.txt"))

MOST_STEPS = 60_000
"""More than any of them needs, window included; some half a second each."""


@pytest.mark.parametrize("name", ETCD)
def test_decides_what_jepsen_saw_of_etcd(name: str) -> None:
    text = (HISTORIES / "etcd" / name).read_text(encoding="utf-8")
    verdict = check_history(text, name, "cas-register", steps=MOST_STEPS)
    assert verdict.answer is (Answer.YES if ETCD[name] else Answer.NO)
    assert bool(verdict.window) == (verdict.answer is Answer.NO)
    assert len(verdict.window) <= 8, "a window for people is small"


@pytest.mark.parametrize("name", KV)
def test_decides_what_a_store_with_append_did(name: str) -> None:
    text = (HISTORIES / "kv" / name).read_text(encoding="utf-8")
    verdict = check_history(text, name, "kv", steps=MOST_STEPS)
    assert verdict.answer is (Answer.NO if "bad" in name else Answer.YES)


def test_a_large_history_with_two_values_swapped_is_refused() -> None:
    """The 50 clients of c50-ok, one of whose reads is told in another order."""
    lines = (HISTORIES / "kv" / "c50-ok.txt").read_text(encoding="utf-8").splitlines()
    at = max(
        (number for number, line in enumerate(lines) if ":type :ok, :f :get" in line),
        key=lambda number: lines[number].count("y") * (number < len(lines) * 3 // 4),
    )
    head, value, tail = lines[at].rsplit('"', 2)
    parts = value.split("y")
    parts[3], parts[4] = parts[4], parts[3]
    lines[at] = f'{head}"{"y".join(parts)}"{tail}'
    verdict = check_history("\n".join(lines) + "\n", "c50-bad.txt", "kv")
    assert verdict.answer is Answer.NO
    assert len(verdict.window) <= 4
