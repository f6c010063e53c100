"""Words and runs of words, as 64-bit hashes, straight from Arrow string buffers with NumPy.

Knows what a word is: exactly `re.findall(r"\\w+", text.lower())`, for every code point. Does not know what the hashes
are compared for. Everything is fastest on `blocks` of text, whose arrays stay in the processor's cache.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.int64]

BLOCK_BYTES = 1 << 18
_WORD = re.compile(r"\w+")
_PADDING = 24  # readable bytes after the text, so that eight-byte loads never leave the array
_LONG = 64  # words beyond this many bytes are hashed one by one
_SPACE = 32
_CONTEXTUAL = (0x130, 0x3A3)  # İ and Σ: their lower case takes two code points or depends on the neighbours
_WORD_MIX, _TAIL_MIX, RUN_FACTOR = (np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xC2B2AE3D27D4EB4F))
_FIRST_BYTES = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)
# Scripts written without spaces between words: first and last code point of each range.
UNSPACED = np.array([
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19DF), (0x1A20, 0x1AAF), (0x1B00, 0x1B7F),
    (0x3005, 0x3007), (0x3041, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA000, 0xA4CF),
    (0xA980, 0xA9DF), (0xAA60, 0xAADF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x1B000, 0x1B16F), (0x20000, 0x3FFFF),
], np.uint32)  # fmt: skip

# glibc returns freed memory to the kernel above a threshold which grows with the largest block ever freed. Without this
# line every temporary array is mapped and zeroed anew, which more than doubles the time of the functions below.
np.empty(31 << 20, np.uint8)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a block of documents.

    `text`: the bytes, lower-cased, with padding. Word i is `text[start[i]:end[i]]`. Document d begins at byte
    `offset[d]` of `text` and holds the words `first[d]` to `first[d + 1] - 1`.
    """

    text: Bytes
    start: Positions
    end: Positions
    offset: Positions
    first: Positions


def blocks(texts: pa.Array[Any], size: int = BLOCK_BYTES) -> Iterator[pa.Array[Any]]:
    """Consecutive slices of `texts` of about `size` bytes each, at least one document in each."""
    _, offset = _buffers(texts)
    low = 0
    while low < len(texts):
        high = max(low + 1, int(np.searchsorted(offset, offset[low] + size, "right")) - 1)
        yield texts.slice(low, high - low)
        low = high


def words(texts: pa.Array[Any]) -> Words:
    """Cut every document (Arrow string or large_string; null counts as empty) into `re.findall(r"\\w+", text.lower())`.

    The bytes must be valid UTF-8.
    """
    raw, offset = _buffers(texts)
    text = np.empty(len(raw) + _PADDING, np.uint8)
    text[: len(raw)] = raw
    text[len(raw) :] = 0
    ascii_only = not len(raw) or raw.max() < 128
    if not ascii_only:
        text, offset = _fold(raw, offset, text)
    body = text[: offset[-1]]
    lowered = body | np.uint8(0x20)
    lowered -= np.uint8(ord("a"))
    letter = lowered < 26
    in_word = np.zeros(len(body) + 2, bool)
    inner = in_word[1:-1]
    np.less(body - np.uint8(ord("0")), 10, out=inner)
    inner |= letter
    inner |= body == ord("_")
    if not ascii_only:
        inner |= body >= 128  # _fold has left no others
    body |= letter.view(np.uint8) * np.uint8(0x20)
    edge = np.flatnonzero(in_word[1:] != in_word[:-1])
    start, end = np.ascontiguousarray(edge.reshape(-1, 2).T)
    border = offset[1:-1]
    return _split(text, start, end, offset, np.unique(border[in_word[border] & in_word[border + 1]]))


