"""A vendor's access token: fetched once, shared by all threads, renewed in time, never shown.

It makes the client-credentials exchange and knows how long a token lives. The body that a vendor needs is in
`pax8.client` and `halo.client` (a `TokenRequest`). What a 401 on a resource means is in `client`.
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

from pax8_pipeline.errors import AuthRefused, BadAnswer, NotFound, RateLimited, ServerFault, Unreachable, VendorError
from pax8_pipeline.transport.error_text import error_sentence, vendor_text
from pax8_pipeline.transport.rate_limit import RateLimiter
from pax8_pipeline.transport.redact import register_secret
from pax8_pipeline.transport.request_log import log_request
from pax8_pipeline.transport.retry import RetryPolicy
from pax8_pipeline.transport.retry_state import RetryState
from pax8_pipeline.transport.session import Answer, HttpSession, NoAnswer
from pax8_pipeline.transport.timing import Timing

_RENEW_EARLY_S = 90.0
# For an answer without a usable `expires_in`, in seconds. Both vendors always send one.
_UNSTATED_LIFE_S = 600.0
# After a refusal no thread tries the same credentials again for so many seconds: repeated wrong tries lock an account.
_REFUSAL_HOLDS_S = 60.0


@dataclass(frozen=True)
class Token:
    """One access token with the scopes that the vendor named. `fetched_at`, `renew_at`: of `Timing.clock`."""

    value: SecretStr
    scopes: tuple[str, ...]
    fetched_at: float
    renew_at: float


@dataclass(frozen=True)
class TokenRequest:
    """What to send for a token. `body` makes the text each time, so that no secret stays in memory.

    `where` names the call in messages. `credentials` and `address` name what to check when they are refused or not
    found. `fault_hint` is added to the message when the service answers 5xx.
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
    """Returns the current token. One fetch at a time, for all threads."""

    def __init__(
        self, request: TokenRequest, session: HttpSession, *, timing: Timing, retry: RetryPolicy, limiter: RateLimiter
    ) -> None:
        self._request = request
        self._session = session
        self._timing = timing
        self._retry = retry
        self._limiter = limiter
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._accepted_values: deque[str] = deque(maxlen=8)
        self._refusal: tuple[float, dict[str, Any]] | None = None

    def close(self) -> None:
        """Close idle connections to the token service."""
        self._session.close()

    def current(self) -> Token:
        """Return the cached token, or a new one if there is none or it expires soon.

        Raises AuthRefused for bad credentials, Unreachable, RateLimited, ServerFault, NotFound, BadAnswer.
        """
        with self._lock:
            if self._token is None or self._timing.clock() >= self._token.renew_at:
                self._token = self._fetch()
            return self._token

    def renew(self, used: Token) -> Token:
        """Replace a refused token, unless another thread did so already. Raises as `current`."""
        with self._lock:
            if self._token is None or self._token.value == used.value:
                self._token = None
                self._token = self._fetch()
            return self._token

    def mark_accepted(self, token: Token) -> None:
        """Remember that the vendor accepted this token: if it is refused later, it has expired."""
        value = token.value.get_secret_value()
        if value not in self._accepted_values:
            self._accepted_values.append(value)

    def was_accepted(self, token: Token) -> bool:
        """True if the vendor has accepted this token before, for any thread."""
        return token.value.get_secret_value() in self._accepted_values

    def _fetch(self) -> Token:
        if self._refusal is not None and self._timing.clock() < self._refusal[0]:
            raise AuthRefused(**self._refusal[1])
        retries = RetryState(self._retry, self._timing, self._limiter)
        while True:
            asked_at = self._timing.clock()
            try:
                answer = self._request_token()
            except NoAnswer as error:
                failure = self._unreachable(str(error))
                if error.permanent:
                    raise failure from None
                retries.wait_after_failure(failure)
                continue
            if answer.ok:
                try:
                    return self._read_token(answer, asked_at)
                except BadAnswer as bad:
                    retries.wait_after_failure(bad)
            elif answer.status == 429:
                retries.wait_after_refusal(
                    answer, RateLimited(**self._error_fields(answer, "Too many requests; try later."))
                )
            elif answer.status == 408 or answer.status >= 500:
                advice = f"The token service does not work.{self._request.fault_hint}"
                retries.wait_after_failure(ServerFault(**self._error_fields(answer, advice)), answer)
            else:
                raise self._refused(answer)

    def _request_token(self) -> Answer:
        self._limiter.acquire()
        started_at, status = self._timing.clock(), None
        try:
            answer = self._session.send(
                "POST",
                params=self._request.params,
                body=self._request.body().encode(),
                content_type=self._request.content_type,
            )
            status = answer.status
            return answer
        finally:
            path = self._request.where.removeprefix("POST ")
            log_request(self._request.vendor, "POST", path, status, self._timing.clock() - started_at)

    def _read_token(self, answer: Answer, asked_at: float) -> Token:
        try:
            body = answer.json()
        except ValueError:
            body = None
        value = body.get("access_token") if isinstance(body, dict) else None
        # Another character is not allowed in a header, and the library's error would show the value.
        if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]+", value):
            advice = f"The answer has no token; check {self._request.address}."
            message = error_sentence(self._request.vendor, self._request.where, answer.status, "", advice)
            raise BadAnswer(message, vendor=self._request.vendor, where=self._request.where, status=answer.status)
        register_secret(value)
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
            return NotFound(
                **self._error_fields(
                    answer, f"There is no token service at this address: check {self._request.address}."
                )
            )
        if 300 <= answer.status < 400:
            advice = f"The answer is a redirect, and redirects are not followed: correct {self._request.address}."
            return BadAnswer(**self._error_fields(answer, advice))
        fields = self._error_fields(answer, f"Check {self._request.credentials}.")
        self._refusal = (self._timing.clock() + _REFUSAL_HOLDS_S, fields)
        return AuthRefused(**fields)

    def _error_fields(self, answer: Answer, advice: str) -> dict[str, Any]:
        request = self._request
        message = error_sentence(request.vendor, request.where, answer.status, _reason(answer), advice)
        return {"message": message, "vendor": request.vendor, "where": request.where, "status": answer.status}

    def _unreachable(self, why: str) -> Unreachable:
        request = self._request
        message = f"{request.vendor} {request.where}: {why}. Check the network and {request.address}."
        return Unreachable(message, vendor=request.vendor, where=request.where)


def _reason(answer: Answer) -> str:
    """Return the OAuth error code with the vendor's text: an operator can search for `invalid_client`."""
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
