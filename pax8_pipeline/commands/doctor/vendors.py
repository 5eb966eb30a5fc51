"""What `doctor` looks at in Pax8 and Halo: credentials, permissions, and the settings there that matter here.

Here belongs: questions asked of the vendors, read only. Not here: repairing anything, reading whole tables (a run
does that). Facts: docs/vendors/pax8.md#addresses, #invoices, docs/vendors/halo.md#token, #lists, #licence,
#pax8-settings, #native-integration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from pax8_pipeline.clock import ClockSeen, RunDay, disagreement
from pax8_pipeline.commands.doctor.diagnosis import Diagnosis, bad, ok, warn
from pax8_pipeline.errors import (
    AuthRefused,
    BadAnswer,
    ConfigError,
    Forbidden,
    NotFound,
    ServerFault,
    Unreachable,
    VendorError,
)
from pax8_pipeline.extract.vendor_clocks import run_day
from pax8_pipeline.halo.client import HaloClient
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.settings import Settings

Row = Mapping[str, Any]
_CLOCK_OFF_S = 120.0
_INVOICE_OLD_DAYS = 40
# Not approved and standing (docs/vendors/pax8.md#invoices): says nothing about how far billing has come.
_DEAD_INVOICES = {"void", "credited"}
_NEW_SECRET = {
    "Pax8": "make a new secret in Pax8 (Integrations, developer app) and put it into PAX8_CLIENT_SECRET",
    "Halo": "check the application in Halo (Configuration > Integrations > HaloPSA API), make a new secret if need be",
}
_APPLICATION = "Halo: Configuration > Integrations > HaloPSA API > View Applications > the application"
_AGENTS = "Configuration > Teams & Agents > Agents > the agent"
_READ_RIGHT = {
    "clients": "Clients",
    "items": "Items",
    "licences": "Software",
    "recurring invoices": "Invoices",
    "invoices": "Invoices",
}


# Pax8
# -------------------------------------------------------------------------------------------------------------------


def examine_pax8(client: Pax8Client, settings: Settings) -> Iterator[Diagnosis]:
    """Token, a first read, the clock, and how far Pax8's billing has come."""
    try:
        checked = client.check()
    except (VendorError, ConfigError) as error:
        yield refusal("Pax8", "companies", error)
        return
    yield ok("Pax8 token", "the credentials work")
    if checked.companies:
        yield ok("Pax8 companies", f"{checked.companies} can be read")
    else:
        yield warn("Pax8 companies", "there are none", "check that the credentials belong to the right partner account")
    yield clock("Pax8", client.clock, run_day(settings))
    yield _attempt("Pax8 invoices", "Pax8", lambda: newest_invoice(client.invoices().objects, settings.today))


def newest_invoice(invoices: Sequence[Row], today: date) -> Diagnosis:
    """The newest standing invoice: Pax8 approves last month's about the 5th."""
    days = [
        str(row.get("invoiceDate", ""))[:10]
        for row in invoices
        if str(row.get("status", "")).strip().lower() not in _DEAD_INVOICES
    ]
    try:
        newest = max(date.fromisoformat(day) for day in days if day)
    except ValueError:
        return warn("Pax8 invoices", "no approved invoice is to be seen", "usage is billed from approved invoices only")
    age = (today - newest).days
    text = f"the last approved one is dated {newest}, {age} days ago"
    if age > _INVOICE_OLD_DAYS:
        return warn("Pax8 invoices", text, "last month's should be there from about the 5th; ask Pax8 what holds it up")
    return ok("Pax8 invoices", text)


# Halo
# -------------------------------------------------------------------------------------------------------------------


def examine_halo(client: HaloClient, settings: Settings) -> Iterator[Diagnosis]:
    """Token, scopes, each list, the licence id column, and Halo's own Pax8 integration."""
    yield from _address(client, settings)
    try:
        checked = client.check()
    except (VendorError, ConfigError) as error:
        yield refusal("Halo", "clients", error)
        if not isinstance(error, Forbidden | NotFound):
            return
    else:
        yield ok("Halo token", "the credentials work")
        yield scopes(checked.scopes, checked.missing_scopes)
        yield clock("Halo", client.clock, run_day(settings))
        yield from _who_answers(client)
    for what in _READ_RIGHT:
        yield from _list(client, what, settings.policy.matching.licence_id_field)
    yield native_integration(client.integration, settings.policy.native_integration)


