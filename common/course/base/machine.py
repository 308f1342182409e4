"""The machine that something was measured on, in a few words."""

import os
import platform


def machine() -> str:
    """Processors, system and Python: what a figure is worth little without.

    >>> machine().count(", ")
    2
    """
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} cores, {platform.system()}, {python}"
