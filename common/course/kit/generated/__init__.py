"""Generated mutants: every small change of an exercise, and whether the graded suite sees it.

A named mutant (:mod:`common.course.kit.mutants`) is a bug that somebody thought of. Here are those
that nobody thought of. A change that no graded test sees is a test that is missing, or it is no bug
at all; then one line in ``tests/mutants/LAB.yaml`` says why.

Reading order:

1. ``changes``: what a change is; ``surroundings``: what is known about its place.
2. ``statements``, ``conditions``, ``exchanges``: the changes that are made.
3. ``simplified``: which of them are the same; ``making``: all mutants of a lab.
4. ``warm``, ``trying``: the suite, run on a mutant; ``kept``: what earlier runs found.
5. ``reckoning``: who is caught, who is explained, who survives; ``verb``: the command.
"""
