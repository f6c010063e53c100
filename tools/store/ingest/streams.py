"""A file as decompressed UTF-8 bytes, with the sha256 of what lies on disk.

It knows compression (by magic number, several gzip members or zstd frames), encodings, byte-order marks and
standard input. It does not know records.
"""

from __future__ import annotations

import codecs
import hashlib
import shlex
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, Final

import pyarrow as pa

from ...errors import BadInput, Misuse
from .chunks import READ_BYTES, import_with

STDIN: Final = "-"
_COMPRESSIONS: Final = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))
_MARK: Final = codecs.BOM_UTF8


def open_file(path: str) -> BinaryIO:
    """A source file, opened for reading. Raises Misuse when the system does not let us."""
    try:
        return open(path, "rb")
    except OSError as error:
        next_step = "Let it be read, or leave it out."
        raise Misuse(f"Cannot read {path}: {error.strerror}.", next_step=next_step) from None


class _Tee:
    """The file as it lies on disk; every byte that passes is hashed and counted."""

    def __init__(self, file: BinaryIO, on_bytes: Callable[[int], None]) -> None:
        self._file = file
        self._on_bytes = on_bytes
        self._sha = hashlib.sha256()
        self._ahead = b""
        self.size = 0
        self.closed = False

    def peek(self, count: int) -> bytes:
        self._ahead += self._take(count - len(self._ahead))
        return self._ahead

    def read(self, count: int) -> bytes:
        if self._ahead:
            ahead, self._ahead = self._ahead[:count], self._ahead[count:]
            return ahead
        return self._take(count)

    def _take(self, count: int) -> bytes:
        data = self._file.read(count) if count > 0 else b""
        if data:
            self._sha.update(data)
            self.size += len(data)
            self._on_bytes(self.size)
        return data

    def drain(self) -> str:
        """Read what is left; the hash of the whole file."""
        while self._take(READ_BYTES):
            pass
        return self._sha.hexdigest()

    def close(self) -> None:
        self.closed = True


class ByteStream:
    """Decompressed UTF-8 bytes of `path` ("-": standard input; a remote file lies `at`), a byte-order mark left out.

    `start` is the offset of the first byte given, so 3 behind a mark. Bytes that `encoding` cannot
    decode come through as invalid UTF-8, so that the record around them is rejected and no other.
    """

    def __init__(
        self,
        path: str,
        *,
        at: str | None = None,
        encoding: str = "utf-8",
        on_bytes: Callable[[int], None] = lambda size: None,
    ) -> None:
        self.path = path
        self._decoder = _decoder(encoding)
        file = sys.stdin.buffer if path == STDIN else open_file(at or path)
        self._file = file
        self._tee = _Tee(file, on_bytes)
        magic = self._tee.peek(4)
        self.compression = next((name for mark, name in _COMPRESSIONS if magic.startswith(mark)), None)
        self._source: Any = self._tee
        if self.compression:
            self._source = pa.CompressedInputStream(pa.PythonFile(self._tee, mode="r"), self.compression)
        self._ahead = b""
        self._ended = False
        self.start = 0
        try:
            self._skip_mark()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> ByteStream:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _skip_mark(self) -> None:
        head = self.head(len(_MARK))
        if head.startswith(_MARK):
            self._ahead = self._ahead[len(_MARK) :]
            self.start = len(_MARK)
        elif self._decoder is None and head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            next_step = f"Read it so: {import_with(shlex.quote(self.path), '--encoding utf-16')}"
            raise BadInput(f"{self.path} begins with the mark of UTF-16.", next_step=next_step)

    def head(self, count: int) -> bytes:
        """At least the next `count` bytes, fewer only at the end; they stay unread."""
        while len(self._ahead) < count and not self._ended:
            self._ahead += self._pull(count - len(self._ahead))
        return self._ahead

    def read(self, count: int) -> bytes:
        """Some of the next bytes, about `count`; b"" at the end."""
        if self._ahead:
            ahead, self._ahead = self._ahead, b""
            return ahead
        return b"" if self._ended else self._pull(count)

    def _pull(self, count: int) -> bytes:
        while True:
            try:
                data: bytes = self._source.read(count)
            except OSError as error:
                if self.compression is None:
                    raise
                raise BadInput(
                    f"{self.path}: its {self.compression} data is damaged or cut short ({error}).",
                    next_step="Fetch the file again; nothing was imported.",
                ) from None
            self._ended = not data
            if self._decoder is None:
                return data
            data = self._transcoded(data)
            if data or self._ended:
                return data

    def _transcoded(self, data: bytes) -> bytes:
        assert self._decoder is not None
        try:
            text = self._decoder.decode(data, self._ended)
        except UnicodeDecodeError as error:
            raise BadInput(
                f"{self.path} is not {error.encoding}: {error.reason}.", next_step="Name another --encoding."
            ) from None
        return text.encode("utf-8", "surrogatepass")

    def finish(self) -> tuple[str, int]:
        """sha256 and size of the file as it lies on disk; what is left of it is read over."""
        return self._tee.drain(), self._tee.size

    def close(self) -> None:
        if self.path != STDIN:
            self._file.close()


def _decoder(encoding: str) -> codecs.IncrementalDecoder | None:
    try:
        "".encode(encoding)
        codec = codecs.lookup(encoding)
    except LookupError:
        raise Misuse(
            f"Python knows no encoding {encoding!r}.", next_step="Such as utf-8, latin-1, cp1252, utf-16."
        ) from None
    if codec.name in ("utf-8", "utf-8-sig"):
        return None
    return codec.incrementaldecoder("surrogateescape")
