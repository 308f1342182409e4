"""``lab grade`` and ``lab verify``: marks for a folder of strangers' code, and proof of them."""

from pathlib import Path

import click
from click.exceptions import Exit
from rich.markup import escape
from rich.table import Table

from common.course.base import takes
from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.base.output import Output
from common.course.kit.class_results import write_results
from common.course.kit.class_run import HowToGrade, Plan, carry_out, handed_in, plan
from common.course.kit.course_file import CourseFile, default_course_file, read_course_file
from common.course.kit.farm import Farm
from common.course.kit.gradebook import Gradebook
from common.course.kit.keys import read_or_make_secret, read_secret
from common.course.kit.marking import DIAGRAMS
from common.course.kit.progress import steps
from common.course.kit.reports import LabReport, lab_report, read_signed
from common.course.kit.scoring import Score
from common.course.kit.submissions import Desk, Submission, find_submissions
from common.course.kit.times import read_times
from common.values.errors import BadInput


@click.argument("submissions", type=takes.PATH, help="A folder, zip or git repository each.")
@click.option("--out", metavar="DIR", type=takes.PATH, required=True, help="Where the reports go.")
@click.option("--course", metavar="FILE", type=takes.PATH, help="course.yaml")
@click.option("--labs", default="", help="Which labs: cap,link. All of the course if none.")
@takes.key
@click.option("--times", metavar="CSV", type=takes.PATH, help="When: student,submitted[,lab].")
@click.option(
    "--worksheet", metavar="CSV", type=takes.PATH, help="Moodle's worksheet, to be filled in."
)
@takes.scheduler
@takes.workers
@takes.seeds
@click.option(
    "--diagrams",
    metavar="N",
    type=click.IntRange(min=0),
    default=DIAGRAMS,
    help=f"How many failures of a lab are drawn; {DIAGRAMS} if you do not say.",
)
@click.option("--again", is_flag=True, help="Grade also what has a finished report.")
@takes.unsafe
@takes.json
def grade(
    submissions: Path,
    out: Path,
    course: Path | None,
    labs: str,
    key: Path | None,
    times: Path | None,
    worksheet: Path | None,
    scheduler: str | None,
    processes: int | None,
    seeds: int | None,
    diagrams: int,
    again: bool,
    unsafe: bool,
    json: bool,
) -> None:
    """Grade a class: resumable, signed; a page, CSV, JSON, Gradescope's and Moodle's files.

    A run that was interrupted goes on where it stopped. What has a finished report is graded
    again only if the submission has changed. Exits with 1 if a report could not be finished.
    """
    known, output = Course(), Output(json)
    desk = Desk(known)
    found = find_submissions(submissions)
    chosen = [known.lab(name.strip()) for name in labs.split(",") if name.strip()]
    rules = _rules(desk, course, chosen, found)
    chosen = chosen or [known.lab(lab.id) for lab in rules.labs]
    handed = read_times(times, rules.by_id) if times else {}
    secret, made = read_or_make_secret(key)
    if made:
        output.say(f"[bold]made the course's secret: {made}[/]. Keep it, and keep it from students")
    book = Gradebook(out, secret)
    how = HowToGrade(unsafe=unsafe, again=again, seeds=seeds, diagrams=diagrams)
    todo = plan(found, chosen, desk, rules, secret, book, how)
    _announce(todo, found, output)
    unfinished: list[LabReport] = []
    try:
        _carry_out(todo, known, book, scheduler, processes, output, unfinished)
    finally:
        results = write_results(book, desk, rules, found, handed, worksheet)
    _show(results.scores, rules, output)
    for report in unfinished:
        where = escape(f"{report.student}, {report.lab}:")
        output.say(f"[yellow]{where}[/] {escape(report.problem)}")
    undecided = _undecided(results.scores)
    if undecided:
        output.say(
            "[yellow]tests that hung or could not be decided, and earned nothing:[/]",
            escape(str(undecided)),
        )
    output.say(f"reports: {out}/STUDENT/report.html, {', '.join(map(str, results.files))}")
    output.result(
        students=[score.to_plain() for score in results.scores],
        files=[str(path) for path in results.files],
        graded=len(todo.jobs) + len(todo.refused),
        kept=todo.kept,
        undecided=undecided,
        unfinished=[f"{report.student}/{report.lab}" for report in unfinished],
    )
    if unfinished:
        raise Exit(1)


