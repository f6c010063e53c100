"""The signals of the web rules: equal to their plain definitions on random and hostile texts, however these are
batched."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.text.signals import pages as cutting
from tilth.tools.text.signals import rule_signals
from tilth.tools.text.signals.pages import BREAKS, PUNCTUATION, TERMINALS, Pages, pages_of
from tilth.tools.text.signals.repeats import repeats


def _reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rules_reference", Path(__file__).parent / "rules_reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = _reference()

PIECES = [
    *("the", "be", "The", "TO", "a", "b", "word", "of", "and", "•", "-x", "-", "--", "...", "…", ".", ",", "#", "'"),
    *(
        '"q"',
        "'s",
        "{",
        "[1]",
        "[edit]",
        "[citation needed]",
        "javascript",
        "İx",
        "漢字",
        "é",
        "ends.",
        "ends!",
        "it's",
    ),
    *(
        "don’t",
        "well-known",
        "3.14",
        "1,000",
        "a,b",
        "e.g.",
        "U.S.",
        "x_y",
        "ﬁ",
        "ß",
        "Σ",
        "use\u00a0cookies",
        ")",
        "]",
    ),
]
RARE = [
    *("\n", "\n\n", "  ", "\t", "\r\n", "\r", "\u2028", "\x0b", "\x1c", "\x85", "\n ", " \n", "\u3000", "\x00", "🙂"),
    *("lorem ipsum", "Lorem Ipsum.", "x" * 1001, "Use cookies.", "Terms of Use", "JavaScript is off.", "[12]."),
]


def measured(texts: Sequence[str], profile: str) -> list[dict[str, Any]]:
    table = rule_signals.signals(pa.array(texts, pa.large_string()), [rule_signals.MEASURES[profile]])[0]
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def expected(texts: Sequence[str], profile: str) -> list[dict[str, Any]]:
    return [dict(sorted(REFERENCE.PROFILES[profile](text).items())) for text in texts]


def random_texts(seed: int, count: int) -> list[str]:
    rng = random.Random(seed)
    texts = []
    for _ in range(count):
        pieces = (PIECES + RARE)[: rng.choice([4, 8, 20, len(PIECES), len(PIECES) + 2, 99])]
        glue = rng.choice([" ", " ", "", "\n"])
        texts.append(glue.join(rng.choice(pieces) for _ in range(rng.randrange(120))))
    return texts


EDGES = [
    *(
        "",
        " ",
        "\n",
        "\r",
        "\r\n",
        "a",
        "a\r",
        "a\r\n",
        "\r\na",
        "\n\na\n\n",
        "\na\n",
        "a\n\na",
        "  a b\n\na b",
        "\u2028",
    ),
    *("\u2028", "..", "...", "....", ". .. ...", "it's", "'s", "it'", "1,000", "1,", ",1", "a.b", "a..b", "a--b"),
    *("a\u2028b", "a b a b a b", "a a a a a a a a a a a a", "the the the", "x y\nx y\n\nx y", "One. Two.\n", "-\n-\n-"),
    *("• a\n- b", "no.[1]\nWe say so today [2].", "word " * 50, "{ a b.", "javascript { a b.", "lorem ipsum."),
    *("İ javascript is off.", "javascrİpt is off here.", "===== " * 60 + "=" * 40 + "a"),
]


@pytest.mark.parametrize("profile", rule_signals.MEASURES)
def test_signals_equal_the_reference(profile: str) -> None:
    texts = EDGES + random_texts(seed=1, count=500)
    for text, got, want in zip(texts, measured(texts, profile), expected(texts, profile), strict=True):
        assert got == want, repr(text)


@given(
    st.lists(
        st.one_of(
            st.text(max_size=40),
            st.lists(st.sampled_from(PIECES + RARE), max_size=30).map(" ".join),
            st.lists(st.sampled_from(["a", "b", " ", "\n", "."]), max_size=60).map("".join),
        ),
        max_size=6,
    ),
    st.sampled_from(sorted(rule_signals.MEASURES)),
)
def test_any_texts_equal_the_reference(texts: list[str], profile: str) -> None:
    assert measured(texts, profile) == expected(texts, profile)


@given(st.lists(st.text(alphabet="ab漢. \n", max_size=30), min_size=1, max_size=8), st.integers(1, 60))
def test_blocks_change_nothing(texts: list[str], size: int) -> None:
    table = pa.array(texts, pa.large_string())
    whole = {int(row): pages.texts[i] for rows, pages in pages_of(table) for i, row in enumerate(rows)}
    parts = {int(row): pages.texts[i] for rows, pages in pages_of(table, size) for i, row in enumerate(rows)}
    assert whole == parts == dict(enumerate(texts))
    alone = [measured([text], "gopher@datatrove")[0] for text in texts]
    assert measured(texts, "gopher@datatrove") == alone


@given(st.lists(st.text(alphabet="ab'’.,-_/&:1é \r\n\x1c\u2028", max_size=40), max_size=5))
def test_words_tokens_and_lines_are_those_of_python(texts: list[str]) -> None:
    pages = Pages(texts)

    def said(part: Any) -> list[list[str]]:
        rows: list[list[str]] = [[] for _ in texts]
        for start, end, doc in zip(part.start, part.end, part.doc, strict=True):
            rows[doc].append(pages.text[start:end])
        return rows

    assert said(pages.words) == [text.split() for text in texts]
    assert said(pages.tokens) == [REFERENCE.tokens(text) for text in texts]
    assert said(pages.lines) == [text.split("\n") for text in texts]
    assert said(pages.split_lines) == [text.splitlines() for text in texts]


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=40).map(" ".join), min_size=1, max_size=5))
def test_repeated_runs_are_all_repeated_runs(texts: list[str]) -> None:
    words = Pages(texts).words
    for one in repeats(words, 6):
        found = set(one.at.tolist())
        wanted = set()
        for doc, text in enumerate(texts):
            grams = REFERENCE.grams(text.split(), one.n)
            wanted |= {int(words.first[doc]) + i for i, gram in enumerate(grams) if grams.count(gram) > 1}
        assert found == wanted and len(one.at) == len(found)


def test_null_and_no_texts() -> None:
    table = rule_signals.signals(pa.array(["a b", None], pa.large_string()), list(rule_signals.MEASURES.values()))
    assert [len(one) for one in table] == [2] * 4
    assert table[0]["words"].to_pylist() == [2, 0]
    empty = rule_signals.signals(pa.array([], pa.large_string()), list(rule_signals.MEASURES.values()))
    assert [(len(one), one.schema) for one in empty] == [(0, one.schema) for one in table]


def test_classes_of_characters() -> None:
    assert (len(TERMINALS), len(PUNCTUATION)) == (159, 281)
    letters = Pages([chr(c) for c in range(0x110000) if chr(c).isalpha()])
    told = cutting.SOLID | cutting.WORD | cutting.PLAIN
    assert np.all(letters.words.kind & told == told)
    assert all(len(f"a{one}b".splitlines()) == 2 for one in BREAKS)
    assert not any(len(f"a{chr(c)}b".splitlines()) == 2 for c in range(0x110000) if chr(c) not in BREAKS)
