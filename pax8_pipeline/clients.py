"""Makes the configuration of the two clients from the settings. No Dagster, so that `doctor` can use it too. The
environment is read in `settings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from pax8_pipeline.halo.client import LIST_PATHS
from pax8_pipeline.halo.config import HaloConfig
from pax8_pipeline.pax8.client import DOCUMENTED_PAGE
from pax8_pipeline.pax8.config import CALLS_A_MINUTE, Pax8Config
from pax8_pipeline.settings import DEFAULT_PAX8_API_URL, REQUIRED_HALO, REQUIRED_PAX8, Settings
from pax8_pipeline.settings.tenant import load_tenant, named_quota
from pax8_pipeline.transport.quota import usable_requests
from pax8_pipeline.transport.session import checked_url


def pax8_config(settings: Settings, *, rate_limit: int | None = None, threads: int = 8) -> Pax8Config:
    """Return the Pax8 client's configuration. Raises ConfigError with every variable that is not set.

    The token address is made from the API address unless it is set, so that credentials for one host are never sent to
    another. `rate_limit`: requests in a minute; without it the limit starts at half of Pax8's and may grow, never above
    the one that Pax8 itself named.
    """
    settings.require(REQUIRED_PAX8)
    start, ceiling = _pax8_rate(settings) if rate_limit is None else (rate_limit, None)
    # Checked here, so that the message names the variable that is set, and not the token address made from it.
    api_url = checked_url(settings.value("PAX8_API_URL", DEFAULT_PAX8_API_URL), "PAX8_API_URL")
    return Pax8Config(
        client_id=settings.value("PAX8_CLIENT_ID"),
        client_secret=settings.secret("PAX8_CLIENT_SECRET"),
        api_url=api_url,
        token_url=settings.value("PAX8_TOKEN_URL", f"{api_url.rstrip('/')}/token"),
        threads=threads,
        rate_limit=start,
        rate_ceiling=ceiling,
        page_size=_pax8_page_size(settings),
    )


def _pax8_rate(settings: Settings) -> tuple[int, int]:
    """Return how many requests may be sent in a minute at first, and how many at most."""
    quota = named_quota(settings.data, "pax8")
    most = CALLS_A_MINUTE if quota is None else max(int(usable_requests(quota) * 60.0 / quota.window_s), 1)
    return min(CALLS_A_MINUTE // 2, most), min(CALLS_A_MINUTE, most)


def _pax8_page_size(settings: Settings) -> int:
    """Return the page size that a probe found, else the largest documented one."""
    answers = load_tenant(settings.data).pax8
    return DOCUMENTED_PAGE if answers is None else answers.page_size


def halo_config(settings: Settings, *, rate_limit: int | None = None, threads: int = 4) -> HaloConfig:
    """Return the Halo client's configuration. Raises ConfigError with every variable that is not set.

    Without `rate_limit` (requests in 5 minutes) the limit of the policy is used, or the one that Halo itself named if
    it is lower.
    """
    settings.require(REQUIRED_HALO)
    requests, window_s = (rate_limit, 300.0) if rate_limit is not None else _halo_rate(settings)
    return HaloConfig(
        api_url=settings.value("HALO_API_URL"),
        auth_url=settings.value("HALO_AUTH_URL"),
        client_id=settings.value("HALO_CLIENT_ID"),
        client_secret=settings.secret("HALO_CLIENT_SECRET"),
        tenant=settings.value("HALO_TENANT"),
        rate_limit=requests,
        rate_window_s=window_s,
        threads=threads,
        **_probed(settings),
    )


class _Probed(TypedDict, total=False):
    page_sizes: Mapping[str, int]
    lines_in_lists: bool
    links_in_lists: tuple[int, ...]


def _probed(settings: Settings) -> _Probed:
    """Return what a probe proved of this Halo's lists; nothing without a probe."""
    answers = load_tenant(settings.data).halo
    if answers is None:
        return {}
    return {
        "page_sizes": {LIST_PATHS[name]: size for name, size in answers.page_sizes.items() if name in LIST_PATHS},
        "lines_in_lists": answers.lines_in_lists == "yes",
        "links_in_lists": answers.links_in_lists,
    }


def _halo_rate(settings: Settings) -> tuple[int, float]:
    """Return how many requests may be sent in how many seconds."""
    policy_limit = settings.policy.halo.requests_per_5_minutes
    quota = named_quota(settings.data, "halo")
    if quota is None or usable_requests(quota) / quota.window_s >= policy_limit / 300.0:
        return policy_limit, 300.0
    return usable_requests(quota), quota.window_s
