"""The first process in a sandbox: everything is imported once here, and then forked.

``python -s -P -B zygote.py CONTROL PATH...``: the descriptor of the judge's control socket, and
where the course and its libraries are. The first packet says which files there are. Then each
packet asks for one fork, with the socket that the child shall speak over; or for a child to be
killed; or for the socket of a connection inside the sandbox (the network here is not the judge's).

No code of a student runs in this process. It may therefore hand sockets to each child and be
believed to have forked it.
"""

import gc
import json
import os
import signal
import socket
import sys
from typing import Any

PIPE = 3
"""The descriptor by which a child speaks with the judge."""
LARGEST_PACKET = 1 << 16
NODE, OBJECTS, PROGRAM = "node", "objects", "program"


class Zygote:
    """Forks on demand.

    Args:
        control: packets from the judge.
    """

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.children: dict[int, int] = {}
        self.modules: list[str] = []
        self.codecs: dict[str, Any] = {}
        self.schemas: dict[str, list[str]] = {}
        self.names: list[str] = []
        self.known: dict[str, Any] = {}
        self.processor_seconds = 10

    def prepare(self, setup: dict[str, Any]) -> None:
        """Import all that is not the student's; compile all that is."""
        import importlib

        from common.course.judge.worker import modules

        importlib.import_module("common.course.judge.worker.objects")
        importlib.import_module("common.course.judge.worker.chance").take_away()
        importlib.import_module("common.course.judge.worker.seal")
        for name in (*modules.PRELOADED, *setup["ours"]):
            importlib.import_module(name)
        sources = {
            name: modules.Source(path, text, package, name in setup["protocols"])
            for name, (path, text, package) in setup["sources"].items()
        }
        sys.meta_path.insert(0, modules.Sources(sources))
        modules.PACKAGES.update(setup["packages"])
        self.modules = setup["modules"]
        self.processor_seconds = setup["processor_seconds"]
        for name in setup["trusted"]:
            importlib.import_module(name)
        self.names = setup["known"]
        self.known = _classes(self.names)
        for node, names in setup["schemas"].items():
            self._make_codec(node, names)
        if setup["guarded"]:
            modules.guard_imports()
        gc.collect()
        gc.freeze()

    def _make_codec(self, node: str, names: list[str]) -> None:
        from common.codec.json_codec import JsonCodec
        from common.contract.schema import Schema
        from common.course.judge.worker.lines import MAX_LINE

        known = [self.known[name] for name in names if name in self.known]
        schema = Schema(known, [name.replace(":", ".") for name in names])
        self.codecs[node] = JsonCodec(schema, MAX_LINE)
        self.schemas[node] = names

    def _codec(self, node: str) -> Any:
        """The codec of a node's class, with those classes that a student's file declares."""
        codec: Any = self.codecs.get(node)
        for name in self.schemas.get(node, ()):
            if name not in self.known:
                return None
            codec.schema.add(self.known[name])
        return codec

    def serve(self) -> None:
        """Do what packets ask for, until the judge is gone."""
        while True:
            data, descriptors, _, _ = socket.recv_fds(self.control, LARGEST_PACKET, 1)
            if not data:
                os._exit(0)
            asked = json.loads(data)
            match asked["do"]:
                case "fork":
                    self._fork(asked, descriptors[0])
                case "kill":
                    self._kill(asked["child"])
                case "connect":
                    self._connect(asked)
                case "listen":
                    self._listen()

    def _fork(self, asked: dict[str, Any], descriptor: int) -> None:
        child = os.fork()
        if child:
            os.close(descriptor)
            self.children[asked["child"]] = child
            return
        try:
            os.dup2(descriptor, PIPE)
            self._be(asked["as"])
        except BaseException as error:
            line = json.dumps({"id": 0, "error": {"kinds": ["Crash"], "text": repr(error)[:500]}})
            os.write(PIPE, line.encode() + b"\n")
        finally:
            os._exit(0)

    def _be(self, role: str) -> None:
        """Be a node, or the objects of a test; from here on this process is a stranger."""
        from common.course.judge.filters import quiet, sealed
        from common.course.judge.worker import objects, seal, steps
        from common.course.judge.worker.values import Values

        seal.keep_only(PIPE)
        seal.limit_processor(self.processor_seconds)
        seal.seal((quiet if role == PROGRAM else sealed)(os.getpid()))
        found = _Names(self.modules)
        found.load()
        if len(self.known) < len(self.names):
            self.known = _classes(self.names)
        if role == NODE:
            pipe = steps.Pipe(PIPE)
            values = Values(self.known, _no_objects, found.plain)
            steps.Stepping(pipe, found, self._codec, values.unpack).run()
        else:
            serving = objects.Objects(steps.Pipe(PIPE), found, self.known)
            if role == PROGRAM:
                serving.run_in_a_loop(PIPE)
            else:
                serving.run()

    def _kill(self, number: int) -> None:
        child = self.children.pop(number, None)
        if child is not None:
            try:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            except (ProcessLookupError, ChildProcessError):
                pass  # it has ended by itself

    def _connect(self, asked: dict[str, Any]) -> None:
        """Open a connection in this network and hand its socket to the judge."""
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            made.connect((asked["host"], asked["port"]))
            socket.send_fds(self.control, [b'{"ok":true}'], [made.fileno()])
        except OSError as error:
            answer = {"ok": False, "errno": error.errno, "text": error.strerror or str(error)}
            self.control.send(json.dumps(answer).encode())
        finally:
            made.close()

    def _listen(self) -> None:
        """Open a listening socket in this network and hand it to the judge."""
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.bind(("127.0.0.1", 0))
        socket.send_fds(self.control, [b'{"ok":true}'], [made.fileno()])
        made.close()


class _Names:
    """The lab's public names, from the student's modules."""

    def __init__(self, modules: list[str]) -> None:
        self._modules = modules
        self._loaded: list[Any] = []
        self._errors: list[BaseException] = []

    def load(self) -> None:
        """Import now. Where that goes wrong, the other files are not worse for it: the error is
        raised when a name is asked for that none of those has."""
        from common.course.judge.worker.modules import loaded

        for name in self._modules:
            try:
                self._loaded.append(loaded(name))
            except (Exception, SystemExit) as error:
                self._errors.append(error)

    def __call__(self, name: str) -> Any:
        from common.contract.names import things_named

        found = things_named(name, self._loaded)
        if not found and self._errors:
            raise self._errors[0]
        if not found:
            raise AttributeError(f"there is no {name}: was it renamed?")
        if len(found) > 1:
            raise AttributeError(f"{name} may be one of several, {' or '.join(found)}: rename one")
        return next(iter(found.values()))

    def plain(self, plain: dict[str, Any]) -> Any:
        """The class or function that a configuration names."""
        return self(plain["name"])


def _no_objects(value: object) -> dict[str, Any]:
    raise TypeError(f"{value!r} cannot cross")


def _classes(names: list[str]) -> dict[str, Any]:
    """Those of the classes ``module:Class`` that are loaded already."""
    found = {}
    for name in names:
        module, _, attribute = name.partition(":")
        kind = getattr(sys.modules.get(module), attribute, None)
        if isinstance(kind, type):
            found[name] = kind
    return found


def main() -> None:
    """Set up, and serve."""
    control = socket.socket(fileno=int(sys.argv[1]))
    sys.path[:0] = sys.argv[2:]
    zygote = Zygote(control)
    with open(0, "rb", closefd=False) as setup:
        zygote.prepare(json.loads(setup.readline()))
    control.send(b'{"ready":true}')
    zygote.serve()


if __name__ == "__main__":
    main()
