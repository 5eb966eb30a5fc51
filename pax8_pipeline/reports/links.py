"""Addresses of records in Pax8's and Halo's own web pages, where the settings say which Halo and which Pax8 it is.

Contains: making an address from an id. Does not contain: asking anybody. Neither vendor documents the addresses of its
pages; these two are the ones that people use (docs/vendors/pax8.md#pages, docs/vendors/halo.md#pages). Only https addresses
of another machine count: the sandbox has no pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from pax8_pipeline.settings import Settings
from pax8_pipeline.settings.environment import DEFAULT_PAX8_API_URL

_PAX8_PAGES = "https://app.pax8.com"


@dataclass(frozen=True)
class Link:
    """A link with its text, such as "Halo"."""

    text: str
    address: str


@dataclass(frozen=True)
class Addresses:
    """Where Pax8's and Halo's web pages are; empty where that is not known."""

    pax8: str = ""
    halo: str = ""

    def pax8_company(self, company_id: str | None) -> list[Link]:
        """Return the link to a company in Pax8: none where its id or the address is not known."""
        return [Link("Pax8", f"{self.pax8}/companies/{quote(company_id, safe='')}")] if self.pax8 and company_id else []

    def halo_client(self, client_id: int | None) -> list[Link]:
        """Return the link to a client in Halo: none where its id or the address is not known."""
        known = self.halo and client_id is not None
        return [Link("Halo", f"{self.halo}/customers?mainview=client&clientid={client_id:d}")] if known else []

    def of_row(self, row: dict[str, object]) -> list[Link]:
        """Return the links of a row with `company_id` and `client_id`."""
        company, client = row.get("company_id"), row.get("client_id")
        return [
            *self.pax8_company(company if isinstance(company, str) else None),
            *self.halo_client(client if isinstance(client, int) else None),
        ]


def addresses(settings: Settings) -> Addresses:
    """Return where the web pages of the configured Pax8 and Halo are."""
    pax8 = _origin(settings.value("PAX8_API_URL", DEFAULT_PAX8_API_URL))
    known = bool(settings.value("PAX8_CLIENT_ID")) and pax8 == _origin(DEFAULT_PAX8_API_URL)
    return Addresses(pax8=_PAX8_PAGES if known else "", halo=_origin(settings.value("HALO_API_URL")))


def _origin(address: str) -> str:
    """Return the scheme and host of an https address with a name; empty for any other."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return ""
    return (
        f"https://{parts.netloc}"
        if parts.scheme == "https" and "." in host and not _is_number(host) and "@" not in parts.netloc
        else ""
    )


def _is_number(host: str) -> bool:
    return host.replace(".", "").isdigit()
