"""Halo's authorisation server: the token form, tokens that expire, and the scope that a call needs.

It knows what `/auth/token` answers and what a token may do (docs/vendors/halo.md#token). Routes and refused calls are
in `api.py`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pax8_pipeline.sandbox.core.credentials import HaloCredentials
from pax8_pipeline.text import jsontext

TOKEN_LIFE = timedelta(seconds=3600)

_SCOPE_OF = {
    "client": "customers",
    "item": "items",
    "supplier": "suppliers",
    "clientcontract": "contracts",
    "softwarelicence": "softwarelicensing",
    "licencechange": "softwarelicensing",
    "recurringinvoice": "invoices",
    "invoice": "invoices",
    "invoicechange": "invoices",
    "invoicedetailprorata": "invoices",
}


def scope_for(resource: str, method: str) -> str | None:
    """Return the scope that a call on a resource (lower case) needs; None when any token is enough."""
    area = _SCOPE_OF.get(resource)
    if area is None:
        return None
    return f"{'read' if method == 'GET' else 'edit'}:{area}"


class TokenIssuer:
    """Issues tokens and knows which are valid; time is the world's clock."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._alive: dict[str, tuple[datetime, frozenset[str]]] = {}
        self._issued = 0

    def issue(self, scopes: Iterable[str]) -> str:
        """Return a new token, similar to a JWT, for these scopes."""
        self._issued += 1
        expires = self._now() + TOKEN_LIFE
        granted = sorted(scopes)
        token = ".".join(
            (
                _part({"alg": "RS256", "typ": "at+jwt"}),
                _part({"jti": self._issued, "exp": int(expires.timestamp()), "scope": granted}),
                hashlib.sha256(f"{self._issued}:{expires}".encode()).hexdigest()[:43],
            )
        )
        self._alive[token] = (expires, frozenset(granted))
        return token

    def scopes_of(self, token: str) -> frozenset[str] | None:
        """Return the scopes of a valid token; None for an expired or unknown one."""
        entry = self._alive.get(token)
        if entry is None or entry[0] <= self._now():
            return None
        return entry[1]

    def expire_all(self) -> None:
        """Make all tokens issued so far invalid."""
        self._alive.clear()


def _part(data: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(jsontext.dumps(data).encode()).decode().rstrip("=")


def answer_token_form(
    form: Mapping[str, str],
    tenant: str | None,
    credentials: HaloCredentials,
    issuer: TokenIssuer,
    granted: Iterable[str],
) -> tuple[int, dict[str, Any] | str]:
    """Return status and body (a str is an HTML page) for a token request.

    `tenant` is the query parameter; None when absent, which hosts with the tenant in their name accept. A wrong one is
    a 500.
    """
    if tenant is not None and tenant.lower() != credentials.tenant.lower():
        return (500, "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Server Error</h1></body></html>")
    if form.get("grant_type") != "client_credentials":
        return 400, _refusal("unsupported_grant_type", "The specified 'grant_type' is not supported.")
    if (form.get("client_id"), form.get("client_secret")) != (credentials.client_id, credentials.client_secret):
        return 401, _refusal("invalid_client", "The specified client credentials are invalid.")
    asked = (form.get("scope") or "").split()
    if not asked:
        return 400, _refusal("invalid_scope", "The mandatory 'scope' parameter is missing.")
    scopes = set(granted) if "all" in asked else set(granted) & set(asked)
    return 200, {
        "scope": " ".join(sorted(scopes)),
        "token_type": "Bearer",
        "access_token": issuer.issue(scopes),
        "expires_in": int(TOKEN_LIFE.total_seconds()),
    }


def _refusal(error: str, description: str) -> dict[str, Any]:
    return {"error": error, "error_description": description}