def split_unspaced(cut: Words) -> Words:
    """The same words, but each character of a script written without spaces is a word of its own.

    Chinese, Japanese, Thai, Lao, Khmer, Burmese and others; a run of n words is a run of n characters there. It is
    decided by character, not by document, so that an edit never changes how the rest of its document is cut.
    """
    body = cut.text[: cut.offset[-1]]
    if not len(body) or body.max() < 0xE0:
        return cut
    lead = np.flatnonzero(body >= 0xE0)
    size = 3 + (body[lead] >= 0xF0)
    point = np.empty(len(lead), np.uint32)
    for length in (3, 4):
        of_length = size == length
        point[of_length] = _decode(body, lead[of_length], length)
    at = np.searchsorted(UNSPACED[:, 0], point, "right") - 1
    unspaced = (at >= 0) & (point <= UNSPACED[at, 1])
    inside = np.zeros(len(body) + 1, bool)
    inside[lead[unspaced]] = inside[(lead + size)[unspaced]] = True
    inside[cut.start] = inside[cut.end] = False
    return _split(cut.text, cut.start, cut.end, cut.offset, np.flatnonzero(inside))


def word_hashes(cut: Words) -> Hashes:
    """A 64-bit hash of every word, eight bytes at a time. It is not made against crafted collisions."""
    cells = cut.text[: len(cut.text) & ~7].view(np.uint64)
    size = cut.end - cut.start

    def load(at: Positions, left: Positions) -> Hashes:
        """Eight bytes, or the `left` of them, from two aligned loads."""
        cell = at >> 3
        shift = ((at & 7) << 3).view(np.uint64)
        value: Hashes = cells[cell]
        value >>= shift
        upper = cells[1:][cell]
        upper <<= np.subtract(64, shift, out=shift)
        value |= upper
        value &= _FIRST_BYTES.take(left, mode="clip")
        return value

    hashes = load(cut.start, size)
    hashes *= _WORD_MIX
    hashes ^= hashes >> np.uint64(32)
    longer = np.flatnonzero(size > 8)
    done = 8
    while len(longer) and done < _LONG:
        value = hashes[longer]
        value += load(cut.start[longer] + done, size[longer] - done)
        value *= _TAIL_MIX
        value ^= value >> np.uint64(29)
        hashes[longer] = value
        done += 8
        longer = longer[size[longer] > done]
    for i in longer:
        word = cut.text[cut.start[i] : cut.end[i]].tobytes()
        hashes[i] = int.from_bytes(hashlib.blake2b(word, digest_size=8).digest(), "little")
    return hashes


def run_hashes(hashes: Hashes, n: int) -> Hashes:
    """Hash of every run of `n` words, without regard to where documents end: length `len(hashes) - n + 1` or 0.

    A polynomial in the word hashes modulo 2^64, by doubling the run, mixed at the end.
    """
    if len(hashes) < n:
        return np.empty(0, np.uint64)
    run, length, factor = hashes, 1, int(RUN_FACTOR)
    for bit in bin(n)[3:]:
        doubled = run[:-length] * np.uint64(pow(factor, length, 1 << 64))
        doubled += run[length:]
        run, length = doubled, 2 * length
        if bit == "1":
            longer = run[:-1] * np.uint64(factor)
            longer += hashes[length:]
            run, length = longer, length + 1
    return mix_runs(run)


def mix_runs(polynomial: Hashes) -> Hashes:
    """The hash of runs from the polynomial in RUN_FACTOR of their word hashes, the first word's power highest."""
    mixed = polynomial * _WORD_MIX
    mixed ^= mixed >> np.uint64(32)
    return mixed


def runs_inside(first: Positions, n: int) -> npt.NDArray[np.bool_]:
    """For every run of `n` words (see `run_hashes`): does it stay inside its document? `first` as in `Words`."""
    inside = np.ones(max(int(first[-1]) - n + 1, 0), bool)
    for back in range(1, n):
        crossing = first[1:] - back
        inside[crossing[(crossing >= 0) & (crossing < len(inside))]] = False
    return inside


def _buffers(texts: pa.Array[Any]) -> tuple[Bytes, Positions]:
    """(bytes, offsets from 0 of every document and of the end), without copying the text."""
    if texts.null_count:
        texts = texts.fill_null("")
    kind = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    _, offsets, data = texts.buffers()
    if not len(texts):
        return np.empty(0, np.uint8), np.zeros(1, np.int64)
    offset = np.frombuffer(offsets, kind)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    raw = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return raw[offset[0] : offset[-1]], offset - offset[0]


