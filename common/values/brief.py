"""A stranger's value or text in a sentence: not too long, and nothing that acts on a terminal."""

LONGEST = 400
"""Characters of a value that are shown."""


def brief(value: object) -> str:
    """``repr`` of a value, or the two ends of that, with three dots between them.

    A stranger may have made the value, of megabytes; a sentence must stay one.
    """
    half = LONGEST // 2
    if isinstance(value, (str, bytes)) and len(value) > LONGEST:
        return f"{value[:half]!r} ... {value[-half:]!r}"
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:half]} ... {text[-half:]}"


def legible(text: str) -> str:
    """A text in which every sign can be seen: others become ``U+FFFD``, line ends and tabs stay.

    A stranger may have written it. Codes for a terminal, and signs that turn the order of letters
    around, would let it hide what stands beside it.
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in text)
