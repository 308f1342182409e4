"""A store on four real processes, one of which lies while clients work."""

from pathlib import Path
from typing import Any

from common.course.base.output import Output
from common.course.verbs.running import LiveOptions, run_live
from common.course.verbs.session import SessionOptions
from common.trace.reader import read
from common.values.units import SECOND
from stage7_advanced.pbft.worlds import WORLDS


def test_clients_are_told_the_truth_while_a_process_lies(tmp_path: Path) -> None:
    options = LiveOptions(4 * SECOND, "", tmp_path, SessionOptions())
    told: dict[str, Any] = run_live(WORLDS, options, Output(json=True))
    assert told["verdicts"]["linearizable"]["answer"] == "yes", told["verdicts"]
    assert told["outcomes"]["ok"] >= 10, f"hardly anything was done: {told['outcomes']}"
    events = read(Path(told["files"]["trace"])).events
    lies = [event["behaviour"] for event in events if event["kind"] == "corrupt"]
    assert lies == ["equivocates", "corrupts-digests", "answers-wrongly", "silent", "honest"]
    assert any(event.get("type") == "NewView" for event in events), "the liar did not lead for ever"
