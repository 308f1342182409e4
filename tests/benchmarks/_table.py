"""Runs every benchmark and writes one table: ``make bench``."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from _bench import MISSING_TOOL, machine

HERE = Path(__file__).parent
OUT = Path("out")
LIMIT_SECONDS = 900


def main() -> None:
    """Run, show each result as it comes, and write ``out/benchmarks.md`` and ``.json``."""
    results: list[dict[str, Any]] = []
    left_out: dict[str, str] = {}
    for script in sorted(HERE.glob("[a-z]*.py")):
        print(f"{script.stem} ...", flush=True)
        ran = subprocess.run(
            [sys.executable, str(script), "--json"],
            capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False,
        )  # fmt: skip
        if ran.returncode == MISSING_TOOL:
            left_out[script.stem] = ran.stderr.strip().splitlines()[-1].removeprefix("error: ")
            print(f"  left out: {left_out[script.stem]}")
            continue
        if ran.returncode != 0:
            sys.exit(f"error: {script.name} failed: {ran.stderr.strip().splitlines()[-1]}")
        results.append(json.loads(ran.stdout.splitlines()[-1]))
        for line in rows(results[-1]):
            print(f"  {line}")
    OUT.mkdir(exist_ok=True)
    lines = [
        f"Measured on {machine()}.",
        "",
        "| benchmark | what | value |",
        "| --- | --- | ---: |",
    ]
    for result in results:
        lines += [f"| {result['name']} | {row.replace('=', ' | ')} |" for row in rows(result)]
    lines += ["", *(f"{name} was left out: {why}" for name, why in left_out.items())]
    (OUT / "benchmarks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (OUT / "benchmarks.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"written: {OUT / 'benchmarks.md'}")


def rows(result: dict[str, Any]) -> list[str]:
    """The figures and ratios of one result, as ``name=value``."""
    figures = [f"{name}={value:,.4g}" for name, value in result["figures"].items()]
    return figures + [f"{name}={value:.2f}x" for name, value in result["ratios"].items()]


if __name__ == "__main__":
    main()
