"""What the rules for web pages measure: Gopher's quality and repetition signals (as the paper has them and as datatrove
counts them), C4's and FineWeb's.

Knows formulas, one function for each set of rules; a share of nothing is 0. Does not know thresholds or rows. Sources:
Rae et al. 2021 (arXiv 2112.11446, appendix A.1), Raffel et al. 2020 (arXiv 1910.10683, section 2.2), Penedo et al.
2024 (arXiv 2406.17557); datatrove 0.10.1 for what these leave open."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ..tokens import Hashes, Positions
from .pages import ALPHA, PLAIN, SOLID, TERMINAL, WORD, Lines, Mask, Pages, Spans, pages_of
from .repeats import repeats

Signals = dict[str, np.ndarray]
Measure = Callable[[Pages], Signals]

STOP_WORDS: Final = ("the", "be", "to", "of", "and", "that", "have", "with")
POLICY: Final = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
TOP: Final = range(2, 5)
DUPLICATED: Final = range(5, 11)
SHORT_LINE: Final = 30
_LONG_WORD, _FEWEST_WORDS = 1_000, 3
_CITATION: Final = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
_LINE: Final = np.uint64(0x9E3779B97F4A7C15)


def signals(texts: pa.Array[Any], measures: Sequence[Measure]) -> list[pa.Table]:
    """One table for each measure, one row for each text (Arrow string or large_string; null counts as empty)."""
    found: list[Signals] = [{} for _ in measures]
    for rows, pages in pages_of(texts):
        for one, measure in zip(found, measures, strict=True):
            for name, values in measure(pages).items():
                if name not in one:
                    one[name] = np.zeros(len(texts), values.dtype)
                one[name][rows] = values
    if not len(texts):
        found = [measure(Pages([])) for measure in measures]
    return [pa.table(dict(sorted(one.items()))) for one in found]


def gopher_of_datatrove(pages: Pages, words: Spans | None = None) -> Signals:
    """datatrove's GopherQualityFilter and GopherRepetitionFilter; `words` are its tokens (default: Pages.tokens).

    Words and mean length are of words with a character outside PUNCTUATION; every other share is of all tokens. Stop
    words as written. The share of the most frequent n-gram counts the spaces inside it, that of repeated n-grams does
    not; both are divided by the length of the text. Not as there: n-grams are equal word by word, not as one joined
    string."""
    words = pages.tokens if words is None else words
    solid = (words.kind & SOLID) != 0
    counted = words.per_page(solid)
    found = {
        "characters": pages.size,
        "words": counted,
        "mean_word_length": _share(words.per_page(words.size * solid), counted),
        "stop_words": _stop_words(words, anyhow=False),
        **_symbols(pages, words),
        **pages.once(_marked_lines),
        **pages.once(_repeated_lines),
    }
    for one in repeats(words, DUPLICATED[-1]):
        if one.n in TOP:
            found[f"top_{one.n}_grams"] = _share(one.joined_top(), pages.size)
        if one.n in DUPLICATED:
            found[f"dup_{one.n}_grams"] = _share(one.joined_duplicates(), pages.size)
    return found


def gopher_of_paper(pages: Pages) -> Signals:
    """The rules of the Gopher paper (Rae et al. 2021, appendix A.1) as later work reports them; the paper's own text was
    not at hand. Words are what stands between whitespace, and all of them count.

    Stop words count in any case. The share of an n-gram is that of the characters of the words inside it, each once,
    among the characters of all words; an n-gram that occurs once is no repetition. What the paper leaves open (which
    characters are bullets, what a paragraph is, that later copies are the duplicates) is as in datatrove."""
    words = pages.words
    characters = words.per_page(words.size)
    found = {
        "characters": pages.size,
        "words": words.count,
        "mean_word_length": _share(characters, words.count),
        "stop_words": _stop_words(words, anyhow=True),
        **_symbols(pages, words),
        **pages.once(_marked_lines),
        **pages.once(_repeated_lines),
    }
    for one in repeats(words, DUPLICATED[-1]):
        if one.n in TOP:
            found[f"top_{one.n}_grams"] = _share(one.covered_top(), characters)
        if one.n in DUPLICATED:
            found[f"dup_{one.n}_grams"] = _share(one.covered_duplicates(), characters)
    return found


def c4(pages: Pages, words: Spans | None = None) -> Signals:
    """datatrove's C4QualityFilter up to what is left of the text: C4's own lines are not rewritten here.

    `sentences`: those of the lines that stay, which have three words, no word over 1,000 characters, end in . ? ! " or
    ' (not in ...) once citation marks like [1] are gone, and name neither JavaScript nor a policy.
    `unpunctuated_sentences`: the same, wherever lines end. `lorem_ipsum` and `curly_bracket`: which of the two a line
    that would stay holds first. Sentences end as spaCy's sentencizer ends them, at a token that is one of TERMINALS;
    `words` as above."""
    words = pages.tokens if words is None else words
    lines = pages.split_lines
    holds = _triggers(pages, lines)
    long_word = np.zeros(len(lines), bool)
    if len(huge := np.flatnonzero(pages.words.size > _LONG_WORD)):
        long_word[np.searchsorted(lines.first, huge, "right") - 1] = True
    stays = (lines.last - lines.first >= _FEWEST_WORDS) & ~long_word
    punctuated = np.zeros(len(lines), bool)
    some = np.flatnonzero(lines.last > lines.first)
    end, size = pages.words.end[lines.last[some] - 1], pages.words.size[lines.last[some] - 1]
    punctuated[some] = np.isin(pages.chars[end - 1], [ord(one) for one in ".?!\"'"]) & ~_dots(pages, end, size)
    sentences = _sentences(words, lines.start, lines.end)
    _without_citations(pages, lines, stays, punctuated, sentences, holds)
    found: Signals = {}
    for prefix, left in (("", stays & punctuated), ("unpunctuated_", stays)):
        ends = left & (holds["lorem ipsum"] | (holds["{"] & ~holds["javascript"]))
        first = np.flatnonzero(ends)
        first = first[np.diff(lines.doc[first], prepend=-1) > 0]
        lorem, curly = np.zeros(len(pages), bool), np.zeros(len(pages), bool)
        lorem[lines.doc[first[holds["lorem ipsum"][first]]]] = True
        curly[lines.doc[first[~holds["lorem ipsum"][first]]]] = True
        left = left & ~ends & ~holds["javascript"] & ~holds["policy"]
        count = pages.per_doc(lines.doc[left], sentences[left])
        count[lorem | curly] = 0
        found |= {f"{prefix}sentences": count, f"{prefix}lorem_ipsum": lorem, f"{prefix}curly_bracket": curly}
    return found


def fineweb(pages: Pages, words: Spans | None = None) -> Signals:
    """datatrove's FineWebQualityFilter, over lines that are not blank; `words` as above."""
    words = pages.tokens if words is None else words
    lines = pages.lines.some(pages.lines.last > pages.lines.first)
    count = pages.per_doc(lines.doc)
    newlines = np.bincount(pages.lines.doc, minlength=len(pages)) - 1
    punctuated = (pages.flags[lines.end - 1] & TERMINAL) != 0
    return {
        "lines": count,
        "punctuated_lines": _share(pages.per_doc(lines.doc[punctuated]), count),
        "short_lines": _share(pages.per_doc(lines.doc[lines.end - lines.start <= SHORT_LINE]), count),
        "dup_characters": _share(pages.once(_repeated)[:, 4], pages.size - newlines),
        "newlines_per_word": _share(newlines, words.count),
    }


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    share: np.ndarray = part / np.maximum(whole, 1)
    return share


