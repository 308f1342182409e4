"""Clients of the course: a producer that repeats itself safely, and a consumer that reads on.

A producer has an id, and numbers what it sends to each partition. So it may send a batch again and
again, to one leader after another, until it is told that all in-sync replicas have it. If it is
never told, it goes on under another id: the old number may be taken, or not.
"""

from typing import Any, ClassVar

from common.contract import Asker, CallId, NodeId, on, operation
from common.contract.asking import Asked
from common.values.history import Failed, Ok, Outcome, Unknown
from stage8_real_systems.log.batches import batch_of, texts
from stage8_real_systems.log.broker import OPERATIONS, RESULTS
from stage8_real_systems.log.requests import (
    Ask,
    CreateTopic,
    Error,
    Fetch,
    Fetched,
    FetchPart,
    InitProducer,
    Produce,
    Produced,
    ProducerId,
    Refused,
    Told,
)

TOPIC = "t"
PARTITIONS = 2


@operation
class Send:
    """Append ``text`` to the partition ``key``; the result is its offset."""

    key: str
    text: str


@operation
class Read:
    """Read the partition ``key`` on, from where the last Read ended.

    The result is where this one began, and all that is there: pairs of an offset and a text.
    """

    key: str


class LogClient(Asker):
    """Writes to partitions and reads them.

    Args:
        id, peers, config: as of an :class:`~common.contract.asking.Asker`; the peers are the
            brokers.
    """

    carries: ClassVar[tuple[type, ...]] = (*OPERATIONS, *RESULTS)
    most_redirects = 3

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Any) -> None:
        super().__init__(id, peers, **config)
        self.leaders: dict[str, NodeId] = {}
        """Who leads each partition, as far as was heard."""
        self.producer: ProducerId | None = None
        """Its id as a producer; None if it has to get one first."""
        self.sequences: dict[str, int] = {}
        """The sequence of the next record for each partition, under this id."""
        self.positions: dict[str, int] = {}
        """Where the next Read of each partition begins."""
        self.doing: Send | Read | None = None
        """What it was asked for; each step towards it is a request of its own."""

    # What it is asked for.

    @on(Send, Read)
    def begin(self, operation: Send | Read, call: CallId) -> None:
        """Take the first step."""
        self.give_up()
        self.doing = operation
        self.go_on(call)

    def give_up(self) -> None:
        """If the client asks for something else, it waits no longer for what it asked before."""
        for number in list(self.under_way):
            self.end(number, Unknown("given up"))

    def go_on(self, call: CallId) -> None:
        """Take the next step towards what it was asked for."""
        match self.doing:
            case Send() if self.producer is None:
                self.put(InitProducer(), call)
            case Send(key, text):
                assert self.producer is not None, "the case before this one"
                id, epoch = self.producer.producer, self.producer.epoch
                sequence = self.sequences.get(key, 0)
                batch = batch_of((key, text), producer=id, producer_epoch=epoch, sequence=sequence)
                self.put(Produce(TOPIC, int(key), batch), call)
            case Read(key):
                part = FetchPart(TOPIC, int(key), self.positions.get(key, 0))
                self.put(Fetch((part,)), call, question=True)

    def put(self, operation: object, call: CallId, *, question: bool = False) -> None:
        """Put a request to a broker."""
        self.ask(Ask(self.new_number(), operation), call, question=question)

    # What it is told.

    @on(Told)
    def told(self, told: Told, sender: NodeId) -> None:
        """An answer; what is refused for a while is asked again, perhaps of somebody else."""
        asked = self.under_way.get(told.number)
        if asked is None:
            return
        result = told.result
        if isinstance(result, Fetched) and result.parts[0].error:
            result = self.refused_part(result)
        if isinstance(result, Refused):
            self.refused(asked, result)
        else:
            self.end(told.number, Ok(result), sender)

    def refused_part(self, fetched: Fetched) -> Refused:
        """A read was refused; one below the start of the log goes on at the start."""
        part = fetched.parts[0]
        key = str(part.partition)
        if part.error is Error.OFFSET_OUT_OF_RANGE:
            self.positions[key] = max(self.positions.get(key, 0), part.log_start)
        return Refused(part.error)

    def refused(self, asked: Asked, refusal: Refused) -> None:
        """Go to the leader, make the topic, or wait for the next attempt."""
        number = asked.request.number
        self.not_now(number, refusal.error.name)
        match refusal.error:
            case Error.NOT_LEADER_OR_FOLLOWER if refusal.text:
                self.redirect(number, refusal.text)
            case Error.UNKNOWN_TOPIC_OR_PARTITION:
                server = asked.server
                self.send(server, Ask(0, CreateTopic(TOPIC, PARTITIONS)))  # nobody waits for 0
            case Error.OUT_OF_ORDER_SEQUENCE_NUMBER | Error.INVALID_PRODUCER_EPOCH:
                self.end(number, Unknown(refusal.error.name))

    def ended(self, asked: Asked, outcome: Outcome) -> None:
        """A step has ended: take the next one, or tell how all of it did."""
        if not isinstance(outcome, Ok):
            if isinstance(self.doing, Send) and isinstance(asked_for(asked), Produce):
                self.producer = None  # nobody knows which sequence is the next one
            elif isinstance(self.doing, Send):
                outcome = Failed("no id to send it under: not sent")
            self.finish(asked.call, outcome)
            return
        match outcome.value:
            case ProducerId() as id:
                self.producer, self.sequences = id, {}
                self.go_on(asked.call)
            case Produced(offset):
                assert isinstance(self.doing, Send), "only a Send produces"
                key = self.doing.key
                self.sequences[key] = self.sequences.get(key, 0) + 1
                self.finish(asked.call, Ok(offset))
            case Fetched() as fetched:
                self.finish(asked.call, Ok(self.read(fetched)))

    def read(self, fetched: Fetched) -> tuple[int, tuple[tuple[int, str], ...]]:
        """What is new in an answer; the next Read begins behind it."""
        part = fetched.parts[0]
        key = str(part.partition)
        start = self.positions.get(key, 0)
        found: list[tuple[int, str]] = []
        for batch in part.batches:
            found += enumerate(texts(batch), batch.base_offset)
            self.positions[key] = batch.next_offset
        return start, tuple(each for each in found if each[0] >= start)


def asked_for(asked: Asked) -> object:
    """The operation in a request that is under way."""
    assert isinstance(asked.request, Ask), "a client of brokers puts nothing else"
    return asked.request.operation
