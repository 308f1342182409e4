"""Words of the glossary are linked where a page uses them first, and nothing else is touched."""

import pytest

from docs.making.asking import Page
from docs.making.staging import DOCS
from docs.making.terms import GLOSSARY, LINKED, terms, with_terms

ENGLISH, CHINESE = Page("labs/raft.md"), Page("labs/raft.zh.md")


def test_only_the_first_use_is_linked_with_what_it_means() -> None:
    made = with_terms(ENGLISH, "A quorum, and another quorum.\n")
    assert made.count("](../glossary.md#quorum){ .term title=") == 1
    assert made.endswith("}, and another quorum.\n")
    assert "have a member in common" in made


def test_two_words_of_one_row_are_one_link() -> None:
    made = with_terms(ENGLISH, "A majority is a quorum.\n")
    assert made.count("#quorum") == 1


@pytest.mark.parametrize(
    "line",
    [
        "## The quorum",
        "| a quorum | of a table |",
        "Take `quorum` and [a quorum](other.md) and <b title='quorum'>.",
        "    quorum = 3",
        "quorums and pre-quorum are other words",
    ],
)
def test_headings_tables_code_links_and_other_words_stay(line: str) -> None:
    assert with_terms(ENGLISH, f"{line}\n") == f"{line}\n"


def test_code_between_fences_stays() -> None:
    code = "```\na quorum\n```\n"
    assert with_terms(ENGLISH, code) == code


def test_a_chinese_page_links_the_chinese_word() -> None:
    made = with_terms(CHINESE, "任意两个法定人数共有一个成员。\n")
    assert "[法定人数](../glossary.md#quorum)" in made
    assert "任意两组必有共同成员的数目" in made


def test_a_longer_word_goes_before_a_shorter_one_in_it() -> None:
    made = with_terms(CHINESE, "检查点与快照\n")
    assert made.count("glossary.md#checkpoint") == 1


def test_every_word_that_is_linked_has_a_row_in_the_glossary() -> None:
    text = (DOCS / GLOSSARY).read_text(encoding="utf-8")
    assert [anchor for anchor in sorted(LINKED) if f'<a id="{anchor}">' not in text] == []
    assert {term.anchor for term in terms("zh")} == LINKED
