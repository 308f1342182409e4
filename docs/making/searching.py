"""Mends how Material's search cuts Chinese that is typed into words.

Chinese has no spaces. So the search's worker looks which parts of the typed text are words of the
index. Its loop ends one letter early: the last letter belongs to no part. For 分区 it looks for 分,
and finds pages that say "248 分" before those about partitions. With ``<=`` it finds 分区.
"""

import re
from pathlib import Path

from common.values.errors import BadInput

WORKERS = "assets/javascripts/workers/search.*.min.js"

_LOOP = re.compile(
    r"(?P<head>for\(let (?P<end>\w)=(?P<start>\w)\+1;(?P=end)<)"
    r"(?P<rest>(?P<text>\w)\.length;(?P=end)\+\+\)(?P=text)\.slice\((?P=start),(?P=end)\)in )"
)


def mend(site: Path) -> None:
    """Let the loop look at the last letter, too.

    Args:
        site: the built site.

    Raises:
        BadInput: the worker is another one than that of the pinned version.
    """
    workers = list(site.glob(WORKERS))
    for worker in workers:
        text, count = _LOOP.subn(r"\g<head>=\g<rest>", worker.read_text(encoding="utf-8"))
        if count != 1:
            break
        worker.write_text(text, encoding="utf-8")
    else:
        if workers:
            return
    raise BadInput(
        "the search of this MkDocs Material is not the one that docs/making/searching.py mends: "
        "look whether it finds 分区 by itself now, and then leave that file out"
    )
