"""The course in a web page: what a page of the docs site asks for, and Python answers (Pyodide).

* :mod:`common.browser.door`: the one way in. A question is JSON, and so is the answer.
* :mod:`common.browser.course`: which labs there are, as ``docs/making/bundle.py`` wrote it down.
* :mod:`common.browser.overlay`: the learner's files, laid over those of the course.
* :mod:`common.browser.running`: a lab in the simulator, with what the page has set.
* :mod:`common.browser.testing`: the graded tests of one part of a lab.
* :mod:`common.browser.mistakes`: what went wrong, in one sentence with the learner's line.

It stands on everything that runs in the browser, and on the suites of ``common/course``, which need
pytest alone. ``python -m common.browser`` answers questions on CPython too, with the same bytes.
"""
