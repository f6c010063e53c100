"""Which files a source means, what each of them is, and the split its name speaks of.

It knows names, folders, globs and magic numbers. It reads no record.
"""

from __future__ import annotations

import codecs
import glob
import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ...errors import BadInput, Misuse, nearest
from ..format.records import RecordError, parse
from .chunks import MAX_RECORD_BYTES, Copy, FileKind, Source, import_with
from .splits import split_of
from .streams import STDIN, ByteStream, open_file

SUFFIXES: Final[dict[str, FileKind]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "text",
    ".text": "text",
    ".md": "text",
    ".markdown": "text",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}
MARKDOWN: Final = (".md", ".markdown")
TYPED: Final = ("parquet", "arrow")
_PACKED: Final = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd"}
_MAGIC: Final[tuple[tuple[bytes, FileKind], ...]] = (
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
    (b"\xff\xff\xff\xff", "arrow"),
)
_SAMPLE = 64 << 10


@dataclass(frozen=True)
class Found:
    """One file of a source, with the split its name or folder speaks of; a remote one lies copied `at` a local path."""

    path: str
    split: str | None
    at: str
    copy: Copy | None = None


def is_remote(path: str) -> bool:
    """Does a path name a file on another machine?"""
    return "://" in path


def suffix_of(path: str) -> str:
    """The suffix that says what a file holds, one for compression left out."""
    name = Path(urlsplit(path).path if is_remote(path) else path).name.lower()
    stem, suffix = os.path.splitext(name)
    return os.path.splitext(stem)[1] if suffix in _PACKED else suffix


def expand(source: Source) -> list[str]:
    """The paths of all files of a source, in the order they are read; copies stand for remote files."""
    return [found.at for found in find_files(source)]


def find_files(source: Source) -> list[Found]:
    """The files that a source's paths, globs and folders stand for; Misuse when one is missing or twice."""
    found = [file for path in source.paths for file in _of_path(path, source.copies)]
    seen: dict[str, str] = {}
    for file in found:
        real = file.path if file.path == STDIN else os.path.realpath(file.at)
        if real in seen:
            raise Misuse(f"{file.path} is named twice in the source {source.name!r}.", next_step="Name it once.")
        seen[real] = file.path
    return found


def _of_path(path: str, copies: Sequence[Copy] = ()) -> list[Found]:
    if path == STDIN:
        return [Found(path, None, path)]
    if is_remote(path):
        here = [Found(copy.path, copy.split, copy.at, copy) for copy in copies if copy.named == path]
        if not here:
            raise Misuse(f"{path} is not on this machine.", next_step="Fetch it first and name the local copy.")
        return here
    if os.path.isdir(path):
        return _of_folder(path)
    if os.path.exists(path):
        return [Found(path, split_of(Path(path).name), path)]
    matches = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else []
    if matches:
        return [found for match in matches for found in _of_path(match)]
    folder = os.path.dirname(path) or "."
    names = [name for name in os.listdir(folder) if not name.startswith(".")] if os.path.isdir(folder) else []
    what = "No file matches" if glob.has_magic(path) else "There is no file"
    empty = f"The folder {folder} is empty." if os.path.isdir(folder) else f"There is no folder {folder}."
    raise Misuse(f"{what} {path}.", next_step=nearest(os.path.basename(path), names) if names else empty)


def _of_folder(folder: str) -> list[Found]:
    """A saved dataset's files, else the data files below; text files only where there are no others."""
    saved = _of_saved_dataset(folder)
    if saved:
        return saved
    files = sorted(
        os.path.join(base, name)
        for base, _, names in os.walk(folder)
        for name in names
        if not name.startswith(".") and suffix_of(name) in SUFFIXES
    )
    data = data_files(files)
    if not data:
        known = ", ".join(SUFFIXES)
        raise Misuse(f"The folder {folder} holds no data file.", next_step=f"Files read: {known}, also as .gz or .zst.")
    return [Found(file, _split_below(folder, file), file) for file in data]


def data_files(files: Sequence[str]) -> list[str]:
    """Those of a folder's files that hold data; text files only where there are no others."""
    known = [file for file in files if suffix_of(file) in SUFFIXES]
    return [file for file in known if SUFFIXES[suffix_of(file)] != "text"] or known


def _split_below(folder: str, file: str) -> str | None:
    return split_below(Path(file).relative_to(folder).parts)


