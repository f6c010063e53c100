"""Plain text as records: {"text": …} for every line, paragraph or file.

It knows where texts end. It does not look into them.
"""

from __future__ import annotations

from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Literal

from .chunks import MAX_RECORD_BYTES, READ_BYTES, Cut, Fault, Gathering
from .lines import SPACE, Line, each_line
from .streams import ByteStream

Unit = Literal["line", "paragraph", "file"]


def cut_text(stream: ByteStream, unit: Unit) -> Iterator[Cut | Fault]:
    """A record for every line that is not blank, for every run of such lines, or for the whole file."""
    if unit == "file":
        yield from _whole(stream)
        return
    gathering = Gathering()
    paragraph: list[Line] = []
    for line in each_line(stream):
        if isinstance(line, Fault):
            yield line
            continue
        blank = not line.data.strip(SPACE)
        gathering.blank += blank
        if not blank:
            paragraph.append(line)
        if paragraph and (blank or unit == "line"):
            _add(gathering, paragraph)
            paragraph = []
        if gathering.full:
            yield gathering.take()
    if paragraph:
        _add(gathering, paragraph)
    yield gathering.take()


def _add(gathering: Gathering, lines: list[Line]) -> None:
    text = b"\n".join([line.data for line in lines]).removesuffix(b"\r")
    gathering.add(as_record(text), lines[0].number, lines[0].offset)


def _whole(stream: ByteStream) -> Iterator[Cut | Fault]:
    pieces = []
    size = 0
    while piece := stream.read(READ_BYTES):
        size += len(piece)
        if size <= MAX_RECORD_BYTES:
            pieces.append(piece)
    if size > MAX_RECORD_BYTES:
        message = f"a file of {size:,} bytes; records may have {MAX_RECORD_BYTES:,}"
        yield Fault(1, stream.start, "too_long", message, pieces[0] if pieces else b"")
        return
    gathering = Gathering()
    text = b"".join(pieces)
    if text.strip(SPACE):
        gathering.add(as_record(text), 1, stream.start)
    yield gathering.take()


def as_record(text: bytes) -> bytes:
    """The JSON record of a text; bytes that are not UTF-8 stay so, and the judge rejects them."""
    quoted = encode_basestring(text.decode("utf-8", "surrogateescape"))
    return b'{"text": ' + quoted.encode("utf-8", "surrogateescape") + b"}"
