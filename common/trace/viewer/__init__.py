"""The space-time viewer: a trace as one self-contained HTML file.

The browser's part is in small ES modules beside this file, joined by
:mod:`common.trace.viewer.page`: ``model.js`` (what happened), ``words.js`` (how it is said),
``layout.js`` with ``arrows.js`` and ``labels.js`` (where it stands), ``scene.js`` (the part in
view, as SVG), ``panel.js`` (details and table), ``minimap.js``, ``controls.js`` (what is around
it), ``input.js`` (keys and pointer) and ``viewer.js``, which gives life to the rest.
"""
