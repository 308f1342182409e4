"""Generated mutants: which changes are made, which are not, and how they are called."""

import pytest

from common.course.base.course import Course
from common.course.kit.generated.making import Generated, SourceFile, generate
from common.course.kit.generated.surroundings import Classes

HEAD = '''
@message
class Prepare:
    ballot: int
    slot: int
    name: str


class Acceptor(Node):
    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], *, attempts: int = 3) -> None:
        super().__init__(id, peers)
        self.attempts = attempts
        self.ballot = 0
        self.slot: int = 0
        self.name = b""
        self.votes: set[NodeId] = set()

    def handle(self, prepare: Prepare, sender: NodeId) -> None:
        """What it is for."""
'''


def mutants(body: str, head: str = HEAD, symbol: str = "Acceptor.handle") -> list[Generated]:
    """The mutants of a handler with this body."""
    lines = "".join(f"        {line}\n" for line in body.strip().splitlines())
    source = head + lines
    return list(
        SourceFile("paxos/acceptor.py", source, Classes([source])).mutants("paxos", symbol, symbol)
    )


def changes(body: str) -> set[tuple[str, str]]:
    """The kinds of its mutants, each with the lines that come in, or else those that go."""
    made = set()
    for mutant in mutants(body):
        lines = mutant.diff().splitlines()[2:]
        come = [line[1:].strip() for line in lines if line.startswith("+")]
        gone = [f"-{line[1:].strip()}" for line in lines if line.startswith("-")]
        made.add((mutant.kind, " / ".join(come or gone)))
    return made


def kinds(body: str) -> set[str]:
    """The kinds of its mutants, but for returns before a statement."""
    return {mutant.kind for mutant in mutants(body)} - {"early-return"}


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("self.save('ballot', self.slot)", "save-left-out"),
        ("self.forget('ballot')", "save-left-out"),
        ("self.send(sender, prepare)", "send-left-out"),
        ("self.broadcast(prepare)", "broadcast-left-out"),
        ("self.set_timer(10, Again())", "timer-left-out"),
        ("self.cancel_timer(self.timer)", "timer-left-out"),
        ("self.finish(call, Ok())", "answer-left-out"),
        ("self.votes.add('n1')", "call-left-out"),
        ("self.attempts += 2", "statement-left-out"),
        ("self.attempts = prepare.slot", "assignment-left-out"),
        ("self.votes = set()", "reset-left-out"),
        ("self.waiting = None", "reset-left-out"),
        ("self.held = Tagged()", "reset-left-out"),
        ("del self.pending[sender]", "removal-left-out"),
        ("raise BadInput(f'{sender} said {prepare.ballot + 1}')", "raise-left-out"),
    ],
)
def test_a_statement_is_left_out(statement: str, kind: str) -> None:
    assert kind in kinds(f"{statement}\nself.last = prepare")


@pytest.mark.parametrize(
    ("body", "kind", "line"),
    [
        ("timer = self.set_timer(9, Again())\nself.keep(timer)", "timer-left-out", "timer = 0"),
        ("if self.slot > prepare.ballot:\n    self.go()", "condition-always", "if True:"),
        ("while self.more():\n    self.go()", "condition-never", "while False:"),
        ("self.x = 1 if self.a else 2", "condition-never", "self.x = 1 if False else 2"),
        ("self.x = [v for v in self.vs if v.new]", "condition-always",
         "self.x = [v for v in self.vs if True]"),
        ("self.ok = self.slot == prepare.ballot", "condition-always", "self.ok = True"),
        ("if self.a and self.b:\n    self.go()", "condition-left-out", "if self.b:"),
        ("if self.a and self.b:\n    self.go()", "condition-left-out", "if self.a:"),
        ("if self.a and self.b and self.c:\n    self.go()", "condition-left-out",
         "if self.a and self.c:"),
        ("if self.a and self.b and self.c:\n    self.go()", "and-or",
         "if (self.a or self.b) and self.c:"),
        ("if self.a < 3:\n    self.go()", "comparison-moved", "if self.a <= 3:"),
        ("if self.a >= 3:\n    self.go()", "comparison-moved", "if self.a > 3:"),
        ("if not self.a:\n    self.go()", "not-dropped", "if self.a:"),
        ("if sender not in self.votes:\n    self.go()", "not-dropped",
         "if sender in self.votes:"),
        ("self.x = min(self.a, key=str)", "min-max", "self.x = max(self.a, key=str)"),
        ("self.x = any(self.a)", "any-all", "self.x = all(self.a)"),
        ("self.x = self.log[0]", "first-last", "self.x = self.log[-1]"),
        ("self.x = self.log[-1]", "first-last", "self.x = self.log[0]"),
        ("self.x = self.log.pop(0)", "first-last", "self.x = self.log.pop()"),
        ("self.x = self.log.popleft()", "first-last", "self.x = self.log.pop()"),
        ("self.x = self.slot + 1", "bound-moved", "self.x = self.slot"),
        ("self.x = range(1, self.n)", "bound-moved", "self.x = range(2, self.n)"),
        ("self.x = range(1, self.n)", "bound-moved", "self.x = range(1, self.n + 1)"),
        ("self.x = range(self.n - 1)", "bound-moved", "self.x = range(self.n)"),
        ("self.x = self.log[self.n:]", "bound-moved", "self.x = self.log[self.n + 1:]"),
        ("self.x = self.log[:-1]", "bound-moved", "self.x = self.log[:-2]"),
        ("self.send(sender, prepare)", "own-other", "self.send(self.id, prepare)"),
        ("self.keep(self.id)", "own-other", "self.keep(sender)"),
        ("self.keep(prepare.ballot)", "own-other", "self.keep(self.ballot)"),
        ("self.keep(self.slot)", "own-other", "self.keep(prepare.slot)"),
        ("self.keep(True)", "true-false", "self.keep(False)"),
        ("self.x = list(self.log)", "copy-left-out", "self.x = self.log"),
        ("self.x = self.log[:]", "copy-left-out", "self.x = self.log"),
        ("self.x = self.log.copy()", "copy-left-out", "self.x = self.log"),
        ("self.x = {**self.log}", "copy-left-out", "self.x = self.log"),
        ("for v in self.votes:\n    self.keep(v)", "loop-once", "break"),
        ("for v in self.votes:\n    self.keep(v)", "loop-left-out", "pass"),
        ("self.go()\nself.keep(3)\nself.end()", "early-return", "return"),
        ("match prepare:\n    case A():\n        self.go()\n    case B() if self.b:\n"
         "        self.end()", "condition-never", "case B() if False:"),
    ],
)  # fmt: skip
def test_an_expression_becomes_another(body: str, kind: str, line: str) -> None:
    assert (kind, line) in changes(body)


