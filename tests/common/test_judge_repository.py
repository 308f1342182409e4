"""Git repositories that strangers hand in: what is read of them, and what never is."""

import os
import shutil
import subprocess
import zlib
from pathlib import Path
from tempfile import gettempdir

import pytest

from common.course.judge.entries import Entry, Unreadable
from common.course.judge.intake import take_in
from tests.common.test_judge_intake import LAB, NODE, ROOM, TEXT, take, tree


def git(*words: str, cwd: Path) -> None:
    named = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *named, *words], cwd=cwd, check=True, capture_output=True)


def repository(folder: Path) -> Path:
    (folder / ROOM).mkdir(parents=True)
    (folder / NODE).write_bytes(TEXT)
    git("init", cwd=folder)
    git("add", ".", cwd=folder)
    git("commit", "-m", "work", cwd=folder)
    return folder


def test_a_working_tree_and_a_bare_repository_are_taken(tmp_path: Path) -> None:
    work = repository(tmp_path / "work")
    git("clone", "--bare", str(work), str(tmp_path / "bare.git"), cwd=tmp_path)
    for number, given in enumerate((work, tmp_path / "bare.git")):
        into = tmp_path / f"into{number}"
        got = take_in(given, LAB, into)
        assert (got.taken, tree(into)) == ((NODE,), {NODE: TEXT})


def test_what_a_strangers_repository_configures_is_never_run(tmp_path: Path) -> None:
    work = repository(tmp_path / "work")
    touched = tmp_path / "touched"
    with (work / ".git" / "config").open("a") as file:
        file.write(f'[core]\n\tfsmonitor = "touch {touched}"\n\tsshCommand = "touch {touched}"\n')
        file.write(f'[filter "x"]\n\tsmudge = "touch {touched}"\n\tclean = "touch {touched}"\n')
    (work / ".gitattributes").write_text("*.py filter=x\n")
    (work / ".git").rename(tmp_path / "bare.git")
    for number, given in enumerate((work, tmp_path / "bare.git")):
        assert take_in(given, LAB, tmp_path / f"into{number}").taken == (NODE,)
    assert not touched.exists()


def test_a_repository_that_borrows_objects_is_refused(tmp_path: Path) -> None:
    bare = repository(tmp_path / "work") / ".git"
    (bare / "objects" / "info").mkdir(exist_ok=True)
    (bare / "objects" / "info" / "alternates").write_text("/somebody/else/objects\n")
    assert "borrows" in take(bare, tmp_path)[0].refused[0]


def test_a_working_tree_that_looks_like_a_bare_repository_is_a_working_tree(tmp_path: Path) -> None:
    work = repository(tmp_path / "work")
    (work / "refs/heads").mkdir(parents=True)
    (work / "objects").mkdir()
    (work / "HEAD").write_text("ref: refs/heads/main\n")
    got, into = take(work, tmp_path)
    assert (got.taken, tree(into)) == ((NODE,), {NODE: TEXT})


@pytest.mark.parametrize(
    "where",
    ["objects/pack", "objects/info", "refs", "refs/heads/x", "HEAD", "packed-refs", "objects/ab"],
)
def test_a_repository_in_which_anything_leads_elsewhere_is_refused(
    tmp_path: Path, where: str
) -> None:
    theirs = repository(tmp_path / "reference") / ".git"
    git("gc", cwd=tmp_path / "reference")
    mine = tmp_path / "mine"
    git("init", "--bare", str(mine), cwd=tmp_path)
    (mine / "refs/heads").mkdir(exist_ok=True)
    shutil.copy(theirs / "packed-refs", mine)
    there = mine / where
    if there.is_dir():
        shutil.rmtree(there)
    there.unlink(missing_ok=True)
    there.symlink_to(theirs / where)
    got, into = take(mine, tmp_path)
    assert tree(into) == {}
    assert "nothing in it may lead elsewhere" in got.refused[0]


@pytest.mark.parametrize("where", ["packed-refs", "refs/heads/main", "objects/pack/x", "HEAD"])
def test_a_pipe_in_a_repository_is_refused_and_not_waited_for(tmp_path: Path, where: str) -> None:
    mine = tmp_path / "mine"
    git("init", "--bare", str(mine), cwd=tmp_path)
    (mine / where).unlink(missing_ok=True)
    os.mkfifo(mine / where)
    assert "is no file" in take(mine, tmp_path)[0].refused[0]


def test_an_object_that_replaces_another_changes_nothing(tmp_path: Path) -> None:
    work = repository(tmp_path / "work")
    (work / NODE).write_bytes(b"another\n")
    git("commit", "-am", "later", cwd=work)
    git("replace", "HEAD", "HEAD~1", cwd=work)
    git("clone", "--bare", "--mirror", str(work), str(tmp_path / "bare.git"), cwd=tmp_path)
    _, into = take(tmp_path / "bare.git", tmp_path)
    assert tree(into) == {NODE: b"another\n"}


@pytest.mark.parametrize("kind", ["blob", "tree", "commit"])
@pytest.mark.parametrize("content", [b"", b"damaged", None])
def test_of_a_damaged_object_the_students_own_file_is_named_and_no_copy_of_ours(
    tmp_path: Path, kind: str, content: bytes | None
) -> None:
    bare = repository(tmp_path / "work") / ".git"
    bare.rename(tmp_path / "ada.git")
    (damaged, *_) = (
        path
        for path in (tmp_path / "ada.git/objects").glob("??/*")
        if zlib.decompress(path.read_bytes()).startswith(kind.encode())
    )
    damaged.chmod(0o644)
    if content is None:
        damaged.unlink()
    else:
        damaged.write_bytes(content)
    (note,) = take(tmp_path / "ada.git", tmp_path)[0].refused
    assert "git cannot read this repository" in note
    assert gettempdir() not in note
    if kind == "blob":
        assert note.startswith(f"{NODE} cannot be read")
    if content is not None:
        assert damaged.relative_to(tmp_path).as_posix() in note


def test_what_the_system_says_of_a_file_is_told_without_its_folder() -> None:
    def content(most: int) -> bytes:
        raise PermissionError(13, "Permission denied", "/home/teacher/class/ada/node.py")

    with pytest.raises(Unreadable) as told:
        Entry("node.py", "file", 1, False, content).read(1)
    assert str(told.value) == "node.py cannot be read: Permission denied"
