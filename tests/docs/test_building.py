"""MkDocs is run strictly: a link that leads nowhere ends the build, with the page that has it."""

from pathlib import Path

import pytest

from common.values.errors import BadInput
from docs.making.building import run_mkdocs

pytestmark = pytest.mark.needs("docs")


def test_a_link_that_leads_nowhere_ends_the_build(tmp_path: Path) -> None:
    page, config = tmp_path / "docs" / "index.md", tmp_path / "mkdocs.yml"
    page.parent.mkdir()
    config.write_text("site_name: one page\ntheme: {name: null, custom_dir: docs}\n")
    page.write_text("# Home\n\n[itself](index.md)\n")
    (page.parent / "main.html").write_text("{{ page.content }}\n")
    run_mkdocs(config)
    assert (tmp_path / "site" / "index.html").is_file()
    page.write_text("# Home\n\n[lost](lost.md)\n")
    with pytest.raises(BadInput, match=r"'index\.md' contains a link 'lost\.md'") as refused:
        run_mkdocs(config)
    assert "INFO" not in str(refused.value)
