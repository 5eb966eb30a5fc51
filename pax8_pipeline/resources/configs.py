"""From settings to what the two clients have to be told. No Dagster, so that `doctor` can use it too.

Here belongs: which variable becomes which member. Not here: reading the environment (`settings`).
"""

from __future__ import annotations

from pax8_pipeline.halo.config import HaloConfig
from pax8_pipeline.pax8.config import Pax8Config
from pax8_pipeline.settings import DEFAULT_PAX8_API_URL, REQUIRED_HALO, REQUIRED_PAX8, Settings


def pax8_config(settings: Settings, *, rate_limit: int = 1000, threads: int = 8) -> Pax8Config:
    """Return the Pax8 client's configuration. Raises ConfigError naming every variable that is not set.

    The token address follows the API address unless it is set: credentials meant for one host never go to another.
    """
    settings.require(REQUIRED_PAX8)
    api_url = settings.value("PAX8_API_URL", DEFAULT_PAX8_API_URL)
    return Pax8Config(
        client_id=settings.value("PAX8_CLIENT_ID"),
        client_secret=settings.secret("PAX8_CLIENT_SECRET"),
        api_url=api_url,
        token_url=settings.value("PAX8_TOKEN_URL", f"{api_url.rstrip('/')}/token"),
        rate_limit=rate_limit,
        threads=threads,
    )


def halo_config(settings: Settings, *, rate_limit: int = 700, threads: int = 4) -> HaloConfig:
    """Return the Halo client's configuration. Raises ConfigError naming every variable that is not set."""
    settings.require(REQUIRED_HALO)
    return HaloConfig(
        api_url=settings.value("HALO_API_URL"),
        auth_url=settings.value("HALO_AUTH_URL"),
        client_id=settings.value("HALO_CLIENT_ID"),
        client_secret=settings.secret("HALO_CLIENT_SECRET"),
        tenant=settings.value("HALO_TENANT"),
        rate_limit=rate_limit,
        threads=threads,
    )
