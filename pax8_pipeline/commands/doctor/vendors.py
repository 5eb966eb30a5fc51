"""What `doctor` checks at Pax8 and Halo: credentials, permissions, and the vendors' settings that matter here.

It reads only, repairs nothing, and reads no complete tables (a run does that). Facts: docs/vendors/pax8.md#addresses,
#invoices, docs/vendors/halo.md#token, #lists, #licence, #pax8-settings, #native-integration.
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
from pax8_pipeline.halo.client import NEW_CLIENT_SCOPE, HaloCheck, HaloClient
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.settings import Settings
from pax8_pipeline.text.plurals import plural

Row = Mapping[str, Any]
_CLOCK_OFF_S = 120.0
_INVOICE_OLD_DAYS = 40
# These invoices were taken back (docs/vendors/pax8.md#invoices): they do not show how far billing has come.
_CANCELLED_INVOICES = {"void", "credited"}
_NEW_SECRET = {
    "Pax8": "copy id and secret again; if they are right, make a new secret in Pax8 (Integrations, developer app) and put it into PAX8_CLIENT_SECRET or its file",
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
    """Check the token, a first read, the clock, and how far Pax8's billing has come."""
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
    """Check the newest valid invoice: Pax8 approves last month's about the 5th."""
    days = [
        str(row.get("invoiceDate", ""))[:10]
        for row in invoices
        if str(row.get("status", "")).strip().lower() not in _CANCELLED_INVOICES
    ]
    try:
        newest = max(date.fromisoformat(day) for day in days if day)
    except ValueError:
        return warn("Pax8 invoices", "no approved invoice was found", "usage is billed from approved invoices only")
    age = (today - newest).days
    text = f"the last approved one is dated {newest}, {plural(age, 'day')} ago"
    if age > _INVOICE_OLD_DAYS:
        return warn("Pax8 invoices", text, "last month's should exist from about the 5th; ask Pax8 why it does not")
    return ok("Pax8 invoices", text)


# Halo
# -------------------------------------------------------------------------------------------------------------------


def examine_halo(client: HaloClient, settings: Settings) -> Iterator[Diagnosis]:
    """Check token, scopes, each list, the column of licence ids, and Halo's own Pax8 integration."""
    yield from _address(client, settings)
    try:
        checked = client.check()
    except (VendorError, ConfigError) as error:
        yield refusal("Halo", "clients", error)
        if not isinstance(error, Forbidden | NotFound):
            return
    else:
        yield ok("Halo token", "the credentials work")
        missing = _missing_scopes(checked, settings)
        yield scopes(checked.scopes, missing, writes=settings.write_mode == "apply")
        yield clock("Halo", client.clock, run_day(settings))
        yield from _instance_and_agent(client)
    for what in _READ_RIGHT:
        yield from _list(client, what, settings.policy.matching.licence_id_field)
    writes = settings.write_mode == "apply"
    yield native_integration(client.integration, settings.policy.native_integration, writes=writes)


def _instance_and_agent(client: HaloClient) -> Iterator[Diagnosis]:
    """Report which Halo answers, and the agent of the application: its rights are those that both have."""
    try:
        instance = client.instance_info()
        yield ok(
            "Halo version",
            f"{instance.get('app_version') or 'unknown'} (database {instance.get('database_version') or '?'})",
        )
    except VendorError as error:
        yield warn("Halo version", f"cannot be read: {error}", "no harm: runs then do not store the version")
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
    """Compare our addresses with those that Halo names; not every Halo names them."""
    try:
        info = client.auth_info()
    except (VendorError, ConfigError):
        return
    named, configured = str(info.get("auth_url") or ""), settings.value("HALO_AUTH_URL")
    if named and _bare(named) != _bare(configured):
        yield warn(
            "Halo address",
            f"Halo says its HALO_AUTH_URL is {named}; set is {configured}",
            "take Halo's own, if in doubt",
        )
    tenant = str(info.get("tenant_id") or "")
    if tenant and tenant.lower() != settings.value("HALO_TENANT").lower():
        text = f"Halo says its tenant is {tenant}; HALO_TENANT is {settings.value('HALO_TENANT')}"
        yield warn("Halo address", text, "take Halo's own, if the token is refused")


def _bare(url: str) -> str:
    return url.strip().rstrip("/").lower().removesuffix("/token")


def _missing_scopes(checked: HaloCheck, settings: Settings) -> tuple[str, ...]:
    """Return the scopes that are not granted, with the one for new clients where policy proposes them."""
    wanted = (NEW_CLIENT_SCOPE,) if settings.policy.new_subscriptions.clients == "propose" else ()
    limited = bool(checked.scopes) and "all" not in checked.scopes
    return (*checked.missing_scopes, *(scope for scope in wanted if limited and scope not in checked.scopes))


def scopes(granted: Sequence[str], missing: Sequence[str], *, writes: bool) -> Diagnosis:
    """Check that the application has the scopes that it needs, if Halo names them.

    Without `writes` only reading is needed: a first run needs no more, and should not have it.
    """
    advice = f"add them to the application: {_APPLICATION}, Permissions"
    needed = [scope for scope in missing if writes or scope.startswith("read:")]
    if needed:
        return bad("Halo scopes", f"not granted: {', '.join(needed)}", advice)
    if missing:
        text = f"enough to read; to write, later, it also needs {', '.join(missing)}"
        return ok("Halo scopes", text)
    if not granted:
        return ok("Halo scopes", "Halo does not say which it granted; the lists below show it")
    return ok("Halo scopes", f"granted: {' '.join(granted)}")


