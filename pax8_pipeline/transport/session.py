"""One request, one answer, read to its end: the only place that touches `requests` and `urllib3`.

Here belongs: connections, time-outs, and what can be said for certain when no answer came. Not here: asking
again, tokens' life, the meaning of a status (`http`, `token`).
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

# A body may keep dripping without ever running into the read time-out; this many read time-outs end it.
_SLOWEST_BODY = 10
_CHUNK = 1 << 16
# Unpacked. A page of 1,000 rows is some megabytes; a packed body of 1 MB can become 1,000.
LONGEST_BODY = 64 << 20


class NotSent(Exception):
    """For certain the request never left: no name, no connection. `hopeless`: trying again cannot help."""

    def __init__(self, why: str, *, hopeless: bool = False) -> None:
        super().__init__(why)
        self.hopeless = hopeless


class NoResponse(Exception):
    """The request may have arrived, its answer did not (whole): time-out or cut connection. `hopeless` as above."""

    def __init__(self, why: str, *, hopeless: bool = False) -> None:
        super().__init__(why)
        self.hopeless = hopeless


@dataclass(frozen=True)
class Answer:
    """A whole answer. `headers` compare case-blind."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """True for any 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON, numbers exact; ValueError if it is not JSON."""
        return jsontext.loads(self.body)


def checked_url(url: str, variable: str) -> str:
    """Return `url` without trailing slash; ConfigError naming `variable` unless it is https, or http on loopback."""
    try:
        parts = urlsplit(url.strip())
        _ = parts.port  # reading it is what checks it
    except ValueError as error:
        raise ConfigError(f"{variable}: not an address: {error}") from None
    if parts.username is not None or parts.password is not None:
        raise ConfigError(f"{variable}: a user name or password in the address is not allowed; take it out")
    if not parts.hostname or parts.scheme not in ("https", "http"):
        raise ConfigError(f"{variable}: {url!r} is not an address such as https://api.example.com/v1")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigError(f"{variable}: {url!r} would send tokens unencrypted; use https://")
    return url.strip().rstrip("/")


def is_loopback(host: str) -> bool:
    """True for names and addresses that never leave this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class _Auth(requests.auth.AuthBase):
    """Sets the Bearer header, or nothing. Being there at all keeps `requests` from adding a .netrc password."""

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
        fresh: bool = False,
    ) -> Answer:
        """Send once, never follow a redirect, read the body to its end.

        `fresh` uses a connection of its own: a kept one that the other side has just closed would make it
        uncertain whether the request arrived. Raises NotSent or Lost.
        """
        session = self._new_session() if fresh else self._session
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
            if fresh:
                session.close()

    def _read(self, response: requests.Response) -> bytes:
        longest = self._timeout[1] * _SLOWEST_BODY
        latest = self._clock() + longest
        parts: list[bytes] = []
        size = 0
        while part := response.raw.read1(_CHUNK, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > LONGEST_BODY:
                raise NoResponse(f"the answer is longer than {LONGEST_BODY >> 20} MB and was not read", hopeless=True)
            if self._clock() > latest:
                raise NoResponse(f"the answer was still not whole after {longest:.0f} s")
        return b"".join(parts)

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        # urllib3's own retries stay off: whether something may be sent again is decided in one place only.
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=self._threads, max_retries=0)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        session.headers.update({"User-Agent": f"pax8-pipeline/{_version()}", "Accept": "application/json"})
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # A proxy of the environment has no business between us and this machine.
        session.trust_env = not is_loopback(urlsplit(self.base_url).hostname or "")
        return session

    def _explain(self, error: Exception) -> NotSent | NoResponse:
        connect_s, read_s = self._timeout
        if isinstance(error, requests.exceptions.ConnectTimeout):
            return NotSent(f"no connection within {connect_s:g} s")
        if isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
            if "CERTIFICATE_VERIFY_FAILED" in str(error) or "doesn't match" in str(error):
                return NotSent("its certificate could not be verified", hopeless=True)
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
        return NoResponse("the connection was cut before the answer was whole")


def _version() -> str:
    try:
        return version("pax8-pipeline")
    except PackageNotFoundError:  # run from a source folder that was never installed
        return "0"
