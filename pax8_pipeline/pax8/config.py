"""The configuration of the Pax8 client: addresses, credentials, limits. Their values come from `settings`."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import SecretStr

from pax8_pipeline.transport.retry import RetryPolicy

# The highest limit that Pax8 ever stated (docs/vendors/pax8.md#limits). It was not confirmed lately, so a run starts
# with half of it.
CALLS_A_MINUTE = 1000


@dataclass(frozen=True)
class Pax8Config:
    """Defaults come from docs/vendors/pax8.md#addresses, #limits. `rate_window_s` and the time-outs are in seconds;
    `rate_limit` is the number of requests in a window.
    """

    client_id: str
    client_secret: SecretStr
    api_url: str = "https://api.pax8.com/v1"
    token_url: str = "https://api.pax8.com/v1/token"  # noqa: S105 - an address, no secret
    audience: str = "https://api.pax8.com"
    rate_limit: int = CALLS_A_MINUTE // 2
    rate_window_s: float = 60.0
    rate_ceiling: int | None = CALLS_A_MINUTE
    threads: int = 8
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    page_size: int = 200
    retry: RetryPolicy = field(default_factory=RetryPolicy)