@click.argument("report", type=takes.PATH, help="A report's JSON file.")
@takes.key
@takes.json
def verify(report: Path, key: Path | None, json: bool) -> None:
    """Check that a report was made by this course's judge, and not changed since."""
    output = Output(json)
    plain = read_signed(report, read_secret(key))
    says: dict[str, object] = {"student": plain.get("student"), "lab": plain.get("lab")}
    if "tests" in plain:
        read = lab_report(plain, report)
        says |= {"earned": read.earned, "points": read.points, "complete": read.done}
        says |= {"submission": read.submission, "judged": read.judged}
    else:
        says |= {"earned": plain.get("points"), "points": plain.get("of")}
    output.say(f"[green]✓[/] {escape(str(report))} is ours: {escape(_words(says))}")
    output.result(genuine=True, **says)


def _words(says: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in says.items() if value is not None)


def _rules(desk: Desk, path: Path | None, chosen: list[Lab], found: list[Submission]) -> CourseFile:
    known = desk.course
    if path is None:
        labs = chosen or handed_in(found, desk)
        if not labs:
            raise BadInput(
                "no submission has a file of any lab: a submission has the folders of the course, "
                f"such as {known.labs[0].paths[0]}"
            )
        return default_course_file(labs)
    rules = read_course_file(path, known)
    for lab in chosen:
        if lab.id not in rules.by_id:
            raise BadInput(f"{path} says nothing about lab {lab.id}: add it there")
    return rules


def _announce(todo: Plan, found: list[Submission], output: Output) -> None:
    told = f"{len(found)} submissions: {len(todo.jobs)} to grade"
    told += f", {len(todo.refused)} that cannot be tested" if todo.refused else ""
    told += f", {todo.kept} graded before" if todo.kept else ""
    output.say(told)
    if todo.old:
        output.say(
            f"[yellow]{todo.old} reports were made with another version of the course[/]: "
            "--again makes them anew"
        )


def _carry_out(
    todo: Plan,
    known: Course,
    book: Gradebook,
    scheduler: str | None,
    processes: int | None,
    output: Output,
    unfinished: list[LabReport],
) -> None:
    """Grade what is to be graded, with a bar that counts tests."""
    tests = {job.lab: len(known.lab(job.lab).tests) for job in todo.jobs.values()}
    total = sum(tests[job.lab] for job in todo.jobs.values())
    with steps(output, "grading", total) as bar:

        def ended(report: LabReport) -> None:
            bar.say(f"{report.student}/{report.lab} done")
            if not report.done:
                unfinished.append(report)

        with Farm(scheduler, processes) as farm:
            carry_out(todo, known, book, farm, ended, lambda key, mark: bar.step())


def _undecided(scores: list[Score]) -> dict[str, int]:
    """By ``student/lab``, how many tests hung or are unknown: the instructor has to look."""
    counted = {
        f"{score.student}/{lab.lab}": sum(mark.undecided for mark in lab.report.tests)
        for score in scores
        for lab in score.labs
    }
    return {name: count for name, count in counted.items() if count}


def _show(scores: list[Score], rules: CourseFile, output: Output) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("student", overflow="fold")
    for lab in rules.labs:
        table.add_column(lab.id, justify="right")
    table.add_column(f"of {rules.points:g}", justify="right")
    for score in scores:
        by_lab = {each.lab: each for each in score.labs}
        marks = [f"{by_lab[lab.id].total:g}" if lab.id in by_lab else "-" for lab in rules.labs]
        table.add_row(escape(score.student), *marks, f"[bold]{score.total:g}[/]")
    output.say(table)
