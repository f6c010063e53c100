"""An OpenAI-compatible endpoint that costs next to nothing: `python -m benchmarks.endpoint [--rate R] [--faults F]`.

Raw HTTP/1.1 over asyncio, in a process of its own, on loopback. It answers at once, or so that answers leave at most
`rate` a second; a share of the requests (by the hash of the body and how often it came) gets 429 or 503 instead. It
prints its URL, and tells at /v1/spent what it answered and the CPU-seconds it used.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.panel import MODELS, said

LISTED = json.dumps({"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]})
USAGE = {"prompt_tokens": 200, "completion_tokens": 80, "total_tokens": 280}


class Endpoint:
    """What all connections share. `busy` is when the next answer may leave, in the loop's time."""

    def __init__(self, rate: float, faults: float) -> None:
        self.rate, self.faults = rate, faults
        self.busy = 0.0
        self.asked: Counter[bytes] = Counter()
        self.answered = self.refused = 0

    def delay(self, now: float) -> float:
        if not self.rate:
            return 0.0
        self.busy = max(self.busy, now) + 1 / self.rate
        return self.busy - now

    def answer(self, path: bytes, body: bytes) -> tuple[int, str]:
        if path.startswith(b"/v1/models"):
            return 200, LISTED
        if path.startswith(b"/v1/spent"):
            used = resource.getrusage(resource.RUSAGE_SELF)
            told = {"answered": self.answered, "refused": self.refused, "cpu": used.ru_utime + used.ru_stime}
            return 200, json.dumps(told)
        if self.faults:
            digest = hashlib.blake2b(body, digest_size=8).digest()
            self.asked[digest] += 1
            drawn = hashlib.blake2b(digest + bytes([self.asked[digest] % 256]), digest_size=8).digest()
            if int.from_bytes(drawn, "big") / 2**64 < self.faults:
                self.refused += 1
                return (429 if drawn[0] % 2 else 503), '{"error": {"message": "not now"}}'
        asked = json.loads(body)
        self.answered += 1
        message = {"role": "assistant", "content": said(asked["model"], asked["messages"])}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        told = {"id": "c", "object": "chat.completion", "created": 0, "model": asked["model"], "choices": [choice],
                "usage": USAGE}  # fmt: skip
        return 200, json.dumps(told)


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests come one after the other."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.waiting = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while (end := self.waiting.find(b"\r\n\r\n")) >= 0:
            head = self.waiting[:end]
            place = head.lower().find(b"content-length:")
            length = int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
            if len(self.waiting) < end + 4 + length:
                return
            body, self.waiting = self.waiting[end + 4 : end + 4 + length], self.waiting[end + 4 + length :]
            status, text = self.endpoint.answer(head.split(b" ", 2)[1], body)
            loop = asyncio.get_running_loop()
            delay = self.endpoint.delay(loop.time()) if status == 200 and body else 0.0
            if delay > 0:
                loop.call_later(delay, self.send, status, text)
            else:
                self.send(status, text)

    def send(self, status: int, text: str) -> None:
        body = text.encode()
        retry = "retry-after: 0\r\n" if status == 429 else ""
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{retry}content-length: {len(body)}\r\n\r\n"
        if not self.transport.is_closing():
            self.transport.write(head.encode() + body)


async def serve(rate: float, faults: float) -> None:
    endpoint = Endpoint(rate, faults)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(endpoint), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


@contextmanager
def running(*options: str) -> Iterator[str]:
    """The URL of an endpoint in another process, which ends with the block."""
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "benchmarks.endpoint", *options]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.endpoint", description=__doc__)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--faults", type=float, default=0.0)
    asked = parser.parse_args()
    asyncio.run(serve(asked.rate, asked.faults))


if __name__ == "__main__":
    main()
