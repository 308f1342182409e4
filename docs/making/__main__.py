"""``python -m docs.making``: the docs site, from the repository to ``out/site``."""

import argparse
import sys
import time

from common.course.base.course import ROOT, Course
from common.values.errors import LabError
from docs.making import building
from docs.making.nav import navigation
from docs.making.pages import staged
from docs.making.staging import PAGE


def main() -> int:
    """Make the site; returns the exit code."""
    argparse.ArgumentParser(
        prog="python -m docs.making",
        description="Build the docs site, in both languages, into out/site.",
        epilog="example: make docs, then lab docs",
    ).parse_args()
    began = time.monotonic()
    try:
        building.need_tools()
        course = Course()
        stage = staged(course)
        stage.write()
        pages = {path for path in stage.files if path.endswith(PAGE)}
        built = building.build(navigation(course, pages))
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    done = "up to date"
    if built:
        counts = f"pages made anew: {len(built.anew)}, kept: {len(built.kept)}"
        done = f"built in {time.monotonic() - began:.0f} s, {counts}"
    print(f"{building.SITE.relative_to(ROOT)}: {done}; lab docs shows it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
