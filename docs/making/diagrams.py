"""Mermaid's own script, served by the site: the theme would ask another host for it.

Only a page that has a diagram loads it (``docs/theme/main.html``).
"""

from docs.making.staging import Stage
from docs.making.vendor import MERMAID, vendored

SCRIPT = "assets/vendor/mermaid.min.js"


def add_script(stage: Stage) -> None:
    """Put the script into the site.

    Raises:
        BadInput: it cannot be fetched, or is not what it was.
        MissingTool: npm is not installed.
    """
    stage.add(SCRIPT, (vendored(MERMAID) / "package" / "dist" / "mermaid.min.js").read_bytes())
