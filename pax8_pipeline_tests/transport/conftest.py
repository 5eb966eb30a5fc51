"""What the tests of this room share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import fields, replace
from typing import Any

import pytest
from pydantic import SecretStr

from pax8_pipeline.transport.client import Fresh401Meaning, Transport, VendorProfile
from pax8_pipeline.transport.connect import ConnectionLimits, connect
from pax8_pipeline.transport.oauth import TokenRequest
from pax8_pipeline.transport.redact import register_secret
from pax8_pipeline_tests.support.scripted_http import FakeTime, Script, Server, serving

SECRET = "s3cret-of/the+day="


def generous_limits(**other: Any) -> ConnectionLimits:
    """Return limits that let only what a test scripts wait."""
    names = {field.name for field in fields(ConnectionLimits)}
    given = {name: value for name, value in other.items() if name in names}
    generous = ConnectionLimits(
        rate_limit=1000, rate_window_s=60.0, threads=8, connect_timeout_s=5.0, read_timeout_s=5.0
    )
    return replace(generous, **given)


def token_request(**other: Any) -> TokenRequest:
    secret = SecretStr(SECRET)
    register_secret(SECRET)
    given: dict[str, Any] = {
        "vendor": "Halo",
        "where": "POST /token",
        "body": lambda: f"client_secret={secret.get_secret_value()}",
        "content_type": "application/x-www-form-urlencoded",
        "credentials": "HALO_CLIENT_ID and HALO_CLIENT_SECRET",
        "address": "HALO_AUTH_URL",
    }
    return TokenRequest(**{**given, **other})


Build = Callable[..., tuple[Transport, Server]]


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def build(time: FakeTime) -> Iterator[Build]:
    """Make a transport against a scripted server; a fake clock, so no test ever waits."""
    with ExitStack() as stack:

        def make(
            script: Script, *, fresh_401_means: Fresh401Meaning = "permission", chance: float = 1.0, **limits: Any
        ) -> tuple[Transport, Server]:
            server = stack.enter_context(serving(script))
            profile = VendorProfile(
                vendor="Halo",
                api_url=limits.get("api_url", server.url),
                token_url=f"{server.url}/token",
                token_request=token_request(),
                fresh_401_means=fresh_401_means,
                may_write=True,
            )
            transport = connect(
                profile,
                generous_limits(**limits),
                timing=time.timing(chance),
                on_quota=limits.get("on_quota"),
            )
            stack.callback(transport.close)
            return transport, server

        yield make
