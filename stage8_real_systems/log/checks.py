"""What must hold of what the clients of the lab ``log`` were told."""

from random import Random

from common.check.verdict import Answer, Verdict
from common.values.history import History, Ok
from stage8_real_systems.log.node import Say


def some_question(random: Random, client: str, number: int) -> Say:
    """The next question of a client."""
    return Say(f"{client} says {number}: {random.randrange(100)}")


def every_answer_is_to_its_question(history: History) -> Verdict:
    """Whether each operation that ended with Ok got its own text back."""
    answered = [each for each in history if isinstance(each.outcome, Ok)]
    for each in answered:
        if each.outcome != Ok(each.argument):
            return Verdict(Answer.NO, f"{each} is the answer to another question", (each,))
    if not answered:
        return Verdict(Answer.UNKNOWN, "nothing was answered, so there is nothing to check")
    return Verdict(Answer.YES, f"all {len(answered)} answers have the text of their questions")
