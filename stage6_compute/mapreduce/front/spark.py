"""The same job on PySpark, where one machine is too small: ``--engine spark --master spark://...``.

Reading, mapping and reducing are this lab's code, which is sent along; who does what when, the
shuffle and the sorting are Spark's. Input and output are files that all machines see.

PySpark has an environment of its own (``make spark``), so this engine is a program in it, to which
the command of the lab gives a request by stdin.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from common.values.errors import MissingTool
from stage6_compute.mapreduce.front.job import Program
from stage6_compute.mapreduce.front.request import JobFailed, Request, Told
from stage6_compute.mapreduce.front.splits import Range

ROOT = Path(__file__).parents[3]
ENVIRONMENT = ROOT / ".venv-spark"
PROGRAM = "stage6_compute.mapreduce.front.spark_program"


def find_python() -> str:
    """The Python that has PySpark: this one, or that of the environment beside the course's.

    Raises:
        MissingTool: there is none; or there is no Java.
    """
    python = sys.executable
    if importlib.util.find_spec("pyspark") is None:
        python = str(ENVIRONMENT / "bin" / "python")
        if not Path(python).exists():
            raise MissingTool(
                "PySpark is missing: make spark makes an environment for it (0.6 GB), or use "
                "--engine local"
            )
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        raise MissingTool(
            "Spark needs Java 17 or later, and there is none here: "
            "apt-get install openjdk-17-jre-headless, or use --engine local"
        )
    return python


class Spark:
    """Computes on Spark.

    Args:
        master: its address, as Spark writes it: ``local[2]``, ``spark://host:7077``.
    """

    def __init__(self, master: str) -> None:
        self._master = master
        self._python = find_python()

    def compute(self, request: Request, told: Callable[[Told], None]) -> Mapping[str, int]:
        """As of :class:`~stage6_compute.mapreduce.front.request.Engine`."""
        given = {**request._asdict(), "output": str(request.output), "master": self._master}
        ran = subprocess.run(
            [self._python, "-c", f"from {PROGRAM} import main; main()"],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        try:
            answer = json.loads(ran.stdout.strip().splitlines()[-1])
        except (IndexError, ValueError):
            last = (ran.stderr.strip().splitlines() or [f"exit code {ran.returncode}"])[-1]
            raise JobFailed(f"Spark has failed: {last}") from None
        if "error" in answer:
            raise JobFailed(answer["error"])
        counters: dict[str, int] = answer["counters"]
        return counters


def read_request(text: str) -> tuple[Request, str]:
    """The request that was made a text, and the address of Spark."""
    given = json.loads(text)
    master = given.pop("master")
    made = Request(**given)
    return made._replace(
        program=Program(*made.program),
        splits=[[Range(*each) for each in split] for split in made.splits],
        output=Path(made.output),
    ), master
