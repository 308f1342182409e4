"""The story that ``make run`` tells must be able to end badly: its verdict is worth something."""

import pytest

from common.runtime.cluster import Cluster
from stage5_fault_tolerance.raftkv.story import KEYS, Story


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("c1.1;c2.1;", ("yes", "all 2 acknowledged appends are there, each once; 1 got no answer")),
        ("c2.1;c1.2;c1.1;", ("yes", "all 2 acknowledged appends are there, each once; 1 got no")),
        ("c1.1;", ("no", "c2.1; was acknowledged, and is 0 times in a")),
        ("c1.1;c2.1;c1.1;", ("no", "c1.1; was acknowledged, and is 2 times in a")),
        ("c1.1;c2.1;c1.2;c1.2;", ("no", "c1.2; got no answer, and is 2 times in a")),
    ],
)
def test_the_story_says_what_was_lost_and_what_was_done_twice(
    found: str, said: tuple[str, str]
) -> None:
    story = Story(object.__new__(Cluster), print, seed=1)
    story.promised["a"], story.doubtful["a"] = ["c1.1;", "c2.1;"], ["c1.2;"]
    story.found = {key: found if key == "a" else "" for key in KEYS}
    result, sentence = story.nothing_lost()
    assert result == said[0]
    assert sentence.startswith(said[1])
