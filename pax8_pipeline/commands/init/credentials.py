"""Tests credentials as soon as `init` has them: a token, and one harmless read of each list. Nothing is changed.

What a result means is in `doctor.vendors`; `init` only separates what a person must type again from missing rights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pax8_pipeline.clients import halo_config, pax8_config
from pax8_pipeline.commands.doctor import vendors
from pax8_pipeline.commands.doctor.diagnosis import Diagnosis, bad
from pax8_pipeline.errors import ConfigError, VendorError
from pax8_pipeline.extract.halo_lists import Integration, ask_integration
from pax8_pipeline.halo.client import HaloClient
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.settings import Settings
from pax8_pipeline.transport.retry import RetryPolicy

# A person waits: two tries, then the error.
_SHORT_RETRY = RetryPolicy(tries=2, deadline_s=60.0, retry_after_max_s=30.0, refusals_for_s=60.0)
_READ_TIMEOUT_S = 30.0
# With one of these, what was typed is wrong or does not reach the vendor. Everything else is a right to be given.
_TO_TYPE_AGAIN = ("settings", "token", "network")


@dataclass(frozen=True)
class Tested:
    """What a test of one vendor found. `integration`: Halo's own Pax8 integration, None when it was not asked."""

    findings: tuple[Diagnosis, ...]
    integration: Integration | None = None

    @property
    def works(self) -> bool:
        """True when the vendor took the credentials; rights may be missing all the same."""
        return not any(f.level == "bad" and f.point.split()[-1] in _TO_TYPE_AGAIN for f in self.findings)


def check_pax8(settings: Settings) -> Tested:
    """Fetch a token from Pax8 and read a little."""
    config = replace(pax8_config(settings), retry=_SHORT_RETRY, read_timeout_s=_READ_TIMEOUT_S)
    try:
        with Pax8Client(config) as client:
            return Tested(tuple(vendors.examine_pax8(client, settings)))
    except ConfigError as error:  # an address that would send secrets unencrypted, and the like
        return Tested((bad("Pax8 settings", str(error)),))


def check_halo(settings: Settings) -> Tested:
    """Fetch a token from Halo, read a little of each list, and ask whether Halo's own Pax8 integration is on."""
    config = replace(halo_config(settings), retry=_SHORT_RETRY, read_timeout_s=_READ_TIMEOUT_S)
    try:
        with HaloClient(config) as client:
            tested = Tested(tuple(vendors.examine_halo(client, settings)))
            return replace(tested, integration=_integration(client)) if tested.works else tested
    except ConfigError as error:
        return Tested((bad("Halo settings", str(error)),))


def _integration(client: HaloClient) -> Integration | None:
    try:
        return ask_integration(client, links=True)
    except VendorError:
        return None  # `findings` has the reason


def halo_addresses(settings: Settings) -> Mapping[str, str]:
    """Return the authorisation server and the tenant that Halo names at its address without credentials.

    Empty where it names none or cannot be reached: then a person has to give them.
    """
    config = replace(
        halo_config(settings), retry=RetryPolicy(tries=1, deadline_s=10.0), read_timeout_s=10.0, connect_timeout_s=5.0
    )
    try:
        with HaloClient(config) as client:
            info = client.auth_info()
    except (VendorError, ConfigError):
        return {}
    named = {"HALO_AUTH_URL": str(info.get("auth_url") or ""), "HALO_TENANT": str(info.get("tenant_id") or "")}
    return {name: value for name, value in named.items() if value}


def take_over(integration: Integration | None) -> Iterator[str]:
    """Say whether Halo's own Pax8 integration is on, and how to take over from it without a gap."""
    if integration is None:
        return
    yield f"{integration.sentence}."
    if integration.state == "off":
        return
    if integration.state == "unknown":
        yield "Look in Halo: Configuration > Integrations > Pax8. If it is off, set native_integration: ignore in policy.yaml."
    else:
        yield "Leave it on for now: it bills until this product does, and no run writes while it is on."
    yield "To take over without a gap: `pax8-pipeline cutover` lists the steps of that day."
