"""Every diagram of a page can be drawn: Mermaid itself reads it, in a browser."""

import shutil
from collections.abc import Iterator

import pytest

from docs.making.diagrams import SCRIPT, add_script
from docs.making.expanding import pieces
from docs.making.staging import Stage, sources

pytestmark = pytest.mark.needs("browser", "npm")

READ = """async (texts) => {
  const wrong = [];
  for (const text of texts)
    await mermaid.parse(text).catch((error) => wrong.push(`${text.slice(0, 80)}: ${error}`));
  return wrong;
}"""


def diagrams() -> Iterator[str]:
    """The text of each diagram in a page, without the lines of its fence."""
    for _, text in sources():
        for piece in pieces(text):
            if piece.kind == "mermaid":
                yield "\n".join(piece.text.splitlines()[1:-1])


def test_mermaid_reads_every_diagram() -> None:
    from playwright.sync_api import sync_playwright

    stage = Stage()
    add_script(stage)
    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.add_script_tag(content=stage.files[SCRIPT].decode())
        assert page.evaluate(READ, ["flowchart LR\n  a -->"])  # it does refuse what it cannot read
        texts = list(diagrams())
        assert len(texts) > 30
        assert page.evaluate(READ, texts) == []
        browser.close()
