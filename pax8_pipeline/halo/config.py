"""The configuration of the Halo client: addresses, credentials, limits. Their values come from `settings`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from pax8_pipeline.transport.connect import ConnectionLimits


@dataclass(frozen=True, kw_only=True)
class HaloConfig(ConnectionLimits):
    """Addresses as Halo's API page shows them: `https://acme.halopsa.com/api` and `.../auth`.

    `/token` is added to `auth_url` unless it is there. The defaults come from docs/vendors/halo.md#token, #lists,
    #limits. What a probe proved of this tenant: `page_sizes` by path, where Halo gives fewer rows than `page_size`;
    `lines_in_lists`, that the list of recurring invoices has their lines; `links_in_lists`, the quantity types of lines
    whose links it shows.
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
    page_sizes: Mapping[str, int] = field(default_factory=dict)
    lines_in_lists: bool = False
    links_in_lists: tuple[int, ...] = ()
