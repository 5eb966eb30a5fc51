"""The configuration of the Pax8 client: addresses, credentials, limits. Their values come from `settings`."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from pax8_pipeline.transport.connect import ConnectionLimits

# The highest limit that Pax8 ever stated (docs/vendors/pax8.md#limits). It was not confirmed lately, so a run starts
# with half of it.
CALLS_A_MINUTE = 1000


@dataclass(frozen=True, kw_only=True)
class Pax8Config(ConnectionLimits):
    """Defaults come from docs/vendors/pax8.md#addresses, #limits."""

    client_id: str
    client_secret: SecretStr
    api_url: str = "https://api.pax8.com/v1"
    token_url: str = "https://api.pax8.com/v1/token"  # noqa: S105 - an address, no secret
    audience: str = "https://api.pax8.com"
    rate_limit: int = CALLS_A_MINUTE // 2
    rate_window_s: float = 60.0
    rate_ceiling: int | None = CALLS_A_MINUTE
    threads: int = 8
    page_size: int = 200
