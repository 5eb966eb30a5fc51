"""A small HTTP server on this machine whose answers are scripted by a test: real sockets, real cut connections.

It can speak HTTP wrongly on purpose. It knows nothing of Pax8 or Halo but a token endpoint.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pax8_pipeline.text import jsontext
from pax8_pipeline.transport.timing import Timing

TOKEN_PATH = "/token"


@dataclass(frozen=True)
class ScriptedRequest:
    """One request as it arrived."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes
    peer: int  # the client's port: one per connection

    @property
    def json(self) -> Any:
        return jsontext.loads(self.body)

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass(frozen=True)
class ScriptedResponse:
    """One scripted answer.

    `cut_after`: bytes of the body after which the connection is cut (the length header promises all of it).
    `chunked`: without a length; a cut then leaves out the end mark. `drop`: no answer at all. `hang`: wait
    for this event before anything.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    chunked: bool = False
    drop: bool = False
    hang: threading.Event | None = None


Script = Callable[[ScriptedRequest], ScriptedResponse]


def json_response(body: Any, status: int = 200, **headers: str) -> ScriptedResponse:
    """A JSON answer; underscores in header names become dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ScriptedResponse(status, jsontext.dumps(body).encode(), {"Content-Type": "application/json", **named})


def html(status: int, text: str = "Bad gateway") -> ScriptedResponse:
    page = f"<!DOCTYPE html><html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>"
    return ScriptedResponse(status, page.encode(), {"Content-Type": "text/html"})


class Server:
    """The server's address, its script, and the requests that it got."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[ScriptedRequest] = []
        self.url = ""

    def sent(self, method: str, path: str | None = None) -> list[ScriptedRequest]:
        """The requests with this method (and path), without those for tokens."""
        return [
            asked
            for asked in self.asked
            if asked.method == method and path in (None, asked.path) and not asked.path.endswith(TOKEN_PATH)
        ]

    @property
    def token_calls(self) -> list[ScriptedRequest]:
        return [asked for asked in self.asked if asked.path.endswith(TOKEN_PATH)]


class TokenServer:
    """Answers token requests with token-1, token-2, ...; a resource can ask whether a token is still valid."""

    def __init__(self, life: Any = 3600, scope: str | None = None) -> None:
        self.issued = 0
        self.life = life
        self.scope = scope
        self._lock = threading.Lock()
        self.dead: set[str] = set()

    def issue(self) -> ScriptedResponse:
        with self._lock:
            self.issued += 1
            extra = {} if self.scope is None else {"scope": self.scope}
            return json_response({"access_token": f"token-{self.issued}", "expires_in": self.life, **extra})

    def expire(self) -> None:
        """Make all tokens issued so far invalid."""
        self.dead |= {f"token-{number}" for number in range(1, self.issued + 1)}

    def guards(self, script: Script) -> Script:
        """Put the token endpoint in front of a script. An expired or unknown token gets a 401."""

        def guarded(asked: ScriptedRequest) -> ScriptedResponse:
            if asked.path.endswith(TOKEN_PATH):
                return self.issue()
            if asked.token in self.dead:
                return json_response({"type": "UNAUTHORIZED", "message": "token expired"}, 401)
            return script(asked)

        return guarded


@contextmanager
def serving(script: Script) -> Iterator[Server]:
    """Run a server with this script on a free port of 127.0.0.1."""
    server = Server(script)
    httpd = _Httpd(("127.0.0.1", 0), _handler(server))
    server.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


class _Httpd(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client keeps connections open; their threads end with it
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore the error: a client that disconnects belongs to the tests."""


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = ScriptedRequest(
                self.command, parts.path, dict(parse_qsl(parts.query)), headers, body, self.client_address[1]
            )
            with lock:
                server.asked.append(asked)
            answer = server.script(asked)
            if answer.hang is not None:
                answer.hang.wait(60)
            if answer.drop:
                self.close_connection = True
                return
            self.send_response_only(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            sent = answer.body[: answer.cut_after]
            if answer.chunked:
                self.send_header("Transfer-Encoding", "chunked")
                sent = b"%x\r\n%b\r\n" % (len(sent), sent) + (b"0\r\n\r\n" if answer.cut_after is None else b"")
            else:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(sent)
            if answer.cut_after is not None:
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing."""

    return Handler


class FakeTime:
    """A clock that moves only when something sleeps; thread-safe. `slept` has every requested wait."""

    def __init__(self, start: float = 1000.0) -> None:
        self.now = start
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds

    def timing(self, chance: float = 0.5) -> Timing:
        """A Timing on this clock; the wall clock starts at 2026-08-01T00:00:00Z."""
        return Timing(
            clock=self.clock,
            wall=lambda: 1785542400.0 + self.now - 1000.0,
            sleep=self.sleep,
            random=lambda: chance,
        )
