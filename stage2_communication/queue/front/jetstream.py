"""What a JetStream client needs to use the queue: publish, fetch, acknowledge.

JetStream is an interface of JSON over plain NATS requests (docs.nats.io, "JetStream wire API"): so
a client that publishes waits for an answer, as with any request. The node does the work; here it is
translated:

* A stream ``jobs`` is a topic, and takes in what is published to ``queue.jobs``.
* Its consumers compete, under whatever names: a *work queue*, in JetStream's words. A name has no
  more in hand than the broker's ``prefetch``.
* The dead letters of a stream ``jobs`` are the stream ``jobs-dead``: its name has no dot.
* How long a delivery is hidden, and how often it is delivered, says the broker. A consumer that
  wants something else is refused.

Nothing is kept here but requests that wait for messages.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from common.runtime.facade import Door
from common.values.history import Ok, Outcome
from stage2_communication.queue.dead import DEAD
from stage2_communication.queue.front.exchange import Exchange, Message
from stage2_communication.queue.served import (
    ServeAck,
    ServeCount,
    ServeExtend,
    ServeFetch,
    ServeNack,
    ServePublish,
)
from stage2_communication.queue.topics import Delivery

PREFIX = "queue."
API, ACKS = "$JS.API.", "$JS.ACK."
DEAD_SUFFIX = "-dead"
MOST_BATCH = 10_000
MOST_WAITING = 512
"""Fetches that wait for messages, as NATS' ``max_waiting``."""
POLL_SECONDS = 0.02
"""How soon a waiting fetch sees a message that no client of this front has moved: one whose lease
is over, say."""
MOST_BUSY = 16
"""Fetches for which the node is asked at the same time; each brings one batch at most."""
NANOSECONDS = 1_000_000_000
CREATED = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
"""Streams are always there, so this is as good a date as any."""


SETTLING = {b"+ACK": ServeAck, b"+TERM": ServeAck, b"-NAK": ServeNack, b"+WPI": ServeExtend}
"""By what a client says of a delivery, what happens to it."""


@dataclass(slots=True)
class Pull:
    """A fetch that waits for messages.

    Attributes:
        stream: whose.
        consumer: who fetches.
        reply: where the messages go.
        left: how many it still wants.
        ends_at: when it gives up, by the loop's clock.
        lingers: whether it waits on after it has got some.
        has_some: whether it has got some.
        is_busy: whether the node is being asked for it.
    """

    stream: str
    consumer: str
    reply: str
    left: int
    ends_at: float
    lingers: bool
    has_some: bool = False
    is_busy: bool = False


class Refused(Exception):
    """What is answered as JetStream's error: a code, and a sentence."""

    def __init__(self, code: int, sentence: str, number: int = 0) -> None:
        super().__init__(sentence)
        self.error = {"code": code, "err_code": number or 10000 + code, "description": sentence}


