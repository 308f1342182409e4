"""Material's search is mended: one place of its worker is changed, or else the build fails."""

import shutil
from pathlib import Path

import pytest

from common.values.errors import BadInput
from docs.making.searching import WORKERS, mend

BROKEN = "for(let s=0;s<t.length;s++)for(let o=s+1;o<t.length;o++)t.slice(s,o)in e&&(n[s]=o-s);"
WHOLE = "for(let s=0;s<t.length;s++)for(let o=s+1;o<=t.length;o++)t.slice(s,o)in e&&(n[s]=o-s);"


def site_with(folder: Path, worker: str) -> Path:
    """A site whose search has this worker; returns the worker's file."""
    file = folder / WORKERS.replace("*", "0a1b2c3d")
    file.parent.mkdir(parents=True)
    file.write_text(worker, encoding="utf-8")
    return file


def test_the_loop_looks_at_the_last_letter(tmp_path: Path) -> None:
    worker = site_with(tmp_path, f"before;{BROKEN}after")
    mend(tmp_path)
    assert worker.read_text(encoding="utf-8") == f"before;{WHOLE}after"


@pytest.mark.parametrize("worker", [WHOLE, "", BROKEN + BROKEN])
def test_another_worker_is_refused_with_what_to_do(tmp_path: Path, worker: str) -> None:
    site_with(tmp_path, worker)
    with pytest.raises(BadInput, match="whether it finds"):
        mend(tmp_path)


def test_a_site_without_a_worker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="whether it finds"):
        mend(tmp_path)


def test_the_installed_theme_has_the_loop(tmp_path: Path) -> None:
    material = pytest.importorskip("material", reason="make docs installs the docs site's tools")
    templates = Path(material.__file__).parent / "templates"
    (worker,) = templates.glob(WORKERS)
    copy = tmp_path / worker.relative_to(templates)
    copy.parent.mkdir(parents=True)
    shutil.copy(worker, copy)
    mend(tmp_path)
    assert copy.stat().st_size == worker.stat().st_size + 1
