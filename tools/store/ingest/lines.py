"""JSONL: a record a line, cut at newlines in whole blocks.

It knows lines, their numbers and their bytes. It does not look into them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .chunks import CHUNK_ROWS, HEAD_BYTES, MAX_RECORD_BYTES, READ_BYTES, Cut, Fault
from .streams import ByteStream

SPACE = b" \t\r\n"


@dataclass(frozen=True)
class Block:
    """Whole lines; or, when `skipped`, the head of one line too long to read and how many bytes it has."""

    data: bytes
    offset: int
    skipped: int = 0


def blocks(stream: ByteStream) -> Iterator[Block]:
    """The lines of a stream in blocks of about READ_BYTES; the last line may lack its newline."""
    offset = stream.start
    rest: list[bytes] = []  # the line whose end has not come yet; of an overlong one the head
    size = 0
    while piece := stream.read(READ_BYTES):
        if size > MAX_RECORD_BYTES:
            edge = piece.find(b"\n") + 1
            if not edge:
                size += len(piece)
                continue
            yield Block(rest[0], offset, size + edge)
            offset += size + edge
            rest, size, piece = [], 0, piece[edge:]
        edge = piece.rfind(b"\n") + 1
        if edge:
            data = b"".join([*rest, piece[:edge]])
            yield Block(data, offset)
            offset += len(data)
            rest, size, piece = [], 0, piece[edge:]
        rest.append(piece)
        size += len(piece)
        if size > MAX_RECORD_BYTES:
            rest = [b"".join(rest)[:HEAD_BYTES]]
    if size:
        yield Block(b"".join(rest), offset, size if size > MAX_RECORD_BYTES else 0)


def too_long(block: Block, line: int) -> Fault:
    message = f"a line of {block.skipped:,} bytes; records may have {MAX_RECORD_BYTES:,}"
    return Fault(line, block.offset, "too_long", message, block.data)


def split_lines(data: bytes) -> list[bytes]:
    """The lines of a block without their newlines."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def starts(lines: list[bytes], offset: int) -> np.ndarray:
    """Where each of consecutive lines begins, the first at `offset`."""
    lengths = np.fromiter(map(len, lines), np.int64, len(lines)) + 1
    return np.cumsum(lengths) - lengths + offset


class Line(NamedTuple):
    """One physical line without its newline."""

    number: int
    offset: int
    data: bytes


def each_line(stream: ByteStream) -> Iterator[Line | Fault]:
    """The lines one by one, for formats in which a record may take several."""
    number = 1
    for block in blocks(stream):
        if block.skipped:
            yield too_long(block, number)
            number += 1
            continue
        lines = split_lines(block.data)
        yield from map(Line, range(number, number + len(lines)), starts(lines, block.offset).tolist(), lines)
        number += len(lines)


def cut_lines(stream: ByteStream) -> Iterator[Cut | Fault]:
    """Every line that is not blank, outer whitespace cut."""
    number = 1
    for block in blocks(stream):
        if block.skipped:
            yield too_long(block, number)
            number += 1
            continue
        lines = split_lines(block.data)
        offsets = starts(lines, block.offset)
        numbers = np.arange(number, number + len(lines))
        number += len(lines)
        for start in range(0, len(lines), CHUNK_ROWS):
            part = slice(start, start + CHUNK_ROWS)
            yield _without_blank([line.strip(SPACE) for line in lines[part]], numbers[part], offsets[part])


def _without_blank(texts: list[bytes], numbers: np.ndarray, offsets: np.ndarray) -> Cut:
    if b"" not in texts:
        return Cut(texts, numbers, offsets)
    full = np.fromiter(map(bool, texts), bool, len(texts))
    kept = [text for text in texts if text]
    return Cut(kept, numbers[full], offsets[full], blank=len(texts) - len(kept))
