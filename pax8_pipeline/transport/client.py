"""Reads that are asked again until they are whole, writes that are sent once: the rules of both, for any
vendor.

Here belongs: which answer may be followed by another try, and which typed error ends it. Not here: paging
(`listing` and the vendors' `paging`), connections (`session`), tokens (`token`), words (`error_text`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import unquote

from pax8_pipeline.clock import ClockSeen
from pax8_pipeline.errors import (
    AuthRefused,
    BadAnswer,
    RateLimited,
    ServerFault,
    Unreachable,
    VendorError,
    WriteRefused,
    WriteUnknown,
)
from pax8_pipeline.text import jsontext
from pax8_pipeline.transport.error_text import error_sentence, forbidden, refused_read, vendor_text
from pax8_pipeline.transport.oauth import Token, TokenSource
from pax8_pipeline.transport.quota import Quota, read_quota, usable
from pax8_pipeline.transport.rate_limit import RateLimiter
from pax8_pipeline.transport.redact import guard_loggers
from pax8_pipeline.transport.request_log import RequestLog
from pax8_pipeline.transport.retry import RetryPolicy, http_date
from pax8_pipeline.transport.session import Answer, HttpSession, NoResponse, NotSent
from pax8_pipeline.transport.timing import Timing
from pax8_pipeline.transport.tries import RetryState

# What a 401 on a fresh token means at a vendor: bad credentials, or one permission that is missing.
FreshRefused = Literal["credentials", "permission"]

# A token can die more than once in a bad night, but within one call so many renewals prove that it is not the token.
_RENEWALS = 3
# One fresh token can die before its first use (the vendor drops them all, or another thread's call killed it): only the
# second such refusal says that it is not the token.
_FRESH_REFUSED = 2


@dataclass(frozen=True)
class Reply:
    """The vendor's answer to an accepted write; `body` is None when it was empty."""

    status: int
    body: Any


