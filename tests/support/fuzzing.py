"""Atheris for some seconds, in a process of its own, on a corpus to begin with."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support.lab_command import ROOT

LEAST_RUNS = 1_000


def fuzz(module: str, corpus: Path, seconds: int, longest: int, *options: str) -> None:
    """Fuzz, and have it find nothing.

    Args:
        module: what to run; it hands each input to what is tried.
        corpus: a folder of inputs to begin with.
        seconds: for how long.
        longest: of an input, in bytes.
        options: more of libFuzzer's.
    """
    command = [sys.executable, "-m", module, str(corpus), f"-max_total_time={seconds}"]
    command += [f"-max_len={longest}", "-timeout=10", "-seed=1"]
    command += [f"-artifact_prefix={corpus.parent}/", *options]
    limit = 20 * seconds
    ran = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=limit, check=False
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    done = re.search(r"Done (\d+) runs", ran.stderr)
    assert done, ran.stderr[-4000:]
    assert int(done[1]) > LEAST_RUNS
