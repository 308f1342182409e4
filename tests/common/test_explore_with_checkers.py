"""The explorer beside the other checkers: the same invariants, and histories of every run."""

from dataclasses import replace

from common.check.explorer import Answer, Bounds, Instance, WorldView, explore_instance
from common.check.invariants import Always, AlwaysEach, Sometimes
from common.check.linearizability import check_linearizability
from common.check.models import Register
from common.contract import CallId, Node, NodeId, message, on, operation
from common.values.history import Ok
from tests.common.explore_nodes import ForgetfulVoter, Voter
from tests.common.test_explore_instances import election, one_leader, some_leader


@operation
class Write:
    value: int


@operation
class Read:
    pass


@message
class Put:
    value: int


@message
class PutDone:
    pass


@message
class Get:
    pass


@message
class Got:
    value: int | None


class Replica(Node):
    """Answers at once, and tells the other replica later or, with ``backup``, not at all."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.value: int | None = None

    @on(Put)
    def put(self, put: Put, sender: NodeId) -> None:
        self.value = put.value
        if sender not in self.peers:
            self.broadcast(put)
            self.send(sender, PutDone())

    @on(Get)
    def get(self, _: Get, sender: NodeId) -> None:
        self.send(sender, Got(self.value))


class Client(Node):
    """Writes to the first replica and reads from the one that it is made for."""

    reads_from = 0

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.call: CallId = 0

    @on(Write)
    def write(self, write: Write, call: CallId) -> None:
        self.call = call
        self.send(self.peers[0], Put(write.value))

    @on(Read)
    def read(self, _: Read, call: CallId) -> None:
        self.call = call
        self.send(self.peers[self.reads_from], Get())

    @on(PutDone)
    def written(self, _: PutDone, __: NodeId) -> None:
        self.finish(self.call, Ok())

    @on(Got)
    def got(self, got: Got, _: NodeId) -> None:
        self.finish(self.call, Ok(got.value))


class FarClient(Client):
    """Reads from the second replica."""

    reads_from = 1


def linearizable(world: WorldView) -> str | None:
    """Every history is linearizable."""
    verdict = check_linearizability(world.history, Register())
    return None if verdict.answer is Answer.YES else verdict.sentence


def register(reader: type[Client]) -> Instance:
    return Instance(
        nodes={"n1": Replica, "n2": Replica},
        clients={"c1": Client, "c2": reader},
        operations={"c1": (Write(1),), "c2": (Read(), Read())},
        bounds=Bounds(),
        always=(linearizable,),
        sometimes=(lambda world: all(one.outcome == Ok() for one in world.history),),
        history=True,
    )


def test_a_register_on_one_replica_is_linearizable_in_every_run() -> None:
    found = explore_instance(register(Client))
    assert found.answer is Answer.YES, found.summary()


def test_a_stale_read_from_the_other_replica_is_found_by_the_shortest_path() -> None:
    found = explore_instance(register(FarClient))
    assert found.answer is Answer.NO
    assert found.broken is not None
    assert found.broken.title == "Every history is linearizable"
    assert [str(choice) for choice in found.counter_example or ()] == [
        "the client at c1 asks for Write(value=1)",
        "n1 receives Put(value=1) from c1 (message 1)",
        "c1 receives PutDone() from n1 (message 3)",
        "the client at c2 asks for Read()",
        "n2 receives Get() from c2 (message 4)",
        "c2 receives Got(value=None) from n2 (message 5)",
    ]


def test_the_invariants_and_goals_of_a_simulation_serve_the_explorer_too() -> None:
    def has_votes(voter: Voter) -> str | None:
        return "it leads without votes" if voter.leader and not voter.votes else None

    instance = replace(
        election(ForgetfulVoter, crashes=1),
        always=(AlwaysEach("leaders have votes", has_votes), Always("one leader", one_leader)),
        sometimes=(Sometimes("a leader is elected", some_leader),),
    )
    found = explore_instance(instance)
    assert found.broken is not None
    assert found.broken.title == "one leader"
    assert [one.title for one in found.findings[1:]] == [
        "leaders have votes",
        "one leader",
        "a leader is elected",
    ]


def test_an_invariant_of_each_node_names_the_node() -> None:
    def never_votes(voter: Voter) -> str | None:
        return f"it voted for {voter.voted_for}" if voter.voted_for else None

    instance = replace(election(Voter), always=(AlwaysEach("nobody votes", never_votes),))
    found = explore_instance(instance)
    assert found.broken is not None
    assert found.broken.sentence == "on node n1: it voted for n1"
