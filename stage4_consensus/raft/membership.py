"""Part 5, membership: from one set of members to another, by joint consensus (section 6).

New members first get the log as *learners*, without a vote, in rounds: once a round takes less than
an election timeout they are close enough not to hold up commitment (thesis, section 4.2.1). Then
the leader appends C-old,new, in which every decision needs both majorities. When that is committed,
it appends C-new. When that is committed, the change is done, and a leader that is not in C-new
steps down. A server uses the latest configuration in its log, committed or not.

A new leader that finds C-old,new in its log goes on where the old one stopped. A change whose
learners still catch up is in no log: it ends with its leader, and its client asks again.
"""

from common.contract import NodeId, on
from stage4_consensus.raft.configuration import is_joint
from stage4_consensus.raft.messages import Configuration, Role
from stage4_consensus.raft.persistence import Persistence
from stage4_consensus.raft.requests import Answer, MembershipRequest, Refusal
from stage4_consensus.raft.under_way import Change

MAX_ROUNDS = 10
"""A learner that has not caught up after so many rounds is too slow: the change is refused."""


class Membership(Persistence):
    """Changes of the configuration, as the leader carries them out."""

    @on(MembershipRequest)
    def membership_requested(self, request: MembershipRequest, sender: NodeId) -> None:
        """Begin a change, one at a time; what is so already is answered at once."""
        if self._is_under_way(sender, request.number):
            return
        if not self.takes_requests(sender, request.number):
            return
        voters = tuple(sorted(set(request.voters)))
        latest = self.configuration
        is_committed = self.configurations.latest_index <= self.commit_index
        strangers = [voter for voter in voters if voter not in self.everyone()]
        if strangers or not voters:
            reason = f"there is no server {strangers[0]}" if strangers else "nobody would be left"
            self.send(sender, Refusal(request.number, reason))
        elif self.change is not None or is_joint(latest) or not is_committed:
            self.send(sender, Refusal(request.number, "another change is under way"))
        elif voters == tuple(sorted(latest.voters)):
            self.send(sender, Answer(request.number, latest.voters))
        else:
            learners = tuple(voter for voter in voters if voter not in latest.voters)
            target, now = self.log.last_index, self.now
            self.change = Change(sender, request.number, voters, learners, target, now)
            self.adjust_followers()
            for learner in learners:
                self.replicate_to(learner)
            self.learner_caught_up()

    def _is_under_way(self, client: NodeId, number: int) -> bool:
        """Whether this very request is being carried out, and has come once more."""
        catching_up = self.change is not None and (
            (self.change.client, self.change.number) == (client, number)
        )
        return catching_up or (client, number) in self.waiting

    def learner_caught_up(self) -> None:
        """End the round if all learners have its target; then begin the next, or C-old,new."""
        change = self.change
        if change is None or not self.followers.all_have(change.target, change.learners):
            return
        if self.now - change.since <= self.election_timeout[0]:
            self.change = None
            self.waiting.add(self.log.last_index + 1, change.client, change.number)
            self.propose(Configuration(change.voters, self.configuration.voters))
        elif change.rounds == MAX_ROUNDS:
            self.change = None
            self.adjust_followers()
            self.send(change.client, Refusal(change.number, "the new servers do not catch up"))
        else:
            change.begin_round(self.log.last_index, self.now)

    def continue_change(self) -> None:
        """C-old,new is committed: append C-new. C-new is committed: the change is done.

        All that was appended before is replicated to those who leave as well; with one message
        more they hear that C-new is committed, and need not ask for elections.
        """
        latest, index = self.configuration, self.configurations.latest_index
        if self.role is not Role.LEADER or index > self.commit_index:
            return
        asked = self.waiting.take(index)
        if is_joint(latest):
            if asked is not None:
                self.waiting.add(self.log.last_index + 1, *asked)
            self.propose(Configuration(latest.voters))
            return
        if asked is not None:
            client, number = asked
            self.send(client, Answer(number, latest.voters))
        if self.configurations.has_superseded():
            self._say_farewell()
        if self.id not in latest.voters:
            self.become_follower(self.current_term)

    def _say_farewell(self) -> None:
        """Tell everybody that C-new is committed, then forget those who are no longer members."""
        self.start_round()
        self.configurations.forget_superseded()
        self.adjust_followers()
