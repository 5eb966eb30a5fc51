"""Decides which requests a web server on this machine answers: those of its own pages and of programs, and no others.

It checks Host, Origin, Referer, method and content type. A page of another site that is open in the operator's browser
can send requests to this machine (an image tag, a form, a script, DNS rebinding). It cannot change the headers that are
checked here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_READS = ("GET", "HEAD")
_ONCE = ("host", "origin", "referer", "content-type", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest")
_POLICY_VIOLATION = 1008  # RFC 6455 section 7.4.1


@dataclass(frozen=True)
class RefusedRequest:
    """Why a request is refused, and the HTTP status for it."""

    status: int
    sentence: str


@dataclass(frozen=True)
class WebRules:
    """What is allowed besides this machine.

    `hosts`: names under which a proxy (or `--host`) shows this server. `methods`: the allowed methods. `post_only`:
    paths that never answer a GET with a query in its address.
    """

    hosts: frozenset[str] = frozenset()
    methods: tuple[str, ...] = ("GET", "HEAD", "POST")
    post_only: tuple[str, ...] = ()

    def refusal(
        self, method: str, path: str, query: str, headers: Iterable[tuple[str, str]], *, websocket: bool = False
    ) -> RefusedRequest | None:
        """Return why a request is refused; None when it is allowed. `path` is decoded, `query` is as it was sent."""
        by_name: dict[str, str] = {}
        for name, value in headers:
            if name.lower() in _ONCE and name.lower() in by_name:
                return RefusedRequest(400, f"the header {name} was sent twice")
            by_name[name.lower()] = value.strip()
        host = _netloc(by_name.get("host", ""))
        if host is None or not self._known(_name(host)):
            return RefusedRequest(
                403, "the Host header names another host; a proxy's name belongs in policy.yaml, ui.allowed_hosts"
            )
        return self._of_another_site(method, path, by_name, host, websocket) or (
            None if websocket else self._method_refusal(method, path, query, by_name)
        )

    def _of_another_site(
        self, method: str, path: str, headers: Mapping[str, str], host: str, websocket: bool
    ) -> RefusedRequest | None:
        if "origin" in headers and not self._same_site(headers["origin"], host):
            return RefusedRequest(403, "the request comes from a page of another site (Origin)")
        # A link in a mail or a wiki may open a page here. It sends nothing but the request for the page.
        opens_a_page = (
            not websocket
            and method in _READS
            and not self._is_post_only(path)
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") == "document"
        )
        if opens_a_page:
            return None
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return RefusedRequest(403, "the request comes from a page of another site (Sec-Fetch-Site)")
        if headers.get("referer") and not self._same_site(headers["referer"], host):
            return RefusedRequest(403, "the request comes from a page of another site (Referer)")
        return None

    def _method_refusal(self, method: str, path: str, query: str, headers: Mapping[str, str]) -> RefusedRequest | None:
        if method not in self.methods:
            return RefusedRequest(405, f"the method {method} is not allowed here")
        if method in _READS and query and self._is_post_only(path):
            return RefusedRequest(405, f"{path} answers only POST with Content-Type: application/json")
        media_type = headers.get("content-type", "").split(";")[0].strip().lower()
        if method == "POST" and media_type != "application/json":
            return RefusedRequest(415, "a POST needs the header Content-Type: application/json")
        return None

    def _is_post_only(self, path: str) -> bool:
        return path.rstrip("/").lower() in self.post_only

    def _known(self, name: str) -> bool:
        return _is_loopback(name) or name in self.hosts

    def _same_site(self, url: str, host: str) -> bool:
        """True for an address under the requested Host, or under a name that a proxy shows."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        there = _netloc(parts.netloc) if parts.scheme in ("http", "https") else None
        return there is not None and (there == host or _name(there) in self.hosts)


class Guarded:
    """An ASGI application behind these rules. Only paths that start with `under` are checked."""

    def __init__(self, app: App, rules: WebRules, *, under: str = "/") -> None:
        self._app, self._rules, self._under = app, rules, under

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it to the application."""
        if scope["type"] not in ("http", "websocket") or not scope["path"].startswith(self._under):
            await self._app(scope, receive, send)
            return
        websocket = scope["type"] == "websocket"
        refused = self._rules.refusal(
            scope.get("method", "GET"),
            scope["path"],
            scope["query_string"].decode("latin-1"),
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
            websocket=websocket,
        )
        if refused is None:
            await self._app(scope, receive, send if websocket else _unframed(send))
        elif websocket:
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refused.sentence})
        else:
            await _answer(send, refused)


def _unframed(send: Send) -> Send:
    """Forbid other sites to show our pages in a frame, where they could misuse a person's clicks."""

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"x-frame-options", b"DENY")]
        await send(message)

    return sent


async def _answer(send: Send, refused: RefusedRequest) -> None:
    body = f"Refused: {refused.sentence}.\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),  # the body of the request was not read
    ]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _netloc(text: str) -> str | None:
    """Return host and port in one spelling (without a default port); None for anything that is not a host."""
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError:
        return None
    name = (parts.hostname or "").rstrip(".")
    if not name or "@" in text or parts.path or parts.query or parts.fragment:
        return None
    host = f"[{name}]" if ":" in name else name
    return host if port in (None, 80, 443) else f"{host}:{port}"


def _name(netloc: str) -> str:
    return urlsplit(f"//{netloc}").hostname or ""


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