def _symbols(pages: Pages, words: Spans) -> Signals:
    count = np.maximum(words.count, 1)
    hashes, ellipses = pages.once(_signs)
    return {
        "hashes_per_word": hashes / count,
        "ellipses_per_word": ellipses / count,
        "alpha_words": words.per_page((words.kind & ALPHA) != 0) / count,
    }


def _signs(pages: Pages) -> tuple[Positions, Positions]:
    """How many "#" and how many "..." or "…" each page has."""
    hashes = pages.per_doc(pages.doc_of(pages.every("#")))
    dots = pages.every(".")
    begins = np.flatnonzero(np.diff(dots, prepend=-2) > 1)
    size = np.diff(begins, append=len(dots)) // 3
    some = np.flatnonzero(size)
    ellipses = pages.per_doc(pages.doc_of(dots[begins[some]]), size[some])
    return hashes, ellipses + pages.per_doc(pages.doc_of(pages.every("…")))


def _marked_lines(pages: Pages) -> Signals:
    lines = pages.split_lines
    filled = lines.some(lines.last > lines.first)
    lead = pages.chars[pages.words.start[filled.first]]
    end, size = pages.words.end[filled.last - 1], pages.words.size[filled.last - 1]
    ellipsis = _dots(pages, end, size) | (pages.chars[end - 1] == ord("…"))
    count = np.maximum(pages.per_doc(lines.doc), 1)
    return {
        "bullet_lines": pages.per_doc(filled.doc[(lead == ord("•")) | (lead == ord("-"))]) / count,
        "ellipsis_lines": pages.per_doc(filled.doc[ellipsis]) / count,
    }


