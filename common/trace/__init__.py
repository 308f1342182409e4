"""Traces: what happened in a run, as JSON Lines, as a picture, and for other people's tools.

* :mod:`common.trace.recorder` writes a trace while a world runs.
* :mod:`common.trace.reader` reads one back, :mod:`common.trace.merge` joins those of processes.
* :mod:`common.trace.export` turns one into the formats of ShiViz, OpenTelemetry and Perfetto.
* :mod:`common.trace.viewer` makes the space-time diagram, one self-contained HTML file.

The format is described in :mod:`common.trace.format`. Standard library only.
"""
