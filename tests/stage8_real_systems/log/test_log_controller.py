"""Graded suite of the lab ``log``: what the controller decides, and who is fenced."""

from typing import Any

from common.contract.effects import Save
from common.contract.events import Fire, Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ByHand, crash, effects_of, names, restart, run_until
from common.values.faults import Pause, Resume
from common.values.units import MS, SECOND
from stage8_real_systems.log.metadata import Metadata
from tests.stage8_real_systems.log.cluster import brokers, described
from tests.stage8_real_systems.log.lab import LogLab

LAB = "log"


def decided(lab: LogLab, partitions: int = 1) -> Metadata:
    """Three brokers in their first lives, and a topic."""
    metadata = lab.Metadata()
    for broker in names(3):
        assert metadata.apply(lab.Register(broker, 1)) == lab.Done()
    assert metadata.apply(lab.CreateTopic("t", partitions)) == lab.Done()
    return metadata


def state_of(metadata: Metadata, partition: int = 0) -> Any:
    state = metadata.find("t", partition)
    assert state is not None
    return state


@graded(points=2, title="A leader dies", requirement="KIP-631: an in-sync replica leads")
def test_when_a_leader_is_fenced_an_in_sync_replica_leads_in_a_new_epoch(lab: LogLab) -> None:
    metadata = decided(lab)
    before = state_of(metadata)
    metadata.apply(lab.AlterIsr("t", 0, (before.replicas[0], before.replicas[2]), 0, 0))
    assert metadata.apply(lab.Fence(before.leader, 1)) == lab.Done()
    after = state_of(metadata)
    assert after.leader == before.replicas[2], "the other one could lack a batch"
    assert after.isr == (before.replicas[2],)
    assert after.epoch == before.epoch + 1
    assert after.version > before.version
    metadata.apply(lab.Register(before.leader, 2))
    again = state_of(metadata)
    assert again == after, "who comes back has to catch up before it counts again"
    both = (before.leader, after.leader)
    assert metadata.apply(lab.AlterIsr("t", 0, both, after.epoch, after.version)) == lab.Done()
    metadata.apply(lab.Register(before.replicas[1], 2))
    last = state_of(metadata)
    assert (last.leader, last.epoch) == (after.leader, after.epoch), "who leads goes on"


@graded(points=2, title="A follower dies", requirement="the leader goes on in its epoch")
def test_when_a_follower_is_fenced_the_leader_goes_on_in_its_epoch(lab: LogLab) -> None:
    metadata = decided(lab)
    before = state_of(metadata)
    metadata.apply(lab.Fence(before.replicas[1], 1))
    after = state_of(metadata)
    assert (after.leader, after.epoch) == (before.leader, before.epoch)
    assert after.isr == (before.replicas[0], before.replicas[2])
    assert after.version == before.version + 1


@graded(points=2, title="The last one", requirement="no unclean election")
def test_nobody_leads_until_the_last_in_sync_replica_is_back(lab: LogLab) -> None:
    metadata = decided(lab)
    first, second, third = state_of(metadata).replicas
    metadata.apply(lab.Fence(second, 1))
    metadata.apply(lab.Fence(third, 1))
    metadata.apply(lab.Fence(first, 1))
    state = state_of(metadata)
    assert (state.leader, state.isr) == ("", (first,)), "nobody else has all that was acknowledged"
    assert state.epoch == 1, "that nobody leads is an epoch, too: the old leader must hear of it"
    metadata.apply(lab.Register(second, 2))
    assert state_of(metadata) == state, "nothing has changed"
    metadata.apply(lab.Register(first, 2))
    back = state_of(metadata)
    assert back.leader == first
    assert back.epoch > state.epoch
    metadata.apply(lab.Register(first, 3))
    assert state_of(metadata).epoch == back.epoch + 1, "it was never missed, and has forgotten"
    metadata.apply(lab.Register(third, 2))
    metadata.apply(lab.Fence(first, 3))
    state = state_of(metadata)
    assert (state.leader, state.isr) == ("", (first,)), "two others are there, and not in sync"


