"""What every lab stands on: values, contract, simulator, checkers, codecs, traces, runtime.

Imports go down the floors only (see ``docs/architecture.md``); a test walks the syntax trees and
fails on an upward or a sideways import.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an old Python reads this line before it fails
    sys.exit(
        "error: the course needs Python 3.11 or later, and this is Python "
        f"{sys.version_info[0]}.{sys.version_info[1]}: install one, or name the one you have: "
        "make run PYTHON=python3.12"
    )
