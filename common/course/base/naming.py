"""Find what a manifest names as ``module:attribute``."""

import importlib
from typing import Any

from common.values.errors import BadInput


def find(name: str, wanted_by: str) -> Any:
    """Import ``module:attribute``.

    Args:
        name: as the manifest has it.
        wanted_by: for the message: ``lab echo: demo``.

    Raises:
        BadInput: there is no such module or attribute.
    """
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and module_name.startswith(error.name):
            raise BadInput(f"{wanted_by}: there is no module {module_name}") from None
        raise BadInput(
            f"{wanted_by} needs the package {error.name}, which is not installed: "
            f"pip install {error.name}"
        ) from None
    if not hasattr(module, attribute):
        raise BadInput(f"{wanted_by}: there is no {attribute!r} in {module_name}")
    return getattr(module, attribute)
