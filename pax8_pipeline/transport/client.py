"""The rules for requests to any vendor: a read is repeated until it is complete, a write is sent once.

It decides which answer allows another try, and which typed error ends a call. Paging is in `listing` and in the
vendors' `paging`; connections are in `session`, tokens in `oauth`, error messages in `error_text`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
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
from pax8_pipeline.transport.error_text import forbidden, refused_read, vendor_error, vendor_text
from pax8_pipeline.transport.oauth import Token, TokenRequest, TokenSource
from pax8_pipeline.transport.quota import Quota, read_quota, usable_requests
from pax8_pipeline.transport.rate_limit import RateLimiter
from pax8_pipeline.transport.redact import guard_loggers
from pax8_pipeline.transport.request_log import log_request
from pax8_pipeline.transport.retry import RetryPolicy, http_date
from pax8_pipeline.transport.retry_state import RetryState
from pax8_pipeline.transport.session import Answer, HttpSession, NoAnswer, NoResponse, NotSent
from pax8_pipeline.transport.timing import Timing

# What a 401 on a fresh token means at a vendor: the credentials are wrong, or one permission is missing.
Fresh401Meaning = Literal["credentials", "permission"]

# A token can expire more than once during a call. But after so many renewals within one call the token is not the
# reason.
_RENEWALS = 3
# One fresh token can expire before its first use (the vendor cancelled all tokens, or a call of another thread did).
# Only the second refusal of a fresh token proves that the token is not the reason.
_FRESH_REFUSALS = 2


@dataclass(frozen=True)
class Reply:
    """The vendor's answer to an accepted write; `body` is None when it was empty."""

    status: int
    body: Any


_LIMIT_HEADER = re.compile(r"(x-)?rate-?limit|x-.*(limit|remaining|quota)|retry-after$", re.IGNORECASE)


@dataclass(frozen=True)
class VendorProfile:
    """What is true of one vendor for every account: addresses, token, and the meaning of its refusals.

    `fresh_401_means`: what a 401 on a fresh token means. `may_write` False: only GET is ever sent. `never`: resources
    (the first part of a path) that are never called.
    """

    vendor: str
    api_url: str
    token_url: str
    token_request: TokenRequest
    fresh_401_means: Fresh401Meaning
    may_write: bool
    never: Collection[str] = ()


