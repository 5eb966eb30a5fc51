"""The configuration of the Halo client: addresses, credentials, limits. Their values come from `settings`."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import SecretStr

from pax8_pipeline.transport.retry import RetryPolicy


@dataclass(frozen=True)
class HaloConfig:
    """Addresses as Halo's API page shows them: `https://acme.halopsa.com/api` and `.../auth`.

    `/token` is added to `auth_url` unless it is there. The defaults come from docs/vendors/halo.md#token, #lists,
    #limits. `rate_window_s` and the time-outs are in seconds; `rate_limit` is the number of requests in a window.
    """

    api_url: str
    auth_url: str
    client_id: str
    client_secret: SecretStr
    tenant: str = ""
    scope: str = "all"
    rate_limit: int = 270
    rate_window_s: float = 300.0
    rate_ceiling: int | None = None
    threads: int = 4
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    page_size: int = 1000
    retry: RetryPolicy = field(default_factory=RetryPolicy)
