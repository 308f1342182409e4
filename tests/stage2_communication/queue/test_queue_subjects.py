"""Graded suite of the lab ``queue``, sixth part: subjects, wildcards and queue groups."""

import re
from random import Random

from common.course.suites.grading import Sweep, graded
from tests.stage2_communication.queue.lab import QueueLab

LAB = "queue"

TABLE = (
    ("orders", "orders", True),
    ("orders", "Orders", False),
    ("orders", "orders.eu", False),
    ("orders.eu", "orders", False),
    ("*", "orders", True),
    ("*", "orders.eu", False),
    ("orders.*", "orders.eu", True),
    ("orders.*", "orders", False),
    ("orders.*", "orders.eu.new", False),
    ("*.eu", "orders.eu", True),
    ("*.*", "orders.eu", True),
    ("orders.*.new", "orders.eu.new", True),
    ("orders.*.new", "orders.eu.old", False),
    (">", "orders", True),
    (">", "orders.eu.new", True),
    ("orders.>", "orders.eu", True),
    ("orders.>", "orders.eu.new", True),
    ("orders.>", "orders", False),
    ("orders.>", "ordersx.eu", False),
    ("*.>", "orders.eu", True),
    ("*.>", "orders", False),
    ("orders.e*", "orders.eu", False),
    ("orders.e*", "orders.e*", True),
)
"""Pattern, subject, and whether they fit, as docs.nats.io says."""


@graded(points=3, title="The table", requirement="NATS: Subject-Based Messaging")
def test_patterns_fit_the_subjects_that_the_table_says(lab: QueueLab) -> None:
    for pattern, subject, fits in TABLE:
        assert lab.matches(pattern, subject) is fits, f"{pattern} and {subject}"


@graded(points=2, title="Wildcards, drawn", requirement="against a regular expression")
def test_patterns_fit_as_a_regular_expression_would(lab: QueueLab, sweep: Sweep) -> None:
    fitting = 0
    for seed in sweep(10):
        random = Random(f"subjects/{seed}")
        for _ in range(40):
            wanted = random.choices(("a", "b", "*"), k=random.randrange(1, 4))
            wanted += random.choice(([], [">"]))
            given = random.choices(("a", "b"), k=random.randrange(1, 6))
            parts = {"*": "[^.]+", ">": ".+"}
            expression = "[.]".join(parts.get(token, token) for token in wanted)
            fits = re.fullmatch(expression, ".".join(given)) is not None
            assert lab.matches(".".join(wanted), ".".join(given)) is fits, f"{wanted} {given}"
            fitting += fits
    assert sweep.partial or fitting >= 40


@graded(points=3, title="What is a subject", requirement="no token is empty, > is the last one")
def test_what_is_no_subject_and_no_pattern_is_known(lab: QueueLab) -> None:
    for good in ("a", "a.b", "orders.eu-1.new_2", "a.*.b", "*", ">", "a.>", "a.b*", "a.>b.c"):
        assert (lab.is_subject(good), lab.is_pattern(good)) == (True, True), good
    for empty in ("", ".", "a.", ".a", "a..b", "a b", "a.\tb", " a", "a.b\n"):
        assert (lab.is_subject(empty), lab.is_pattern(empty)) == (False, False), repr(empty)
        assert not lab.is_literal(empty)
    for early in ("a.>.b", ">.a", ">.>"):
        assert not lab.is_pattern(early), early
    assert lab.is_literal("a.b*.c")
    assert not lab.is_literal("a.*.c")
    assert not lab.is_literal("a.>")


@graded(points=2, title="Everybody who listens", requirement="NATS: publish and subscribe")
def test_each_subscriber_that_fits_gets_a_message_and_nobody_else_does(lab: QueueLab) -> None:
    interest = lab.Interest()
    interest.subscribe((1, "a"), "orders.*")
    interest.subscribe((2, "a"), "orders.eu")
    interest.subscribe((1, "b"), "mail.>")
    interest.subscribe((3, "z"), "orders.>")
    assert interest.receivers("orders.eu", 7) == [(1, "a"), (2, "a"), (3, "z")]
    assert interest.receivers("orders.us.new", 7) == [(3, "z")]
    assert interest.receivers("nobody", 7) == []
    interest.unsubscribe((1, "a"))
    interest.unsubscribe((9, "never there"))
    assert interest.receivers("orders.eu", 7) == [(2, "a"), (3, "z")]


@graded(points=3, title="One of a group", requirement="NATS: Queue Groups")
def test_one_of_each_queue_group_gets_a_message(lab: QueueLab) -> None:
    interest = lab.Interest()
    interest.subscribe((1, "1"), "jobs.*", "workers")
    interest.subscribe((2, "1"), "jobs.eu", "workers")
    interest.subscribe((3, "1"), "jobs.us", "workers")
    interest.subscribe((4, "1"), "jobs.>", "auditors")
    interest.subscribe((5, "1"), "jobs.>")
    for drawn, chosen in ((0, 1), (1, 2), (2, 1), (1_000_001, 2)):
        found = interest.receivers("jobs.eu", drawn)
        assert found == [(5, "1"), (chosen, "1"), (4, "1")], "drawn of those that fit alone"
    assert interest.receivers("jobs.us", 1) == [(5, "1"), (3, "1"), (4, "1")]
    interest.unsubscribe((2, "1"))
    assert interest.receivers("jobs.eu", 1) == [(5, "1"), (1, "1"), (4, "1")]
