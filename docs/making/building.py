"""Runs MkDocs over the staged folder: strictly, and only if something changed."""

import hashlib
import json
import os
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import yaml

from common.course.base.course import ROOT
from common.values.errors import BadInput, MissingTool
from docs.making.colouring import fill
from docs.making.searching import mend
from docs.making.slots import PAGES_FOLDER
from docs.making.staging import DOCS, OUT, STAGED

CONFIG = OUT / "mkdocs.yml"
SITE = OUT / "site"
MADE_OF = OUT / "site.made-of"
"""The hash of everything from which the site in ``out/site`` was built."""

HOOK = DOCS / "making" / "hook.py"

TOOLS = ("mkdocs", "mkdocs-material", "mkdocs-static-i18n", "pymdown-extensions", "jieba")
QUIET = {"NO_MKDOCS_2_WARNING": "1"}
NO_REASON = ("INFO", "Building prefix dict", "Loading model", "Dumping model", "Prefix dict")
"""How lines begin that say how MkDocs gets on, and ``jieba``; the others say what is wrong."""


def need_tools() -> None:
    """Raises: MissingTool, where the tools of the docs site are not installed."""
    if any(
        find_spec(name) is None
        for name in ("mkdocs", "material", "jieba", "icalendar", "matplotlib")
    ):
        raise MissingTool(
            "the docs site needs MkDocs, its theme and matplotlib, and not all of them are "
            "installed: in the course's folder, run make docs, or pip install -e '.[docs,charts]'"
        )


class Built(msgspec.Struct, frozen=True):
    """What a build had to do: the pages that were made anew, and those that were kept."""

    anew: list[str] = []
    kept: list[str] = []


def build(nav: list[Any]) -> Built | None:
    """Build the site from the staged folder; None if it is there already.

    Raises:
        BadInput: MkDocs refuses a page; the text has its own words.
    """
    configure(CONFIG, nav)
    made_of = _hash()
    if MADE_OF.is_file() and MADE_OF.read_text() == made_of and (SITE / "index.html").is_file():
        return None
    MADE_OF.unlink(missing_ok=True)
    built = run_mkdocs(CONFIG)
    mend(SITE)
    fill(SITE)
    MADE_OF.write_text(made_of)
    return built


def configure(config: Path, nav: list[Any], theme: Path = DOCS / "theme") -> None:
    """Write the configuration of a site whose pages are in the folder ``docs`` beside it."""
    folder = config.parent
    own = {
        "INHERIT": os.path.relpath(ROOT / "mkdocs.yml", folder),
        "docs_dir": STAGED.name,
        "site_dir": SITE.name,
        "theme": {"custom_dir": os.path.relpath(theme, folder)},
        "hooks": [os.path.relpath(HOOK, folder)],
        "nav": nav,
    }
    config.write_text(yaml.safe_dump(own, allow_unicode=True, sort_keys=False), encoding="utf-8")


def run_mkdocs(config: Path, pages: Path = PAGES_FOLDER) -> Built:
    """Build what a configuration says, strictly: a warning is an error.

    Not with ``--quiet``: then MkDocs hears no warning itself, and nothing is strict.

    Args:
        config: of the site.
        pages: where its pages are kept from one build to the next.

    Raises:
        BadInput: MkDocs refuses a page; the text has its own words.
    """
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(config)]
    env = {**os.environ, **QUIET, "DOCS_PAGES": str(pages)}
    counts = pages / "counts.json"
    counts.unlink(missing_ok=True)
    done = subprocess.run(
        command, cwd=DOCS.parent, env=env, check=False, capture_output=True, text=True
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        said = "\n".join(line for line in lines if not line.startswith(NO_REASON))
        raise BadInput(f"MkDocs does not accept the pages in out/docs:\n{said}")
    return msgspec.json.decode(counts.read_bytes(), type=Built) if counts.is_file() else Built()


def _hash() -> str:
    """Of all bytes that the site depends on, and of the versions of the tools."""
    digest = hashlib.sha256(json.dumps([(tool, version(tool)) for tool in TOOLS]).encode())
    digest.update(os.environ.get("SITE_URL", "").encode())
    for folder in (STAGED, DOCS / "theme"):
        for path in _files(folder):
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    makers = sorted(HOOK.parent.glob("*.py"))
    for path in (CONFIG, ROOT / "mkdocs.yml", DOCS / "jieba.txt", *makers):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