@graded(points=1, title="Another life", requirement="a fence of an earlier life says nothing")
def test_a_broker_that_is_back_in_another_life_is_not_fenced_for_the_old_one(lab: LogLab) -> None:
    metadata = decided(lab)
    state = state_of(metadata)
    metadata.apply(lab.Register(state.replicas[1], 2))
    metadata.apply(lab.Fence(state.replicas[1], 1))
    assert state_of(metadata) == state
    metadata.apply(lab.Register(state.leader, 2))
    again = state_of(metadata)
    assert again.leader == state.leader
    assert again.epoch == state.epoch + 1, "it has forgotten what it knew as the leader"
    metadata.apply(lab.Register(state.leader, 2))
    assert state_of(metadata) == again, "saying it twice changes nothing"
    metadata.apply(lab.Register(state.leader, 1))
    metadata.apply(lab.Fence(state.leader, 1))
    assert state_of(metadata) == again, "its first life is over, whatever comes late into the log"
    metadata.apply(lab.Fence(state.leader, 2))
    metadata.apply(lab.Register(state.leader, 1))
    gone = state_of(metadata)
    both = (gone.leader, state.leader)
    metadata.apply(lab.AlterIsr("t", 0, both, gone.epoch, gone.version))
    assert state_of(metadata).isr == (gone.leader,), "nor is it back because of that"


@graded(points=3, title="In-sync replicas", requirement="KIP-497: a wish is about one version")
def test_a_wish_about_an_older_version_changes_nothing(lab: LogLab) -> None:
    metadata = decided(lab)
    first, second, third = state_of(metadata).replicas
    assert metadata.apply(lab.AlterIsr("t", 0, (first, second), 0, 0)) == lab.Done()
    state = state_of(metadata)
    assert (state.isr, state.epoch, state.version) == ((first, second), 0, 1)
    refused = metadata.apply(lab.AlterIsr("t", 0, (first,), 0, 0))
    assert isinstance(refused, lab.Refused)
    assert state_of(metadata) == state, "it was said before the other one was decided"
    assert isinstance(metadata.apply(lab.AlterIsr("t", 0, (first,), 1, 1)), lab.Refused)
    assert isinstance(metadata.apply(lab.AlterIsr("u", 0, (first,), 0, 1)), lab.Refused)
    metadata.apply(lab.Fence(third, 1))
    assert metadata.apply(lab.AlterIsr("t", 0, (first, second, third), 0, 1)) == lab.Done()
    after = state_of(metadata)
    assert after.isr == (first, second), "who is fenced is not taken in"
    assert after.version == 2, "the leader hears that it is answered"
    two = decided(lab, partitions=2)
    zero, one = (state_of(two, partition) for partition in range(2))
    assert two.apply(lab.AlterIsr("t", 1, one.replicas[:2], 0, 0)) == lab.Done()
    assert (state_of(two, 0), state_of(two, 1).isr) == (zero, one.replicas[:2]), "each by itself"
    assert state_of(two, 1).replicas == one.replicas
    assert isinstance(two.apply(lab.AlterIsr("t", 2, one.replicas[:2], 0, 0)), lab.Refused)


@graded(points=1, title="A snapshot", requirement="Raft, section 7: the whole state")
def test_a_restored_controller_goes_on_alike(lab: LogLab) -> None:
    one, other = decided(lab, partitions=3), lab.Metadata()
    gone = one.topics["t"].number
    for before in (lab.DeleteTopic("t"), lab.CreateTopic("t", 3), lab.NewProducer()):
        one.apply(before)
    assert one.topics["t"].number > gone, "it is another one: who was down must not mix them up"
    one.apply(lab.CreateTopic("gone", 1))
    one.apply(lab.DeleteTopic("gone"))
    one.apply(lab.Fence("n2", 1))
    for stale in (lab.Register("n9", 7), lab.CreateTopic("stale", 1, 1)):
        other.apply(stale)
    other.restore(one.snapshot())
    assert one.snapshot() == other.snapshot(), "all that is decided, and nothing else"
    for command in (
        *(lab.Fence("n2", 1), lab.Register("n2", 2), lab.Fence("n1", 1), lab.NewProducer()),
        *(lab.CreateTopic("u", 2, 2), lab.CreateTopic("stale", 1)),
    ):
        assert one.apply(command) == other.apply(command)
    assert one.snapshot() == other.snapshot()
    assert "n1" not in {state_of(one, partition).leader for partition in range(3)}
    fresh = decided(lab, partitions=3)
    leaders = {state_of(fresh, partition).leader for partition in range(3)}
    assert len(leaders) == 3, "each partition goes to others, in turn"


