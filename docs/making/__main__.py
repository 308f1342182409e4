"""``python -m docs.making``: the docs site, from the repository to ``out/site``."""

import sys
import time

from common.course.base.course import ROOT, Course
from common.values.errors import LabError
from docs.making import building
from docs.making.nav import navigation
from docs.making.staging import PAGE, Stage, assets, sources


def main() -> int:
    """Make the site; returns the exit code."""
    began = time.monotonic()
    try:
        building.need_tools()
        stage = staged()
        stage.write()
        pages = {path for path in stage.files if path.endswith(PAGE)}
        is_new = building.build(navigation(Course(), pages))
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    done = f"built in {time.monotonic() - began:.0f} s" if is_new else "up to date"
    print(f"{building.SITE.relative_to(ROOT)}: {done}; lab docs shows it")
    return 0


def staged() -> Stage:
    """All files of the site."""
    stage = Stage()
    for path, content in assets():
        stage.add(path, content)
    for path, text in sources():
        stage.add(path, text)
    return stage


if __name__ == "__main__":
    sys.exit(main())
