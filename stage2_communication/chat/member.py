"""A member of a chat as the person who sits there sees it: a transcript, and a place to type.

Here everything is complete but for one thing: whose turn it is (:meth:`Member.next_to_show`). That
is what the protocols of the lab differ in.

What is shown stays shown, in its place, over crashes too: a line of the transcript is saved before
anybody can read it. A person may sit at the member itself (the operations of ``messages.py``
happen to it directly), or ask from elsewhere through a client (``client.py``). Clients repeat
requests. A request to say something is posted once, because the post names it (:class:`Origin`).
What was refused stays refused, because that is saved.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from common.contract import CallId, NodeId, on
from common.values.history import Failed, Ok, Unknown
from stage2_communication.chat.client import Done, Refused, Request, Unsure
from stage2_communication.chat.messages import (
    Join,
    Joined,
    Leave,
    Line,
    Operation,
    Origin,
    Post,
    Read,
    Remove,
    Removed,
    Said,
    Say,
    brief,
    problem_of,
)
from stage2_communication.chat.spreading import Spreader
from stage2_communication.clocks.vector import VectorClock

MAX_LINES_READ = 200
"""Lines in the answer to one :class:`Read`."""

MAX_WAITING = 100
"""Own posts that may wait for their turn at once; one more is refused."""

MAX_POSTS = 100_000
"""A room takes no more posts after this many: every member keeps all of them."""

AskedBy: TypeAlias = CallId | Origin
"""Who asked for an operation: somebody at this member itself, or a client."""

GONE = "this member is no longer in the room"


class Member(Spreader):
    """Shows the posts of the room, one after the other, and posts what people say."""

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], *, founders: tuple[NodeId, ...] = ()
    ) -> None:
        super().__init__(id, peers, founders=founders)
        self.transcript: list[Post] = []
        """What is shown, in order; it only grows, over crashes too."""
        self.shown = VectorClock()
        """How many posts of each author are shown: always the first ones, without a gap."""
        self.waiting: dict[int, list[AskedBy]] = {}
        """Who waits for a post of this member to be shown, by its number."""
        self.joining: list[AskedBy] = []
        self.departing: list[AskedBy] = []
        self.last_request: dict[NodeId, Post] = {}
        """By client, this member's post that carries out its latest request to say something."""
        self.last_refused: dict[NodeId, int] = {}
        """By client, the number of its latest request that was refused. Durable."""

    def status(self) -> Mapping[str, object]:
        """How many members there are, and posts shown and not yet shown, and who is waited for."""
        return {
            "members": len(self.room.members()),
            "shown": len(self.transcript),
            "waiting": self.held.total - len(self.transcript),
            "for": ", ".join(self.waits_for()),
        }

    # What a protocol adds.

    @abstractmethod
    def next_to_show(self) -> Post | None:
        """The post whose turn it is to be shown, or None while there is none."""

    def waits_for(self) -> list[NodeId]:
        """The members without whose word nothing more can be shown."""
        return []

    def heads(self) -> list[Post]:
        """The first post of each author that is held and not yet shown, authors by name."""
        following = ((author, self.shown[author] + 1) for author in self.held.authors())
        found = (self.held.get(author, number) for author, number in following)
        return [post for post in found if post is not None]

    # Showing.

    def on_start(self) -> None:
        """Show again what was shown, and go on."""
        posts = {key: post for key, post in self.saved.items() if isinstance(post, Post)}
        for entry in self.saved.items():
            match entry:
                case ("refused", str(client)), int(number):
                    self.last_refused[client] = number
        place = 1
        while ("shown", place) in self.saved:
            self._show(posts["post", *self.saved["shown", place]])
            place += 1
        super().on_start()

    def now_held(self, posts: Sequence[Post]) -> None:
        """Remember which requests of clients are carried out."""
        for post in posts:
            if post.author == self.id and post.origin is not None:
                self.last_request[post.origin.client] = post

    def show_what_is_due(self) -> None:
        """Show posts as long as it is somebody's turn, and tell those who waited for that."""
        while self.id not in self.room.removed and (post := self.next_to_show()) is not None:
            self._show(post)
            place = len(self.transcript)
            self.save(("shown", place), (post.author, post.number))
            self.note(f"shows {brief(post)}", place=place, number=post.number)
            if post.author == self.id:
                self._answer_all(self.waiting.pop(post.number, []), Ok())
            if post.content == Joined(self.id):
                self._answer_all(self.joining, Ok())
        if self.id in self.room.removed:
            self._end_all()

    def _show(self, post: Post) -> None:
        self.transcript.append(post)
        self.shown.tick(post.author)

    def _end_all(self) -> None:
        """This member is out. Nobody can tell here whether the others got what was not shown."""
        self._answer_all(self.departing, Ok())
        self._answer_all(self.joining, Failed(f"{GONE}, and a name never comes back"))
        for number in sorted(self.waiting):
            self._answer_all(self.waiting.pop(number), Unknown(GONE))

    # Asking.

    @on(Say, Read, Join, Leave, Remove)
    def asked_here(self, operation: Operation, call: CallId) -> None:
        """Somebody who sits at this member asks for something."""
        self._take(operation, call)

    @on(Request)
    def asked_by_client(self, request: Request, sender: NodeId) -> None:
        """A client asks for something, perhaps not for the first time.

        What was refused stays refused: its client was told that it did not happen and never will.
        """
        asker = Origin(sender, request.number)
        if request.number <= self.last_refused.get(sender, -1):
            self._answer(asker, Failed("this was refused before"))
        else:
            self._take(request.operation, asker)

    def _take(self, operation: Operation, asker: AskedBy) -> None:
        match operation:
            case Read(after):
                self._read(max(0, after), asker)
            case Join():
                self._join(asker)
            case _ if not self.room.has(self.id):
                why = GONE if self.id in self.room.removed else "this member has not joined"
                if isinstance(operation, Leave) and self.id in self.room.removed:
                    self._answer(asker, Ok())
                else:
                    self._answer(asker, Failed(why))
            case Say(text):
                self._say(text, asker)
            case Leave():
                self._leave(asker)
            case Remove(name):
                self._remove(name, asker)
        self.settle()

    def _read(self, after: int, asker: AskedBy) -> None:
        posts = self.transcript[after : after + MAX_LINES_READ]
        lines = tuple(
            Line(place, post.author, post.number, post.content)
            for place, post in enumerate(posts, after + 1)
        )
        self._answer(asker, Ok(lines))

    def _say(self, text: str, asker: AskedBy) -> None:
        """Post it, unless it was posted for this very request, or cannot be."""
        if isinstance(asker, Origin) and asker.client in self.last_request:
            before = self.last_request[asker.client]
            assert before.origin is not None, "it carries out a request"
            if asker.number <= before.origin.number:
                self._wait_for(before.number, asker)
                return
        mine = self.held.count(self.id) - self.shown[self.id]
        if problem := problem_of(text):
            self._answer(asker, Failed(problem))
        elif mine >= MAX_WAITING:
            whom = ", ".join(self.waits_for()) or "the others"
            why = f"{mine} posts wait here already for a word of {whom}"
            self._answer(asker, Failed(why))
        elif self.held.total >= MAX_POSTS:
            why = f"the room is closed to new posts: it has {MAX_POSTS}"
            self._answer(asker, Failed(why))
        elif self.leaving:
            self._answer(asker, Failed("this member is leaving"))
        else:
            origin = asker if isinstance(asker, Origin) else None
            self._wait_for(self.post(Said(text), origin), asker)

    def _wait_for(self, number: int, asker: AskedBy) -> None:
        """Answer once the own post with this number is shown, or now, if it is."""
        if number <= self.shown[self.id]:
            self._answer(asker, Ok())
        else:
            self.waiting.setdefault(number, []).append(asker)

    def _join(self, asker: AskedBy) -> None:
        if self.id in self.room.removed:
            self._answer(asker, Failed(f"{GONE}, and a name never comes back: take another one"))
        elif self.room.joined.get(self.id) == 0 or Joined(self.id) in self._shown_joins():
            self._answer(asker, Ok())
        else:
            self.joining.append(asker)
            if not self.room.has(self.id):
                self.knock()

    def _shown_joins(self) -> list[object]:
        number = self.room.joined.get(self.id, 0)
        post = self.held.get(self.room.opener, number)
        return [post.content] if post is not None and number <= self.shown[self.room.opener] else []

    def _leave(self, asker: AskedBy) -> None:
        if self.id == self.room.opener:
            reason = "it opened the room and keeps its list of members: it goes when all have gone"
            self._answer(asker, Failed(f"{self.id} cannot leave: {reason}"))
            return
        self.departing.append(asker)
        self.depart()

    def _remove(self, name: NodeId, asker: AskedBy) -> None:
        opener = self.room.opener
        if self.id != opener:
            self._answer(asker, Failed(f"only {opener}, who opened the room, removes members"))
        elif name == opener:
            self._answer(asker, Failed(f"{opener} opened the room and cannot be removed"))
        elif name in self.room.removed:
            self._wait_for(self.room.removed[name], asker)
        elif name not in self.room.joined:
            self._answer(asker, Failed(f"nobody here is called {name}"))
        else:
            self._wait_for(self.post(Removed(name)), asker)

    def refused(self, reason: str) -> None:
        """The opener did not let this node in."""
        self._answer_all(self.joining, Failed(reason))

    # Answering.

    def _answer_all(self, askers: list[AskedBy], outcome: Ok | Failed | Unknown) -> None:
        for asker in askers:
            self._answer(asker, outcome)
        askers.clear()

    def _answer(self, asker: AskedBy, outcome: Ok | Failed | Unknown) -> None:
        if not isinstance(asker, Origin):
            self.finish(asker, outcome)
            return
        match outcome:
            case Ok(value):
                lines = value if isinstance(value, tuple) else None
                self.send(asker.client, Done(asker.number, lines))
            case Failed(reason):
                if asker.number > self.last_refused.get(asker.client, -1):
                    self.last_refused[asker.client] = asker.number
                    self.save(("refused", asker.client), asker.number)
                self.send(asker.client, Refused(asker.number, reason))
            case Unknown(reason):
                self.send(asker.client, Unsure(asker.number, reason))
