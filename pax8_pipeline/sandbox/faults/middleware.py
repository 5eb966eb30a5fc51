"""The middleware between client and emulators: logs every request, applies the rate limits, and executes faults.

It is ASGI middleware around both vendors. Which fault hits a request is decided in `registry.py`. Connections are
really cut, by closing uvicorn's transport, so that a client sees the same as on a bad line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from math import ceil
from typing import Any
from urllib.parse import parse_qsl, urlencode

from pax8_pipeline.sandbox.faults import bodies as faults_bodies
from pax8_pipeline.sandbox.faults.registry import ON_LISTS, Fault, Faults, previous_page
from pax8_pipeline.sandbox.faults.traffic import Exchange, RollingLimit, TrafficLog
from pax8_pipeline.sandbox.halo.switches import HaloSwitches
from pax8_pipeline.sandbox.pax8.switches import Pax8Switches

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass
class FaultMiddleware:
    """Wraps the app that serves both vendors. Other requests pass unchanged.

    `expire` makes a vendor's tokens invalid. `after_write` is called after each successful write to Halo, before its
    answer is sent (or lost). An empty `limits` means no rate limits. `now` is the world's clock: both vendors send it
    as their Date.
    """

    app: App
    faults: Faults
    log: TrafficLog
    limits: Mapping[str, RollingLimit]
    now: Callable[[], datetime]
    switches: Callable[[], tuple[Pax8Switches, HaloSwitches]]
    expire: Callable[[str], None]
    after_write: Callable[[], None]
    _refused: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        vendor = scope["path"].split("/")[1] if scope["type"] == "http" else ""
        if vendor not in ("pax8", "halo"):
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, vendor, self.log, self._date(vendor))
        try:
            await self._serve(exchange)
        finally:
            exchange.log_once(0)

    def _date(self, vendor: str) -> datetime | None:
        """Return the moment for a vendor's Date header; None when it sends no such header."""
        pax8, halo = self.switches()
        of = pax8 if vendor == "pax8" else halo
        return self.now() + timedelta(seconds=of.clock_offset_s) if of.date_header else None

    async def _serve(self, exchange: _Exchange) -> None:
        limit = self.limits.get(exchange.vendor)
        if limit and exchange.vendor == "halo":
            limit.limit = self.switches()[1].rate_limit
        wait = limit.wait() if limit else 0.0
        if wait > 0:
            exchange.fault = "rate limit"
            await self._refuse_rate(exchange, wait)
            return
        query = dict(parse_qsl(exchange.scope["query_string"].decode("ascii", "replace")))
        for fault in self.faults.take(exchange.vendor, exchange.scope["method"], exchange.scope["path"], query):
            exchange.fault = fault.kind
            if await self._carry_out(fault, exchange):
                break
        else:
            await exchange.pass_on(await self._run(exchange))
        if limit and (exchange.vendor == "halo" or 200 <= exchange.status < 400):
            limit.count()

    async def _run(self, exchange: _Exchange) -> _Answer:
        """Let the vendor handle the request; the answer is not sent yet."""
        answer = await exchange.run(self.app)
        is_write = exchange.scope["method"] == "POST" and not exchange.scope["path"].lower().endswith("/token")
        if exchange.vendor == "halo" and is_write and answer.status < 300:
            self.after_write()
        return answer

    async def _carry_out(self, fault: Fault, exchange: _Exchange) -> bool:
        """Execute a fault. Return True when it has answered (or ended) the request."""
        kind, params = fault.kind, fault.params
        if kind == "latency":
            await asyncio.sleep(float(params.get("seconds", 0.2)))
            return False
        if kind == "expire_token":
            self.expire(exchange.vendor)
            return False
        if kind in ON_LISTS:
            await self._change_list(fault, exchange)
        elif kind in ("429", "429_no_header"):
            await self._order_429(fault, exchange)
        elif kind in ("403", "408", "500", "502", "503"):
            await self._refuse(kind, exchange)
        elif kind == "not_json":
            await exchange.answer(200, faults_bodies.html(200), "text/html")
        elif kind == "cut":
            answer = await self._run(exchange)
            await exchange.cut(answer if params.get("at", "body") == "body" else None)
        elif kind == "reply_lost":
            await self._run(exchange)
            await exchange.cut(None)
        elif kind == "reply_lost_502":
            await self._run(exchange)
            await exchange.answer(502, faults_bodies.html(502), "text/html")
        elif kind == "hang":
            await self._hang(float(params.get("limit", 60)))
            await exchange.cut(None)
        return True

    async def _refuse(self, kind: str, exchange: _Exchange) -> None:
        if kind != "408":
            await exchange.answer(int(kind), faults_bodies.html(int(kind)), "text/html")
        elif exchange.vendor == "pax8":
            body = b'{"type":"REQUEST_TIMEOUT","message":"Request timed out","status":408,"details":[]}'
            await exchange.answer(408, body, "application/json")
        else:
            await exchange.answer(408, b"", "text/plain")

    async def _change_list(self, fault: Fault, exchange: _Exchange) -> None:
        answer = await self._run(exchange)
        body: bytes | None = None
        if answer.status == 200:
            if fault.kind == "short_page":
                body = faults_bodies.shortened(answer.body, int(fault.params.get("rows", 1)))
            elif fault.kind == "empty":
                body = faults_bodies.emptied(answer.body)
            else:
                body = faults_bodies.shifted(answer.body, await self._page_before(exchange))
        if body is None:
            exchange.fault = ""
            self.faults.give_back(fault)
        await exchange.pass_on(answer if body is None else answer.with_body(body))

    async def _page_before(self, exchange: _Exchange) -> bytes:
        query = dict(parse_qsl(exchange.scope["query_string"].decode("ascii", "replace")))
        name, value = previous_page(query) or ("page", "0")
        scope = {**exchange.scope, "query_string": urlencode({**query, name: value}).encode()}
        inner = _Exchange(scope, _no_body, exchange.send, exchange.vendor, self.log, exchange.date)
        return (await inner.run(self.app)).body

    async def _hang(self, limit: float) -> None:
        """Wait in a separate thread, so that `released` may be set from any thread."""
        await asyncio.get_running_loop().run_in_executor(None, self.faults.released.wait, limit)

    # 429 --------------------------------------------------------------------------------------------------

    async def _order_429(self, fault: Fault, exchange: _Exchange) -> None:
        seconds = float(fault.params.get("retry_after", 1))
        style = "none" if fault.kind == "429_no_header" else str(fault.params.get("style", "seconds"))
        await self._send_429(exchange, seconds, style)

    async def _refuse_rate(self, exchange: _Exchange, wait: float) -> None:
        pax8, halo = self.switches()
        style = pax8.retry_after if exchange.vendor == "pax8" else ("seconds" if halo.retry_after else "none")
        await self._send_429(exchange, wait, style)

    async def _send_429(self, exchange: _Exchange, seconds: float, style: str) -> None:
        self._refused += 1
        bodies = self.switches()[0].rate_body
        if bodies == "alternate":
            bodies = "envelope" if self._refused % 2 else "text"
        if exchange.vendor == "halo":
            switches = self.switches()[1]
            body, content_type = faults_bodies.halo_rate_body(
                switches.rate_limit if switches.rate_text == "named" else None
            )
        else:
            body, content_type = faults_bodies.pax8_rate_body(exchange.scope["path"], bodies)
        headers = []
        if style == "seconds":
            headers.append((b"retry-after", str(ceil(seconds)).encode()))
        elif style == "date":
            moment = (exchange.date or self.now()) + timedelta(seconds=seconds)
            headers.append((b"retry-after", format_datetime(moment, usegmt=True).encode()))
        await exchange.answer(429, body, content_type, headers)


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


