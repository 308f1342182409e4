"""Nodes that share what they know are found out in one process, and are apart in the judge's."""

from pathlib import Path

import pytest

from common.course.base.course import ROOT
from common.course.judge import sandbox
from tests.attacks.attacking import Attack, Classroom, attacks

pytestmark = pytest.mark.proof

CANARY = "test_a_token_does_not_cross_a_full_partition"
SHARING = [attack for attack in attacks() if attack.name.startswith("shares_")]


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    if not any(sandbox.available(kind) for kind in sandbox.KINDS):
        pytest.skip("there is no sandbox here")
    made = Classroom(tmp_path_factory.mktemp("classroom"))
    cap = made.course.lab("cap")
    canary = (ROOT / "tests" / "attacks" / "canary.py").read_text(encoding="utf-8")
    (made.root / cap.suite / "test_cap_consistent_canary.py").write_text(canary, encoding="utf-8")
    return made


@pytest.mark.parametrize("attack", SHARING, ids=lambda attack: attack.name)
def test_a_token_crosses_a_partition_in_one_process_and_not_in_the_judge(
    classroom: Classroom, attack: Attack
) -> None:
    lab = classroom.course.lab("cap")
    workspace = classroom.workspace(classroom.submission(attack), lab)
    try:
        together = classroom.judge(lab, [CANARY], workspace, judged=False)
    finally:
        for place in ("/tmp/lab-register", "/dev/shm/lab-register"):
            Path(place).unlink(missing_ok=True)
    assert "has crossed a full partition" in together.said, "the canary must sing where it can"
    apart = classroom.judge(lab, [CANARY], workspace)
    assert apart.verdicts == {CANARY: "pass"}, apart.said[-3000:]
