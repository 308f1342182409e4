"""Builds the page: data, style and script in one HTML file that works from anywhere, offline."""

import re
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from string import Template

from common.trace.viewer.shorten import shorten_lines

MODULES = (
    "texts.js", "words.js", "measure.js", "model.js", "arrows.js", "labels.js", "gradual.js",
    "layout.js", "scene.js", "logs.js", "panel.js", "minimap.js", "tools.js", "controls.js",
    "input.js", "viewer.js",
)  # fmt: skip
"""The script's parts, each after those that it imports from."""

STYLES = (
    "theme.css",
    "viewer.css",
    "scene.css",
    "panel.css",
    "tools.css",
    "controls.css",
    "embed.css",
)
"""The parts of the style sheet; of two equal rules the later one stands."""

MAX_EVENTS = 20_000
"""Events that a page holds; of a longer trace those that matter most (:mod:`.shorten`)."""

_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)


def script(*, exported: bool = True) -> str:
    """The viewer as one ES module without imports; its one way in is ``mount``.

    Any page can serve it as it is, together with :func:`style`::

        import { mount } from "./viewer.js";
        const viewer = mount(element, text, { title: "a demo", event: 12 });
        viewer?.destroy();

    What the options are stands at ``mount`` in ``viewer.js``.

    Args:
        exported: whether it exports ``mount``. A script within a page has no use for that.
    """
    return _joined() + ("\nexport { mount };\n" if exported else "")


def style() -> str:
    """The viewer's style sheet; every rule is limited to the viewer itself."""
    return "\n".join(map(_part, STYLES))


def build_page(lines: Iterable[str], title: str, event: int = 0) -> str:
    """The HTML file of a trace.

    Args:
        lines: the lines of the trace file, the header first, as
            :meth:`common.trace.format.Trace.lines` gives them.
        title: the page's title and heading.
        event: the number of the event at which it opens; 0 leaves that to the viewer.
    """
    return Template(_part("viewer.html")).substitute(
        title=escape(title),
        event=event,
        style=style(),
        lines=in_page(lines),
        script=_joined(),
    )


def in_page(lines: Iterable[str], most: int = MAX_EVENTS) -> str:
    """The lines of a trace as they stand within a page: so many events, and nothing like a tag."""
    kept = shorten_lines([line.strip() for line in lines if line.strip()], most)
    return "\n".join(kept).replace("<", "\\u003c")


def _joined() -> str:
    parts = (_EXPORT.sub("", _IMPORT.sub("", _part(name))) for name in MODULES)
    return "\n".join(parts)


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")
