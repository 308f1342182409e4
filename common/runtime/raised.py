"""What is said of an exception that came out of a node's handler."""

from common.contract.events import Event
from common.contract.node import Node


def raised(node: Node, event: Event, error: Exception) -> str:
    """One sentence for an exception that came out of a handler: who, where, what."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = ""
    if place is not None:
        code = place.tb_frame.f_code
        where = f" in {code.co_name}, line {place.tb_lineno} of {code.co_filename}"
    return (
        f"node {node.id} ({type(node).__name__}) raised {type(error).__name__}: {error}{where}, "
        f"while handling {event}"
    )