def _dots(pages: Pages, end: Positions, size: Positions) -> Mask:
    """Which words end in three full stops."""
    dots = size >= 3
    for back in (1, 2, 3):
        dots &= pages.chars[np.maximum(end - back, 0)] == ord(".")
    return dots


def _stop_words(words: Spans, *, anyhow: bool) -> Positions:
    """How many of STOP_WORDS occur on each page; `anyhow` also as The and THE."""
    hashes, numbers, slots = _spellings(anyhow)
    slot = slots[(words.hashes >> np.uint64(48)).view(np.int64)]
    hit = np.flatnonzero(slot >= 0)
    hit = hit[hashes[slot[hit]] == words.hashes[hit]]
    seen = np.zeros(len(words.pages) * len(STOP_WORDS), bool)
    seen[words.doc[hit] * len(STOP_WORDS) + numbers[slot[hit]]] = True
    count: Positions = seen.reshape(-1, len(STOP_WORDS)).sum(1)
    return count


@functools.cache
def _spellings(anyhow: bool) -> tuple[Hashes, Positions, np.ndarray]:
    """The hash of each spelling, the stop word it spells, and the spelling by the first 16 bits of its hash (-1:
    none)."""
    spelled = [(word, word.title(), word.upper()) if anyhow else (word,) for word in STOP_WORDS]
    hashes = Pages([one for spellings in spelled for one in spellings]).words.hashes
    slots = np.full(1 << 16, -1, np.int8)
    slots[(hashes >> np.uint64(48)).astype(np.int64)] = np.arange(len(hashes))
    return hashes, np.repeat(np.arange(len(spelled)), len(spelled[0])), slots


def _repeated_lines(pages: Pages) -> Signals:
    shares = pages.once(_repeated)
    names = ("dup_paragraphs", "dup_paragraph_characters", "dup_lines", "dup_line_characters")
    return {name: shares[:, i].copy() for i, name in enumerate(names)}


def _repeated(pages: Pages) -> np.ndarray:
    """A row of `_repetition` for each page: of zeros where no two lines have the same words, which is nearly always."""
    found = np.zeros((len(pages), 5))
    lines, words = pages.lines, pages.words
    lines = lines.some(lines.end > lines.start)
    # The sum of the hashes of a line's words and the first of them; lines of whitespace are equal.
    before = np.concatenate([np.zeros(1, np.uint64), np.cumsum(words.hashes)])
    key = before[lines.last] - before[lines.first]
    filled = np.flatnonzero(lines.last > lines.first)
    key[filled] += words.hashes[lines.first[filled]] * _LINE
    page_bits = np.uint64(max((len(pages) - 1).bit_length(), 1))
    key >>= page_bits
    key |= lines.doc.view(np.uint64) << (np.uint64(64) - page_bits)
    key.sort()
    again = (key[1:][key[1:] == key[:-1]] >> (np.uint64(64) - page_bits)).view(np.int64)
    some = np.flatnonzero(pages.size)
    newline = ord("\n")
    around = some[(pages.chars[pages.begin[some]] == newline) & (pages.chars[pages.end[some] - 1] == newline)]
    for i in np.union1d(again, around).tolist():
        found[i] = _repetition(pages.texts[i])
    return found


