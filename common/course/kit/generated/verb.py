"""``lab mutants --generated``, in words."""

import shlex
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.markup import escape

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.base.output import Output
from common.course.kit.generated.making import Generated
from common.course.kit.generated.proving import Choice, Proof
from common.course.kit.generated.reckoning import WANTED, Reckoning, enough
from common.course.kit.generated.recording import record
from common.course.kit.generated.trying import Processes
from common.course.kit.mutants import FOLDER
from common.course.kit.progress import steps


def prove(
    course: Course,
    labs: Sequence[Lab],
    choice: Choice,
    processes: int,
    out: Path,
    output: Output,
    publish: bool = False,
) -> bool:
    """Try generated mutants, and say who survives.

    Args:
        course: the course.
        labs: whose mutants.
        choice: which of them.
        processes: how many suites run at once.
        out: where results are kept.
        output: where to say it.
        publish: whether to write the labs' figures into the docs.

    Returns:
        Whether enough of them are caught or explained, and no explanation is stale. Where all
        mutants were tried, that holds for each lab; where some were chosen, for the choice.
    """
    proofs = [Proof(course, lab, out) for lab in labs]
    wanted = choice.of([mutant for proof in proofs for mutant in proof.every])
    chosen = [
        [mutant for mutant in proof.every if (mutant.lab, mutant.id) in wanted] for proof in proofs
    ]
    _run(proofs, chosen, processes, output)
    reckonings = [proof.reckon(mine) for proof, mine in zip(proofs, chosen, strict=True)]
    for reckoning in reckonings:
        _tell(reckoning, bool(choice.only), output)
    good = _is_good(reckonings, choice)
    _sum_up(reckonings, good, output)
    if publish:
        pairs = zip(proofs, reckonings, strict=True)
        path = record(course, [(of, len(each.every), each.named) for each, of in pairs])
        output.say(f"the figures are in {path.relative_to(course.root)}")
    return good


def _run(
    proofs: Sequence[Proof], chosen: Sequence[list[Generated]], processes: int, output: Output
) -> None:
    total = sum(map(len, chosen))
    pairs = list(zip(proofs, chosen, strict=True))
    known = total - sum(len(proof.open(mine)) for proof, mine in pairs)
    if known:
        output.say(f"{known} of {total} mutants were tried before, with the same code and suite")
    with ExitStack() as stack:
        bar = stack.enter_context(steps(output, "mutants", total))
        bar.step(known)
        if known == total:
            return
        workers = stack.enter_context(Processes(processes))
        for proof, mine in pairs:
            bar.say(f"mutants of {proof.lab.id}")
            proof.run(mine, workers, bar.step)


def _is_good(reckonings: Sequence[Reckoning], choice: Choice) -> bool:
    if any(each.stale for each in reckonings):
        return False
    if choice.is_all:
        return all(enough(each.answered, len(each.tried)) for each in reckonings)
    return enough(
        sum(each.answered for each in reckonings), sum(len(each.tried) for each in reckonings)
    )


def _tell(reckoning: Reckoning, with_diffs: bool, output: Output) -> None:
    """The lab's line, and those that survive; with diffs all that were tried."""
    tried, alive = len(reckoning.tried), len(reckoning.alive)
    if tried or reckoning.stale:
        explained = alive - len(reckoning.survivors)
        output.line(
            f"[bold]{reckoning.lab.id}[/]: of {tried} mutants {tried - alive} are caught, "
            f"{explained} explained, {len(reckoning.survivors)} survive"
            f" [dim]({reckoning.seconds:.0f} s)[/]"
        )
    for mutant in reckoning.tried if with_diffs else reckoning.survivors:
        _tell_mutant(mutant, reckoning, with_diffs, output)
    for stale in reckoning.stale:
        output.line(
            f"  [red]stale[/] {escape(stale.id)} in {FOLDER}/{reckoning.lab.id}.yaml "
            f"{escape(stale.why)}"
        )
    if reckoning.survivors:
        output.line(
            f"  [dim]Answer each by a sharper test, or in {FOLDER}/{reckoning.lab.id}.yaml under "
            "equivalent: by its id and why nobody can see the difference.[/]"
        )


def _tell_mutant(mutant: Generated, reckoning: Reckoning, with_diff: bool, output: Output) -> None:
    ended, reason = reckoning.ended[mutant.id], reckoning.explained.get(mutant.id)
    if ended.fate == "caught":
        test = ended.test.rpartition("::")[2]
        by = f"by {test}: " if test else ""
        fate = f"[green]caught[/] {by}{escape(ended.why)}"
    elif reason is not None:
        fate = f"[green]explained:[/] {escape(reason)}"
    else:
        fate = "[red]survives[/]"
    output.line(f"  [bold]{escape(mutant.id)}[/]")
    output.line(f"    {mutant.file}:{mutant.line}: {escape(mutant.what)}")
    if with_diff:
        output.line(f"    {fate}")
        output.line(escape(mutant.diff()))


def _sum_up(reckonings: Sequence[Reckoning], good: bool, output: Output) -> None:
    tried = sum(len(each.tried) for each in reckonings)
    answered = sum(each.answered for each in reckonings)
    percent = 100 * answered / tried if tried else 100.0
    survivors = [mutant for each in reckonings for mutant in each.survivors]
    if survivors:
        one = survivors[0]
        words = shlex.join(["lab", "mutants", "--generated", one.lab, "--only", one.id])
        output.command("see one", words)
    colour = "green" if good else "red"
    output.say(
        f"[bold {colour}]{answered} of {tried} generated mutants are caught or explained "
        f"({percent:.1f} %; {WANTED} % are wanted)[/]"
    )
    output.result(
        mutants=tried,
        answered=answered,
        percent=round(percent, 2),
        wanted=WANTED,
        passed=good,
        labs=[each.to_plain() for each in reckonings],
    )
