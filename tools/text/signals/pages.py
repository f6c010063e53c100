"""Texts cut into words and lines, many at a time, with NumPy: the one pass that the rules for web pages share.

Knows characters, words and lines and where they stand. Does not know what a rule makes of them (`rule_signals`) nor
which words repeat (`repeats`)."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .. import tokens
from ..tokens import Hashes, Positions

Flags = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Known = TypeVar("Known")

SPACE, ALPHA, SOLID, TERMINAL, WORD, PLAIN, BREAK, JOINT = (1 << bit for bit in range(8))
"""What a character may be: `str.isspace`; `str.isalpha`; none of PUNCTUATION; one of TERMINALS; `\\w`; of no category
P; where `str.splitlines` cuts; what may stand inside a token."""

BREAKS: Final = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
BLOCK_BYTES: Final = 2 * tokens.BLOCK_BYTES  # every block costs some thousand calls, whatever its size
_LOOKED_AT: Final = 16  # characters of a word without letters that are looked at for all words at once
_PADDING: Final = bytes(24)  # word_hashes reads eight bytes at a time


def _characters(ranges: str) -> frozenset[str]:
    """Characters from hexadecimal code points and ranges of them."""
    ends = [part.partition("-") for part in ranges.split()]
    return frozenset(chr(c) for low, _, high in ends for c in range(int(low, 16), int(high or low, 16) + 1))


TERMINALS: Final = _characters(
    "21 2e 3f 589 61d-61f 6d4 700-702 7f9 837 839 83d-83e 964-965 104a-104b 1362 1367-1368 166e 1735-1736 17d4-17d6 "
    "17d9-17da 1803 1809 1944-1945 1aa8-1aab 1b5a-1b5b 1b5e-1b5f 1b7d-1b7e 1c3b-1c3c 1c7e-1c7f 203c-203d 2047-2049 "
    "2e2e 2e3c 2e53-2e54 3002 a4ff a60e-a60f a6f3 a6f7 a876-a877 a8ce-a8cf a92f a9c8-a9c9 aa5d-aa5f aaf0-aaf1 abeb "
    "fe52 fe56-fe57 ff01 ff0e ff1f ff61 10a56-10a57 10f55-10f59 10f86-10f89 11047-11048 110be-110c1 11141-11143 "
    "111c5-111c6 111cd 111de-111df 11238-11239 1123b-1123c 112a9 1144b-1144c 115c2-115c3 115c9-115d7 11641-11642 "
    "1173c-1173e 11944 11946 11a42-11a43 11a9b-11a9c 11c41-11c42 11ef7-11ef8 11f43-11f44 16a6e-16a6f 16af5 "
    "16b37-16b38 16b44 16e98 1bc9f 1da88"
)
"""The 159 characters that end a sentence for FineWeb's line rule (datatrove 0.10.1)."""

PUNCTUATION: Final = TERMINALS | _characters(
    "0-8 b-1f 22-2f 3a-40 5b-60 7b-9f ab b4 bb 2013-2014 2019 201c-201e 2026 2236 2501 25ba 3001 3008-300d 3010-3011 "
    "ff05 ff08-ff09 ff0c ff11 ff1a-ff1b ff5e"
)
"""The 281 characters that datatrove 0.10.1 does not count as part of a word when it judges the length of words."""


