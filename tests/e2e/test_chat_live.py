"""``lab run chat --headless``: members as processes on bad links, one killed; histories checked."""

import json
import re
from pathlib import Path

import pytest

from tests.support.lab_command import lab

ORDERS = {"total": {"one order"}, "causal": set[str]()}


@pytest.mark.parametrize("variant", ORDERS)
def test_a_room_of_processes_keeps_its_order_under_loss_and_a_kill(
    tmp_path: Path, variant: str
) -> None:
    ran = lab(tmp_path, "run", "chat", "--variant", variant, "--duration", "4s", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["result"] == "yes"
    checked = {"each post once", "nothing lost", "what is shown stays", "causes first"}
    assert set(told["verdicts"]) == checked | ORDERS[variant]
    kept = int(re.findall("all ([0-9]+) posts", told["verdicts"]["nothing lost"]["sentence"])[0])
    assert kept > 20, "hardly anybody looked again at all there was"
    assert told["outcomes"]["ok"] > 10, "hardly anything was said: it shows nothing"
    faults = {
        json.loads(line)["kind"]
        for line in Path(tmp_path / told["files"]["trace"]).read_text("utf-8").splitlines()
    }
    assert {"crash", "restart", "note"} <= faults
