"""The instructor's verbs of the ``lab`` command."""

import typer

from common.course.kit import verbs_grading, verbs_proofs, verbs_release, verbs_search

FILES = (verbs_grading, verbs_release, verbs_proofs, verbs_search)


def register(app: typer.Typer) -> None:
    """Add them to the command."""
    for file in FILES:
        file.register(app)
