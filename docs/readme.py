"""Makes README's table of stages and labs from the manifests: ``python docs/readme.py``.

With ``--check`` nothing is written; it exits with 1 if the table is not what the manifests say.
"""

import sys

from common.course.base.course import ROOT, Course
from common.course.base.lab import Stage

README = ROOT / "README.md"
BEGIN, END = "<!-- stages -->\n", "<!-- end of stages -->\n"
RENEW = "python docs/readme.py"


def table(course: Course) -> str:
    """The stages, what they are about, and their labs with their pages."""
    rows = ["| | stage | labs |", "| --- | --- | --- |"]
    for stage in course.stages:
        about = f"[{stage.title}]({stage.folder}): {stage.summary}"
        rows.append(f"| {stage.sign} | {about} | {_labs(course, stage)} |")
    return "".join(f"{row}\n" for row in rows)


def _labs(course: Course, stage: Stage) -> str:
    labs = [course.lab(id) for id in stage.labs]
    return " ".join(f"[`{lab.id}`]({lab.page})" for lab in labs) or "to come"


def renewed(text: str, course: Course) -> str:
    """README's text with the table as the manifests have it."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    assert after, f"{README} has lost the lines {BEGIN!r} and {END!r} around the table of stages"
    return f"{before}{BEGIN}\n{table(course)}\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Renew the table, or check it."""
    text = README.read_text(encoding="utf-8")
    fresh = renewed(text, Course())
    if "--check" not in arguments:
        README.write_text(fresh, encoding="utf-8")
        return 0
    if fresh != text:
        print(f"error: README's table of stages is not what the manifests say: {RENEW}")
    return int(fresh != text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
