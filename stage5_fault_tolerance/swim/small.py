"""SWIM's suspicions for the explorer: three members, a few timers, every order of all messages.

There is no time here, only order. So a period may end before an ack that is under way arrives, and
every member may be suspected, and refute.

* :data:`SUSPECTED`: whatever happens, nobody believes in an incarnation that its member has not.
* :data:`ACCUSER_RAISES`: an accuser raises the incarnation of the suspect, to be sure that its
  accusation is news. Then it is not the member that decides any more.
"""

from collections.abc import Iterator

from common.check.explorer import Bounds, Instance, WorldView
from common.contract import NodeId
from stage5_fault_tolerance.swim.members import Entry
from stage5_fault_tolerance.swim.messages import ALIVE, Suspect
from stage5_fault_tolerance.swim.suspicion import Suspecter

THREE = ("n1", "n2", "n3")


class AccuserRaises(Suspecter):
    """Raises the incarnation of those that it suspects."""

    def failed(self, member: NodeId) -> None:
        """Suspect it, one incarnation later."""
        self.tell(Suspect(member, self.table[member].incarnation + 1, self.id))


def beliefs(world: WorldView) -> Iterator[tuple[Suspecter, Suspecter, Entry]]:
    """An observer, another member, and what the one believes of the other; all of these."""
    members = [node for node in world.values() if isinstance(node, Suspecter)]
    for observer in members:
        for member in members:
            entry = observer.table.get(member.id)
            if entry is not None:
                yield observer, member, entry


def only_it_raises_its_incarnation(world: WorldView) -> str | None:
    """nobody believes in an incarnation of a member that the member itself has not reached"""
    for observer, member, entry in beliefs(world):
        if entry.incarnation > member.incarnation:
            return (
                f"{observer.id} believes that {member.id} is {entry.state} in incarnation "
                f"{entry.incarnation}, and {member.id} itself is in {member.incarnation}"
            )
    return None


def a_suspect_refutes(world: WorldView) -> bool:
    """a member that was suspected is alive to another one, in a greater incarnation"""
    return any(entry == Entry(ALIVE, 1) for _, _, entry in beliefs(world))


def _instance(member: type[Suspecter]) -> Instance:
    return Instance(
        nodes=dict.fromkeys(THREE, member),
        bounds=Bounds(timers=3),
        always=(only_it_raises_its_incarnation,),
        sometimes=(a_suspect_refutes,),
    )


SUSPECTED = _instance(Suspecter)
ACCUSER_RAISES = _instance(AccuserRaises)
