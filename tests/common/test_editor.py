"""What an editor is told: the dev container, and the settings that a workspace brings."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from common.course.base.course import ROOT, Course
from common.course.command import app
from common.course.student.editor import seen_from, write_guide
from common.course.student.workspace import Workspace


def read(path: Path) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return plain


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write_guide(Workspace(tmp_path / "work", Course(ROOT)))
    return tmp_path / "work"


def test_the_dev_container_sets_up_what_make_knows() -> None:
    container = read(ROOT / ".devcontainer/devcontainer.json")
    command = container["postCreateCommand"].split()
    assert command[0] == "make"
    tried = subprocess.run(["make", "-n", *command[1:]], cwd=ROOT, capture_output=True, check=False)
    assert tried.returncode == 0, tried.stderr
    settings = container["customizations"]["vscode"]["settings"]
    assert settings["python.defaultInterpreterPath"].endswith("/.venv/bin/python")
    assert container["remoteEnv"]["PATH"].startswith("${containerWorkspaceFolder}/.venv/bin:")


def test_the_editor_finds_the_course_from_a_workspace_anywhere(workspace: Path) -> None:
    [path] = read(workspace / ".vscode/settings.json")["python.analysis.extraPaths"]
    assert (Path(path) / "common/contract/node.py").is_file()


def test_the_editor_finds_the_course_from_a_workspace_inside_of_it() -> None:
    """Such paths hold on every machine, so that a workspace can be moved with the course."""
    assert seen_from("..") == "${workspaceFolder}/.."


def test_every_task_is_a_verb_of_the_command(workspace: Path) -> None:
    for task in read(workspace / ".vscode/tasks.json")["tasks"]:
        assert Path(task["command"]).is_file()
        assert task["args"][:2] == ["-m", "common.course.command"]
        command = [task["command"], *task["args"], "--help"]
        environment = task["options"]["env"]
        ran = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)
        assert ran.returncode == 0, ran.stderr
    launched = read(workspace / ".vscode/launch.json")["configurations"][0]
    assert launched["args"] == ["replay"]


def test_the_line_of_a_failure_can_be_clicked(workspace: Path) -> None:
    matcher = read(workspace / ".vscode/tasks.json")["tasks"][0]["problemMatcher"]["pattern"]
    failure = "  KeyError: 'no' (work/stage4_consensus/raft/log.py:12, in matches)"
    found = re.match(matcher["regexp"], failure)
    assert found is not None
    assert found[matcher["message"]] == "KeyError: 'no'"
    assert found[matcher["file"]] == "stage4_consensus/raft/log.py"
    assert found[matcher["line"]] == "12"


def test_the_guide_names_only_verbs_that_there_are(workspace: Path) -> None:
    known = set(app.commands)
    named = set(re.findall(r"`lab ([a-z]+)", (workspace / "README.md").read_text(encoding="utf-8")))
    assert named <= known
    docs = (ROOT / "docs/student.md").read_text(encoding="utf-8")
    assert set(re.findall(r"(?:^|`)lab ([a-z]+)", docs, re.MULTILINE)) <= known


def test_what_the_student_changed_in_the_settings_stays(workspace: Path) -> None:
    path = workspace / ".vscode/settings.json"
    path.write_text("{}", encoding="utf-8")
    write_guide(Workspace(workspace, Course(ROOT)))
    assert path.read_text(encoding="utf-8") == "{}"