@dataclass(frozen=True, eq=False)
class Spans:
    """Words (or pieces of words) of `pages` in order: word i is `pages.text[start[i]:end[i]]`.

    `doc[i]` is the page it stands on; the words of page d are `first[d]` to `first[d + 1] - 1`. Between two words
    there must be whitespace only."""

    pages: Pages
    start: Positions
    end: Positions

    def __len__(self) -> int:
        return len(self.start)

    @cached_property
    def size(self) -> Positions:
        """Length of each word in characters."""
        return self.end - self.start

    @cached_property
    def first(self) -> Positions:
        return np.searchsorted(self.start, np.append(self.pages.begin, len(self.pages.chars)))

    @cached_property
    def count(self) -> Positions:
        """Words on each page."""
        return np.diff(self.first)

    @cached_property
    def doc(self) -> Positions:
        return np.repeat(np.arange(len(self.pages)), self.count)

    @cached_property
    def length(self) -> Positions:
        """Characters in the words before each word, and in all: `length[j] - length[i]` are those of words i to j -
        1."""
        return np.concatenate([[0], np.cumsum(self.size)])

    def per_page(self, values: npt.NDArray[Any]) -> Positions:
        """The sum, on each page, of a whole number (or truth) for each word."""
        total = np.zeros(len(self.pages), np.int64)
        some = np.flatnonzero(self.count)
        total[some] = np.add.reduceat(values, self.first[some], dtype=np.int64)
        return total

    @cached_property
    def kind(self) -> Flags:
        """What the characters of each word are, together; a letter tells all, so what follows one is not looked at."""
        kind = self.pages.flags[self.start]
        left = np.flatnonzero(((kind & ALPHA) == 0) & (self.size > 1))
        for step in range(1, _LOOKED_AT):
            kind[left] |= self.pages.flags[self.start[left] + step]
            left = left[((kind[left] & ALPHA) == 0) & (self.size[left] > step + 1)]
        for i in left.tolist():
            kind[i] |= np.bitwise_or.reduce(self.pages.flags[self.start[i] : self.end[i]])
        return kind

    @cached_property
    def hashes(self) -> Hashes:
        """A 64-bit hash of each word as it is written, case and all."""
        return self.pages.hashes(self.start, self.end)


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Lines of pages in order: line i is `pages.text[start[i]:end[i]]`, of page `doc[i]`, and holds the words (runs
    between whitespace) `first[i]` to `last[i] - 1`."""

    start: Positions
    end: Positions
    doc: Positions
    first: Positions
    last: Positions

    def __len__(self) -> int:
        return len(self.start)

    def some(self, which: Mask) -> Lines:
        return Lines(self.start[which], self.end[which], self.doc[which], self.first[which], self.last[which])


class Pages:
    """Some texts one after the other, each closed by a newline of its own, so that no word or line runs into the next.

    Page d is `text[begin[d]:end[d]]`; `chars` and `flags` hold one element a character.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self._known: dict[Any, Any] = {}
        self.text = "\n".join(texts) + "\n" if texts else ""
        self.size = np.fromiter(map(len, texts), np.int64, len(texts))
        self.end = np.cumsum(self.size + 1) - 1
        self.begin = self.end - self.size
        encoded = self.text.encode()
        self._bytes = np.frombuffer(encoded + _PADDING, np.uint8)
        self._byte_of: Positions | None = None
        self.chars: npt.NDArray[np.unsignedinteger[Any]]
        if len(encoded) == len(self.text):
            self.chars = self._bytes[: len(encoded)]
            self.flags: Flags = np.frombuffer(encoded.translate(_ascii_flags()), np.uint8)
        else:
            self.chars = np.frombuffer(self.text.encode("utf-32-le"), "<u4")
            self.flags = _all_flags()[self.chars]
            self._byte_of = np.flatnonzero((self._bytes[: len(encoded)] & 0xC0) != 0x80)

    def __len__(self) -> int:
        return len(self.texts)

    def once(self, measure: Callable[[Pages], Known]) -> Known:
        """What a measure gives for these pages, taken at the first call."""
        if measure not in self._known:
            self._known[measure] = measure(self)
        found: Known = self._known[measure]
        return found

    def hashes(self, start: Positions, end: Positions) -> Hashes:
        if self._byte_of is not None:
            start, end = self._byte_of[start], self._byte_of[end]
        return tokens.word_hashes(tokens.Words(self._bytes, start, end, self.begin, self.begin))

    def every(self, character: str) -> Positions:
        """Where a character stands."""
        return np.flatnonzero(self.chars == ord(character)) if character in self.text else np.empty(0, np.int64)

    def places(self, piece: str, text: str | None = None) -> Positions:
        """Where a piece of text begins, overlapping occurrences left out; `text` may be the pages' in other letters."""
        text = self.text if text is None else text
        found, at = [], text.find(piece)
        while at >= 0:
            found.append(at)
            at = text.find(piece, at + len(piece))
        return np.array(found, np.int64)

    def doc_of(self, at: Positions) -> Positions:
        """The page of each position."""
        return np.searchsorted(self.begin, at, "right") - 1

    def per_doc(self, docs: Positions, weights: Any = None) -> Positions:
        """How often each page is named, or the sum of the weights (whole numbers) there."""
        return np.bincount(docs, weights, len(self)).astype(np.int64)

    @cached_property
    def solid(self) -> Mask:
        """Which characters are not whitespace, with one False before them."""
        solid = np.zeros(len(self.flags) + 1, bool)
        np.equal(self.flags & SPACE, 0, out=solid[1:])
        return solid

    @cached_property
    def words(self) -> Spans:
        """What `str.split` gives: runs between whitespace."""
        edge = np.flatnonzero(self.solid[1:] != self.solid[:-1])
        return Spans(self, np.ascontiguousarray(edge[0::2]), np.ascontiguousarray(edge[1::2]))

    @cached_property
    def tokens(self) -> Spans:
        r"""Words with the punctuation apart, close to the English tokens of spaCy that datatrove counts.

        A run of `\w` is one, also across one of these between two `\w`: . & @; a comma, unless between letters; / : =
        < > before what is no letter; a hyphen between a letter and none. An apostrophe between a `\w` and a letter
        begins a new one (it + 's). Runs of full stops and of hyphens are one, every other character is one of its own.
        Not as there: web addresses, units (5km) and most abbreviations come apart."""
        chars, solid = self.chars, self.solid
        if not len(chars):
            return self.words
        word = (self.flags & WORD) != 0
        joints = np.flatnonzero((self.flags & JOINT) != 0)
        at = joints[joints > 0]  # the last character of all is a newline
        at = at[word[at - 1] & word[at + 1]]
        mark = chars[at]
        before, after = (self.flags[at - 1] & ALPHA) != 0, (self.flags[at + 1] & ALPHA) != 0
        apostrophe = (mark == ord("'")) | (mark == ord("’"))
        apart = apostrophe & after
        inner = np.where(mark == ord("-"), before != after, ~after)
        inner = np.where(mark == ord(","), ~(before & after), inner & ~apostrophe)
        inner |= apart | (mark == ord(".")) | (mark == ord("&")) | (mark == ord("@"))
        word[at[inner]] = True
        glued = np.zeros(len(chars), bool)
        np.logical_and(word[1:], word[:-1], out=glued[1:])
        glued[at[apart]] = False
        again = joints[1:][(joints[1:] == joints[:-1] + 1) & (chars[joints[1:]] == chars[joints[:-1]])]
        glued[again[(chars[again] == ord(".")) | (chars[again] == ord("-"))]] = True
        return Spans(self, np.flatnonzero(solid[1:] > glued), np.flatnonzero(solid[:-1] > glued))

    @cached_property
    def lines(self) -> Lines:
        r"""What `text.split("\n")` gives: the empty text is one empty line."""
        end = np.flatnonzero(self.chars == ord("\n"))
        return self._lines(np.concatenate([[0], end[:-1] + 1]) if len(end) else end, end)

    @cached_property
    def split_lines(self) -> Lines:
        """What `str.splitlines` gives: the empty text has none, nor does an empty rest count."""
        lines = self.lines
        end = np.flatnonzero((self.flags & BREAK) != 0)
        if len(end) > len(lines):
            # "\r\n" is one break, unless the newline is the one that closes the page.
            pair = (self.chars[end] == ord("\n")) & (self.chars[end - 1] == ord("\r")) & (end > 0)
            pair &= ~np.isin(end, self.end)
            start = np.concatenate([[0], end[:-1] + 1])
            begins = ~pair
            width = np.append(pair[1:], False)[begins]
            end = end[begins]
            start = np.concatenate([[0], (end + 1 + width)[:-1]])
            lines = self._lines(start, end)
        rest = (lines.start == lines.end) & (lines.end == self.end[lines.doc])
        return lines.some(~rest)

    def _lines(self, start: Positions, end: Positions) -> Lines:
        first = np.searchsorted(self.words.start, start)
        return Lines(start, end, self.doc_of(start), first, np.searchsorted(self.words.start, end))


