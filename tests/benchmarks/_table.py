"""Runs benchmarks, one after the other, and keeps what they say: ``make bench``.

    python tests/benchmarks/_table.py [--publish] [NAME ...]

All are run unless some are named. A benchmark whose peer is missing is left out, one that fails is
told of in the end, and the others go on. After each, ``out/benchmarks.json`` and ``.md`` have its
figures, beside those of earlier runs: who stops in between loses nothing.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from _bench import MISSING_TOOL

from docs.making import measuring

HERE = Path(__file__).parent
OUT = Path("out")
LIMIT_SECONDS = 900


def main(arguments: Sequence[str], folder: Path = HERE, out: Path = OUT) -> int:
    """Run them, show each result as it comes, and write it down; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="which benchmarks; all by default")
    parser.add_argument("--publish", action="store_true", help="also into the docs' table")
    options = parser.parse_args(arguments)
    scripts = {path.stem: path for path in sorted(folder.glob("[a-z]*.py"))}
    if unknown := sorted(set(options.names) - set(scripts)):
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(scripts)}")
    names = options.names or list(scripts)
    without: dict[str, list[str]] = {"left out": [], "failed": []}
    for number, name in enumerate(names, 1):
        print(f"{name} ({number} of {len(names)}) ...", flush=True)
        began = time.monotonic()
        fate, said = run(scripts[name])
        if fate == "measured":
            keep(json.loads(said), out)
            print("\n".join(f"  {line}" for line in rows(json.loads(said))))
        else:
            without[fate].append(f"{name}: {said}")
            print(f"  {fate}: {said}")
        print(f"  took {time.monotonic() - began:.0f} s", flush=True)
    for fate, which in without.items():
        print("".join(f"{fate}: {each}\n" for each in which), end="")
    print(f"written: {out / 'benchmarks.md'} and .json")
    if options.publish:
        measuring.main([str(out / "benchmarks.json")])
    return 1 if without["failed"] else 0


def run(script: Path) -> tuple[str, str]:
    """Run one; ``measured`` and its JSON, or ``left out`` or ``failed`` and a sentence."""
    command = [sys.executable, str(script), "--json"]
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return "failed", f"it had not ended after {LIMIT_SECONDS} s"
    last = (ran.stderr.strip() or "it said nothing").splitlines()[-1].removeprefix("error: ")
    if ran.returncode == MISSING_TOOL:
        return "left out", last
    if ran.returncode != 0 or not ran.stdout.strip():
        return "failed", last
    return "measured", ran.stdout.splitlines()[-1]


def keep(result: dict[str, Any], out: Path) -> None:
    """Put one result among those of earlier runs, with its day."""
    out.mkdir(exist_ok=True)
    file = out / "benchmarks.json"
    earlier = json.loads(file.read_text("utf-8")) if file.is_file() else []
    known = {each["name"]: each for each in earlier}
    known[result["name"]] = {"date": f"{datetime.now(UTC):%Y-%m-%d}", **result}
    results = [known[name] for name in sorted(known)]
    file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    lines = ["| benchmark | measured | what | value |", "| --- | --- | --- | ---: |"]
    for each in results:
        when = f"{each['date']}: {each['machine']}"
        lines += [f"| {each['name']} | {when} | {r.replace('=', ' | ')} |" for r in rows(each)]
    (out / "benchmarks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def rows(result: dict[str, Any]) -> list[str]:
    """The figures and ratios of one result, as ``name=value``."""
    figures = [f"{name}={value:,.4g}" for name, value in result["figures"].items()]
    return figures + [f"{name}={value:.2f}x" for name, value in result["ratios"].items()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
