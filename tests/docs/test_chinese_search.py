"""The words of the course go into the search index as words, so that typing them finds them."""

import re
import warnings
from typing import Any

import pytest

from common.course.base.course import ROOT
from tests.docs.test_two_languages import words

DICTIONARY = ROOT / "docs" / "jieba.txt"

SHORT = set("主子无三两强的")
"""Single letters that may remain beside a word: who looks for the word still finds it."""


@pytest.fixture(scope="module")
def jieba() -> Any:
    """The segmenter that MkDocs' search uses, with the course's own words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own old syntax
        jieba = pytest.importorskip("jieba", reason="make docs installs the docs site's tools")
        jieba.setLogLevel("ERROR")
        jieba.load_userdict(str(DICTIONARY))
        jieba.lcut("词")
    return jieba


def test_no_word_of_the_glossary_is_cut_into_single_letters(jieba: Any) -> None:
    chinese = {word for several in words().values() for word in several}
    pure = {word for word in chinese if not re.search("[a-zA-Z ]", word)}
    cut = {word: jieba.lcut(word) for word in pure if len(word) > 1}
    in_pieces = {
        word: pieces
        for word, pieces in cut.items()
        if any(len(piece) == 1 and piece not in SHORT for piece in pieces)
    }
    assert in_pieces == {}, "words for docs/jieba.txt"


def test_each_word_of_the_dictionary_stays_one_word(jieba: Any) -> None:
    own = DICTIONARY.read_text(encoding="utf-8").split()
    assert own == sorted(set(own))
    assert {word: jieba.lcut(word) for word in own if jieba.lcut(word) != [word]} == {}


def test_the_site_is_built_with_this_dictionary() -> None:
    assert f"jieba_dict_user: {DICTIONARY.relative_to(ROOT)}" in (ROOT / "mkdocs.yml").read_text()
