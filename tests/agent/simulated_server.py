"""A simulated OpenAI-compatible server: real HTTP on loopback, scripted answers, scripted faults.

It knows the protocol (models, chat completions as JSON and as a stream, usage, response_format, tools, logprobs,
embeddings) and plays what a test wrote for it. It knows no language and waits for events, never for time.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

EVERYTHING = frozenset(["json_schema", "json_object", "tools", "strict_tools", "logprobs", "embeddings", "stream"])


@dataclass(frozen=True)
class Say:
    """A complete answer."""

    text: str | None = ""
    finish: str = "stop"
    refusal: str | None = None
    tool_calls: Sequence[tuple[str, str]] = ()  # (name, arguments as JSON text)


@dataclass(frozen=True)
class Status:
    """An HTTP error."""

    code: int
    message: str = "simulated"
    headers: Mapping[str, str] = field(default_factory=dict)
    error_code: str | None = None


@dataclass(frozen=True)
class Raw:
    """A body sent as it is, under 200; `declared` bytes are promised, so that fewer make a torn answer."""

    body: bytes
    declared: int | None = None
    content_type: str = "application/json"


@dataclass(frozen=True)
class Torn:
    """The connection breaks: before any byte, or, of a stream, after `pieces` pieces of `text`."""

    text: str = ""
    pieces: int = 0


@dataclass(frozen=True)
class Hang:
    """Nothing is sent until `release` is set; of a stream, `text` comes first."""

    release: threading.Event
    text: str = ""


Reply = str | Say | Status | Raw | Torn | Hang
Answers = Callable[[dict[str, Any]], Reply]


def script(*replies: Reply) -> Answers:
    """These replies in order; the last one for ever."""
    rest = iter(replies[:-1])
    lock = threading.Lock()

    def answer(request: dict[str, Any]) -> Reply:
        with lock:
            return next(rest, replies[-1])

    return answer


def last_user(request: Mapping[str, Any]) -> str:
    """The text of the last user message."""
    return str(next(one["content"] for one in reversed(request["messages"]) if one["role"] == "user"))


def sample_of(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Any:
    """The smallest plain value a JSON schema allows, for the keywords pydantic writes."""
    root = schema if root is None else root
    if "$ref" in schema:
        return sample_of(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return sample_of(schema["anyOf"][0], root)
    match schema.get("type"):
        case "object":
            return {name: sample_of(one, root) for name, one in schema.get("properties", {}).items()}
        case "array":
            return [sample_of(schema["items"], root)] * schema.get("minItems", 0)
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case "null":
            return None
    return "text"


def obliging(request: dict[str, Any]) -> Reply:
    """What an able model would do: fill the schema, call the first tool, else say a word."""
    form = request.get("response_format", {})
    if form.get("type") == "json_schema":
        return json.dumps(sample_of(form["json_schema"]["schema"]))
    if form.get("type") == "json_object":
        return "{}"
    if request.get("tools"):
        function = request["tools"][0]["function"]
        return Say(None, "tool_calls", tool_calls=[(function["name"], json.dumps(sample_of(function["parameters"])))])
    return "Good soil."


def _vector(text: str) -> list[float]:
    return [float(len(text)), float(sum(text.encode()) % 97), 1.0]


class SimulatedServer:
    """`with SimulatedServer(answers) as server:` serves at `server.url`; `requests` are all chat bodies, in order,
    `embedded` the texts of all requests for vectors; `vector(text)` is what it gives for one."""

    def __init__(
        self,
        answers: Answers = obliging,
        *,
        models: Sequence[str] = ("small",),
        key: str | None = None,
        supports: frozenset[str] = EVERYTHING,
        context: int | None = 4096,
        vector: Callable[[str], Any] = _vector,
    ) -> None:
        self.answers, self.models, self.key, self.supports, self.context = answers, models, key, supports, context
        self.vector = vector
        self.embedded: list[list[str]] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.in_flight = self.peak = 0
        self.arrived = threading.Semaphore(0)
        self.left = threading.Semaphore(0)  # clients that had gone when a Hang was released
        self.lock = threading.Lock()
        self._http = _Http(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def calls(self) -> int:
        return len(self.requests)

    def __enter__(self) -> SimulatedServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


def _handler(server: SimulatedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: Any) -> None:
            """Silence."""

        def do_GET(self) -> None:
            if self._refused():
                return
            if self.path != "/v1/models":
                return self._error(Status(404, "Not Found"))
            listed: list[dict[str, Any]] = [{"id": name, "object": "model"} for name in server.models]
            for one in listed:
                if server.context is not None:
                    one["max_model_len"] = server.context
            self._json({"object": "list", "data": listed})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self._refused():
                return
            if self.path == "/v1/embeddings" and "embeddings" in server.supports:
                texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
                data = [
                    {"object": "embedding", "index": i, "embedding": server.vector(text)}
                    for i, text in enumerate(texts)
                ]
                with server.lock:
                    server.embedded.append(list(texts))
                return self._json({"object": "list", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}})
            if self.path != "/v1/chat/completions":
                return self._error(Status(404, "Not Found"))
            with server.lock:
                server.requests.append(body)
                server.headers.append(dict(self.headers.items()))
                server.in_flight += 1
                server.peak = max(server.peak, server.in_flight)
            server.arrived.release()
            try:
                self._chat(body)
            finally:
                with server.lock:
                    server.in_flight -= 1

        def _refused(self) -> bool:
            given = self.headers.get("Authorization", "")
            if server.key is None or given == f"Bearer {server.key}":
                return False
            self._error(Status(401, f"Incorrect API key provided: {given.removeprefix('Bearer ')}"))
            return True

        def _chat(self, body: dict[str, Any]) -> None:
            if body["model"] not in server.models:
                message = f"The model `{body['model']}` does not exist."
                return self._error(Status(404, message, error_code="model_not_found"))
            wanted = body.get("response_format", {}).get("type", "text")
            if wanted != "text" and wanted not in server.supports:
                return self._error(Status(400, f"response_format {wanted} is not supported"))
            for name in ("tools", "logprobs", "stream"):
                if body.get(name) and name not in server.supports:
                    return self._error(Status(400, f"{name} is not supported"))
            reply = server.answers(body)
            if isinstance(reply, str):
                reply = Say(reply)
            match reply:
                case Status():
                    self._error(reply)
                case Raw():
                    self._head(200, reply.declared or len(reply.body), reply.content_type)
                    self.wfile.write(reply.body)
                    self.close_connection = reply.declared is not None
                case Hang():
                    if body.get("stream"):
                        self._stream_head()
                        for piece in _pieces(Say(reply.text), body)[:-2]:
                            self._chunk(piece)
                    reply.release.wait()
                    if self._left():
                        server.left.release()
                    self.close_connection = True
                case Torn():
                    if body.get("stream"):
                        self._stream_head()
                        for piece in _pieces(Say(reply.text), body)[: reply.pieces]:
                            self._chunk(piece)
                    self.close_connection = True
                case Say() if body.get("stream"):
                    self._stream_head()
                    for piece in _pieces(reply, body):
                        self._chunk(piece)
                    self.wfile.write(b"0\r\n\r\n")
                case Say():
                    self._json(_completion(reply, body))

        def _left(self) -> bool:
            """Has the client closed the connection?"""
            try:
                return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            except ConnectionError:
                return True

        def _error(self, status: Status) -> None:
            error = {"message": status.message, "type": "simulated", "code": status.error_code}
            self._json({"error": error}, status.code, status.headers)

        def _json(self, value: Any, code: int = 200, headers: Mapping[str, str] | None = None) -> None:
            data = json.dumps(value).encode()
            self._head(code, len(data), "application/json", headers or {})
            self.wfile.write(data)

        def _head(self, code: int, length: int, content_type: str, headers: Mapping[str, str] | None = None) -> None:
            self.send_response(code)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(length))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()

        def _stream_head(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()

        def _chunk(self, data: bytes) -> None:
            # An event is sent in two writes: a reader may not take one read for one event.
            for part in (data[: len(data) // 2], data[len(data) // 2 :]):
                self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                self.wfile.flush()

    return Handler


def _usage(reply: Say, body: Mapping[str, Any]) -> dict[str, int]:
    """Words count as tokens."""
    asked = sum(len(str(one.get("content") or "").split()) for one in body["messages"])
    said = len((reply.text or "").split())
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _completion(reply: Say, body: Mapping[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": reply.refusal}
    if reply.tool_calls:
        message["tool_calls"] = [
            {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for i, (name, arguments) in enumerate(reply.tool_calls)
        ]
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": reply.finish}
    if body.get("logprobs"):
        tokens = [{"token": word, "logprob": -0.5, "top_logprobs": []} for word in (reply.text or "").split()]
        choice["logprobs"] = {"content": tokens}
    return {"id": "sim-1", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [choice],
            "usage": _usage(reply, body)}  # fmt: skip


def _pieces(reply: Say, body: Mapping[str, Any]) -> list[bytes]:
    return [b"data: " + piece + b"\n\n" for piece in (*_deltas(reply, body), b"[DONE]")]


def _deltas(reply: Say, body: Mapping[str, Any]) -> Iterator[bytes]:
    def chunk(choices: list[dict[str, Any]], **more: Any) -> bytes:
        value = {"id": "sim-1", "object": "chat.completion.chunk", "created": 0, "model": body["model"]}
        return json.dumps({**value, "choices": choices, **more}).encode()

    def delta(finish: str | None = None, **change: Any) -> bytes:
        return chunk([{"index": 0, "delta": change, "finish_reason": finish}])

    yield delta(role="assistant", content="")
    if reply.refusal:
        yield delta(refusal=reply.refusal)
    text = reply.text or ""
    for at in range(0, len(text), 4):
        yield delta(content=text[at : at + 4])
    for i, (name, arguments) in enumerate(reply.tool_calls):
        yield delta(
            tool_calls=[
                {"index": i, "id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": ""}}
            ]
        )
        for part in (arguments[:3], arguments[3:]):
            yield delta(tool_calls=[{"index": i, "function": {"arguments": part}}])
    yield delta(reply.finish)
    if body.get("stream_options", {}).get("include_usage"):
        yield chunk([], usage=_usage(reply, body))
