"""Nodes that find each other: two questions, and what becomes of an answer that does not come.

Maymounkov and Mazières 2002, section 2.3. A node answers PING and FIND_NODE. Whatever it hears, a
question or an answer, tells it that the sender is there: so the table renews itself as it is used,
and nobody has to send heartbeats. A node joins with the address of one member, a *seed*: beginning
there it looks up its own key, and that makes it known to all who are near. It does so again now and
then. The paper has it once; but of nodes that join at the same moment by two seeds, each sees only
those that came by its own, and a lookup among these never leaves them.

Each request has a number, which its answer repeats. An answer counts only if it comes from the node
that was asked, and that node says the key under which it was asked: else it is late, or forged.
"""

from collections.abc import Mapping

from bonus_overlays.kademlia.buckets import (
    BITS,
    HEX,
    Contact,
    K,
    Key,
    RoutingTable,
    bucket_index,
    is_key,
    key_of,
)
from bonus_overlays.kademlia.lookup import ALPHA, Search
from bonus_overlays.kademlia.messages import (
    Finding,
    FindNode,
    Goal,
    Inquiry,
    Lookup,
    Meet,
    Nodes,
    Ping,
    Pong,
    Refresh,
    Refreshing,
    Request,
    RequestIsLate,
)
from common.contract import CallId, Node, NodeId, on
from common.values.history import Failed, Ok
from common.values.units import MS, SECOND

REQUEST_TIMEOUT = 300 * MS
"""How long a node waits for an answer before it takes the other one for gone."""
REFRESH_EVERY = 3600 * SECOND
"""A bucket in which nothing was looked up for so long is looked into (section 2.3)."""
MOST_INQUIRIES = 256
"""Lookups of one node under way at once."""


