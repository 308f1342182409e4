"""The space-time viewer: a trace as one self-contained HTML file, or as a part of another page.

:mod:`common.trace.viewer.page` builds the file, or gives script and style to others; their one way
in is ``mount(element, trace, options)``, at the end of ``viewer.js``. What a long trace keeps is
decided in :mod:`common.trace.viewer.shorten`.

The browser's part is in small ES modules beside this file: ``model.js`` (what happened, and what a
verdict blames), ``words.js`` (how it is said), ``layout.js`` with ``arrows.js`` and ``labels.js``
(where it stands), ``scene.js`` (the part in view, as SVG), ``panel.js`` with ``logs.js`` (details,
logs, table), ``minimap.js``, ``controls.js`` with ``tools.js`` (what is around it), ``input.js``
(keys and pointer) and ``viewer.js``, which gives life to the rest.
"""