def _repetition(text: str) -> tuple[float, float, float, float, int]:
    """Shares of paragraphs, their characters, lines and their characters that occurred before; and the characters of
    such lines that are not blank. The empty pieces at the ends of a text are lines too, as in datatrove."""
    # Paragraphs stand between two newlines or more.
    paragraphs = [part for piece in text.strip().split("\n\n") if (part := piece.strip("\n"))] or [""]
    lines = [*filter(None, text.split("\n"))]
    both = lines + [""] * ((text[:1] == "\n") + (text[-1:] == "\n"))
    again, characters = _again(paragraphs)
    again_lines, line_characters = _again(both)
    return (
        again / len(paragraphs),
        characters / len(text),
        again_lines / len(both),
        line_characters / len(text),
        _again([line for line in lines if not line.isspace()])[1],
    )


def _again(parts: Sequence[str]) -> tuple[int, int]:
    """How many parts occurred before, and how many characters those have."""
    distinct = set(parts)
    return len(parts) - len(distinct), sum(map(len, parts)) - sum(map(len, distinct))


def _triggers(pages: Pages, lines: Lines) -> dict[str, Mask]:
    """Which lines hold what C4 looks for."""
    # İ is the one character whose lower case takes two: without it every place stays where it is.
    lowered = pages.text.replace("\u0130", "\0").lower()
    holds: dict[str, Mask] = {}
    cookies = "cookie" in lowered
    policy = [piece for piece in POLICY if cookies or "cookie" not in piece]
    for name, pieces in (
        ("lorem ipsum", ["lorem ipsum"]),
        ("javascript", ["javascript"]),
        ("policy", policy),
        ("{", "{"),
    ):
        holds[name] = np.zeros(len(lines), bool)
        for piece in pieces:
            holds[name][np.searchsorted(lines.start, pages.places(piece, lowered), "right") - 1] = True
    return holds


def _without_citations(
    pages: Pages, lines: Lines, stays: Mask, punctuated: Mask, sentences: Positions, holds: Mapping[str, Mask]
) -> None:
    """Look at lines with citation marks again, without the marks; `punctuated`, `sentences` and `holds` change
    there."""
    marks = pages.every("[")
    following = pages.chars[marks + 1]  # a page ends with a newline
    marks = marks[np.isin(following, [ord(one) for one in "0123456789]ec"]) | (following > 127)]
    brackets = np.searchsorted(lines.start, marks, "right") - 1
    rewritten, where = [], []
    for i in np.unique(brackets[stays[brackets]]).tolist():
        line = pages.text[lines.start[i] : lines.end[i]].strip()
        new = _CITATION.sub("", line)
        if len(new) < len(line):
            rewritten.append(new)
            where.append(i)
            lowered = new.lower()
            punctuated[i] = new.endswith((".", "?", "!", '"', "'")) and not new.endswith("...")
            for piece in ("lorem ipsum", "javascript", "{"):
                holds[piece][i] = piece in lowered
            holds["policy"][i] = any(piece in lowered for piece in POLICY)
    if rewritten:
        page = Pages(rewritten)
        sentences[where] = _sentences(page.tokens, page.begin, page.end)


def _sentences(words: Spans, start: Positions, end: Positions) -> Positions:
    """Sentences between each `start` and `end` (characters): one, and one more at each token that is neither
    punctuation nor an end but follows one, with nothing but punctuation between."""
    first, last = np.searchsorted(words.start, start), np.searchsorted(words.start, end)
    ends = (words.size == 1) & ((words.kind & TERMINAL) != 0)
    plain = np.flatnonzero(((words.kind & (PLAIN | WORD)) != 0) & ~ends)
    # Of the ends before the same token the last one decides: if it stands in the line of the token, that begins one.
    end_at = np.flatnonzero(ends)
    after = np.searchsorted(plain, end_at)
    begins = after < len(plain)
    begins[:-1] &= after[1:] > after[:-1]
    begin_at, end_at = plain[after[begins]], end_at[begins]
    line = np.searchsorted(first, begin_at, "right") - 1
    inside = (line >= 0) & (end_at >= first[line])
    begin_at = begin_at[inside]
    count: Positions = np.searchsorted(begin_at, last) - np.searchsorted(begin_at, first) + 1
    return count


MEASURES: Final[Mapping[str, Measure]] = {
    "gopher@paper": gopher_of_paper,
    "gopher@datatrove": gopher_of_datatrove,
    "c4": c4,
    "fineweb": fineweb,
}
"""What each profile measures."""