class JetStream:
    """Translates for one broker.

    Args:
        door: to the node.
        exchange: whose messages these are.
        config: the node's own.
    """

    def __init__(self, door: Door, exchange: Exchange, config: Mapping[str, Any]) -> None:
        self._door = door
        self._exchange = exchange
        self._settings = {
            "ack_wait": int(config.get("visibility", 400_000)) * 1000,
            "max_deliver": int(config.get("most_deliveries", 0)) or -1,
            "max_ack_pending": int(config.get("prefetch", 4)),
        }
        self._consumers: set[tuple[str, str]] = set()
        self._pulls: list[Pull] = []
        self._timer: asyncio.TimerHandle | None = None
        exchange.taps.append(self.heard)

    def close(self) -> None:
        """Let nobody wait any more."""
        self._pulls.clear()
        if self._timer is not None:
            self._timer.cancel()

    def heard(self, message: Message) -> bool:
        """See a message that was published; says whether it is for us."""
        subject = message.subject
        if subject.startswith(PREFIX) and "." not in subject[len(PREFIX) :]:
            self._publish(subject[len(PREFIX) :], message)
        elif subject.startswith(ACKS):
            self._settle(message)
        elif subject.startswith(API):
            self._request(subject[len(API) :].split("."), message)
        else:
            return False
        return True

    def _answer(self, message: Message, kind: str, **fields: object) -> None:
        if message.reply:
            answer = json.dumps({"type": f"io.nats.jetstream.api.v1.{kind}", **fields})
            self._exchange.publish(Message(message.reply, "", b"", answer.encode()))

    # Publishing and acknowledging.

    def _publish(self, stream: str, message: Message) -> None:
        def published(outcome: Outcome) -> None:
            sequence, known = told(outcome)
            self._answer(
                message,
                "pub_ack",
                stream=stream,
                seq=sequence,
                **({"duplicate": True} if known else {}),
            )
            self._feed()

        id = header_of(message.header, "Nats-Msg-Id")
        text = message.payload.decode("latin-1")
        self._door.invoke(
            ServePublish(topic_of(stream), text, f"{stream}/{id}" if id else ""), published
        )

    def _settle(self, message: Message) -> None:
        """``$JS.ACK.stream.consumer.attempt.sequence...``, and in the payload what is said."""
        tokens = message.subject.split(".")
        if len(tokens) < 6 or not (tokens[4].isdigit() and tokens[5].isdigit()):
            return
        attempt, sequence = int(tokens[4]), int(tokens[5])
        said = message.payload.partition(b" ")[0] or b"+ACK"
        if said not in SETTLING:
            return

        def settled(_: Outcome) -> None:
            if message.reply:
                self._exchange.publish(Message(message.reply, "", b"", b""))
            self._feed()

        self._door.invoke(SETTLING[said](sequence, attempt), settled)

    # Requests.

    def _request(self, tokens: list[str], message: Message) -> None:
        verb = ".".join(tokens[:2])
        try:
            asked = json.loads(message.payload or b"{}")
            if not isinstance(asked, dict):
                raise ValueError("an object is wanted")
            self._carry_out(verb, tokens, asked, message)
        except (ValueError, RecursionError):
            refused = Refused(400, "the request is no JSON object that this server knows")
            self._answer(message, "error", error=refused.error)
        except Refused as error:
            self._answer(message, "error", error=error.error)

    def _carry_out(
        self, verb: str, tokens: list[str], asked: dict[str, Any], message: Message
    ) -> None:
        match verb, tokens[2:]:
            case (("STREAM.CREATE" | "STREAM.INFO"), [stream]):
                if verb == "STREAM.CREATE" and asked.get("subjects") != [PREFIX + stream]:
                    raise Refused(400, f"the stream {stream} has one subject: {PREFIX}{stream}")
                self._describe_stream(stream, message)
            case "STREAM.NAMES", []:
                subject = str(asked.get("subject", ""))
                names = [subject[len(PREFIX) :]] if subject.startswith(PREFIX) else []
                page = {"total": len(names), "offset": 0, "limit": 1024, "streams": names}
                self._answer(message, "stream_names_response", **page)
            case "CONSUMER.CREATE", [stream, consumer, *_]:
                self._create_consumer(stream, consumer, asked.get("config"), message)
            case "CONSUMER.DURABLE", ["CREATE", stream, consumer]:
                self._create_consumer(stream, consumer, asked.get("config"), message)
            case "CONSUMER.INFO", [stream, consumer]:
                if (stream, consumer) not in self._consumers:
                    raise Refused(404, "consumer not found", 10014)
                self._describe_consumer(stream, consumer, message)
            case "CONSUMER.MSG", ["NEXT", stream, consumer]:
                self._pull(stream, consumer, asked, message.reply)
            case _:
                raise Refused(400, f"{verb} is not served here: see the lab's page", 10025)

    def _describe_stream(self, stream: str, message: Message) -> None:
        def counted(outcome: Outcome) -> None:
            count, last = told(outcome)
            state = {"messages": count, "bytes": 0, "first_seq": 0, "last_seq": last}
            self._answer(
                message,
                "stream_info_response",
                config={"name": stream, "subjects": [PREFIX + stream], "retention": "workqueue"},
                state={**state, "consumer_count": 0},
                created=CREATED,
            )

        self._door.invoke(ServeCount(topic_of(stream)), counted)

    def _create_consumer(self, stream: str, name: str, config: Any, message: Message) -> None:
        if not isinstance(config, dict):
            raise Refused(400, "a consumer has a config")
        for setting, ours in self._settings.items():
            if config.get(setting) not in (None, 0, ours):
                theirs = config[setting]
                raise Refused(400, f"{setting} is {ours} here, as the broker says, not {theirs}")
        self._consumers.add((stream, name))
        self._describe_consumer(stream, name, message)

    def _describe_consumer(self, stream: str, name: str, message: Message) -> None:
        config = {"durable_name": name, "ack_policy": "explicit", **self._settings}
        about = {"stream_name": stream, "name": name, "config": config, "created": CREATED}
        self._answer(message, "consumer_info_response", **about)

    # Fetching.

    def _pull(self, stream: str, consumer: str, asked: dict[str, Any], reply: str) -> None:
        batch, expires = asked.get("batch", 1), asked.get("expires", 0)
        if not (isinstance(batch, int) and isinstance(expires, int) and reply):
            raise Refused(400, "batch and expires are whole numbers, and there is a reply subject")
        if not 0 < batch <= MOST_BATCH or len(self._pulls) >= MOST_WAITING:
            self._status(reply, "409 Exceeded MaxRequestBatch or MaxWaiting")
            return
        no_wait = asked.get("no_wait") is True
        now = asyncio.get_running_loop().time()
        ends_at = now + (expires / NANOSECONDS if expires or no_wait else 86_400.0)
        self._pulls.append(Pull(stream, consumer, reply, batch, ends_at, not no_wait))
        self._feed()

    def _feed(self) -> None:
        """Ask the node for what waiting fetches want; again before long, while there are any."""
        now = asyncio.get_running_loop().time()
        room = MOST_BUSY - sum(pull.is_busy for pull in self._pulls)
        for pull in [pull for pull in self._pulls if not pull.is_busy]:
            if not self._exchange.is_heard(pull.reply):
                self._pulls.remove(pull)  # who has asked is gone
            elif room > 0 and not self._exchange.is_behind(pull.reply):
                room -= 1
                pull.is_busy = True
                fetch = ServeFetch(topic_of(pull.stream), pull.consumer, pull.left)
                self._door.invoke(fetch, partial(self._fetched, pull, now))
        if self._timer is None and self._pulls:
            self._timer = asyncio.get_running_loop().call_later(POLL_SECONDS, self._poll)

    def _poll(self) -> None:
        self._timer = None
        self._feed()

    def _fetched(self, pull: Pull, asked_at: float, outcome: Outcome) -> None:
        """Send what there is; end the fetch when it has enough, or its time is over."""
        pull.is_busy = False
        given = told(outcome)
        for delivery in given:
            self._deliver(pull, delivery)
        pull.left -= len(given)
        pull.has_some |= bool(given)
        satisfied = pull.left == 0 or (pull.has_some and not given and not pull.lingers)
        over = asked_at >= pull.ends_at and (pull.lingers or not given)
        if pull not in self._pulls:
            return
        if not (satisfied or over):
            if given:  # one batch is not all that there is
                asyncio.get_running_loop().call_soon(self._feed)
            return
        self._pulls.remove(pull)
        if pull.left:
            status = "408 Request Timeout" if pull.lingers else "404 No Messages"
            self._status(pull.reply, status)

    def _deliver(self, pull: Pull, delivery: Delivery) -> None:
        name = (pull.stream, pull.consumer, delivery.attempt, delivery.sequence)
        parts = (*name, delivery.sequence, time.time_ns(), 0)
        reply = ACKS + ".".join(map(str, parts))
        payload = delivery.text.encode("latin-1")
        self._exchange.deliver(pull.reply, Message(PREFIX + pull.stream, reply, b"", payload))

    def _status(self, reply: str, status: str) -> None:
        header = f"NATS/1.0 {status}\r\n\r\n".encode()
        self._exchange.publish(Message(reply, "", header, b""))


def topic_of(stream: str) -> str:
    """The broker's name of a stream.

    >>> topic_of("jobs"), topic_of("jobs-dead")
    ('jobs', 'jobs.dead')
    """
    name = stream.removesuffix(DEAD_SUFFIX)
    return stream if name == stream else name + DEAD


def told(outcome: Outcome) -> Any:
    """What the node says: these operations all end with Ok."""
    assert isinstance(outcome, Ok), "a broker serves what it is asked for"
    return outcome.value


def header_of(header: bytes, name: str) -> str:
    r"""The first value of a header, or "".

    >>> header_of(b"NATS/1.0\r\nNats-Msg-Id: 7\r\n\r\n", "Nats-Msg-Id")
    '7'
    """
    for line in header.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name.lower().encode():
            return value.strip().decode("utf-8", "replace")
    return ""
