"""The configuration of the Halo client: addresses, credentials, limits. Their values come from `settings`."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from pax8_pipeline.transport.connect import ConnectionLimits


@dataclass(frozen=True, kw_only=True)
class HaloConfig(ConnectionLimits):
    """Addresses as Halo's API page shows them: `https://acme.halopsa.com/api` and `.../auth`.

    `/token` is added to `auth_url` unless it is there. The defaults come from docs/vendors/halo.md#token, #lists,
    #limits.
    """

    api_url: str
    auth_url: str
    client_id: str
    client_secret: SecretStr
    tenant: str = ""
    scope: str = "all"
    rate_limit: int = 270
    rate_window_s: float = 300.0
    threads: int = 4
    page_size: int = 1000
