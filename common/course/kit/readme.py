"""README's table of stages and labs, made from the manifests.

``python -m common.course.kit.readme`` writes it. With ``--check`` nothing is written: it exits
with 1 if the table is not what the manifests say.
"""

import sys

from common.course.base.course import Course
from common.course.base.lab import Stage
from common.values.errors import BadInput

README = "README.md"
BEGIN, END = "<!-- stages -->\n", "<!-- end of stages -->\n"
RENEW = "python -m common.course.kit.readme"


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
    """README's text with the table as the manifests have it.

    Raises:
        BadInput: there is no place for the table in it.
    """
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        lines = f"{BEGIN.strip()} and {END.strip()}"
        raise BadInput(f"{README} has lost the lines around its table of stages: {lines}")
    return f"{before}{BEGIN}\n{table(course)}\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Renew the table, or check it."""
    course = Course()
    path = course.root / README
    text = path.read_text(encoding="utf-8")
    fresh = renewed(text, course)
    if "--check" not in arguments:
        path.write_text(fresh, encoding="utf-8")
        return 0
    if fresh != text:
        print(f"error: {README}'s table of stages is not what the manifests say; renew it: {RENEW}")
    return int(fresh != text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
