"""A person at a terminal: a program on a pseudo-terminal, what it shows, and what is typed."""

import contextlib
import os
import pty
import re
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 40.0
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A command on a terminal of its own; a context manager that ends it.

    Args:
        folder: where it runs.
        arguments: of the command.
        module: which command: ``lab`` unless given.
    """

    def __init__(
        self, folder: Path, *arguments: str, module: str = "common.course.command"
    ) -> None:
        self.seen = ""
        """Everything that was shown so far."""
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "200"},
        )
        os.close(slave)
        os.set_blocking(self._master, False)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        os.close(self._master)

    def type(self, text: str) -> None:
        """Type something; what is shown meanwhile is read, so that neither side stands still."""
        data = text.encode()
        end = time.monotonic() + PATIENCE_SECONDS
        while data:
            self._read(0)
            with contextlib.suppress(BlockingIOError):
                data = data[os.write(self._master, data[:2_000]) :]
            assert time.monotonic() < end, "the terminal takes nothing more"

    def say(self, line: str) -> None:
        """Type a line."""
        self.type(f"{line}\n")

    def see(self, text: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until this is shown."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end, f"{text!r} is not shown; what is:\n{self.seen[-3000:]}"
            if not self._read(min(1.0, end - time.monotonic())):
                assert text in self.seen, f"ended without {text!r}:\n{self.seen[-3000:]}"
                return

    def lines(self) -> list[str]:
        """The lines shown so far, without what was being typed."""
        plain = ESCAPES.sub("", self.seen)
        parts = re.split(r"[\r\n]+", plain)
        return [part for part in parts if part and not part.startswith("> ")]

    def end(self) -> int:
        """Wait until it ends by itself; returns the exit code."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end; it shows:\n{self.seen[-3000:]}"
            self._read(0.05)
        self._read(0)
        return self.process.wait()

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def _read(self, seconds: float) -> bool:
        """Take what is shown, waiting for it a while; whether there may be more."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._master, selectors.EVENT_READ)
            while selector.select(max(0.0, seconds)):
                try:
                    data = os.read(self._master, 65_536)
                except BlockingIOError:
                    return True
                except OSError:  # Linux: the other side is closed
                    return False
                if not data:
                    return False
                self.seen += data.decode(errors="replace")
                seconds = 0.0
        return True
