"""A vendor's access token: fetched once, shared by all threads, renewed in time, never shown.

Here belongs: the client-credentials exchange and the life of its result. Not here: which body a vendor wants
(`pax8.client`, `halo.client` hand over a `TokenRequest`), or what a 401 on a resource means (`http`).
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import SecretStr

from pax8_pipeline.errors import (
    AuthRefused,
    BadAnswer,
    NotFound,
    RateLimited,
    ServerFault,
    Unreachable,
    VendorError,
)
from pax8_pipeline.transport.error_text import error_sentence, vendor_text
from pax8_pipeline.transport.rate_limit import RateLimiter
from pax8_pipeline.transport.redact import keep_secret
from pax8_pipeline.transport.request_log import RequestLog
from pax8_pipeline.transport.retry import RetryPolicy
from pax8_pipeline.transport.session import Answer, HttpSession, NoResponse, NotSent
from pax8_pipeline.transport.timing import Timing
from pax8_pipeline.transport.tries import RetryState

_RENEW_EARLY_S = 90.0
# For an answer without a usable `expires_in`; both vendors always send one.
_UNSTATED_LIFE_S = 600.0
# Seven threads behind a refused one must not each try the same wrong secret: that locks accounts.
_REFUSAL_HOLDS_S = 60.0


@dataclass(frozen=True)
class Token:
    """One access token. `scopes`: what the vendor said it grants, empty if it did not say. Times of the clock."""

    value: SecretStr
    scopes: tuple[str, ...]
    fetched_at: float
    renew_at: float


@dataclass(frozen=True)
class TokenRequest:
    """What to send for a token. `body` makes the text anew each time, so that no secret lies about.

    `where` names the call in messages; `credentials` and `address` name what to check when it is refused or
    not found; `fault_hint` is added when the service fails with 5xx.
    """

    vendor: str
    where: str
    body: Callable[[], str] = field(repr=False)
    content_type: str
    credentials: str
    address: str
    params: dict[str, str] = field(default_factory=dict)
    fault_hint: str = ""


class TokenSource:
    """Hands out the current token; one fetch at a time, however many threads ask."""

    def __init__(
        self,
        request: TokenRequest,
        wire: HttpSession,
        *,
        timing: Timing,
        retry: RetryPolicy,
        limiter: RateLimiter,
        log: RequestLog,
    ) -> None:
        self._request = request
        self._wire = wire
        self._timing = timing
        self._retry = retry
        self._limiter = limiter
        self._log = log
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._accepted: deque[str] = deque(maxlen=8)
        self._refusal: tuple[float, dict[str, Any]] | None = None

    def close(self) -> None:
        """Close idle connections to the token service."""
        self._wire.close()

    def current(self) -> Token:
        """The cached token, or a new one if there is none or it is about to expire.

        Raises AuthRefused for bad credentials, Unreachable, RateLimited, ServerFault, NotFound, BadAnswer.
        """
        with self._lock:
            if self._token is None or self._timing.clock() >= self._token.renew_at:
                self._token = self._fetch()
            return self._token

    def renew(self, used: Token) -> Token:
        """Replace a token the vendor no longer takes; if another thread already did, hand out that one."""
        with self._lock:
            if self._token is None or self._token.value == used.value:
                self._token = None
                self._token = self._fetch()
            return self._token

    def accepted(self, token: Token) -> None:
        """Note that the vendor took this token: should it be refused later, it has died since."""
        value = token.value.get_secret_value()
        if value not in self._accepted:
            self._accepted.append(value)

    def was_accepted(self, token: Token) -> bool:
        """True if the vendor has taken this token before, for whichever thread."""
        return token.value.get_secret_value() in self._accepted

    def _fetch(self) -> Token:
        if self._refusal is not None and self._timing.clock() < self._refusal[0]:
            raise AuthRefused(**self._refusal[1])
        tries = RetryState(self._retry, self._timing, self._limiter)
        while True:
            asked_at = self._timing.clock()
            try:
                answer = self._ask()
            except NotSent as error:
                failure = self._unreachable(str(error))
                if error.hopeless:
                    raise failure from None
                tries.failed(failure)
                continue
            except NoResponse as error:
                failure = self._unreachable(str(error))
                if error.hopeless:
                    raise failure from None
                tries.failed(failure)
                continue
            if answer.ok:
                try:
                    return self._read(answer, asked_at)
                except BadAnswer as bad:
                    tries.failed(bad)
            elif answer.status == 429:
                tries.refused(answer, RateLimited(**self._words(answer, "Too many requests; try later.")))
            elif answer.status == 408 or answer.status >= 500:
                advice = f"Its token service fails.{self._request.fault_hint}"
                tries.failed(ServerFault(**self._words(answer, advice)), answer)
            else:
                raise self._refused(answer)

    def _ask(self) -> Answer:
        self._limiter.acquire()
        begun, status = self._timing.clock(), None
        try:
            answer = self._wire.send(
                "POST",
                params=self._request.params,
                body=self._request.body().encode(),
                content_type=self._request.content_type,
            )
            status = answer.status
            return answer
        finally:
            path = self._request.where.removeprefix("POST ")
            self._log.note("POST", path, status, self._timing.clock() - begun)

    def _read(self, answer: Answer, asked_at: float) -> Token:
        try:
            body = answer.json()
        except ValueError:
            body = None
        value = body.get("access_token") if isinstance(body, dict) else None
        # Anything else cannot stand in a header, and the library's complaint would quote it.
        if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]+", value):
            advice = f"That is no token; check {self._request.address}."
            message = error_sentence(self._request.vendor, self._request.where, answer.status, "", advice)
            raise BadAnswer(message, vendor=self._request.vendor, where=self._request.where, status=answer.status)
        keep_secret(value)
        life = _seconds(body.get("expires_in"))
        scope = body.get("scope")
        return Token(
            value=SecretStr(value),
            scopes=tuple(scope.split()) if isinstance(scope, str) else (),
            fetched_at=self._timing.clock(),
            renew_at=asked_at + max(life - _RENEW_EARLY_S, life / 2),
        )

    def _refused(self, answer: Answer) -> VendorError:
        if answer.status == 404:
            return NotFound(**self._words(answer, f"No token service there: check {self._request.address}."))
        if 300 <= answer.status < 400:
            advice = f"It points elsewhere; redirects are not followed: correct {self._request.address}."
            return BadAnswer(**self._words(answer, advice))
        words = self._words(answer, f"Check {self._request.credentials}.")
        self._refusal = (self._timing.clock() + _REFUSAL_HOLDS_S, words)
        return AuthRefused(**words)

    def _words(self, answer: Answer, advice: str) -> dict[str, Any]:
        request = self._request
        message = error_sentence(request.vendor, request.where, answer.status, _reason(answer), advice)
        return {"message": message, "vendor": request.vendor, "where": request.where, "status": answer.status}

    def _unreachable(self, why: str) -> Unreachable:
        request = self._request
        message = f"{request.vendor} {request.where}: {why}. Check the network and {request.address}."
        return Unreachable(message, vendor=request.vendor, where=request.where)


def _reason(answer: Answer) -> str:
    """The OAuth error code beside the vendor's words: `invalid_client` is what an operator can search for."""
    text = vendor_text(answer)
    try:
        body = answer.json()
    except ValueError:
        return text
    code = body.get("error") if isinstance(body, dict) else None
    return f"{code}: {text}" if isinstance(code, str) and code and code not in text else text


def _seconds(value: Any) -> float:
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value):
        value = int(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and 0 < value < 10**9:
        return float(value)
    return _UNSTATED_LIFE_S