class Transport:
    """The API of one vendor: one address, one rate limit, one token. Thread-safe.

    `on_quota`: called with the limit that the text of a 429 names.
    """

    def __init__(
        self,
        profile: VendorProfile,
        session: HttpSession,
        tokens: TokenSource,
        *,
        limiter: RateLimiter,
        retry: RetryPolicy,
        timing: Timing,
        threads: int,
        on_quota: Callable[[Quota], None] | None = None,
    ) -> None:
        guard_loggers()
        self.vendor = profile.vendor
        self.tokens = tokens
        self.limiter = limiter
        self._session = session
        self._retry = retry
        self.timing = timing
        self._slots = threading.BoundedSemaphore(threads)
        self._profile = profile
        self._on_quota = on_quota
        self._never = frozenset(name.lower() for name in profile.never)
        self._clock: ClockSeen | None = None
        self._limit_headers: set[str] = set()

    @property
    def clock(self) -> ClockSeen | None:
        """The vendor's clock beside ours, from the last answer with a date; None before the first."""
        return self._clock

    @property
    def limit_headers(self) -> tuple[str, ...]:
        """The names, in lower case, of the headers about a limit of requests that the answers had so far."""
        return tuple(sorted(self._limit_headers))

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()
        self.tokens.close()

    def get_json(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        anonymous: bool = False,
        tries: int | None = None,
    ) -> Any:
        """Read one JSON document. Repeats the request where that can help. `anonymous`: send no token. `tries`: at most so
        many, for what a run can do without; unset, as many as the retry policy allows.

        Raises Unreachable, ServerFault, RateLimited or BadAnswer when the tries or the time are used up, and
        AuthRefused, Forbidden, NotFound or BadRequest at once.
        """
        where = f"GET {path}"
        policy = self._retry if tries is None else replace(self._retry, tries=min(tries, self._retry.tries))
        retries = RetryState(policy, self.timing, self.limiter)
        renewals = _TokenRenewal(self, where)
        token = None if anonymous else self.tokens.current()
        while True:
            try:
                answer = self._send("GET", path, token, params=params)
            except NoAnswer as error:
                failure = self._unreachable(where, str(error))
                if error.permanent:
                    raise failure from None
                retries.wait_after_failure(failure)
            else:
                if answer.ok:
                    try:
                        return answer.json()
                    except ValueError:
                        retries.wait_after_failure(self._not_json(where, answer))
                elif answer.status == 401 and token is not None:
                    token = renewals.next_token(token, answer)
                    continue
                elif answer.status == 429:
                    retries.wait_after_refusal(answer, self._rate_limited(where, answer))
                elif answer.status == 408 or answer.status >= 500:
                    retries.wait_after_failure(self._server_fault(where, answer), answer)
                else:
                    raise refused_read(self.vendor, where, answer)
            if token is not None:
                token = self.tokens.current()  # the token may have expired during the wait

    def post_json(self, path: str, body: Any) -> Reply:
        """Send one write, and make sure that it is taken at most once.

        It is sent again only after an answer that proves that it was not taken (429, or 401 on an old token), or when
        it was certainly not sent. Raises WriteUnknown when it may have been taken. Every other error means that nothing
        changed: WriteRefused, Forbidden (403, or a 401 on a fresh token where that means a permission), AuthRefused,
        RateLimited, Unreachable, and the errors of the token service. Raises TypeError for a vendor that is only read.
        """
        if not self._profile.may_write:
            raise TypeError(f"{self.vendor} is read only: nothing in this product may write to it")
        where = f"POST {path}"
        data = jsontext.dumps(body).encode()
        retries = RetryState(self._retry, self.timing, self.limiter)
        renewals = _TokenRenewal(self, where)
        token = self.tokens.current()
        while True:
            try:
                answer = self._send("POST", path, token, body=data, new_connection=True)
            except NotSent as error:
                failure = self._unreachable(where, f"{error}; the write was not sent")
                if error.permanent:
                    raise failure from None
                retries.wait_after_failure(failure)
            except NoResponse as error:
                raise self._unknown(where, str(error), None) from None
            else:
                if answer.ok:
                    return self._accepted(where, answer)
                if answer.status == 401:
                    token = renewals.next_token(token, answer)
                    continue
                if answer.status != 429:
                    raise self._write_failed(where, answer)
                retries.wait_after_refusal(answer, self._rate_limited(where, answer))
            token = self.tokens.current()

    def fresh_token_error(self, where: str, answer: Answer, token: Token) -> VendorError:
        """Return the error for a 401 on a token that was fetched a moment ago."""
        if self._profile.fresh_401_means == "permission":
            return forbidden(self.vendor, where, answer, token.scopes)
        name = self.vendor.upper()
        advice = f"A fresh token was refused; check {name}_CLIENT_ID, {name}_CLIENT_SECRET and {name}_API_URL."
        return vendor_error(AuthRefused, self.vendor, where, answer, advice)

    def _send(
        self,
        method: str,
        path: str,
        token: Token | None,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        new_connection: bool = False,
    ) -> Answer:
        resource = unquote(path).replace("\\", "/").strip("/").split("/")[0].split("?")[0].strip().lower()
        if resource in self._never:
            raise TypeError(f"{method} {path}: nothing in this product may call {self.vendor}'s {resource}")
        with self._slots:
            self.limiter.acquire()
            started_at, status = self.timing.clock(), None
            try:
                answer = self._session.send(
                    method,
                    path,
                    params=params,
                    body=body,
                    token=None if token is None else token.value,
                    new_connection=new_connection,
                )
                status = answer.status
            finally:
                log_request(self.vendor, method, path, status, self.timing.clock() - started_at)
        if token is not None and answer.status != 401:
            self.tokens.mark_accepted(token)
        self._limit_headers.update(name.lower() for name in answer.headers if _LIMIT_HEADER.match(name))
        vendor_time = http_date(answer.headers.get("Date"))
        if vendor_time is not None:
            self._clock = ClockSeen(_moment(vendor_time), _moment(self.timing.wall()))
        return answer

    def _accepted(self, where: str, answer: Answer) -> Reply:
        if not answer.body.strip():
            return Reply(answer.status, None)
        try:
            return Reply(answer.status, answer.json())
        except ValueError:
            # It may come from something between (a login page), or be cut. Neither proves what happened to the write.
            raise self._unknown(where, "the answer was not JSON", answer.status) from None

    def _write_failed(self, where: str, answer: Answer) -> VendorError:
        message, status = vendor_text(answer), answer.status
        if status == 403:
            return forbidden(self.vendor, where, answer)
        if 400 <= status < 500 and status != 408:
            advice = "Refused; nothing was changed. Read the reason before you send it again."
            return vendor_error(WriteRefused, self.vendor, where, answer, advice)
        return self._unknown(where, f"{status}" + (f' ("{message}")' if message else ""), status)

    def _unknown(self, where: str, what: str, status: int | None) -> WriteUnknown:
        message = (
            f"{self.vendor} {where}: {what}. It is not known whether the write took effect; it is not sent again. "
            "The next read shows which."
        )
        return WriteUnknown(message, vendor=self.vendor, where=where, status=status)

    def _unreachable(self, where: str, why: str) -> Unreachable:
        message = f"{self.vendor} {where}: {why}. Check the network and {self.vendor.upper()}_API_URL."
        return Unreachable(message, vendor=self.vendor, where=where)

    def _not_json(self, where: str, answer: Answer) -> BadAnswer:
        advice = f"That is not JSON, or not all of it; check {self.vendor.upper()}_API_URL."
        return vendor_error(BadAnswer, self.vendor, where, answer, advice, vendor_text(answer)[:80])

    def _rate_limited(self, where: str, answer: Answer) -> RateLimited:
        advice = "Too many requests; is something else using the same credentials? Nothing was changed."
        self._apply_quota(vendor_text(answer))
        return vendor_error(RateLimited, self.vendor, where, answer, advice)

    def _apply_quota(self, refusal: str) -> None:
        """Keep to the limit that a refusal names, and pass it to `on_quota`."""
        quota = read_quota(refusal)
        if quota is None:
            return
        self.limiter.restrict(usable_requests(quota), quota.window_s)
        if self._on_quota is not None:
            self._on_quota(quota)

    def _server_fault(self, where: str, answer: Answer) -> ServerFault:
        advice = f"{self.vendor} does not work; run again later."
        return vendor_error(ServerFault, self.vendor, where, answer, advice)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class _TokenRenewal:
    """Decides after a 401: another token, or an error."""

    def __init__(self, transport: Transport, where: str) -> None:
        self._transport = transport
        self._where = where
        self._refused_at: float | None = None
        self._renewals = 0
        self._fresh_tokens_refused = 0

    def next_token(self, used: Token, answer: Answer) -> Token:
        """Return a token for another try. Raises the transport's error when enough fresh tokens were refused.

        A token is fresh when it was fetched after the first refusal of this call and was never accepted. Another thread
        may have renewed it long before; and a token that was accepted for another call has expired since.
        """
        tokens = self._transport.tokens
        if self._refused_at is None:
            self._refused_at = self._transport.timing.clock()
        else:
            self._fresh_tokens_refused += used.fetched_at >= self._refused_at and not tokens.was_accepted(used)
            if self._fresh_tokens_refused >= _FRESH_REFUSALS or self._renewals >= _RENEWALS:
                raise self._transport.fresh_token_error(self._where, answer, used)
        self._renewals += 1
        return tokens.renew(used)
