"""Mentions: figures, dates, addresses and names, and what a rewriting lost of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.text.mentions import lost, mentions


def told(text):
    return [(one.kind, one.key) for one in mentions(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It cost 1,000.50 and 3 more.", [("figure", "1000.50"), ("figure", "3")]),
        ("On 2021-03-05 at 10:30", [("figure", "2021-03-05"), ("figure", "10:30")]),
        ("5-10 came", [("figure", "5"), ("figure", "10")]),
        ("See https://a.org/x?y=1. Or mail a.b@c.org!", [("web", "https://a.org/x?y=1"), ("web", "a.b@c.org")]),
        ("we met Anna in Bonn", [("name", "anna"), ("name", "bonn")]),
        ("The house is old. It stands.", []),
        ("Anna Weber came. Then she left.", [("name", "anna"), ("name", "weber")]),
        ("The Rhine's end; I'm sure I know.", [("name", "rhine")]),
        ("The GPT-4 and iPhone era", [("name", "gpt-4"), ("figure", "4"), ("name", "iphone")]),
        ("1. First\n2. Second", [("figure", "1"), ("figure", "2")]),
        ("", []),
    ],
)  # fmt: skip
def test_what_a_text_mentions(text, expected):
    assert told(text) == expected


def test_capitals_tell_nothing_where_most_words_have_them():
    german = "der Hund und die Katze sitzen im Garten vor dem Haus mit dem Baum und der Bank am See"
    assert told(german) == []
    assert told(german + " der NATO") == [("name", "nato")]


@pytest.mark.parametrize(
    ("made", "figures", "names"),
    [
        ("Weber, Anna: 5 and 1000 and 5.", (), ()),
        ("Anna Weber had 5 and 1,000.", ("5",), ()),
        ("She had 5, 5 and 1000.", (), ("Anna", "Weber")),
        ("Anna Weber had 5, 5 and 10000.", ("1,000",), ()),
    ],
)
def test_what_a_rewriting_lost(made, figures, names):
    found = lost("then Anna Weber had 5 and 5 and 1,000", made)
    assert (found.figures, found.names) == (figures, names)
    assert bool(found) == bool(figures or names)


@given(st.text(max_size=200))
def test_nothing_is_lost_of_the_same_text(text):
    assert not lost(text, text)
    for one in mentions(text):
        assert 0 <= one.start < one.end <= len(text)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8), st.randoms())
def test_one_figure_more_or_less_is_seen(numbers, rng):
    source = " and ".join(map(str, numbers))
    fewer = list(numbers)
    gone = fewer.pop(rng.randrange(len(fewer)))
    assert lost(source, " and ".join(map(str, fewer))).figures == (str(gone),)
    assert not lost(" and ".join(map(str, fewer)), source)