class Transport:
    """One vendor's API behind one address, one rate limit and one token; thread-safe.

    `fresh_refused`: what a 401 on a fresh token means there, "credentials" (AuthRefused) or "permission"
    (Forbidden; Halo, docs/vendors/halo.md#errors). `may_write` False makes `post_json` impossible. `on_quota`: called
    with the limit that the text of a 429 names. `never`: resources (the first part of a path) that are never called, by
    whatever method.
    """

    def __init__(
        self,
        *,
        vendor: str,
        wire: HttpSession,
        tokens: TokenSource,
        limiter: RateLimiter,
        retry: RetryPolicy,
        timing: Timing,
        threads: int,
        fresh_refused: FreshRefused,
        may_write: bool,
        log: RequestLog,
        on_quota: Callable[[Quota], None] | None = None,
        never: Collection[str] = (),
    ) -> None:
        guard_loggers()
        self.vendor = vendor
        self.tokens = tokens
        self.limiter = limiter
        self._wire = wire
        self._retry = retry
        self.timing = timing
        self._slots = threading.BoundedSemaphore(threads)
        self._fresh_refused = fresh_refused
        self._may_write = may_write
        self._log = log
        self._on_quota = on_quota
        self._never = frozenset(name.lower() for name in never)
        self._clock: ClockSeen | None = None

    @property
    def clock_offset_s(self) -> float | None:
        """The vendor's clock less ours in seconds, from the last answer that carried a date; None before that."""
        return None if self._clock is None else (self._clock.vendor_time - self._clock.local_time).total_seconds()

    @property
    def clock(self) -> ClockSeen | None:
        """The vendor's clock beside ours, from the last answer that carried a date; None before that."""
        return self._clock

    def close(self) -> None:
        """Close idle connections."""
        self._wire.close()
        self.tokens.close()

    def get_json(self, path: str, params: Mapping[str, str] | None = None, *, anonymous: bool = False) -> Any:
        """Read one JSON document, asking again where that can help.

        Raises Unreachable, ServerFault, RateLimited or BadAnswer once the tries or the deadline are spent,
        and at once AuthRefused, Forbidden, NotFound, BadRequest.
        """
        where = f"GET {path}"
        tries = RetryState(self._retry, self.timing, self.limiter)
        renewals = _TokenRenewal(self, where)
        token = None if anonymous else self.tokens.current()
        while True:
            try:
                answer = self._send("GET", path, token, params=params)
            except NotSent as error:
                failure = self._unreachable(where, str(error))
                if error.hopeless:
                    raise failure from None
                tries.failed(failure)
            except NoResponse as error:
                failure = self._unreachable(where, str(error))
                if error.hopeless:
                    raise failure from None
                tries.failed(failure)
            else:
                if answer.ok:
                    try:
                        return answer.json()
                    except ValueError:
                        tries.failed(self._not_json(where, answer))
                elif answer.status == 401 and token is not None:
                    token = renewals.after(token, answer)
                    continue
                elif answer.status == 429:
                    tries.refused(answer, self._rate_limited(where, answer))
                elif answer.status == 408 or answer.status >= 500:
                    tries.failed(self._server_fault(where, answer), answer)
                else:
                    raise refused_read(self.vendor, where, answer)
            if token is not None:
                token = self.tokens.current()  # the wait may have outlived it

    def post_json(self, path: str, body: Any) -> Reply:
        """Send one write, at most once as far as anybody can tell.

        Sent again only after an answer that proves it was not taken (429, 401 on an old token) or when it
        certainly never left. Raises WriteUnknown if it may have been taken; every other error means that
        nothing changed: WriteRefused, Forbidden (401 on a fresh token where that means permission, 403),
        AuthRefused, RateLimited, Unreachable, and those of the token service.
        """
        if not self._may_write:
            raise TypeError(f"{self.vendor} is read only: nothing in this product may write to it")
        where = f"POST {path}"
        data = jsontext.dumps(body).encode()
        tries = RetryState(self._retry, self.timing, self.limiter)
        renewals = _TokenRenewal(self, where)
        token = self.tokens.current()
        while True:
            try:
                answer = self._send("POST", path, token, body=data, fresh=True)
            except NotSent as error:
                failure = self._unreachable(where, f"{error}; the write was not sent")
                if error.hopeless:
                    raise failure from None
                tries.failed(failure)
            except NoResponse as error:
                raise self._unknown(where, str(error), None) from None
            else:
                if answer.ok:
                    return self._accepted(where, answer)
                if answer.status == 401:
                    token = renewals.after(token, answer)
                    continue
                if answer.status != 429:
                    raise self._write_failed(where, answer)
                tries.refused(answer, self._rate_limited(where, answer))
            token = self.tokens.current()

    def refused(self, where: str, answer: Answer, token: Token) -> VendorError:
        """The error for a 401 on a token that was fetched a moment ago."""
        message = vendor_text(answer)
        if self._fresh_refused == "permission":
            return forbidden(self.vendor, where, 401, message, token.scopes)
        name = self.vendor.upper()
        advice = f"A fresh token was refused; check {name}_CLIENT_ID, {name}_CLIENT_SECRET and {name}_API_URL."
        return AuthRefused(error_sentence(self.vendor, where, 401, message, advice), **self._place(where, 401))

    def _send(
        self,
        method: str,
        path: str,
        token: Token | None,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        fresh: bool = False,
    ) -> Answer:
        resource = unquote(path).replace("\\", "/").strip("/").split("/")[0].split("?")[0].strip().lower()
        if resource in self._never:
            raise TypeError(f"{method} {path}: nothing in this product may call {self.vendor}'s {resource}")
        with self._slots:
            self.limiter.acquire()
            begun, status = self.timing.clock(), None
            try:
                answer = self._wire.send(
                    method,
                    path,
                    params=params,
                    body=body,
                    token=None if token is None else token.value,
                    fresh=fresh,
                )
                status = answer.status
            finally:
                self._log.note(method, path, status, self.timing.clock() - begun)
        if token is not None and answer.status != 401:
            self.tokens.accepted(token)
        server_now = http_date(answer.headers.get("Date"))
        if server_now is not None:
            self._clock = ClockSeen(_moment(server_now), _moment(self.timing.wall()))
        return answer

    def _accepted(self, where: str, answer: Answer) -> Reply:
        if not answer.body.strip():
            return Reply(answer.status, None)
        try:
            return Reply(answer.status, answer.json())
        except ValueError:
            # Perhaps the answer of something in between (a log-in page); perhaps cut. Not proof of either.
            raise self._unknown(where, "the answer was not JSON", answer.status) from None

    def _write_failed(self, where: str, answer: Answer) -> VendorError:
        message, status = vendor_text(answer), answer.status
        if status == 403:
            return forbidden(self.vendor, where, status, message)
        if 400 <= status < 500 and status != 408:
            advice = "Refused; nothing was changed. Read the reason before anything is sent again."
            return WriteRefused(
                error_sentence(self.vendor, where, status, message, advice), **self._place(where, status)
            )
        return self._unknown(where, f"{status}" + (f' ("{message}")' if message else ""), status)

    def _unknown(self, where: str, what: str, status: int | None) -> WriteUnknown:
        message = (
            f"{self.vendor} {where}: {what}. It is not known whether the write took effect; it is not sent again. "
            "The next read settles it."
        )
        return WriteUnknown(message, **self._place(where, status))

    def _unreachable(self, where: str, why: str) -> Unreachable:
        message = f"{self.vendor} {where}: {why}. Check the network and {self.vendor.upper()}_API_URL."
        return Unreachable(message, **self._place(where, None))

    def _not_json(self, where: str, answer: Answer) -> BadAnswer:
        advice = f"That is not JSON, or not all of it; check {self.vendor.upper()}_API_URL."
        message = vendor_text(answer)[:80]
        return BadAnswer(
            error_sentence(self.vendor, where, answer.status, message, advice), **self._place(where, answer.status)
        )

    def _rate_limited(self, where: str, answer: Answer) -> RateLimited:
        advice = "Too many requests; is something else using the same credentials? Nothing was changed."
        message = vendor_text(answer)
        self._learn(message)
        return RateLimited(error_sentence(self.vendor, where, 429, message, advice), **self._place(where, 429))

    def _learn(self, refusal: str) -> None:
        """Keep within the limit that a refusal names, and pass it on to be remembered."""
        quota = read_quota(refusal)
        if quota is None:
            return
        self.limiter.restrict(usable(quota), quota.window_s)
        if self._on_quota is not None:
            self._on_quota(quota)

    def _server_fault(self, where: str, answer: Answer) -> ServerFault:
        advice = f"{self.vendor} fails; run again later."
        message = error_sentence(self.vendor, where, answer.status, vendor_text(answer), advice)
        return ServerFault(message, **self._place(where, answer.status))

    def _place(self, where: str, status: int | None) -> dict[str, Any]:
        return {"vendor": self.vendor, "where": where, "status": status}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class _TokenRenewal:
    """Decides after a 401 between another token and giving up."""

    def __init__(self, transport: Transport, where: str) -> None:
        self._transport = transport
        self._where = where
        self._refused_at: float | None = None
        self._made = 0
        self._fresh = 0

    def after(self, used: Token, answer: Answer) -> Token:
        """A token to try instead; raises the transport's error once enough fresh ones were refused.

        Fresh means fetched after this call was first refused, and never taken: another thread may have renewed long
        before, and a token that was taken for another call has died since.
        """
        tokens = self._transport.tokens
        if self._refused_at is None:
            self._refused_at = self._transport.timing.clock()
        else:
            self._fresh += used.fetched_at >= self._refused_at and not tokens.was_accepted(used)
            if self._fresh >= _FRESH_REFUSED or self._made >= _RENEWALS:
                raise self._transport.refused(self._where, answer, used)
        self._made += 1
        return tokens.renew(used)
