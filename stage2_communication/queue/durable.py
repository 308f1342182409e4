"""Part 4: what is acknowledged is on disk.

An acknowledgement is a promise. *Published* says: the producer may forget the message. *Settled*
says: the consumer may forget it. Both must hold after a crash. So the change is on disk before the
answer leaves; the contract sees to that for all saves of the step that sends it.

What has to be on disk:

* Each message, until it is acknowledged, and the last sequence. (Sequences of messages that are
  gone must not be given again: an acknowledgement of the old one would remove the new one.)
* The last answer to each client, except a Batch. Else a retry after a crash publishes twice.
* How often a message was delivered, and to whom, before the delivery leaves. Otherwise two
  deliveries have the same name, and a late acknowledgement of the first one removes the message
  while the second one is being worked on.

Leases are not on disk, since clocks go on while a broker is down. After a start each message that
was in hand *may* still be in hand: it is hidden for one visibility time more (Gray and Cheriton
1989, section 2, say the same of a server that forgot its leases).

**The published bug.** NATS JetStream acknowledges a publish when it is in the cache of the
operating system, and syncs every two minutes. Jepsen (NATS 2.12.1) lost acknowledged messages by a
power cut: nats-server#7564. ``broken.py`` does the same. This file does what ``sync_interval:
always`` does.
"""

from typing import Any

from common.contract import NodeId
from stage2_communication.queue.ordered import OrderedBroker
from stage2_communication.queue.topics import Answer, Batch, Delivery, Queued


class DurableBroker(OrderedBroker):
    """Keeps its promises over crashes.

    It saves, for each message that is not acknowledged, ``("message", sequence)`` as
    ``(topic, key, text)``, and once it was delivered ``("delivered", sequence)`` as
    ``(attempts, consumer)``; ``"last"`` as the last sequence; and ``("answer", client)`` as the
    last Published or Settled to that client.
    """

    def on_start(self) -> None:
        """Go on with what was saved: ``"last"``, each ``("answer", client)``, and in the order of
        their sequences the messages, each ``("message", sequence)``. What was delivered,
        ``("delivered", sequence)``, is in hand for one whole lease; the others wait."""
        self.last_sequence = self.saved.get("last", 0)
        for client in self.saved_under("answer"):
            self.answers[client] = self.saved["answer", client]
        for sequence in sorted(self.saved_under("message")):
            topic, key, text = self.saved["message", sequence]
            attempts, holder = self.saved.get(("delivered", sequence), (0, ""))
            self.queued[sequence] = Queued(topic, key, text, attempts, holder)
            waiting = self.waiting.setdefault(topic, [])
            if holder:
                self.begin_lease(sequence)
            else:
                waiting.append(sequence)

    def saved_under(self, kind: str) -> list[Any]:
        """The sequences of the messages that were saved, or the clients of the answers, in no
        order: for each key ``(kind, x)`` the x."""
        keys = (key for key in self.saved if isinstance(key, tuple))
        return [key[1] for key in keys if key[0] == kind]

    def enqueue(self, topic: str, key: str, text: str) -> int:
        """As ever, and save ``("message", sequence)``, and the sequence as ``"last"``."""
        sequence = super().enqueue(topic, key, text)
        self.save(("message", sequence), (topic, key, text))
        self.save("last", sequence)
        return sequence

    def hand_out(self, sequence: int, consumer: NodeId) -> Delivery:
        """As ever, and save how often and to whom, as ``("delivered", sequence)``."""
        delivery = super().hand_out(sequence, consumer)
        self.save(("delivered", sequence), (delivery.attempt, consumer))
        return delivery

    def remove(self, sequence: int) -> None:
        """As ever, and forget its ``("message", sequence)`` and ``("delivered", sequence)``."""
        super().remove(sequence)
        self.forget(("message", sequence))
        self.forget(("delivered", sequence))

    def answer(self, client: NodeId, answer: Answer) -> None:
        """As ever, and save ``("answer", client)``; not a Batch, which promises nothing. What was
        saved before it stays."""
        if not isinstance(answer, Batch):
            self.save(("answer", client), answer)
        super().answer(client, answer)
