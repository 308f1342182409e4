"""The lab ``election`` in every world: four machines; people ask them who leads, or write.

Terms and fences are for any trouble. Bully and the ring are for a network in which nobody is slow:
under all troubles there are two leaders now and then, which is what they are here to show.
"""

from common.worlds import Size, Variant, Worlds
from common.worlds.troubles import kill_in_turn, stand_still, together
from stage2_communication.election.bully import Bully
from stage2_communication.election.checks import (
    ask_who_leads,
    nobody_follows_a_lower_one,
    one_leader_a_term,
    one_leader_at_a_time,
    one_writer_a_term,
    terms_never_fall,
    tokens_never_fall,
    what_was_taken_stays,
    write_or_read,
)
from stage2_communication.election.fencing import Machine
from stage2_communication.election.ring import RingProcess
from stage2_communication.election.small import (
    FENCED,
    FORGETFUL,
    NO_FENCE,
    NOBODY_SLOW,
    SLOW_BULLY,
    SLOW_RING,
    TERMS,
)
from stage2_communication.election.terms import Voter

HIGHEST = {
    "nobody follows a lower one": nobody_follows_a_lower_one,
    "one leader at a time": one_leader_at_a_time,
}

WORLDS = Worlds(
    __package__,
    variants={
        "fenced": Variant(
            "a leader by majority writes, and n1, the resource, refuses an old one",
            node=Machine,
            choose=write_or_read,
            checks={
                "tokens never fall": tokens_never_fall,
                "one writer a term": one_writer_a_term,
                "what was taken stays": what_was_taken_stays,
            },
        ),
        "terms": Variant(
            "a leader for each term, by majority",
            node=Voter,
            choose=ask_who_leads,
            checks={"one leader a term": one_leader_a_term, "terms never fall": terms_never_fall},
        ),
        "bully": Variant(
            "the highest process leads",
            node=Bully,
            choose=ask_who_leads,
            checks=HIGHEST,
            breaks=("one leader at a time",),
        ),
        "ring": Variant(
            "the highest process leads, by a name that goes round",
            node=RingProcess,
            choose=ask_who_leads,
            checks=HIGHEST,
            breaks=("one leader at a time",),
        ),
    },
    live=Size(members=4),
    columns=("leader", "electing", "role", "term", "lease", "is", "fenced/role", "fenced/term"),
    trouble=together(kill_in_turn, stand_still),
    small={"terms": TERMS, "fenced": FENCED, "nobody-slow": NOBODY_SLOW},
    broken={
        "slow-bully": SLOW_BULLY,
        "slow-ring": SLOW_RING,
        "forgetful": FORGETFUL,
        "no-fence": NO_FENCE,
    },
)
