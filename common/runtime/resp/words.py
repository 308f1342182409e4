"""Words of commands as text, and the errors about them, as Redis puts them."""


def text(word: bytes) -> str:
    """A word as text; bytes that are none are kept and go back as they came."""
    return word.decode("utf-8", "surrogateescape")


def subcommand(words: list[bytes]) -> list[str]:
    """What follows the command's name: the subcommand in lower case, and its arguments."""
    return [text(words[1]).lower(), *map(text, words[2:])]


def arity_problem(name: str) -> str:
    """The error for too few or too many words; subcommands are named ``cluster|slots``."""
    return f"ERR wrong number of arguments for '{name}' command"


def unknown_subcommand(words: list[bytes]) -> str:
    """The error for a subcommand that is not there."""
    name = text(words[0]).upper()
    return f"ERR unknown subcommand '{text(words[1])[:128]}'. Try {name} HELP."