def _who_answers(client: HaloClient) -> Iterator[Diagnosis]:
    """Which Halo it is, and as which agent the application works: its rights are those of both together."""
    try:
        told = client.instance_info()
        yield ok(
            "Halo version", f"{told.get('app_version') or 'not told'} (database {told.get('database_version') or '?'})"
        )
    except VendorError as error:
        yield warn("Halo version", f"cannot be read: {error}", "no harm: runs then do not note which version answered")
    try:
        agent = client.agent()
    except VendorError as error:
        yield warn("Halo agent", f"cannot be read: {error}", f"see which agent it is: {_APPLICATION}, Login Type")
        return
    name = str(agent.get("name") or "?")
    if agent.get("is_disabled") or agent.get("inactive"):
        yield bad("Halo agent", f"{name} (id {agent.get('id')}) is disabled", f"enable it: {_AGENTS}")
    else:
        yield ok(
            "Halo agent", f"the application works as {name} (id {agent.get('id')}), with that agent's rights at most"
        )


def _address(client: HaloClient, settings: Settings) -> Iterator[Diagnosis]:
    """What Halo itself says its addresses are; not every Halo tells."""
    try:
        told = client.auth_info()
    except (VendorError, ConfigError):
        return
    theirs, ours = str(told.get("auth_url") or ""), settings.value("HALO_AUTH_URL")
    if theirs and _bare(theirs) != _bare(ours):
        yield warn(
            "Halo address", f"Halo says its HALO_AUTH_URL is {theirs}; set is {ours}", "take Halo's own, if in doubt"
        )
    tenant = str(told.get("tenant_id") or "")
    if tenant and tenant.lower() != settings.value("HALO_TENANT").lower():
        text = f"Halo says its tenant is {tenant}; HALO_TENANT is {settings.value('HALO_TENANT')}"
        yield warn("Halo address", text, "take Halo's own, if the token is refused")


def _bare(url: str) -> str:
    return url.strip().rstrip("/").lower().removesuffix("/token")


def scopes(granted: Sequence[str], missing: Sequence[str]) -> Diagnosis:
    """Whether the application was given what it needs, as far as Halo tells."""
    if missing:
        advice = "add them to the application's permissions in Halo (Configuration > Integrations > HaloPSA API)"
        return bad("Halo scopes", f"not granted: {', '.join(missing)}", advice)
    if not granted:
        return ok("Halo scopes", "Halo does not say which it granted; the lists below show it")
    return ok("Halo scopes", f"granted: {' '.join(granted)}")


def _list(client: HaloClient, what: str, licence_field: str) -> Iterator[Diagnosis]:
    point = f"Halo {what}"
    try:
        rows = client.sample(what)
    except VendorError as error:
        yield _unreadable(point, what, error)
        return
    if not rows:
        text = "can be read, but none is to be seen"
        advice = f"the agent the application logs in as may see too little: {_READ_RIGHT[what]} read, all clients"
        yield bad(point, text, advice) if what == "clients" else warn(point, text, f"if there are some: {advice}")
        return
    yield _one(client, what, rows) or ok(point, "can be read")
    if what == "licences":
        yield licence_ids(rows, licence_field)


def _one(client: HaloClient, what: str, rows: Sequence[Row]) -> Diagnosis | None:
    """Read one record in detail, as is done before every write: Halo can allow the list and refuse that."""
    read = {"licences": client.licence, "recurring invoices": client.recurring_invoice, "invoices": client.invoice}
    number = rows[0].get("id")
    if what not in read or not isinstance(number, int):
        return None
    try:
        read[what](number)
    except NotFound:
        return None  # taken away since the list was read
    except VendorError as error:
        return _unreadable(f"Halo {what}", what, error)
    return None


def _unreadable(point: str, what: str, error: VendorError) -> Diagnosis:
    """A 401 on one resource with a fresh token is a missing right, not an expired token (docs/vendors/halo.md#errors)."""
    right = f"{_READ_RIGHT[what]} read"
    advice = (
        f"a right is missing, the token is good: give the application {right} ({_APPLICATION}, Permissions) and its agent "
        f"as well ({_AGENTS}, Permissions)"
    )
    return bad(point, str(error), advice if isinstance(error, Forbidden) else "")


