"""What the Halo client has to be told.

Here belongs: addresses, credentials, limits. Not here: where they come from (`settings`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import SecretStr

from pax8_pipeline.transport.retry import RetryPolicy


@dataclass(frozen=True)
class HaloConfig:
    """Addresses as Halo's API page shows them: `https://acme.halopsa.com/api` and `.../auth`.

    `/token` is added to `auth_url` unless it is there. Defaults are those of docs/vendors/halo.md#token, #lists,
    #limits; `rate_window_s` and time-outs in seconds.
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
