"""The lab ``echo`` in every world: three servers, and callers that ask them in turn."""

from common.worlds import Size, Variant, Worlds
from stage1_foundations.echo.checks import every_answer_is_its_question, some_question
from stage1_foundations.echo.node import Caller, Echo

ITS_OWN_TEXT = "every answer has the text of its question"

WORLDS = Worlds(
    __package__,
    variants={
        "node": Variant(
            "Echo as a node, asked by callers that ask again",
            node=Echo,
            client=Caller,
            choose=some_question,
            checks={ITS_OWN_TEXT: every_answer_is_its_question},
        )
    },
    live=Size(members=3, clients=2),
    columns=("waiting",),
)
