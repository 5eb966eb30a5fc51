"""Reads internet domains from web addresses and e-mail addresses, to compare companies by them. Asks no network."""

from __future__ import annotations

import re

# Mail hosts that many companies share: they say nothing about who somebody is.
_PUBLIC = frozenset(
    (
        "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "icloud.com",
        "me.com", "aol.com", "gmx.de", "gmx.net", "gmx.com", "web.de", "t-online.de", "proton.me", "protonmail.com",
        "btinternet.com", "comcast.net", "facebook.com", "linkedin.com", "example.com", "onmicrosoft.com",
    )
)  # fmt: skip
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_SECOND_LEVEL = frozenset(("co", "com", "org", "net", "ac", "gov", "edu", "or", "ne"))


def domain_of(text: str | None) -> str | None:
    """Return the domain of a web or e-mail address in small letters, without www; None for none or a shared one."""
    host = (text or "").strip().lower()
    host = re.sub(r"^[a-z+]+://", "", host).split("/")[0].split("?")[0].rpartition("@")[2].split(":")[0]
    host = re.sub(r"^www\d?\.", "", host).strip(". ")
    try:
        host = host.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return host if _HOST.fullmatch(host) and host not in _PUBLIC else None


def label_of(domain: str) -> str:
    """Return what stands before the ending: `acme` of acme.com, acme.co.uk and acme.onmicrosoft.com."""
    parts = domain.split(".")
    ending = 2 if len(parts) > 2 and parts[-2] in _SECOND_LEVEL and len(parts[-1]) == 2 else 1
    if domain.endswith(".onmicrosoft.com"):
        ending = 2
    return parts[-ending - 1]
