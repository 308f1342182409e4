"""Runs a traced ping-pong of so many events and prints how many KiB the process grew meanwhile.

The measurement begins after a tenth of the run, when caches are warm:
``python -m tests.support.long_run 1000000``.
"""

import resource
import sys
import tempfile
from pathlib import Path

from common.contract import Node, NodeId, message, on
from common.sim import LinkModel, Simulation
from common.trace.format import Meta
from common.trace.recorder import Recorder, open_trace


@message
class Number:
    value: int


class Bouncer(Node):
    """Sends every number back, one greater."""

    def on_start(self) -> None:
        """The first node serves."""
        if self.id == "n1":
            self.send("n2", Number(0))

    @on(Number)
    def number(self, number: Number, sender: NodeId) -> None:
        """The ball comes back."""
        self.send(sender, Number(number.value + 1))


def main(events: int) -> None:
    """Run, and print the number of events and the growth in KiB."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_trace(Path(folder) / "trace.jsonl") as sink,
    ):
        meta = Meta(lab="long", nodes=("n1", "n2"), clients=(), seed=0)
        simulation = Simulation(
            {"n1": Bouncer, "n2": Bouncer},
            link=LinkModel(latency=(1, 1)),
            observers=[Recorder(sink.write, meta)],
        )
        simulation.run(events // 10)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        simulation.run(events)
    print(simulation.events, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


if __name__ == "__main__":
    main(int(sys.argv[1]))
