"""Which batches of a search are done: what makes a search resumable."""

import hashlib
import json
from pathlib import Path

import msgspec

from common.course.base.output import folder
from common.course.kit.batches import Batch, Tried
from common.values.errors import BadInput


class Logbook:
    """A file with a line per batch; a line that was cut off by a kill does not count.

    Args:
        out: the folder of the searches.
        batch: any batch of this search: what is searched, and with what.

    Raises:
        BadInput: the folder cannot be made, or the file not be read.
    """

    def __init__(self, out: Path, batch: Batch) -> None:
        about = [batch.lab, batch.variant, sorted(batch.kinds), batch.suites]
        about += [(name, raw.hex()) for name, raw in sorted(batch.files.items())]
        digest = hashlib.sha256(json.dumps(about).encode()).hexdigest()
        self.path = folder(out) / f"{batch.lab}-{digest[:12]}.jsonl"
        self.tried = self._read()

    def _read(self) -> dict[int, Tried]:
        if not self.path.exists():
            return {}
        found = {}
        try:
            for line in self.path.read_bytes().splitlines():
                try:
                    tried = msgspec.json.decode(line, type=Tried)
                except msgspec.MsgspecError:
                    continue
                found[tried.first] = tried
        except OSError as error:
            raise BadInput(f"{self.path} cannot be read: {error.strerror}") from None
        return found

    def add(self, tried: Tried) -> None:
        """Note a batch that is done."""
        self.tried[tried.first] = tried
        try:
            with self.path.open("ab") as file:
                file.write(b"\n" + msgspec.json.encode(tried) + b"\n")
        except OSError as error:
            raise BadInput(f"{self.path} cannot be written: {error.strerror}") from None

    def has(self, batch: Batch) -> bool:
        """Whether a batch is done."""
        done = self.tried.get(batch.first)
        return done is not None and done.count >= batch.count
