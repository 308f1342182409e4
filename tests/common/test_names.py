"""Names on wires, in traces and in suites: short where they can be, and never of two things."""

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest

from common.codec import Codec, JsonCodec, MessagePackCodec
from common.contract import Node, NodeId, Receive, message, on, record
from common.contract.names import full_name, named, shortest_names, things_named
from common.contract.rules import check_effects
from common.contract.schema import Schema
from common.course.suites.under_test import LabUnderTest, MissingName
from common.sim import Simulation
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.errors import ContractError
from common.values.units import MS
from tests.common import names_commit, names_paxos


class Both(Node):
    """Speaks two protocols, each with a Prepare."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.got: list[object] = []

    def on_start(self) -> None:
        if self.id == "n1":
            self.broadcast(names_paxos.Prepare(1))
            self.broadcast(names_commit.Prepare("t", (names_paxos.Phase.SECOND, 2)))

    @on(names_paxos.Prepare)
    def prepare_ballot(self, prepare: names_paxos.Prepare, sender: NodeId) -> None:
        self.got.append(prepare)

    @on(names_commit.Prepare)
    def prepare_transaction(self, prepare: names_commit.Prepare, sender: NodeId) -> None:
        self.got.append(prepare)

    @on(names_paxos.Accept)
    def accept(self, accept: names_paxos.Accept, sender: NodeId) -> None:
        self.got.append(accept)


SENT = (
    names_paxos.Prepare(1, names_paxos.Phase.SECOND),
    names_commit.Prepare("t", (names_paxos.Phase.FIRST, names_paxos.Prepare(3), b"x")),
    names_paxos.Accept(2, names_commit.Prepare("u")),
)


# The rule.


def test_a_name_that_is_there_once_is_the_last_word() -> None:
    assert shortest_names(["a.b.Prepare", "a.b.Accept"]) == {
        "a.b.Prepare": "Prepare",
        "a.b.Accept": "Accept",
    }


def test_names_that_are_there_twice_have_as_much_before_them_as_tells_them_apart() -> None:
    assert shortest_names(["s.paxos.messages.Prepare", "s.commit.messages.Prepare"]) == {
        "s.paxos.messages.Prepare": "paxos.messages.Prepare",
        "s.commit.messages.Prepare": "commit.messages.Prepare",
    }
    assert shortest_names(["a.paxos.Prepare", "paxos.Prepare"]) == {
        "a.paxos.Prepare": "a.paxos.Prepare",
        "paxos.Prepare": "paxos.Prepare",
    }


@pytest.mark.parametrize("modules", [["a.x", "b.x"], ["x", "a.x", "b.a.x"], ["a", "ba", "b.a"]])
def test_every_short_name_finds_its_thing_again(modules: list[str]) -> None:
    full_names = [f"{module}.{word}" for module in modules for word in ("P", "Q", "x")]
    for full, short in shortest_names(full_names).items():
        assert named(short, full_names) == [full]


# Wires.


@pytest.mark.parametrize("make", [JsonCodec, MessagePackCodec])
def test_two_classes_of_one_name_come_back_as_what_they_were(make: Any) -> None:
    codec: Codec = make(Schema.of(Both))
    for value in SENT:
        assert codec.decode(codec.encode(value)) == value
    assert b"names_paxos.Prepare" in codec.encode(SENT[0])
    assert b"tests" not in codec.encode(SENT[0]), "no more of the name than it takes"
    assert b".Accept" not in codec.encode(SENT[2])


def test_both_ends_agree_in_whatever_order_they_found_the_classes() -> None:
    kinds = list(Schema.of(Both).kinds.values())
    there, here = MessagePackCodec(Schema(kinds)), MessagePackCodec(Schema(kinds[::-1]))
    for value in SENT:
        assert here.decode(there.encode(value)) == value


def test_a_client_that_knows_one_of_them_calls_it_as_the_servers_do() -> None:
    servers = Schema.of(Both)
    own = Schema([names_commit.Prepare])
    assert own.name_of(names_commit.Prepare) == "Prepare"
    client = own.as_in(servers)
    assert client.name_of(names_commit.Prepare) == "names_commit.Prepare"
    assert names_paxos.Prepare not in client, "it takes over names, not classes"
    value = MessagePackCodec(client).encode(SENT[1].__class__("t"))
    assert MessagePackCodec(servers).decode(value) == names_commit.Prepare("t")


def test_and_a_class_of_the_clients_own_takes_no_name_of_theirs() -> None:
    servers = Schema([names_paxos.Prepare])
    client = Schema([names_paxos.Prepare, names_commit.Prepare]).as_in(servers)
    assert client.name_of(names_paxos.Prepare) == "Prepare"
    assert client.name_of(names_commit.Prepare) == "names_commit.Prepare"


def test_what_joins_a_schema_leaves_the_names_there_as_they_are() -> None:
    joined = Schema([names_paxos.Prepare]) | Schema([names_commit.Prepare])
    assert joined.name_of(names_paxos.Prepare) == "Prepare"
    assert joined.name_of(names_commit.Prepare) == "names_commit.Prepare"


def test_classes_that_come_later_are_named_as_if_they_had_been_there() -> None:
    late = Schema([names_paxos.Prepare], expected=[full_name(names_commit.Prepare)])
    late.add(names_commit.Prepare)
    together = Schema([names_paxos.Prepare, names_commit.Prepare])
    assert dict(late.kinds) == dict(together.kinds)


def test_two_classes_of_one_full_name_are_refused() -> None:
    def another() -> type:
        @record
        class Put:
            key: str

        return Put

    with pytest.raises(ContractError, match=r"two classes .*another.Put.*: rename one"):
        Schema([another(), another()])


# What a class carries.


@message
class Letter:
    content: object


def test_what_a_node_class_carries_is_in_its_schema_and_in_that_of_its_subclasses() -> None:
    class Carrier(Node):
        carries: ClassVar[tuple[type, ...]] = (names_paxos.Prepare,)

    class Faster(Carrier):
        carries = (names_commit.Prepare,)

    assert names_paxos.Prepare in Schema.of(Carrier)
    assert names_commit.Prepare not in Schema.of(Carrier)
    assert {names_paxos.Prepare, names_commit.Prepare} <= set(Schema.of(Faster).kinds.values())


def test_what_only_sockets_would_refuse_is_refused_in_a_checked_simulation_too() -> None:
    class Sender(Node):
        def on_start(self) -> None:
            if self.id == "n1":
                self.send("n2", hidden(3))

        @on(Letter)
        def letter(self, letter: Letter, sender: NodeId) -> None: ...

    def hidden(number: int) -> Letter:
        @record
        class Hidden:
            number: int

        return Letter((Hidden(number),))

    sentence = (
        r"node n1 \(Sender\): send\('n2', Letter\(...\)\): a Hidden is in what it sends.*"
        r"name it in the class Sender: carries = \(Hidden,\)"
    )
    nodes = {"n1": Sender, "n2": Sender}
    Simulation(nodes, seed=1).run(10 * MS)  # a fast simulation does not look
    with pytest.raises(ContractError, match=sentence):
        Simulation(nodes, seed=1, check_handlers=97).run(10 * MS)


def test_what_a_class_says_that_it_carries_is_not_refused() -> None:
    def hidden() -> type[Any]:
        @record
        class Hidden:
            number: int

        return Hidden

    kind = hidden()

    class Postman(Node):
        @on(Letter)
        def letter(self, letter: Letter, sender: NodeId) -> None:
            self.broadcast(letter)

    class Carrier(Postman):
        carries = (kind,)

    letter = Receive(1, "n3", Letter(kind(3)))
    with pytest.raises(ContractError, match=r"carries = \(Hidden,\)"):
        check_effects(Postman("n1", ("n2",)), Postman("n1", ("n2",)).step(letter))
    check_effects(Carrier("n1", ("n2",)), Carrier("n1", ("n2",)).step(letter))


# Traces.


def types_in(lines: list[str]) -> list[str]:
    return [line.partition('"type":"')[2].partition('"')[0] for line in lines if '"recv"' in line]


def test_a_trace_tells_two_messages_of_one_name_apart_where_it_knows_the_nodes() -> None:
    lines: list[str] = []
    recorder = Recorder(lines.append, Meta("both", ("n1", "n2")), nodes=[Both])
    Simulation({"n1": Both, "n2": Both}, seed=1, observers=[recorder]).run(10 * MS)
    assert sorted(types_in(lines)) == ["names_commit.Prepare", "names_paxos.Prepare"]


def test_and_gives_the_second_one_a_longer_name_where_it_does_not() -> None:
    lines: list[str] = []
    recorder = Recorder(lines.append, Meta("both", ("n1", "n2")))
    Simulation({"n1": Both, "n2": Both}, seed=1, observers=[recorder]).run(10 * MS)
    assert sorted(types_in(lines)) == ["Prepare", "names_commit.Prepare"]


# Suites.


def under_test(*modules: ModuleType) -> Any:
    manifest: Any = SimpleNamespace(id="both", files=(SimpleNamespace(path="paxos.py"),))
    return LabUnderTest(manifest, list(modules), None)


def test_a_suite_finds_a_thing_by_its_name() -> None:
    lab = under_test(names_paxos, names_commit)
    assert lab.Accept is names_paxos.Accept


def test_a_suite_says_which_of_two_it_means() -> None:
    lab = under_test(names_paxos, names_commit)
    assert lab.names_paxos.Prepare is names_paxos.Prepare
    assert lab.names_commit.Prepare is names_commit.Prepare
    assert lab.tests.common.names_commit.Prepare is names_commit.Prepare


def test_a_name_of_two_things_is_refused_with_both_ways_to_say_it() -> None:
    lab = under_test(names_paxos, names_commit)
    ways = r"say lab\.names_paxos\.Prepare or lab\.names_commit\.Prepare"
    with pytest.raises(MissingName, match=ways):
        _ = lab.Prepare


def test_a_thing_that_one_module_has_from_another_is_one_thing() -> None:
    borrowing = ModuleType("tests.common.names_borrowing")
    vars(borrowing)["Accept"] = names_paxos.Accept
    assert under_test(names_paxos, borrowing).Accept is names_paxos.Accept
    assert list(things_named("Accept", [names_paxos, borrowing])) == [full_name(names_paxos.Accept)]


def test_a_name_of_nothing_is_told_with_the_files_that_were_read(tmp_path: Path) -> None:
    lab = under_test(names_paxos)
    with pytest.raises(MissingName, match=r"there is no Promise in paxos\.py: was it renamed\?"):
        _ = lab.Promise
    with pytest.raises(MissingName, match=r"there is no names_paxos\.Promise in paxos\.py"):
        _ = lab.names_paxos.Promise
