"""Who watches what, and how each gets every change once and in order.

A watcher knows the next revision that it needs. One that needs the very next change is *synced*:
the hub asks the node once for all of them (:class:`.Changes`) and hands the answer out. One that is
behind, because it began in the past or because its client reads too slowly, asks for itself until
it has caught up. Since everything comes from the history by revision, a watcher may change between
the two at any moment and neither misses an event nor gets one twice.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aetcd.rpc import rpc_pb2

from stage5_fault_tolerance.etcd.front import translate
from stage5_fault_tolerance.etcd.front.gateway import Gateway
from stage5_fault_tolerance.etcd.history import cost_of, span
from stage5_fault_tolerance.etcd.results import Events, KeyValue

MOST_RESPONSES = 64
"""Responses that wait for one client; a watcher that has more to say falls behind."""

RESPONSE_BYTES = 1024 * 1024
"""About how many bytes of events are in one response. Events of one revision stay together,
unless the client takes fragments."""

Told = tuple[KeyValue, KeyValue | None]
"""An event, and what was there before."""


@dataclass(slots=True, eq=False)
class Watcher:
    """One watch.

    Attributes:
        id: its name within its stream.
        key, range_end: what is watched.
        next: the revision from which on it needs changes.
        wants: whether a put, whether a deletion is to be told.
        prev_kv: whether to tell what was there before.
        fragment: whether the client can put a revision together again.
        progress: whether to be told now and then that nothing happens.
        responses: where to put what is to be told.
        quiet: whether nothing was told since the last word about progress.
    """

    id: int
    key: bytes
    range_end: bytes
    next: int
    wants: tuple[bool, bool]
    prev_kv: bool
    fragment: bool
    progress: bool
    responses: "asyncio.Queue[Any]"
    quiet: bool = True
    catching_up: "asyncio.Task[None] | None" = field(default=None)

    def picked(self, events: Events) -> list[Told]:
        """Those of the events that this watch is about."""
        return [
            (version, previous)
            for version, previous in zip(events.events, events.previous, strict=True)
            if version.mod_revision >= self.next
            and self.wants[version.is_deletion()]
            and span([version.key], self.key, self.range_end)
        ]

    def written(self, told: list[Told], header: Any) -> list[Any]:
        """The responses that tell these events."""
        pieces = list(_pieces(told, self.fragment))
        return [
            rpc_pb2.WatchResponse(
                header=header,
                watch_id=self.id,
                events=[translate.event(kv, prev if self.prev_kv else None) for kv, prev in piece],
                fragment=self.fragment and number + 1 < len(pieces),
            )
            for number, piece in enumerate(pieces)
        ]


def _pieces(told: list[Told], anywhere: bool) -> Iterator[list[Told]]:
    """Cut events into pieces of about RESPONSE_BYTES, between revisions or anywhere."""
    piece: list[Told] = []
    size = 0
    for each in told:
        may_cut = bool(piece) and (anywhere or piece[-1][0].mod_revision != each[0].mod_revision)
        if may_cut and size >= RESPONSE_BYTES:
            yield piece
            piece, size = [], 0
        piece.append(each)
        size += cost_of(each[0]) + (cost_of(each[1]) if each[1] else 0)
    if piece:
        yield piece


class Hub:
    """All watchers of one server.

    Args:
        gateway: to the node.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._next = 0
        """The first revision that the hub has not seen; 0 before it has begun."""
        self._synced: dict[Watcher, None] = {}

    async def run(self) -> None:
        """Ask for changes and hand them out, until cancelled."""
        self._next = (await self._gateway.status()).revision + 1
        while True:
            self._hand_out(await self._gateway.changes(self._next))

    def _hand_out(self, events: Events) -> None:
        if events.compacted > 0:
            self._next = events.compacted
            for watcher in list(self._synced):
                self._fall_behind(watcher)
            return
        self._next = events.revision + 1
        header = None
        for watcher in list(self._synced):
            told = watcher.picked(events)
            if told:
                header = header or self._gateway.header(events.revision)
                responses = watcher.written(told, header)
                if watcher.responses.qsize() + len(responses) > MOST_RESPONSES:
                    self._fall_behind(watcher)
                    continue
                watcher.quiet = False
                for response in responses:
                    watcher.responses.put_nowait(response)
            watcher.next = max(watcher.next, self._next)

    def add(self, watcher: Watcher) -> None:
        """Begin to serve a watcher."""
        self._fall_behind(watcher)

    def remove(self, watcher: Watcher) -> None:
        """Serve it no longer."""
        self._synced.pop(watcher, None)
        if watcher.catching_up is not None:
            watcher.catching_up.cancel()

    def progress(self) -> int:
        """Up to which revision synced watchers have been told everything."""
        return self._next - 1

    async def caught_up(self, watcher: Watcher) -> None:
        """Wait until a watcher is not behind any more."""
        if watcher.catching_up is not None:
            await asyncio.wait([watcher.catching_up])

    def _fall_behind(self, watcher: Watcher) -> None:
        self._synced.pop(watcher, None)
        watcher.catching_up = asyncio.get_running_loop().create_task(self._catch_up(watcher))

    async def _catch_up(self, watcher: Watcher) -> None:
        """Ask from where the watcher is, at the speed of its client, up to where the hub is."""
        while watcher.next < self._next or not self._next:
            events = await self._gateway.changes(watcher.next)
            if events.compacted:
                header = self._gateway.header(0)
                await watcher.responses.put(_compacted(watcher, header, events.compacted))
                return
            header = self._gateway.header(events.revision)
            for response in watcher.written(watcher.picked(events), header):
                watcher.quiet = False
                await watcher.responses.put(response)
            watcher.next = max(watcher.next, events.revision + 1)
        watcher.catching_up = None
        self._synced[watcher] = None


def _compacted(watcher: Watcher, header: Any, compacted: int) -> Any:
    """The end of a watch that asked for what is forgotten."""
    return rpc_pb2.WatchResponse(
        header=header, watch_id=watcher.id, canceled=True, compact_revision=compacted
    )
