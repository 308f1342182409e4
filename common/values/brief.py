"""A value in a sentence: its beginning and its end, if it is long."""

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
