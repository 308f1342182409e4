"""The lab ``log`` in every world: three servers, two clients."""

from common.worlds import Size, Variant, Worlds
from stage8_real_systems.log.checks import every_answer_is_to_its_question, some_question
from stage8_real_systems.log.node import Client, Server

WORLDS = Worlds(
    __package__,
    variants={
        "plain": Variant(
            "questions and answers",
            node=Server,
            client=Client,
            choose=some_question,
            checks={"answers": every_answer_is_to_its_question},
        )
    },
    live=Size(members=3, clients=2),
)
