"""Reading files through the real reader, with all that came of it at hand, and servers on loopback to read them from."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from tilth.tools.store.ingest import Chunk, Reader, ReadOptions, Reject, Source


@dataclass(frozen=True)
class ReadBack:
    """What reading gave: chunks, rejects, and the exhausted reader."""

    chunks: list[Chunk]
    rejects: list[Reject]
    reader: Reader

    @property
    def texts(self) -> list[str]:
        """The records as stored: JSON texts."""
        return [text for chunk in self.chunks for text in chunk.records.to_pylist()]

    @property
    def records(self) -> list[Any]:
        return [json.loads(text) for text in self.texts]

    @property
    def lines(self) -> list[int]:
        return [int(line) for chunk in self.chunks for line in chunk.lines]

    @property
    def offsets(self) -> list[int]:
        return [int(offset) for chunk in self.chunks for offset in chunk.offsets]

    @property
    def splits(self) -> list[str | None]:
        return [chunk.split for chunk in self.chunks for _ in chunk.lines]

    @property
    def reasons(self) -> list[tuple[int, str]]:
        return [(reject.line, reject.reason) for reject in self.rejects]


ReadFiles = Callable[..., ReadBack]


@pytest.fixture
def read_files() -> ReadFiles:
    """`read_files(path, …, split=None, **options) -> ReadBack`."""

    def read(*paths: Path | str, split: str | None = None, **options: Any) -> ReadBack:
        rejects: list[Reject] = []
        source = Source("source", tuple(map(str, paths)), split=split)
        reader = Reader([source], ReadOptions.from_args(options), on_reject=rejects.append)
        chunks = list(reader)
        assert reader.read == sum(len(chunk.lines) for chunk in chunks) + len(rejects)
        assert sum(reader.rejects.values()) == len(rejects)
        return ReadBack(chunks, rejects, reader)

    return read


@pytest.fixture
def read_bytes(read_files: ReadFiles, tmp_path: Path) -> ReadFiles:
    """`read_bytes(data, name="data.jsonl", **options) -> ReadBack` of a file with these bytes."""

    def read(data: bytes | str, name: str = "data.jsonl", **options: Any) -> ReadBack:
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return read_files(path, **options)

    return read


@dataclass
class Asked:
    """A request: its path with what was quoted in it, and the status and bytes it was `sent`."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    status: int = 0
    sent: bytes = b""


Answer = tuple[int, Mapping[str, str], bytes]


@dataclass
class Server:
    """Real HTTP on loopback; every request is answered by a function and kept in `asked`.

    The last `cut` bytes of each body are promised and not sent."""

    answer: Callable[[Asked], Answer]
    asked: list[Asked] = field(default_factory=list)
    cut: int = 0
    url: str = ""

    @contextmanager
    def running(self) -> Iterator[Server]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                asked = Asked(self.command, unquote(parts.path), dict(parse_qsl(parts.query)), self.headers)
                server.asked.append(asked)
                asked.status, headers, body = server.answer(asked)
                self.send_response(asked.status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "GET":
                    asked.sent = body[: len(body) - server.cut]
                    self.wfile.write(asked.sent)

            do_HEAD = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
            self.url = f"http://127.0.0.1:{listening.server_port}"
            thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            yield self
            listening.shutdown()
            thread.join()


@pytest.fixture
def answering() -> Iterator[Callable[[Callable[[Asked], Answer]], Server]]:
    """`answering(answer) -> Server`, running until the test ends."""
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(Server(answer).running())