def _list(client: HaloClient, list_name: str, licence_field: str) -> Iterator[Diagnosis]:
    point = f"Halo {list_name}"
    try:
        rows = client.sample(list_name)
    except VendorError as error:
        yield _unreadable(point, list_name, error)
        return
    if not rows:
        text = "can be read, but is empty"
        advice = f"the agent the application logs in as may see too little: {_READ_RIGHT[list_name]} read, all clients"
        yield bad(point, text, advice) if list_name == "clients" else warn(point, text, f"if there are some: {advice}")
        return
    yield _one(client, list_name, rows) or ok(point, "can be read")
    if list_name == "licences":
        yield licence_ids(rows, licence_field)


def _one(client: HaloClient, list_name: str, rows: Sequence[Row]) -> Diagnosis | None:
    """Read one record in detail, as before every write: Halo can allow the list and refuse this."""
    read = {"licences": client.licence, "recurring invoices": client.recurring_invoice, "invoices": client.invoice}
    object_id = rows[0].get("id")
    if list_name not in read or not isinstance(object_id, int):
        return None
    try:
        read[list_name](object_id)
    except NotFound:
        return None  # deleted since the list was read
    except VendorError as error:
        return _unreadable(f"Halo {list_name}", list_name, error)
    return None


def _unreadable(point: str, list_name: str, error: VendorError) -> Diagnosis:
    """Return the problem: a 401 on a fresh token is a missing right (docs/vendors/halo.md#errors)."""
    right = f"{_READ_RIGHT[list_name]} read"
    advice = (
        f"a right is missing, but the token works: give the application {right} ({_APPLICATION}, Permissions) and its agent "
        f"as well ({_AGENTS}, Permissions)"
    )
    return bad(point, str(error), advice if isinstance(error, Forbidden) else "")


def licence_ids(rows: Sequence[Row], field: str) -> Diagnosis:
    """Check that licences have the member that holds Pax8's subscription id."""
    point = f"Halo {field}"
    subscriptions = [row for row in rows if row.get("type", 1) == 1]
    filled = sum(1 for row in subscriptions if str(row.get(field) or "").strip())
    advice = "policy.yaml's matching.licence_id_field names the column; mappings/subscriptions.csv matches without it"
    if subscriptions and not any(field in row for row in subscriptions):
        return bad(point, f"licences have no member {field!r}", advice)
    if not filled:
        return warn(point, f"none of the {len(subscriptions)} checked subscriptions has a {field}", advice)
    return ok(point, f"set on {filled} of the {len(subscriptions)} checked subscriptions")


def native_integration(read: Callable[[], list[dict[str, Any]]], rule: str, *, writes: bool) -> Diagnosis:
    """Check whether Halo's own Pax8 integration is on: there must never be two writers of one quantity.

    While runs are dry it should stay on: it bills until this product does.
    """
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
    enabled = [account for account in accounts if account.get("integrator_enabled") is True]
    unknown = [account for account in accounts if account.get("integrator_enabled") is None]
    if enabled:
        text = f"Halo's own Pax8 integration is on ({len(enabled)} account{'s' * (len(enabled) > 1)}) and would overwrite quantities"
        if ignored:
            return warn(point, text, "policy.yaml says ignore; the report repeats this each run")
        if not writes:
            return warn(point, text, "leave it on while runs are dry; to take over: pax8-pipeline cutover")
        return bad(point, text, "switch its Integrator off in Halo (Configuration > Integrations > Pax8)")
    if unknown and not ignored:
        return warn(point, "Halo does not say whether it is on", "look in Halo, then set native_integration: ignore")
    return ok(point, "Halo's own Pax8 integration is off")


# Both
# -------------------------------------------------------------------------------------------------------------------


def clock(vendor: str, clock_seen: ClockSeen | None, run: RunDay) -> Diagnosis:
    """Check that the vendor's clock agrees with a run's day, which decides what has ended."""
    point = f"{vendor} clock"
    if clock_seen is None:
        return ok(point, f"{vendor} does not send the time")
    if sentence := disagreement(vendor, clock_seen, run):
        text, _, advice = sentence.rpartition(". ")
        return bad(point, text, f"{advice}; no run writes before")
    offset_s = (clock_seen.vendor_time - clock_seen.local_time).total_seconds()
    if run.stated:
        return ok(point, f"{vendor} says it is {clock_seen.day(run.zone)} too")
    if abs(offset_s) <= _CLOCK_OFF_S:
        return ok(point, "this machine's clock agrees")
    direction = "behind" if offset_s > 0 else "ahead of"
    text = f"this machine's clock is {abs(offset_s) / 60:.0f} minutes {direction} {vendor}'s"
    return warn(point, text, "switch on time synchronisation (timedatectl set-ntp true)")


def refusal(vendor: str, first_read: str, error: Exception) -> Diagnosis:
    """Return what prevented the first call: settings, network, credentials, or only the read after them."""
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


def _attempt(point: str, vendor: str, run_check: Callable[[], Diagnosis]) -> Diagnosis:
    try:
        return run_check()
    except VendorError as error:
        return bad(point, str(error))
