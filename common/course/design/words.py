"""What is asked of single sentences: a claim has its number, nothing is left to be written."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from common.course.design.document import Block

CLAIMS = {
    "fast": "how many milliseconds, for which part of the requests?",
    "faster": "how many times, measured against what?",
    "quickly": "within how many milliseconds?",
    "slow": "how many milliseconds?",
    "low latency": "how many milliseconds, for which part of the requests?",
    "high throughput": "how many requests or bytes a second?",
    "scalable": "up to how many nodes, users or bytes?",
    "scales": "up to how many nodes, users or bytes?",
    "highly available": "how many minutes a month may it be down?",
    "reliable": "which failures does it bear, and how many at once?",
    "fault-tolerant": "which failures does it bear, and how many at once?",
    "fault tolerant": "which failures does it bear, and how many at once?",
    "robust": "which failures does it bear, and how many at once?",
    "efficient": "how much of what does it need, for how much work?",
    "lightweight": "how many megabytes, how many messages?",
    "real-time": "within how many milliseconds?",
    "large": "how many bytes or nodes?",
    "huge": "how many bytes or nodes?",
    "small": "how many bytes or nodes?",
    "many": "how many?",
    "few": "how many?",
    "rarely": "how often: once in how many hours or requests?",
    "often": "how often: once in how many hours or requests?",
    "soon": "within how many seconds?",
}
"""Words that claim a size, and the question that a reviewer asks."""

NUMBERS = re.compile(
    r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|dozen|hundred|thousand|million|half"
    r"|majority|all but|both|log n|n)\b",
    re.IGNORECASE,
)
UNFINISHED = re.compile(r"\b(TODO|TBD|FIXME|XXX)\b|\?\?\?|(^|:)\s*(\.\.\.|…)(\s|$)")
CONDITION = re.compile(
    r"\b(while|as long as|if|unless|when|until|after|before|once|except|provided|within|for each"
    r"|of those|who|that)\b",
    re.IGNORECASE,
)
_CLAIM = re.compile(
    r"\b(" + "|".join(re.escape(word) for word in sorted(CLAIMS, key=len, reverse=True)) + r")\b",
    re.IGNORECASE,
)
_HOW_MANY = re.compile(r"\b(how|as|so|too) (many|few|large|small|often|soon|fast|slow)\b", re.I)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


class Claim(NamedTuple):
    """A word that claims a size without saying it, and what to say."""

    word: str
    question: str


def has_number(text: str) -> bool:
    """Whether a sentence says how much."""
    return NUMBERS.search(text) is not None


def claims(block: Block) -> Iterator[Claim]:
    """The claims of a block in whose sentence there is no number. The cells of a row are one
    sentence: the number stands beside the word."""
    sentences = [block.text] if block.kind == "row" else _SENTENCE.split(block.text)
    for sentence in sentences:
        if has_number(sentence):
            continue
        for found in _CLAIM.finditer(_HOW_MANY.sub("", sentence)):
            yield Claim(found[0], CLAIMS[found[0].lower()])
