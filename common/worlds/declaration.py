"""What a lab says of itself once: :class:`Worlds`, made in ``stageN_*/LAB/worlds.py``.

    WORLDS = Worlds(
        __package__,
        variants={
            "store": Variant(
                "a key-value store on Raft",
                node=RaftKeyValue,
                client=KeyValueClient,
                choose=some_command,
                checks={"linearizable": linearizable},
            )
        },
        live=Size(members=5, clients=4),
        columns=("role", "term", "commit"),
        trouble=kill_in_turn_then_all,
    )

Node and client are the classes themselves, so a declaration that fits nothing is found by the type
checker. Who wants to run one in a process of its own asks the class for its name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Literal, TypeAlias, Unpack

from common.check.explorer import Instance
from common.contract.events import NodeId
from common.contract.lies import Behaviour
from common.contract.node import Node
from common.sim.chaos import KINDS, random_liars, random_schedule
from common.sim.host import Factory
from common.sim.workload import Choose
from common.values.errors import BadInput
from common.values.faults import Schedule
from common.values.units import SECOND
from common.worlds.scene import Check, Options, Scene, Work
from common.worlds.troubles import Trouble, kill_first

Transport: TypeAlias = Literal["tcp", "udp"]
"""What carries messages between the members of a live cluster: frames over connections, of which
none is lost while both ends live, or datagrams of at most 1,400 bytes."""

TROUBLE_UNTIL = 2 * SECOND
"""When the calm of a rehearsal begins, in microseconds."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run a lab.

    Attributes:
        title: one line.
        node: the class of the members.
        client: the class of the clients; None where people ask the members themselves.
        choose: what is asked for.
        checks: what must hold of what clients were told, by the name of the property.
        config: keyword arguments of each member.
        client_config: keyword arguments of each client.
        others: who has work of their own, by name: an operator, say.
        breaks: those of the checks that do not hold under every trouble, which is what the variant
            is there to show.
    """

    title: str
    _: KW_ONLY
    node: type[Node]
    client: type[Node] | None = None
    choose: Choose
    checks: Mapping[str, Check]
    config: Mapping[str, Any] = field(default_factory=dict)
    client_config: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[NodeId, Work] = field(default_factory=dict)
    breaks: tuple[str, ...] = ()

    def clients(self, size: "Size") -> tuple[NodeId, ...]:
        """The clients of a cluster, in order; none where members are asked themselves."""
        return () if self.client is None else (*size.client_names, *self.others)

    def asked(self, size: "Size") -> tuple[NodeId, ...]:
        """Who does the common work: clients, or the members themselves."""
        return size.member_names if self.client is None else size.client_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a cluster is, and what follows for its nodes from how long it runs.

    Attributes:
        members: their names, or how many: n1, n2 ...
        clients: the names of those that do the common work, or how many: c1, c2 ...; they are not
            made where a variant has no class of clients, and every member is asked instead.
        config: keyword arguments of each member, on top of the variant's.
        client_config: keyword arguments of each client, likewise.
    """

    members: int | tuple[NodeId, ...] = 3
    clients: int | tuple[NodeId, ...] = 3
    config: Mapping[str, Any] = field(default_factory=dict)
    client_config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def member_names(self) -> tuple[NodeId, ...]:
        """The members, in order."""
        return _names("n", self.members)

    @property
    def client_names(self) -> tuple[NodeId, ...]:
        """The clients that do the common work, in order."""
        return _names("c", self.clients)

    def resized(self, members: int = 0, clients: int = 0) -> "Size":
        """The same with other numbers of members and clients; 0 keeps what is there."""
        return replace(self, members=members or self.members, clients=clients or self.clients)


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """Facades in front of the members of a live cluster: a protocol of the real world.

    They are in ``LAB/front/facade.py``, whose function ``make`` a member's process calls. That
    file needs packages which not everybody has, so nothing here imports it.

    Attributes:
        clients: the real, unmodified programs that it was tried with.
        hint: how a person reaches it; ``{host}`` and ``{port}`` stand for the first facade's, and
            ``{endpoints}`` for all of them, with commas between. It may have several lines.
        needs: a module that the facades cannot do without; where it is missing the cluster runs
            without them, and the person is told. "" where the course itself is enough.
        extra: the course's extra that brings the module.
        variants: the names of those that have them; all variants unless given.
        port: where ``lab run`` has the first facade, and the others behind it, if those ports are
            free: where real clients look by themselves. 0 for any free ports.
    """

    clients: tuple[str, ...]
    hint: str
    needs: str = ""
    extra: str = ""
    variants: tuple[str, ...] = ()
    port: int = 0


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a person sits who takes part in a lab at a terminal of their own.

    Attributes:
        name: under which to join what somebody else has opened; "" to open it.
        variant: which of the lab's variants; "" for the first, or for what was opened.
        directory: where those who belong together find each other, and keep their data; None for
            where they usually do.
    """

    name: str
    variant: str
    directory: Path | None


@dataclass(frozen=True, slots=True)
class Worlds:
    """What a lab is in every world.

    Attributes:
        package: the lab's package, ``stage4_consensus.raft``.
        variants: the ways to run it, by name; the first is the default.
        live: how large it is as processes.
        transport: what carries messages between its processes. Clients connect by TCP in any case.
        simulated: how large it is in the simulator, where runs are short: small enough, and set up
            so, that everything happens in one. As live unless given.
        bears: the kinds of trouble that it promises to bear, of :data:`common.sim.chaos.KINDS`;
            without ``crash``, say, it is neither rehearsed with crashes nor killed in tests.
        liars: how many Byzantine members it bears; so many are drawn for each rehearsal.
        behaviours: the ways in which members lie, by the names that ``corrupt`` faults give them:
            in the simulator, and on sockets in the process of the liar.
        columns: which parts of a node's ``status()`` the dashboard shows, in order.
        trouble: what goes wrong in a live run to which nobody gave a schedule.
        lasts: how long a run without a dashboard lasts if nobody says, in microseconds: long enough
            for each check to have something to say.
        small: instances for the explorer, by name; all of them are right. The first one is what
            ``lab explore LAB`` explores.
        broken: instances in which the explorer finds a counter-example.
        front: the facades of a live cluster; None for none.
        people: whether people run it together, each at a terminal. ``LAB/front/terminal.py`` has a
            function ``sit_down``, which takes a :class:`Seat` and returns when the person leaves.
    """

    package: str
    _: KW_ONLY
    variants: Mapping[str, Variant]
    live: Size
    transport: Transport = "tcp"
    simulated: Size | None = None
    bears: tuple[str, ...] = KINDS
    liars: int = 0
    behaviours: Mapping[str, Behaviour] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    trouble: Trouble = kill_first
    lasts: int = 5 * SECOND
    small: Mapping[str, Instance] = field(default_factory=dict)
    broken: Mapping[str, Instance] = field(default_factory=dict)
    front: Front | None = None
    people: bool = False

    @property
    def lab(self) -> str:
        """The lab's id."""
        return self.package.rpartition(".")[2]

    def variant(self, name: str = "") -> Variant:
        """The variant of this name; the first for "".

        Raises:
            BadInput: there is none of that name.
        """
        if name and name not in self.variants:
            known = ", ".join(self.variants)
            raise BadInput(f"lab {self.lab} has no variant {name!r}: it has {known}")
        return self.variants[name or next(iter(self.variants))]

    def front_of(self, variant: Variant) -> Front | None:
        """The facades of a variant, if it has any."""
        front = self.front
        if front is None or not front.variants:
            return front
        has = any(self.variants[name] is variant for name in front.variants)
        return front if has else None

    def instance(self, name: str = "") -> Instance:
        """The instance of this name for the explorer; the first for "".

        Raises:
            BadInput: there is none, or none of that name.
        """
        known = {**self.small, **self.broken}
        if not known:
            raise BadInput(
                f"lab {self.lab} has no small instance to explore: try lab test {self.lab}"
            )
        if name and name not in known:
            names = ", ".join(known)
            raise BadInput(f"lab {self.lab} has no instance {name!r}: it has {names}")
        return known[name or next(iter(known))]

    def scene(
        self,
        variant: Variant | str = "",
        size: Size | None = None,
        *,
        seed: int | str = 0,
        recorded: bool = True,
        **options: Unpack[Options],
    ) -> Scene:
        """The cluster in the simulator; no client works yet.

        Args:
            variant: which of the variants, by name, or another one.
            size: how large; as declared for the simulator unless given.
            seed: decides everything that is drawn by chance.
            recorded, options: as of :class:`~common.worlds.scene.Scene`.
        """
        chosen = self.variant(variant) if isinstance(variant, str) else variant
        size = size or self.simulated or self.live
        node = partial(chosen.node, **{**chosen.config, **size.config})
        clients: dict[NodeId, Factory] = {}
        if chosen.client is not None:
            client = partial(chosen.client, **{**chosen.client_config, **size.client_config})
            clients = dict.fromkeys(chosen.clients(size), client)
        options.setdefault("behaviours", self.behaviours)
        return Scene(
            self.lab,
            dict.fromkeys(size.member_names, node),
            clients,
            seed=seed,
            checks=chosen.checks,
            recorded=recorded,
            **options,
        )

    def rehearsal(
        self,
        variant: Variant | str = "",
        *,
        seed: int,
        recorded: bool = True,
        **options: Unpack[Options],
    ) -> Scene:
        """The cluster in the simulator with clients at work, while things go wrong.

        Args:
            variant: which of the variants, by name, or another one.
            seed: decides everything that is drawn by chance: the schedule too, unless one is given.
            recorded, options: as of :class:`~common.worlds.scene.Scene`.
        """
        chosen = self.variant(variant) if isinstance(variant, str) else variant
        if options.get("schedule") is None:
            options["schedule"] = self.chaos(chosen, seed)
        scene = self.scene(chosen, seed=seed, recorded=recorded, **options)
        scene.begin(Work(chosen.choose), chosen.asked(self.simulated or self.live))
        for name, work in chosen.others.items():
            scene.begin(work, (name,))
        return scene

    def chaos(self, variant: Variant, seed: int, kinds: Sequence[str] = ()) -> Schedule:
        """The schedule that is drawn for a seed, and ends in a calm at :data:`TROUBLE_UNTIL`.

        Args:
            variant: which of the variants.
            seed: what it is drawn from.
            kinds: the kinds of trouble; those that the lab bears unless given.
        """
        size = self.simulated or self.live
        members, clients = size.member_names, variant.clients(size)
        drawn = random_schedule(
            Random(f"{seed}/schedule"),
            members,
            TROUBLE_UNTIL,
            kinds=kinds or self.bears,
            others=clients,
        )
        if not self.liars:
            return drawn
        lies = random_liars(
            Random(f"{seed}/liars"),
            members,
            TROUBLE_UNTIL,
            liars=self.liars,
            behaviours=tuple(self.behaviours),
            others=clients,
        )
        return Schedule([*drawn, *lies])

    def everyone(self, variant: Variant) -> tuple[NodeId, ...]:
        """Members and clients of a rehearsal, in order."""
        size = self.simulated or self.live
        return (*size.member_names, *variant.clients(size))


def _names(letter: str, named: int | tuple[NodeId, ...]) -> tuple[NodeId, ...]:
    if isinstance(named, int):
        return tuple(f"{letter}{number}" for number in range(1, named + 1))
    return named