@dataclass(frozen=True)
class _Answer:
    """A complete answer that is not sent yet."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def with_body(self, body: bytes) -> _Answer:
        others = [(name, value) for name, value in self.headers if name.lower() != b"content-length"]
        return _Answer(self.status, [*others, (b"content-length", str(len(body)).encode())], body)


@dataclass
class _Exchange:
    """One request on its connection. `status` is what the client sees, 0 when no complete answer came.

    It is logged before its last byte is sent, so that a client that has its answer finds the request in the log.
    """

    scope: Scope
    receive: Receive
    send: Send
    vendor: str
    log: TrafficLog
    date: datetime | None
    status: int = 0
    fault: str = ""
    _is_logged: bool = False

    async def run(self, app: App) -> _Answer:
        messages: list[Message] = []

        async def hold(message: Message) -> None:
            messages.append(message)

        await app(dict(self.scope), self.receive, hold)  # a copy: routing writes into it
        start = messages[0]
        body = b"".join(message.get("body", b"") for message in messages[1:])
        return _Answer(int(start["status"]), list(start.get("headers", [])), body)

    def log_once(self, status: int) -> None:
        """Log this request with the status that the client sees. Only the first call counts."""
        if self._is_logged:
            return
        self.status, self._is_logged = status, True
        query = self.scope["query_string"].decode("ascii", "replace")
        self.log.add(Exchange(self.vendor, self.scope["method"], self.scope["path"], query, status, self.fault))

    def _headers(self, answer: _Answer) -> list[tuple[bytes, bytes]]:
        date = [] if self.date is None else [(b"date", format_datetime(self.date, usegmt=True).encode())]
        return [*answer.headers, *date]

    async def pass_on(self, answer: _Answer) -> None:
        self.log_once(answer.status)
        await self.send({"type": "http.response.start", "status": answer.status, "headers": self._headers(answer)})
        await self.send({"type": "http.response.body", "body": answer.body})

    async def answer(
        self, status: int, body: bytes, content_type: str, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        own = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        await self.pass_on(_Answer(status, own + (headers or []), body))

    async def cut(self, answer: _Answer | None) -> None:
        """Close the connection: after half of the answer's body, or before its first byte."""
        self.log_once(0)
        if answer is not None:
            await self.send({"type": "http.response.start", "status": answer.status, "headers": self._headers(answer)})
            half = answer.body[: len(answer.body) // 2]
            await self.send({"type": "http.response.body", "body": half, "more_body": True})
        # `send` is a bound method of uvicorn's request cycle, the only way from ASGI to the socket.
        transport = getattr(getattr(self.send, "__self__", None), "transport", None)
        if transport is None:
            raise RuntimeError("a connection can be cut only under uvicorn, with this middleware outermost")
        transport.close()
        # Until the server knows that the connection is closed, it would send a 500 for us.
        while (await self.receive())["type"] != "http.disconnect":
            pass