def split_below(parts: Sequence[str]) -> str | None:
    """The split of a file's name, else of the nearest folder below the one that was named."""
    return next((split for part in reversed(parts) if (split := split_of(part))), None)


def _of_saved_dataset(folder: str) -> list[Found]:
    """The Arrow files of a folder written by `save_to_disk`, one dataset or a dictionary of splits."""
    splits = os.path.join(folder, "dataset_dict.json")
    if os.path.isfile(splits):
        return [
            Found(found.path, str(name), found.at)
            for name in _small_json(splits)["splits"]
            for found in _of_saved_dataset(os.path.join(folder, str(name)))
        ]
    state = os.path.join(folder, "state.json")
    if not os.path.isfile(state):
        return []
    content = _small_json(state)
    named = content.get("_split")
    split = named if isinstance(named, str) else split_of(Path(folder).name)
    files = [os.path.join(folder, str(entry["filename"])) for entry in content.get("_data_files") or ()]
    for file in files:
        if os.path.dirname(os.path.relpath(file, folder)) or not os.path.isfile(file):
            raise BadInput(f"{state} names {os.path.basename(file)}, which does not lie beside it.")
    return [Found(file, split, file) for file in files]


def _small_json(path: str) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def typed_kind(path: str) -> FileKind | None:
    """ "parquet" or "arrow" for a typed file, by its first bytes, else by its suffix; None for text."""
    if not os.path.isfile(path):  # standard input or a pipe, which can be read only once
        return None
    with open_file(path) as file:
        start = file.read(6)
    for magic, kind in _MAGIC:
        if start.startswith(magic):
            return kind
    kind = SUFFIXES.get(suffix_of(path), "text")
    return kind if kind in TYPED else None


def text_kind(stream: ByteStream) -> FileKind:
    """What a text file holds, by its suffix and its first bytes. Misuse when neither says, BadInput when both lie."""
    packing = _PACKED.get(os.path.splitext(stream.path.lower())[1])
    if packing and stream.compression is None and not _is_text(stream.head(_SAMPLE)):
        next_step = "Fetch it again, or give it the name of what it is."
        raise BadInput(f"{stream.path} is not {packing}, and no text either.", next_step=next_step)
    suffix = suffix_of(stream.path)
    kind = SUFFIXES.get(suffix)
    if kind in ("csv", "text"):
        return kind
    first = stream.head(_SAMPLE).lstrip()[:1]
    if first in (b"{", b"["):
        return _json_kind(stream, suffix)
    if kind is None and stream.head(1):
        known = ", ".join(SUFFIXES)
        raise Misuse(
            f"What {stream.path} holds can be told neither from its name nor from its first byte.",
            next_step=f"Give it a suffix ({known}), or say what it holds: "
            f"{import_with(shlex.quote(stream.path), '--kind jsonl')}",
        )
    return kind or "jsonl"


def _is_text(head: bytes) -> bool:
    """Is the beginning of a file UTF-8? Its last character may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _json_kind(stream: ByteStream, suffix: str) -> FileKind:
    """Lines when the first of several is a value of its own or most look like objects; else a document."""
    by_name = SUFFIXES.get(suffix, "json")
    is_object = stream.head(_SAMPLE).lstrip()[:1] == b"{"
    if by_name == "jsonl" and is_object:
        return "jsonl"
    lines = _whole_lines(stream, _SAMPLE)
    if not lines and is_object:
        lines = _whole_lines(stream, MAX_RECORD_BYTES)  # the first record may be long
    if len(lines) > 1 and _is_value(lines[0]):
        return "jsonl"
    objects = [line for line in lines if line.startswith(b"{") and line.endswith(b"}")]
    return "jsonl" if is_object and len(lines) > 1 and 2 * len(objects) > len(lines) else "json"


def _whole_lines(stream: ByteStream, size: int) -> list[bytes]:
    """The lines that are not blank and end within the first `size` bytes."""
    head = stream.head(size)
    ended = len(head) < size
    lines = (head if ended else head[: head.rfind(b"\n") + 1]).split(b"\n")
    return [line.strip() for line in lines if line.strip()]


def _is_value(line: bytes) -> bool:
    try:
        parse(line)
    except RecordError as error:
        return error.reason not in ("not_json", "extra_data")
    return True
