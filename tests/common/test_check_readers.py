"""Histories from elsewhere: what is read, and the one sentence for what cannot be."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.check import edn
from common.check.command import MODELS, check_history
from common.check.readers import read_history
from common.check.verdict import Answer
from common.values.errors import BadInput
from common.values.history import Failed, History, Ok, Unknown
from tests.common.check_histories import histories

JEPSEN = """INFO  jepsen.util - 0\t:invoke\t:read\tnil
INFO  jepsen.util - :nemesis\t:info\t:start\tnil
INFO  jepsen.util - 1\t:invoke\t:cas\t[1 2]
INFO  jepsen.util - 0\t:ok\t:read\t3
INFO  jepsen.util - 1\t:fail\t:cas\t[1 2]
INFO  jepsen.util - 2\t:invoke\t:write\t4
INFO  jepsen.util - 2\t:info\t:write\t:timed-out
INFO  jepsen.util - 3\t:invoke\t:read\tnil
INFO  jepsen.util - 3\t:fail\t:read\t:timed-out
"""

EDN = """; a comment
{:process 0, :type :invoke, :f :append, :key "k", :value "x \\"0\\""}
{:process 0, :type :ok, :f :append, :key "k", :value "x \\"0\\""}
#jepsen.history.Op{:process 1, :type :invoke, :f :get, :key "k", :value nil, :time 12}
{:process 1, :type :ok, :f :get, :key "k", :value "", :index 3}
"""

TXN = """{:type :invoke, :f :txn, :value [[:append 1 2] [:r 1 nil]], :process 0, :index 0}
{:type :ok, :f :txn, :value [[:append 1 2] [:r 1 [1 2]]], :process 0, :index 1}
"""


def test_reads_the_log_lines_of_jepsen() -> None:
    read, cas, write, lost = read_history(JEPSEN, "j.log")
    assert (read.process, read.outcome, read.returned_at) == ("0", Ok(3), 4)
    assert (cas.function, cas.argument, cas.outcome) == ("compare-and-set", (1, 2), Ok(False))
    assert write.outcome == Unknown("timed-out")
    assert lost.outcome == Failed("timed-out")


def test_reads_edn_maps() -> None:
    append, get = read_history(EDN, "kv.edn")
    assert (append.key, append.argument, append.outcome) == ("k", 'x "0"', Ok())
    assert get.outcome == Ok("")
    assert (append.returned_at or 0) < get.invoked_at


def test_reads_transactions_in_edn() -> None:
    (transaction,) = read_history(TXN, "txn.edn")
    assert transaction.argument == (("append", 1, 2), ("r", 1, None))
    assert transaction.outcome == Ok((("append", 1, 2), ("r", 1, (1, 2))))


@settings(max_examples=60, deadline=None)
@given(history=histories("cas-register"))
def test_what_is_written_as_json_lines_is_read_back(history: History) -> None:
    again = read_history(history.to_jsonl(), "h.jsonl")
    assert again.operations == history.operations


def test_an_operation_that_never_returned_survives_json_lines() -> None:
    history = History()
    history.invoke("a", "write", None, (1, (2, None)), 5)
    assert read_history(history.to_jsonl(), "h.jsonl").operations == history.operations


HEAD = '{"op": 0, "type": "invoke", "process": "a", "f": "read", "time": 5}\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "h holds no history"),
        ("hello\n", "h:1: 'hello' is not a line of a history: expected something like"),
        (HEAD + "{\n", "h:2: not a JSON object"),
        (HEAD + "[]\n", r"h:2: a JSON object is expected, not '\[\]'"),
        (HEAD + '{"type": "ok"}\n', "h:2: the part 'process' is missing"),
        (HEAD.replace("5", '"5"'), "h:1: time is '5': whole microseconds"),
        (HEAD.replace("invoke", "begin"), "h:1: type is 'begin': one of invoke, ok, fail, info"),
        (HEAD.replace('"read"', "3"), "h:1: f is 3: the name of an operation"),
        (HEAD.replace('"a"', "true"), "h:1: process is True: a name or a number"),
        (HEAD + HEAD, "h:2: op 0 invokes again before its operation of line 1 ended"),
        (HEAD.replace("invoke", "ok"), "h:1: process a ends 'read' without invoking it"),
        (HEAD + HEAD.replace("invoke", "ok").replace("5", "4"), "h:2: the operation ends at 4"),
        (HEAD + HEAD.replace("invoke", "ok").replace("read", "cas"), "h:2: process a ends"),
        (JEPSEN.replace(":ok\t:read\t3", ":ok\t:read\t"), "h:4: a value is missing"),
        (JEPSEN[:20] + "\n", "h:1: .* is not a line of a history"),
        (EDN[:-3] + "\n", r"h:5: '}' is missing"),
        (EDN.replace(":process 1", ":client 1"), "h:4: the part :process is missing"),
        (TXN.replace("[1 2]]]", "[1 2]"), "h:2: a value is expected, not '}'"),
    ],
)
def test_a_bad_line_is_named_with_what_was_expected(text: str, expected: str) -> None:
    with pytest.raises(BadInput, match=expected):
        read_history(text, "h")


@pytest.mark.parametrize("whole", [JEPSEN, EDN, TXN, HEAD], ids=["log", "edn", "txn", "json"])
def test_a_file_cut_anywhere_is_read_or_refused_with_its_last_line(whole: str) -> None:
    for end in range(len(whole) - 1):
        refused = refusal(whole[:end])
        last = whole[:end].count("\n") + 1
        assert refused is None or refused.startswith((f"h:{last}: ", "h holds no history"))


def test_a_line_that_was_cut_off_is_said_to_be() -> None:
    with pytest.raises(BadInput, match=r"h:2: .*the file ends in the middle of this line"):
        read_history(TXN[:-10], "h")


@given(text=st.text())
def test_no_text_is_answered_by_anything_but_a_history_or_a_sentence(text: str) -> None:
    refused = refusal(text)
    assert refused is None or refused.startswith("h")


def refusal(text: str) -> str | None:
    """The sentence with which a text is refused, or None if it is read."""
    try:
        read_history(text, "h")
    except BadInput as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("nil", None), ("true", True), ("-3", -3), ("12N", 12), ("1.5e3", 1500.0),
        (":a/b", "a/b"), ('"a\\n\\u0041"', "a\nA"), ("[1, (2 #{3})]", (1, (2, (3,)))),
        ("{:a 1 2 #inst \"x\"}", {"a": 1, "2": "x"}), ("#_ 1 ; two\n 3", 3),
    ],
)  # fmt: skip
def test_reads_edn_values(text: str, value: object) -> None:
    assert edn.parse(text)[0] == value


@pytest.mark.parametrize("text", ["", "[", "{:a}", "]", '"a', '"\\q"', "[" * 99])
def test_refuses_what_is_no_edn_value(text: str) -> None:
    with pytest.raises(BadInput):
        edn.parse(text)


def test_the_command_decides_for_every_model() -> None:
    history = History()
    for name in MODELS:
        function = "txn" if name.startswith("list-append") else "read"
        function = {"queue": "dequeue", "lock": "acquire"}.get(name, function)
        history = History()
        argument = (("r", 1, None),) if function == "txn" else None
        operation = history.invoke("a", function, "k", argument, 0)
        history.finish(operation, Ok((("r", 1, None),) if function == "txn" else None), 1)
        assert check_history(history.to_jsonl(), "h", name).answer is Answer.YES, name


def test_an_unknown_model_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no model 'regster'; there are register, cas-register"):
        check_history(JEPSEN, "j.log", "regster")