def licence_ids(rows: Sequence[Row], field: str) -> Diagnosis:
    """Whether licences carry the column that holds Pax8's subscription id."""
    point = f"Halo {field}"
    subscriptions = [row for row in rows if row.get("type", 1) == 1]
    filled = sum(1 for row in subscriptions if str(row.get(field) or "").strip())
    advice = "policy.yaml's matching.licence_id_field names the column; mappings/subscriptions.csv matches without it"
    if subscriptions and not any(field in row for row in subscriptions):
        return bad(point, f"licences carry no member {field!r}", advice)
    if not filled:
        return warn(point, f"none of the {len(subscriptions)} subscriptions looked at has a {field}", advice)
    return ok(point, f"set on {filled} of the {len(subscriptions)} subscriptions looked at")


def native_integration(read: Callable[[], list[dict[str, Any]]], rule: str) -> Diagnosis:
    """Whether Halo's own Pax8 integration is on: two writers of one quantity never."""
    point = "native integration"
    ignored = rule == "ignore"
    try:
        accounts = read()
    except (Forbidden, NotFound, BadAnswer) as error:
        if ignored:
            return ok(point, "not readable, and policy.yaml says ignore: somebody has made sure that it is off")
        advice = (
            "give the agent the right to read it, or look in Halo (Configuration > Integrations > Pax8) whether the "
            "Integrator is off, then set native_integration: ignore in policy.yaml; no run writes before"
        )
        return warn(point, f"cannot be seen: {error}", advice)
    except VendorError as error:
        return bad(point, str(error))
    on = [account for account in accounts if account.get("integrator_enabled") is True]
    silent = [account for account in accounts if account.get("integrator_enabled") is None]
    if on:
        text = (
            f"Halo's own Pax8 integration is on ({len(on)} account{'s' * (len(on) > 1)}) and would overwrite quantities"
        )
        if ignored:
            return warn(point, text, "policy.yaml says ignore; the report repeats this each run")
        return bad(point, text, "switch its Integrator off in Halo (Configuration > Integrations > Pax8)")
    if silent and not ignored:
        return warn(point, "Halo does not say whether it is on", "look in Halo, then set native_integration: ignore")
    return ok(point, "Halo's own Pax8 integration is off")


# Both
# -------------------------------------------------------------------------------------------------------------------


def clock(vendor: str, seen: ClockSeen | None, run: RunDay) -> Diagnosis:
    """Whether the vendor's clock agrees with the day of a run and, roughly, with this machine's; dates decide what has
    ended.
    """
    point = f"{vendor} clock"
    if seen is None:
        return ok(point, f"{vendor} does not tell the time")
    if sentence := disagreement(vendor, seen, run):
        text, _, advice = sentence.rpartition(". ")
        return bad(point, text, f"{advice}; no run writes before")
    off = (seen.vendor_time - seen.local_time).total_seconds()
    if run.stated:
        return ok(point, f"{vendor} says it is {seen.day(run.zone)} too")
    if abs(off) <= _CLOCK_OFF_S:
        return ok(point, "this machine's clock agrees")
    way = "behind" if off > 0 else "ahead of"
    text = f"this machine's clock is {abs(off) / 60:.0f} minutes {way} {vendor}'s"
    return warn(point, text, "switch on time synchronisation (timedatectl set-ntp true)")


def refusal(vendor: str, first_read: str, error: Exception) -> Diagnosis:
    """What stood in the way of the first call: settings, network, credentials, or only the read after them."""
    where = getattr(error, "where", "")
    if isinstance(error, ConfigError):
        return bad(f"{vendor} settings", str(error))
    if isinstance(error, Unreachable):
        return bad(f"{vendor} network", str(error), "check the address, DNS, proxy and firewall of this machine")
    if isinstance(error, AuthRefused):
        return bad(f"{vendor} token", str(error), _NEW_SECRET[vendor])
    if "token" in where.lower():
        tenant = vendor == "Halo" and isinstance(error, ServerFault)
        return bad(f"{vendor} token", str(error), "a wrong HALO_TENANT looks like this" if tenant else "")
    if isinstance(error, Forbidden) and vendor == "Halo":
        return bad(f"{vendor} permissions", str(error))
    return bad(f"{vendor} {first_read}", str(error))


def _attempt(point: str, vendor: str, look: Callable[[], Diagnosis]) -> Diagnosis:
    try:
        return look()
    except VendorError as error:
        return bad(point, str(error))
