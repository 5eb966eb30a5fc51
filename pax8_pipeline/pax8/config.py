"""What the Pax8 client has to be told.

Here belongs: addresses, credentials, limits. Not here: where they come from (`settings`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import SecretStr

from pax8_pipeline.transport.retry import RetryPolicy

# The most that was ever stated (docs/vendors/pax8.md#limits). It was not confirmed lately, so a run starts with half of
# it.
CALLS_A_MINUTE = 1000


@dataclass(frozen=True)
class Pax8Config:
    """Defaults are those of docs/vendors/pax8.md#addresses, #limits. `rate_window_s` and time-outs in seconds."""

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