def _split(text: Bytes, start: Positions, end: Positions, offset: Positions, cuts: Positions) -> Words:
    """Words with further cuts (sorted byte positions inside words)."""
    if len(cuts):
        start = np.insert(start, np.searchsorted(start, cuts), cuts)
        end = np.insert(end, np.searchsorted(end, cuts), cuts)
    return Words(text, start, end, offset, np.searchsorted(start, offset))


def _fold(raw: Bytes, offset: Positions, text: Bytes) -> tuple[Bytes, Positions]:
    """Rewrite what lies beyond ASCII in `text`, a padded copy of `raw`: word characters lower-cased, others to spaces.

    In place where the encoded length stays the same, which is nearly always; the few other documents are cut by the
    regular expression and come back as words with one space between them, which the ASCII pass then finds again.
    """
    moved = _fold_in_place(text[: len(raw)])
    if not len(moved):
        return text, offset
    length = np.diff(offset)
    parts, done = [], 0
    for document in np.unique(np.searchsorted(offset, moved, "right") - 1).tolist():
        low, high = offset[document], offset[document + 1]
        lowered = raw[low:high].tobytes().decode().lower()
        folded = np.frombuffer(" ".join(_WORD.findall(lowered)).encode(), np.uint8)
        parts += [text[offset[done] : low], folded]
        length[document] = len(folded)
        done = document + 1
    parts += [text[offset[done] : offset[-1]], np.zeros(_PADDING, np.uint8)]
    return np.concatenate(parts), np.concatenate([[0], np.cumsum(length)])


def _fold_in_place(text: Bytes) -> Positions:
    """Fold what keeps its encoded length; -> byte positions of the characters that do not."""
    table = _folding()
    lead = np.flatnonzero(text >= 0xC0)
    kind = text[lead]
    moved = []
    for size, low, high in ((2, 0xC0, 0xE0), (3, 0xE0, 0xF0), (4, 0xF0, 0xF8)):
        at = lead[(kind >= low) & (kind < high)]
        if not len(at):
            continue
        point = _decode(text, at, size)
        new = table[point]
        contextual = (point == _CONTEXTUAL[0]) | (point == _CONTEXTUAL[1])
        gone = at[(new == _SPACE) & ~contextual]
        for i in range(size):
            text[gone + i] = _SPACE
        changed = (new != point) & (new != _SPACE)
        fits = 1 + (new > 0x7F) + (new > 0x7FF).astype(np.int8) + (new > 0xFFFF) == size
        _encode(text, at[changed & fits], new[changed & fits], size)
        moved.append(at[(changed & ~fits) | contextual])
    return np.concatenate(moved) if moved else lead[:0]


def _decode(text: Bytes, at: Positions, size: int) -> npt.NDArray[np.uint32]:
    """Code points of the characters of `size` bytes that begin at `at`."""
    point = (text[at] & (0x7F >> size)).astype(np.uint32)
    for i in range(1, size):
        point <<= 6
        point |= text[at + i] & 0x3F
    return point


def _encode(text: Bytes, at: Positions, point: npt.NDArray[np.uint32], size: int) -> None:
    """Write code points whose UTF-8 takes `size` (2 to 4) bytes at the given positions."""
    for i in range(1, size):
        text[at + i] = (point >> 6 * (size - 1 - i) & 0x3F) | 0x80
    text[at] = point >> 6 * (size - 1) | (0xF00 >> size & 0xFF)


@functools.cache
def _folding() -> npt.NDArray[np.uint32]:
    """Code point -> its lower case where that is a word character, else a space."""
    points = np.arange(0x110000, dtype="<u4")
    points[0xD800:0xE000] = _SPACE
    points[list(_CONTEXTUAL)] = _SPACE
    lowered = points.tobytes().decode("utf-32-le").lower()
    folding = np.full(len(points), _SPACE, np.uint32)
    code = np.frombuffer(lowered.encode("utf-32-le"), "<u4")
    for word in _WORD.finditer(lowered):
        folding[word.start() : word.end()] = code[word.start() : word.end()]
    return folding
