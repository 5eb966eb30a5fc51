"""Sends one request and reads one answer to its end. Only this module uses `requests` and `urllib3`.

It handles connections and time-outs, and decides what is certain when no answer came. Repeating a request and the
meaning of a status are in `client`; tokens are in `oauth`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from pydantic import SecretStr
from requests.adapters import HTTPAdapter

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.text import jsontext

# A body may come so slowly that no single read times out. It is ended after this number of read time-outs.
_SLOWEST_BODY = 10
_CHUNK = 1 << 16
# The unpacked size. A page of 1,000 rows has a few megabytes; a packed body of 1 MB can become 1,000 MB.
LONGEST_BODY = 64 << 20


class NoAnswer(Exception):
    """No complete answer came. `permanent`: another try cannot help."""

    def __init__(self, why: str, *, permanent: bool = False) -> None:
        super().__init__(why)
        self.permanent = permanent


class NotSent(NoAnswer):
    """The request was certainly not sent: no such name, no connection."""


class NoResponse(NoAnswer):
    """The request may have arrived: a time-out or a cut connection."""


@dataclass(frozen=True)
class Answer:
    """A complete answer. The names of `headers` are compared without case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """True for any 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON with exact numbers. Raises ValueError if it is not JSON."""
        return jsontext.loads(self.body)


def checked_url(url: str, variable: str) -> str:
    """Return `url` without its last slash. Raises ConfigError that names `variable` unless it is https or local."""
    try:
        parts = urlsplit(url.strip())
        _ = parts.port  # this checks the port
    except ValueError as error:
        raise ConfigError(f"{variable}: not an address: {error}") from None
    if parts.username is not None or parts.password is not None:
        raise ConfigError(f"{variable}: a user name or password in the address is not allowed; remove it")
    if not parts.hostname or parts.scheme not in ("https", "http"):
        raise ConfigError(f"{variable}: {url!r} is not an address such as https://api.example.com/v1")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigError(f"{variable}: {url!r} would send tokens unencrypted; use https://")
    return url.strip().rstrip("/")


def is_loopback(host: str) -> bool:
    """True for names and addresses of this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class _Auth(requests.auth.AuthBase):
    """Sets the Bearer header, or nothing. Without an auth object `requests` would add a password from .netrc."""

    def __init__(self, token: SecretStr | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        return request


class HttpSession:
    """Pooled connections to one base address; thread-safe. `connect_s`, `read_s`: time-outs in seconds."""

    def __init__(
        self, base_url: str, *, connect_s: float, read_s: float, threads: int, clock: Callable[[], float]
    ) -> None:
        self.base_url = base_url
        self._timeout = (connect_s, read_s)
        self._threads = threads
        self._clock = clock
        self._session = self._new_session()

    def close(self) -> None:
        """Close all idle connections."""
        self._session.close()

    def send(
        self,
        method: str,
        path: str = "",
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        token: SecretStr | None = None,
        new_connection: bool = False,
    ) -> Answer:
        """Send once, follow no redirect, and read the body to its end.

        `new_connection`: use a separate connection. On a pooled one that the other side has just closed, it would be
        uncertain whether the request arrived. Raises NotSent or NoResponse.
        """
        session = self._new_session() if new_connection else self._session
        headers = {"Content-Type": content_type} if body is not None else {}
        try:
            with session.request(
                method,
                self.base_url + path,
                params=params,
                data=body,
                headers=headers,
                auth=_Auth(token),
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                return Answer(response.status_code, response.headers, self._read(response))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._explain(error) from None
        finally:
            if new_connection:
                session.close()

    def _read(self, response: requests.Response) -> bytes:
        longest_s = self._timeout[1] * _SLOWEST_BODY
        deadline = self._clock() + longest_s
        parts: list[bytes] = []
        size = 0
        while part := response.raw.read1(_CHUNK, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > LONGEST_BODY:
                raise NoResponse(f"the answer is longer than {LONGEST_BODY >> 20} MB and was not read", permanent=True)
            if self._clock() > deadline:
                raise NoResponse(f"the answer was still not complete after {longest_s:.0f} s")
        return b"".join(parts)

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        # urllib3's own retries are off: only `client` decides whether a request may be sent again.
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=self._threads, max_retries=0)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        session.headers.update({"User-Agent": f"pax8-pipeline/{_version()}", "Accept": "application/json"})
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # No proxy of the environment is used between this process and its own machine.
        session.trust_env = not is_loopback(urlsplit(self.base_url).hostname or "")
        return session

    def _explain(self, error: Exception) -> NotSent | NoResponse:
        connect_s, read_s = self._timeout
        if isinstance(error, requests.exceptions.ConnectTimeout):
            return NotSent(f"no connection within {connect_s:g} s")
        if isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
            if "CERTIFICATE_VERIFY_FAILED" in str(error) or "doesn't match" in str(error):
                return NotSent("its certificate could not be verified", permanent=True)
            return NoResponse("the encrypted connection failed")
        if isinstance(error, requests.exceptions.ProxyError):
            return NotSent("the proxy of this machine could not be used")
        if isinstance(error, requests.exceptions.ReadTimeout | urllib3.exceptions.ReadTimeoutError):
            return NoResponse(f"no answer within {read_s:g} s")
        reason = getattr(error.args[0], "reason", None) if error.args else None
        if isinstance(reason, urllib3.exceptions.NameResolutionError):
            return NotSent("its name could not be found")
        if isinstance(reason, urllib3.exceptions.NewConnectionError):
            return NotSent("the connection was refused")
        return NoResponse("the connection was cut before the answer was complete")


def _version() -> str:
    try:
        return version("pax8-pipeline")
    except PackageNotFoundError:  # run from a source folder that was never installed
        return "0"
