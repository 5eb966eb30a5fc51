"""The fixed credentials of the sandbox for both vendors. They are not secret and are printed on purpose. Tokens are in
each vendor's own module.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pax8Credentials:
    """The developer app of the emulated partner."""

    client_id: str = "sandbox-pax8"
    client_secret: str = "sandbox-pax8-secret"  # noqa: S105 - opens nothing but the sandbox


@dataclass(frozen=True)
class HaloCredentials:
    """The API application of the emulated tenant."""

    client_id: str = "sandbox-halo"
    client_secret: str = "sandbox-halo-secret"  # noqa: S105 - opens nothing but the sandbox
    tenant: str = "sandbox"