def pages_of(texts: pa.Array[Any], size: int = BLOCK_BYTES) -> Iterator[tuple[Positions, Pages]]:
    """The texts (Arrow strings; null counts as empty) as Pages of about `size` bytes, and which of the texts they are.

    Texts in ASCII go apart from the others: one byte a character instead of four.
    """
    start = 0
    for block in tokens.blocks(texts, size):
        said = [text or "" for text in block.to_pylist()]
        plain = np.fromiter(map(str.isascii, said), bool, len(said))
        for group in (np.flatnonzero(plain), np.flatnonzero(~plain)):
            if len(group):
                yield group + start, Pages([said[i] for i in group])
        start += len(said)


def _flags_of(points: Sequence[int]) -> Flags:
    characters = [chr(point) for point in points]
    flags = np.zeros(len(characters), np.uint8)

    def mark(flag: int, which: Iterator[bool]) -> None:
        flags[np.fromiter(which, bool, len(characters))] |= flag

    space = [character.isspace() for character in characters]
    mark(SPACE, iter(space))
    mark(ALPHA, map(str.isalpha, characters))
    mark(WORD, (character.isalnum() or character == "_" for character in characters))
    mark(TERMINAL, map(TERMINALS.__contains__, characters))
    mark(BREAK, map(frozenset(BREAKS).__contains__, characters))
    mark(JOINT, map(frozenset(".&@,/:=<>-'’").__contains__, characters))
    ink = [not blank for blank in space]
    mark(SOLID, (is_ink and one not in PUNCTUATION for is_ink, one in zip(ink, characters, strict=True)))
    category = map(unicodedata.category, characters)
    mark(PLAIN, (is_ink and kind[0] != "P" for is_ink, kind in zip(ink, category, strict=True)))
    return flags


@functools.cache
def _ascii_flags() -> bytes:
    return _flags_of(range(128)).tobytes() + bytes(128)


@functools.cache
def _all_flags() -> Flags:
    return _flags_of(range(0x110000))
