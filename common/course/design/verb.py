"""``lab design``: check a design document, or begin one."""

from pathlib import Path

import click
from click.exceptions import Exit
from rich.markup import escape

from common.course.base import takes
from common.course.base.output import MARKS, Output
from common.course.design.checklist import CHECKS, review
from common.course.design.document import parse
from common.values.errors import BadInput

TEMPLATE = Path(__file__).parent / "template.md"
MOST_BYTES = 1 << 20
"""A design document of a megabyte is another kind of file."""


@click.argument("file", type=takes.PATH, help="The document, Markdown.")
@click.option("--new", "begin", is_flag=True, help="Write the template there, to begin with.")
@takes.json
def design(file: Path, begin: bool, json: bool) -> None:
    """Check a design document against a reviewer's check-list: exit 0 if nothing is left to do.

    Each finding has its line, what is wrong, and what to do. The check-list looks at English words.
    """
    output = Output(json)
    if begin:
        _begin(file, output)
        return
    found, held = review(parse(_read(file)), file.parent)
    for finding in found:
        output.line(f"{escape(str(file))}:{finding.line}: {escape(finding.sentence)}")
    answer = "no" if found else "yes"
    next_step = f"{len(found)} to mend" if found else "now let somebody read it"
    output.say(f"{MARKS[answer]}  {len(held)} of {len(CHECKS)} questions: {next_step}")
    output.result(
        file=str(file), answer=answer, questions=len(CHECKS), held=[asked.id for asked in held],
        findings=[finding._asdict() for finding in found],
    )  # fmt: skip
    raise Exit(1 if found else 0)


def _begin(file: Path, output: Output) -> None:
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(TEMPLATE.read_text(encoding="utf-8"))
    except FileExistsError:
        raise BadInput(f"{file} is there already: give a new name, or delete it first") from None
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror}") from None
    output.line(f"written: {escape(str(file))}; next: lab design {escape(str(file))}")
    output.result(file=str(file), answer="new")


def _read(file: Path) -> str:
    """The text of a document.

    Raises:
        BadInput: there is nothing that can be read; the sentence says why.
    """
    if file.is_dir():
        raise BadInput(f"{file} is a folder: give the document, a Markdown file in it")
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise BadInput(
            f"there is no file {file}: lab design --new {file} writes one to begin with"
        ) from None
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise BadInput(
            f"{file} has {len(data):,} bytes, and a document has at most {MOST_BYTES:,}: is it the "
            "right file?"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{file} is not UTF-8 (byte {error.start}, 0x{data[error.start]:02x}): save it as UTF-8"
        ) from None
    if not text.strip():
        raise BadInput(f"{file} is empty: delete it, and lab design --new {file} writes a template")
    return text
