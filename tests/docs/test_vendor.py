"""What the site serves of other people's work is what it was when somebody looked at it."""

import io
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from common.values.errors import BadInput, MissingTool
from docs.making import vendor


def archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in ("package/it.mjs", "../../beside.mjs"):
            info = tarfile.TarInfo(name)
            info.size = 2
            tar.addfile(info, io.BytesIO(b"1\n"))
        info = tarfile.TarInfo("package/link.mjs")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    return buffer.getvalue()


MADE = archive()


class Local(vendor.FromNpm):
    """A package of which the registry is this file."""

    __slots__ = ()
    fetches: list[Path] = []

    def fetch(self, folder: Path) -> Path:
        self.fetches.append(folder)
        path = folder / "it.tgz"
        path.write_bytes(MADE)
        return path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(vendor, "CACHE", tmp_path)
    Local.fetches.clear()
    return tmp_path


def test_a_package_is_fetched_once_and_unpacked(cache: Path) -> None:
    package = Local("it", "1.0", sha256(MADE).hexdigest(), "MIT")
    folder = vendor.vendored(package)
    assert (folder / "package" / "it.mjs").read_bytes() == b"1\n"
    assert vendor.vendored(package) == folder
    assert len(Local.fetches) == 1
    assert [path.name for path in cache.iterdir()] == [folder.name], "nothing beside its folder"
    assert [path.name for path in folder.rglob("*.mjs")] == ["it.mjs"], "and no link"


def test_a_package_that_is_not_what_it_was_is_refused_and_not_kept(cache: Path) -> None:
    package = Local("it", "1.0", "0" * 64, "MIT")
    with pytest.raises(BadInput, match="it 1.0 has the checksum"):
        vendor.vendored(package)
    assert list(cache.iterdir()) == []


def test_without_npm_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor, "which", lambda _: None)
    with pytest.raises(MissingTool, match="pyodide 314.0.7 comes from npm.*apt install npm"):
        vendor.vendored(vendor.PYODIDE)
