"""What a caller asks, and what must be true of the answers."""

from random import Random

from common.check.verdict import Answer, Verdict
from common.values.history import History, Ok
from stage1_foundations.echo.node import Say


def some_question(random: Random, client: str, number: int) -> Say:
    """The next question of a client."""
    return Say(f"{client} asks {number}: {random.randrange(100)}")


def every_answer_is_its_question(history: History) -> Verdict:
    """Whether each operation that ended with Ok got its own text back."""
    answered = [operation for operation in history if isinstance(operation.outcome, Ok)]
    for operation in answered:
        if operation.outcome != Ok(operation.argument):
            return Verdict(Answer.NO, f"{operation} is the answer to something else", (operation,))
    sentence = f"all {len(answered)} answers have the text of their questions"
    return Verdict(Answer.YES, sentence, rests_on=len(answered))
