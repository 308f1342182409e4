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

import yaml

from common.values.errors import BadInput, MissingTool
from docs.making.colouring import fill
from docs.making.searching import mend
from docs.making.staging import DOCS, OUT, STAGED

CONFIG = OUT / "mkdocs.yml"
SITE = OUT / "site"
MADE_OF = OUT / "site.made-of"
"""The hash of everything from which the site in ``out/site`` was built."""

TOOLS = ("mkdocs", "mkdocs-material", "mkdocs-static-i18n", "pymdown-extensions", "jieba")
QUIET = {"NO_MKDOCS_2_WARNING": "1"}


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


def build(nav: list[Any]) -> bool:
    """Build the site from the staged folder, unless it is there already; True if it was built.

    Raises:
        BadInput: MkDocs refuses a page; the text has its own words.
    """
    own = {
        "INHERIT": "../mkdocs.yml",
        "docs_dir": STAGED.name,
        "site_dir": SITE.name,
        "theme": {"custom_dir": os.path.relpath(DOCS / "theme", OUT)},
        "nav": nav,
    }
    CONFIG.write_text(yaml.safe_dump(own, allow_unicode=True, sort_keys=False), encoding="utf-8")
    made_of = _hash()
    if MADE_OF.is_file() and MADE_OF.read_text() == made_of and (SITE / "index.html").is_file():
        return False
    MADE_OF.unlink(missing_ok=True)
    run_mkdocs(CONFIG)
    mend(SITE)
    fill(SITE)
    MADE_OF.write_text(made_of)
    return True


def run_mkdocs(config: Path) -> None:
    """Build what a configuration says, strictly: a warning is an error.

    Not with ``--quiet``: then MkDocs hears no warning itself, and nothing is strict.

    Raises:
        BadInput: MkDocs refuses a page; the text has its own words.
    """
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(config)]
    env = {**os.environ, **QUIET}
    done = subprocess.run(
        command, cwd=DOCS.parent, env=env, check=False, capture_output=True, text=True
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        said = "\n".join(line for line in lines if not line.startswith("INFO"))
        raise BadInput(f"MkDocs does not accept the pages in out/docs:\n{said}")


def _hash() -> str:
    """Of all bytes that the site depends on, and of the versions of the tools."""
    digest = hashlib.sha256(json.dumps([(tool, version(tool)) for tool in TOOLS]).encode())
    digest.update(os.environ.get("SITE_URL", "").encode())
    for folder in (STAGED, DOCS / "theme"):
        for path in _files(folder):
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    for config in (CONFIG, DOCS.parent / "mkdocs.yml", DOCS / "jieba.txt"):
        digest.update(config.read_bytes())
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
