"""Brings sockets into a container, which inherits no descriptors.

For each of them there is a socket with a name in a folder that the container is shown. The last
door inside connects to it, and what passes here is handed on there, descriptors among it included.
"""

import contextlib
import selectors
import socket
import threading
from collections.abc import Sequence

from common.course.base.scratch import Scratch

INSIDE = "/keep"
"""Where the folder is, inside."""
PACKET_BYTES = 1 << 18
MOST_DESCRIPTORS = 16
ACCEPT_SECONDS = 60.0


class Relay:
    """Sockets with names, one for each descriptor.

    Args:
        keep: the descriptors, of Unix sockets.
    """

    def __init__(self, keep: Sequence[int]) -> None:
        self._scratch = Scratch("keep")
        self.folder = self._scratch.path
        self.folder.chmod(0o755)
        self._ends: list[socket.socket] = []
        for descriptor in keep:
            theirs = socket.socket(fileno=socket.dup(descriptor))
            named = socket.socket(socket.AF_UNIX, theirs.type)
            path = self.folder / str(descriptor)
            named.bind(str(path))
            path.chmod(0o666)
            named.listen(1)
            named.settimeout(ACCEPT_SECONDS)
            self._ends += [theirs, named]
            threading.Thread(target=self._serve, args=(named, theirs), daemon=True).start()

    def _serve(self, named: socket.socket, theirs: socket.socket) -> None:
        with contextlib.suppress(OSError), named, theirs:
            accepted, _ = named.accept()
            self._ends.append(accepted)
            with accepted:
                _hand_on(accepted, theirs)

    def close(self) -> None:
        """Hand on nothing any more."""
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._scratch.remove()


def _hand_on(one: socket.socket, other: socket.socket) -> None:
    """Pass on what comes at either end, until one of them ends."""
    one.setblocking(True)
    with selectors.DefaultSelector() as waiting:
        waiting.register(one, selectors.EVENT_READ, other)
        waiting.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in waiting.select():
                assert isinstance(key.fileobj, socket.socket), "only sockets were registered"
                data, passed, _, _ = socket.recv_fds(key.fileobj, PACKET_BYTES, MOST_DESCRIPTORS)
                if not data:
                    return
                socket.send_fds(key.data, [data], passed)
                for descriptor in passed:
                    socket.close(descriptor)
