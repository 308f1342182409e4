"""Byzantine nodes in the explorer: who hears whom, and what becomes of what a liar says.

A node that runs twice is two nodes here, ``n1`` and ``n1'``, of one identity. What is sent to it is
in flight to each half that sees the sender. A message may stay in flight for ever, so every way in
which the halves can miss messages is explored as well.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random

from common.check.explorer.instance import Instance
from common.contract.events import NodeId
from common.contract.lies import Later, Liar
from common.contract.node import Node
from common.values.faults import Corrupt, Twin, twin_of

Sends = Sequence[tuple[NodeId, object]]


class Liars:
    """What an instance's liars change.

    Args:
        instance: the instance.

    Attributes:
        byzantine: all liars, with both halves of those that run twice.
    """

    def __init__(self, instance: Instance) -> None:
        self._identity = {id: instance.identity(id) for id in instance.everyone}
        self._plans: Mapping[NodeId, Corrupt] = {
            fault.node: fault for fault in instance.liars if isinstance(fault, Corrupt)
        }
        self._behaviours = instance.behaviours
        self._halves: dict[NodeId, tuple[NodeId, ...]] = {}
        for fault in instance.liars:
            if isinstance(fault, Twin):
                both = (fault.node, twin_of(fault.node))
                self._halves.update(zip(both, fault.halves, strict=True))
        self.byzantine = frozenset([*self._plans, *self._halves])

    def identity(self, id: NodeId) -> NodeId:
        """Under which name ``id`` sends."""
        return self._identity[id]

    def said(self, node: Node, sends: Sends, random: Random) -> Sends:
        """What a node says in place of ``sends``.

        Args:
            node: the node after its step.
            sends: receivers and messages that it asked for.
            random: for lies.
        """
        plan = self._plans.get(node.id)
        return sends if plan is None else list(self._lies(plan, Liar(node.id, node, random), sends))

    def reached(self, source: NodeId, sends: Sends) -> Sends:
        """The same with each receiver that runs twice replaced by those halves that hear it.

        Args:
            source: which node, or which half of it, sends.
            sends: receivers and messages.
        """
        if not self._halves:
            return sends
        return [(half, message) for to, message in sends for half in self._hear(source, to)]

    def _lies(self, plan: Corrupt, liar: Liar, sends: Sends) -> Iterator[tuple[NodeId, object]]:
        behaviour = self._behaviours[plan.behaviour]
        for to, message in sends:
            if plan.to and to not in plan.to:
                yield to, message
                continue
            for told in behaviour(liar, to, message):
                yield to, told.message if isinstance(told, Later) else told

    def _hear(self, source: NodeId, to: NodeId) -> Iterable[NodeId]:
        """The halves of ``to`` that hear what ``source`` says."""
        if to == self._identity[source]:
            return (source,)
        halves = (to, twin_of(to)) if twin_of(to) in self._halves else (to,)
        return [half for half in halves if self._sees(source, half) and self._sees(half, source)]

    def _sees(self, one: NodeId, other: NodeId) -> bool:
        half = self._halves.get(one)
        return half is None or other in half