class Finder(Node):
    """A node of the overlay that finds others and is found.

    Args:
        id: its address.
        peers: addresses of others, as the world knows them; it speaks with those that it finds.
        key: its key; that of its address unless given.
        seeds: members to join by; the first of the peers unless given. A node that knows nobody
            waits until somebody speaks to it.
        k: contacts in a bucket, and nodes that a lookup finds.
        alpha: requests of a lookup under way at once.
        request_timeout: how long to wait for an answer, in microseconds.
        refresh_every: how long a bucket may lie still, in microseconds.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        key: Key = "",
        seeds: tuple[NodeId, ...] = (),
        k: int = K,
        alpha: int = ALPHA,
        request_timeout: int = REQUEST_TIMEOUT,
        refresh_every: int = REFRESH_EVERY,
    ) -> None:
        super().__init__(id, peers)
        self.key = key or key_of(id.encode())
        self.seeds = tuple(seed for seed in seeds or peers[:2] if seed != id)
        self.k = k
        self.alpha = alpha
        self.request_timeout = request_timeout
        self.refresh_every = refresh_every
        self.table = RoutingTable(self.key, k)
        self.looked_at: dict[int, int] = {}
        """By bucket, when something in it was last looked up."""
        self.requests: dict[int, Request] = {}
        """Requests under way, by number, the oldest first."""
        self.alarm: int | None = None
        """When the timer for the oldest of them is due; None where there is no timer."""
        self.inquiries: dict[int, Inquiry] = {}
        """Lookups under way, by number."""
        self.last_inquiry = 0

    def on_start(self) -> None:
        """Join, and look into the buckets every now and then."""
        self.join()
        self.set_timer(self.refresh_every, Refresh())

    def status(self) -> Mapping[str, object]:
        """How many contacts and lookups there are."""
        return {"contacts": len(self.table.contacts()), "lookups": len(self.inquiries)}

    # Joining and refreshing.

    @on(Meet)
    def meet(self, meet: Meet, call: CallId) -> None:
        """One more seed."""
        if meet.node != self.id and meet.node not in self.seeds:
            self.seeds += (meet.node,)
            self.ask(Contact("", meet.node))
        self.finish(call, Ok())

    def join(self) -> None:
        """Ask the seeds whether they are there: only their addresses are known. Each one that
        answers is where a lookup of the own key begins."""
        for seed in self.seeds:
            self.ask(Contact("", seed))

    def refresh(self, oldest: int) -> None:
        """Look up a random key of each bucket with contacts that lay still (section 2.3).

        Args:
            oldest: a bucket in which something was looked up later than this is left alone.
        """
        for index in sorted(self.table.buckets):
            if self.looked_at.get(index, oldest) <= oldest:
                self.look_up(self.random_key(index), Refreshing())

    def random_key(self, index: int) -> Key:
        """A random key in bucket ``index``: the first ``index`` bits as in the own key, the next
        one not, and all others by chance."""
        free = BITS - index - 1
        own = int(self.key, 16) >> free
        return f"{(own ^ 1) << free | self.random.getrandbits(BITS) & (1 << free) - 1:0{HEX}x}"

    @on(Refresh)
    def refresh_is_due(self, timer: Refresh) -> None:
        """Look up the own key once more, by the contacts and from each seed: those that are near
        may be new. Buckets that lay still are looked into after that (:meth:`concluded`)."""
        self.set_timer(self.refresh_every, Refresh())
        self.join()
        self.look_up(self.key, Refreshing())

    # The contacts in messages.

    def heard(self, key: Key, sender: NodeId) -> None:
        """A message came from ``sender``, which says that its key is ``key`` (section 2.2).

        It becomes a contact, or waits to become one. A word that is no key makes no contact.
        """
        if is_key(key):
            self.table.seen(Contact(key, sender))

    # Requests.

    def ask(self, contact: Contact, inquiry: int = 0) -> None:
        """Put a request to ``contact``: the question of a lookup, or a Ping."""
        number = self.begin_request(contact, inquiry)
        if inquiry:
            about = self.inquiries[inquiry]
            self.send(contact.node, self.question(number, about.goal, about.search.target))
        else:
            self.send(contact.node, Ping(number, self.key))

    def begin_request(self, contact: Contact, inquiry: int) -> int:
        """Returns a number for a request that is to be sent to ``contact`` now. It is drawn by
        chance: who does not see the request cannot forge an answer.

        All requests have the same time, so the oldest one is late first, and one timer is enough.
        """
        number = self.random.getrandbits(32)
        while number in self.requests:
            number = self.random.getrandbits(32)
        self.requests[number] = Request(contact, inquiry, self.now + self.request_timeout)
        if self.alarm is None:
            self.watch_oldest()
        return number

    def watch_oldest(self) -> None:
        """Set the timer for the oldest request, if one is under way."""
        oldest = next(iter(self.requests.values()), None)
        self.alarm = None if oldest is None else oldest.late_at
        if oldest is not None:
            self.set_timer(oldest.late_at - self.now, RequestIsLate())

    def question(self, number: int, goal: Goal, target: Key) -> object:
        """What a lookup with this goal asks: FindNode, unless a later file has another question."""
        return FindNode(number, self.key, target)

    def end_request(self, number: int, key: Key, sender: NodeId) -> Request | None:
        """An answer came: returns the request that it ends, or None where it ends none.

        It ends the request of this number if ``sender`` was asked. If only its address was known,
        the request's contact has a key from now on. If the sender was asked as somebody with
        another key, then that contact is not there any more, and has failed.
        """
        request = self.requests.get(number)
        if request is None or request.contact.node != sender or not is_key(key):
            return None
        del self.requests[number]
        if not request.contact.key:
            request.contact = Contact(key, sender)
        elif request.contact.key != key:
            self.gone(request)
            return None
        self.table.seen(request.contact)
        return request

    def gone(self, request: Request) -> None:
        """Nobody answers to this contact's key: the table and the lookup are told."""
        self.table.failed(request.contact)
        inquiry = self.inquiries.get(request.inquiry)
        if inquiry is not None:
            inquiry.search.failed(request.contact)
            self.advance(request.inquiry)

    @on(RequestIsLate)
    def request_is_late(self, timer: RequestIsLate) -> None:
        """Those that have not answered in time are :meth:`gone`; the next one is waited for.

        If the timer itself is late, by more than half of a request's time, then this node was
        paused, or its clock was set. Answers may have come meanwhile, and nobody has read them. So
        it takes nobody for gone, and each request has its whole time once more.
        """
        assert self.alarm is not None, "it is set as long as the timer is"
        if abs(self.now - self.alarm) > self.request_timeout // 2:
            for request in self.requests.values():
                request.late_at = self.now + self.request_timeout
        until = max(self.now, self.alarm)  # a clock that runs fast may show a little less than that
        late = [each for each, request in self.requests.items() if request.late_at <= until]
        for number in late:
            self.gone(self.requests.pop(number))
        self.watch_oldest()

    @on(Ping)
    def ping_received(self, ping: Ping, sender: NodeId) -> None:
        """Answer, and remember who asked."""
        self.send(sender, Pong(ping.number, self.key))
        self.heard(ping.key, sender)

    @on(Pong)
    def pong_received(self, pong: Pong, sender: NodeId) -> None:
        """The sender is there, which is all that it says. Where no lookup has asked, it is a seed,
        and a lookup of the own key begins with it alone (section 2.3)."""
        request = self.end_request(pong.number, pong.key, sender)
        if request is not None and request.inquiry:
            self.learn(request, ())
        elif request is not None:
            self.look_up(self.key, Refreshing(), (request.contact,))

    @on(FindNode)
    def find_node_received(self, asked: FindNode, sender: NodeId) -> None:
        """Answer with the closest contacts, without the sender itself; remember who asked."""
        if is_key(asked.target):
            close = self.table.closest(asked.target, but=asked.key)
            self.send(sender, Nodes(asked.number, self.key, close))
            self.heard(asked.key, sender)

    @on(Nodes)
    def nodes_received(self, nodes: Nodes, sender: NodeId) -> None:
        """Hand what was named to the lookup that asked. Contacts become contacts of this node only
        once they have spoken for themselves: to be named proves nothing."""
        request = self.end_request(nodes.number, nodes.key, sender)
        if request is not None:
            self.learn(request, nodes.contacts)

    def learn(self, request: Request, contacts: tuple[Contact, ...]) -> None:
        """An answer to ``request`` has named contacts: the lookup goes on, if it is under way."""
        inquiry = self.inquiries.get(request.inquiry)
        if inquiry is not None:
            inquiry.search.answer(request.contact, contacts)
            self.advance(request.inquiry)

    # Lookups.

    @on(Lookup)
    def lookup(self, lookup: Lookup, call: CallId) -> None:
        """Look up a key for a person; what is no key, and one lookup too many, fails."""
        if not is_key(lookup.key):
            self.finish(call, Failed(f"{lookup.key!r} is no key: write {HEX} hexadecimal digits"))
        elif len(self.inquiries) >= MOST_INQUIRIES:
            self.finish(call, Failed(f"{MOST_INQUIRIES} lookups are under way: ask again later"))
        else:
            self.look_up(lookup.key, Finding(call))

    def look_up(self, target: Key, goal: Goal, start: tuple[Contact, ...] = ()) -> None:
        """Begin a lookup; :meth:`concluded` ends it.

        Args:
            target: of which key.
            goal: what for.
            start: the contacts to begin with; the closest ones of the table unless given.
        """
        self.last_inquiry += 1
        if target != self.key:
            self.looked_at[bucket_index(self.key, target)] = self.now
        search = self.new_search(target, start or self.table.closest(target))
        self.inquiries[self.last_inquiry] = Inquiry(search, goal)
        self.advance(self.last_inquiry)

    def new_search(self, target: Key, start: tuple[Contact, ...]) -> Search:
        """The bookkeeping of a new lookup."""
        return Search(target, self.k, self.alpha, start, self.key)

    def advance(self, number: int) -> None:
        """Ask all that the lookup ``number`` wants to ask now; if it is done, it ends."""
        inquiry = self.inquiries[number]
        while (contact := inquiry.search.next_to_ask()) is not None:
            self.ask(contact, number)
        if inquiry.search.is_done:
            del self.inquiries[number]
            self.concluded(inquiry)

    def concluded(self, inquiry: Inquiry) -> None:
        """A lookup has ended; tell who asked for it. That of the own key is followed by a look into
        each bucket that lay still. After joining that is all of them (section 2.3)."""
        match inquiry.goal:
            case Finding(call):
                self.finish(call, Ok(tuple(contact.node for contact in inquiry.search.found)))
            case Refreshing() if inquiry.search.target == self.key:
                self.refresh(self.now - self.refresh_every)
