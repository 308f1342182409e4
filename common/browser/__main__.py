"""``python -m common.browser ROOT FOLDER``: one question a line, and its answer, on any Python.

Each answer ends in an empty line. It is how tests compare CPython with the browser.
"""

import sys

from common.browser.door import Door


def main() -> None:
    """Answer what comes on standard input."""
    door = Door(sys.argv[1], sys.argv[2])
    for line in sys.stdin:
        print(door.answer(line).rstrip("\n"), end="\n\n", flush=True)


if __name__ == "__main__":
    sys.dont_write_bytecode = True  # a file may change twice within the second that it has
    main()