def test_a_case_is_left_out() -> None:
    body = "match prepare:\n    case A():\n        self.go()\n    case B():\n        self.end()"
    assert ("case-left-out", "-case A(): / -self.go()") in changes(body)


@pytest.mark.parametrize(
    "body",
    [
        '"""Only words."""',
        "assert self.slot < 3, 'a bug of ours'",
        "self.note('seen', count=self.slot + 1)",
        "del sender",
        "pass",
    ],
)
def test_what_does_nothing_to_others_is_not_changed(body: str) -> None:
    assert kinds(f"{body}\nself.go()") == {"call-left-out"}


def test_texts_for_people_are_not_changed() -> None:
    assert kinds("self.x = f'{self.slot + 1} of {min(self.votes)}'") == {"assignment-left-out"}
    assert kinds("raise BadInput(min(self.votes), self.slot + 1)") == {"raise-left-out"}


def test_the_only_value_of_a_local_variable_stays() -> None:
    once = "found = self.find(prepare)\nself.keep(found)"
    assert kinds(once) == {"call-left-out"}
    twice = "found = self.find(prepare)\nfound = found.next\nself.keep(found)"
    assert "assignment-left-out" in kinds(twice)


def test_an_attribute_of_another_type_or_of_no_name_here_is_not_taken_for_ours() -> None:
    assert "own-other" not in kinds("self.keep(prepare.name)")
    assert "own-other" not in kinds("self.keep(prepare.other)")
    assert "own-other" not in kinds("self.slot = 3\nself.slot += 1")


def test_what_comes_to_the_same_is_made_once() -> None:
    alone = mutants("if self.n > 3:\n    self.go()")
    assert [mutant.kind for mutant in alone] == [
        "condition-always",
        "condition-never",
        "comparison-moved",
    ]
    last = mutants("self.go()\nif self.n:\n    return")
    assert [mutant.kind for mutant in last] == ["call-left-out"]


def test_every_mutant_is_python_and_differs_from_the_reference_and_from_all_others() -> None:
    body = """
found: list[int] = []
for each in sorted(self.votes)[1:]:
    if (
        each != self.id
        and not self.log[-1].done
    ):
        found.append(each + 1)
        continue
    self.save(("vote", each), True)
self.x = max(found, default=0) if found else None
self.send(sender, prepare)
"""
    texts = [mutant.text() for mutant in mutants(body)]
    for text in texts:
        compile(text, "mutant", "exec")
    assert len(set(texts)) == len(texts) == 25


def test_a_name_tells_the_exercise_the_kind_and_the_code() -> None:
    made = mutants('self.save("promised", prepare.ballot)')
    saved = next(mutant for mutant in made if mutant.kind == "save-left-out")
    assert saved.id.rpartition("-")[0] == "Acceptor.handle:save-left-out:promised-prepare"
    assert saved.what == '`self.save("promised", prepare.ballot)` left out'
    assert saved.line == HEAD.count("\n") + 1
    assert '-        self.save("promised", prepare.ballot)\n+        pass' in saved.diff()


def test_a_name_stays_when_other_lines_change_and_goes_when_its_own_code_does() -> None:
    def names(body: str) -> set[str]:
        return {mutant.id for mutant in mutants(body)}

    before = names("if self.n > 3:\n    self.go()\nself.save('n', self.n)")
    laid_out = "# why\nif self.n > 3:  # or\n    self.go()\nself.save(\n  'n', self.n)"
    assert before == names(laid_out)
    assert before < names("self.begin()\nif self.n > 3:\n    self.go()\nself.save('n', self.n)")
    other = names("if self.n > 4:\n    self.go()\nself.save('n', self.n)")
    assert {name.split(":")[1] for name in before - other} == {
        "condition-always",
        "condition-never",
        "comparison-moved",
        "early-return",
    }


def test_a_name_is_the_same_on_every_python() -> None:
    body = "self.key = f'{self.slot}-{sender!r}'\nself.ok = any(v for v in (self.a, self.b,))"
    assert sorted(mutant.id for mutant in mutants(body)) == [
        "Acceptor.handle:any-all:v-for-a9ff",
        "Acceptor.handle:assignment-left-out:key-f-ed35",
        "Acceptor.handle:assignment-left-out:ok-any-9612",
        "Acceptor.handle:early-return:key-f-6587",
    ]


def test_no_two_mutants_of_a_lab_have_the_same_name() -> None:
    course = Course()
    ids = [mutant.id for mutant in generate(course, course.lab("cap"))]
    assert len(ids) == len(set(ids)) > 100
    assert any(id.endswith("-2") for id in ids), "a change that is made twice in one function"