@graded(points=3, title="Silence", requirement="KIP-631: heartbeats, fencing, registration")
def test_a_broker_that_is_silent_is_fenced_and_one_that_is_back_is_not(
    lab: LogLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        simulation = brokers(lab, seed=seed)
        run_until(simulation, lambda: described(lab, simulation).brokers == names(3))  # noqa: B023
        simulation.run(simulation.now + 1 * SECOND)
        assert described(lab, simulation).brokers == names(3), "nobody who beats is fenced"
        for dead, asked in (("n2", "n1"), (described(lab, simulation).controller, "n1")):
            asked = "n3" if dead == asked else asked
            crash(simulation, dead)
            left = tuple(each for each in names(3) if each != dead)
            run_until(simulation, lambda: described(lab, simulation, asked).brokers == left)  # noqa: B023
            restart(simulation, dead)
            run_until(
                simulation,
                lambda: described(lab, simulation, asked).brokers == names(3),  # noqa: B023
            )
    late_beats(lab)


def late_beats(lab: LogLab) -> None:
    """A controller alone registers n2 in its second life; beats of the first one come late."""
    controller = ByHand(lab.Quorum("n1", (), fence_after=300 * MS), seed="late beats")
    controller.wait(1 * SECOND)

    def decides() -> list[Any]:
        saved = [each.value for each in effects_of(Save, controller.effects)]
        return [each.command.command for each in saved]

    def beats(life: int) -> list[Any]:
        controller.receive("n2", lab.Beat(life))
        return decides()

    assert beats(2) == [lab.Register("n2", 2)]
    assert beats(2) == []
    controller.wait(200 * MS)
    assert beats(1) == [], "the first life is over, and its beat was long under way"
    controller.wait(200 * MS)
    controller.step(Fire(controller.now, 0, lab.quorum.BeatDue()))
    assert decides() == [lab.Fence("n2", 2)], "nor is it a sign that the second one is alive"
    assert beats(1) == []
    assert beats(2) == [lab.Register("n2", 2)], "it was slow"
    assert beats(3) == [lab.Register("n2", 3)]
    a_broker_of_which_there_is_no_word_yet(lab)


def a_broker_of_which_there_is_no_word_yet(lab: LogLab) -> None:
    """Its registration was put into the log by somebody else, and is decided only now."""
    controller = ByHand(lab.Quorum("n1", (), fence_after=300 * MS), seed="no word")
    controller.wait(1 * SECOND)
    controller.receive("n2", lab.quorum.Propose(1, lab.Register("n2", 1)))

    def fences() -> list[Any]:
        controller.step(Fire(controller.now, 0, lab.quorum.BeatDue()))
        saved = [each.value.command.command for each in effects_of(Save, controller.effects)]
        return [each for each in saved if isinstance(each, lab.Fence)]

    assert fences() == [], "it has its time from now on"
    controller.now += 301 * MS
    assert fences() == [lab.Fence("n2", 1)]


@graded(points=1, title="Not the controller", requirement="only the active controller decides")
def test_a_beat_to_another_than_the_active_controller_says_nothing(lab: LogLab) -> None:
    quorum = lab.Quorum("n1", ("n2", "n3"))
    quorum.step(Start(0, {}))
    for beat in (lab.Beat(1), lab.Beat(2)):
        assert quorum.step(Receive(1, "n2", beat)) == []
    alone = ByHand(lab.Quorum("n1", ()), seed="not the controller")
    alone.wait(1 * SECOND)
    alone.receive("n2", lab.Beat(1))
    (decided_now,) = effects_of(Save, alone.effects)
    assert decided_now.value.command.command == lab.Register("n2", 1), "the active one does decide"


@graded(points=2, title="Back in the same life", requirement="KIP-631: a fenced broker that beats")
def test_a_broker_that_was_only_slow_counts_again_in_the_same_life(lab: LogLab) -> None:
    simulation = brokers(lab)
    run_until(simulation, lambda: len(described(lab, simulation).brokers) == 3)
    slow = next(each for each in names(3) if each != described(lab, simulation).controller)
    asked = next(each for each in names(3) if each != slow)
    run_until(simulation, lambda: len(described(lab, simulation, asked).brokers) == 3)
    simulation.inject(Pause(simulation.now, slow))
    run_until(simulation, lambda: slow not in described(lab, simulation, asked).brokers)
    simulation.inject(Resume(simulation.now, slow))
    run_until(simulation, lambda: slow in described(lab, simulation, asked).brokers)
