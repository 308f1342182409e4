"""``lab``, the one door for people. Each verb is a function in a file of its own kind."""

import os
import sys
import traceback
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from common.course.base import takes
from common.course.base.lazy import Verb, Verbs
from common.values.errors import BadInput, LabError

CRASH_FILE = Path("lab-crash.txt")

INTERRUPTED = 130
"""The exit code after Ctrl-C."""

PACKAGE = "distributed-systems-course"
"""What the course is called where packages are installed."""

VERBS = {
    "Look around": {
        "list": Verb("verbs.listing:list_labs", "lab list"),
        "show": Verb("verbs.listing:show_lab", "lab show link"),
        "demo": Verb("verbs.demonstrating:demo", "lab demo link --seed 3"),
        "tour": Verb("verbs.touring:tour", "lab tour"),
        "docs": Verb("verbs.documenting:docs", "lab docs --port 8080"),
    },
    "Do a lab": {
        "start": Verb("student.starting:start", "lab start raft --part election"),
        "watch": Verb("student.watching:watch_lab", "lab watch raft --part election"),
        "test": Verb("verbs.testing:run_tests", "lab test link --seeds 200"),
        "why": Verb("why.verbs:why", "lab why raft"),
        "replay": Verb("why.verbs:replay", "lab replay cap a_read_sees_the_last_write --seed 17"),
        "hint": Verb("student.helping:hint", "lab hint Election.campaign"),
        "solution": Verb("student.helping:solution", "lab solution raft Election.campaign"),
        "progress": Verb("student.roadmap:progress", "lab progress raft"),
        "reset": Verb("student.starting:reset", "lab reset raft Election.campaign"),
    },
    "Run it, break it, look at it": {
        "run": Verb("verbs.running:run", "lab run cap --headless --duration 5s --json"),
        "explore": Verb("verbs.exploring:explore_lab", "lab explore cap --states 200000"),
        "view": Verb("verbs.inspecting:view", "lab view out/demo/echo/echo.jsonl"),
        "export": Verb(
            "verbs.inspecting:export",
            "lab export out/demo/echo/echo.jsonl --to perfetto",
        ),
        "check-history": Verb(
            "verbs.inspecting:check",
            "lab check-history etcd_002.log --model cas-register",
        ),
    },
    "Design your own": {
        "design": Verb("design.verb:design", "lab design my-system.md"),
    },
    "Teach": {
        "release": Verb("kit.verbs_release:release", "lab release handout/ --labs echo,link,cap"),
        "grade": Verb(
            "kit.verbs_grading:grade",
            "lab grade submissions/ --out reports/ --course course.yaml",
        ),
        "verify": Verb("kit.verbs_grading:verify", "lab verify reports/ada/raft.json"),
        "gradescope": Verb("kit.verbs_release:gradescope", "lab gradescope raft raft.zip"),
        "mutants": Verb("kit.verbs_proofs:show_mutants", "lab mutants raft --slice 1/10"),
        "sweep": Verb("kit.verbs_search:sweep", "lab sweep raft --seeds 100000"),
        "bounty": Verb("kit.verbs_search:bounty", "lab bounty counterexample.yaml"),
    },
    "Build the course": {
        "new": Verb("kit.verbs_new:new", "lab new 6 dataflow"),
    },
}
"""Every verb, under its heading in ``lab --help``; the modules are below ``common.course``."""


@click.command(
    "lab",
    cls=Verbs,
    under=VERBS,
    invoke_without_command=True,
    epilog="Start with: lab, then: lab demo echo",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@takes.dir
@click.version_option(package_name=PACKAGE, message="lab %(version)s")
@click.pass_context
def app(context: click.Context, dir: Path | None) -> None:
    """Distributed systems, one runnable lab at a time."""
    if dir is not None:  # before the verb it means the same as after it
        context.default_map = {name: {"dir": dir} for verbs in VERBS.values() for name in verbs}
    if context.invoked_subcommand is None:
        from common.course.student.roadmap import show_roadmap

        show_roadmap(dir)


def main(arguments: list[str] | None = None) -> None:
    """Run the command and end the process with its exit code.

    0 is yes or done, 1 is no or failed, 2 is unknown, 3 is input that cannot be used, 4 is
    something that this machine lacks, 70 is a bug of ours, 130 an interruption.
    """
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run the command with the given arguments and return its exit code."""
    errors = Console(stderr=True)
    try:
        code = app.main(arguments, "lab", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except (click.Abort, KeyboardInterrupt):
        errors.print("interrupted; everything that was started has been stopped")
        return INTERRUPTED
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        command = "lab" if context is None else context.command_path
        _say_error(errors, f"{error.format_message()} (see: {command} --help)")
        return BadInput.exit_code
    except LabError as error:
        _say_error(errors, str(error))
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        CRASH_FILE.write_text(traceback.format_exc(), encoding="utf-8")
        errors.print(
            f"[bold red]this is a bug of the course:[/] {escape(repr(error))}; what led to it is "
            f"in {CRASH_FILE}: please report it",
            highlight=False,
        )
        return 70


def _say_error(errors: Console, text: str) -> None:
    """One line, however long: who reads it from a pipe finds paths in one piece."""
    errors.print(f"[bold red]error:[/] {escape(text)}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
