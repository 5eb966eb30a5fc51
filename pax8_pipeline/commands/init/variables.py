"""The variables that `init` asks for: the question, where a person finds the value, and what a value must look like.

Asking is in `questions`, testing in `credentials`, writing in `files`.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from pax8_pipeline.settings.secret_files import VENDOR_SECRETS, file_variable


@dataclass(frozen=True)
class Variable:
    """One variable of .env. `option`: its flag on the command line; a secret has none, only one for its file."""

    name: str
    question: str
    where: str
    option: str = ""

    @property
    def secret(self) -> bool:
        """True when the value must never be shown."""
        return self.name in VENDOR_SECRETS

    @property
    def how_to_give(self) -> str:
        """Say how to give it without a terminal."""
        if self.secret:
            return f"{self.name} or {file_variable(self.name)} in the environment, or {self.option} FILE"
        return f"{self.option} or {self.name} in the environment"


_PAX8_APP = "app.pax8.com > Integrations > developer app"
_HALO_API = "Halo: Configuration > Integrations > HaloPSA API"
PAX8 = (
    Variable("PAX8_CLIENT_ID", "Pax8 client id", _PAX8_APP, "--pax8-client-id"),
    Variable("PAX8_CLIENT_SECRET", "Pax8 client secret", f"{_PAX8_APP}; it is shown once", "--pax8-secret-file"),
)
HALO_URL = Variable("HALO_API_URL", "Halo resource server", f"{_HALO_API}, Resource Server", "--halo-api-url")
HALO = (
    Variable("HALO_AUTH_URL", "Halo authorisation server", f"{_HALO_API}, Authorisation Server", "--halo-auth-url"),
    Variable("HALO_TENANT", "Halo tenant", f"{_HALO_API}, Tenant", "--halo-tenant"),
    Variable("HALO_CLIENT_ID", "Halo client id", f"{_HALO_API} > View Applications", "--halo-client-id"),
    Variable("HALO_CLIENT_SECRET", "Halo client secret", f"{_HALO_API} > View Applications", "--halo-secret-file"),
)
ALL = (*PAX8, HALO_URL, *HALO)
# Taken over from the environment where they are set; nobody is asked for them.
OPTIONAL = ("PAX8_API_URL", "PAX8_TOKEN_URL")


def full_address(text: str, ending: str) -> str:
    """Return an address with `https://` and its path, as people leave both out: acme.halopsa.com."""
    url = text.strip().rstrip("/")
    if not url:
        return ""
    if "://" not in url:
        url = f"https://{url}"
    return url if urlsplit(url).path else f"{url}/{ending}"
