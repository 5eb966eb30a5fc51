"""What leaving Halo's own Pax8 integration takes: what is on, linked, missing and at risk, and the ordered steps.

It only reads what the last run staged. Facts: docs/vendors/halo.md#pax8-settings, #native-integration.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from pax8_pipeline.errors import PipelineError
from pax8_pipeline.reports import formatting
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

SCHEMA = "pax8-pipeline/cutover/1"
Row = Mapping[str, Any]


class Setting(NamedTuple):
    """One member of Pax8Details: what it does while it is on, and what to do with it."""

    name: str
    does: str
    todo: str


# In the order in which they are switched off.
SETTINGS: tuple[Setting, ...] = (
    Setting(
        "deactivate_missing_licenses",
        "switches off licences it does not find among Pax8's subscriptions; a line may go inactive with its licence",
        "switch off first",
    ),
    Setting(
        "import_usage_lines",
        "brings usage (arrears) into Halo; usage without an assigned company does not reach the right client",
        "switch off before this product bills its first month (usage.first_month in policy.yaml)",
    ),
    Setting(
        "integrator_enabled",
        "once a day imports subscriptions and overwrites licence counts, so two writers set one quantity",
        "switch off: this is the cutover",
    ),
    Setting("import_inactive_and_deleted", "also imports ended subscriptions as licences", "switch off with it"),
    Setting("import_products", "makes Halo items of Pax8 products; a price change on an item may rewrite lines",
            "switch off with it"),
    Setting("update_addresses", "overwrites client addresses with Pax8's", "switch off with it"),
    Setting("allow_subscription_changes", "lets people order changes of a subscription from Halo (likely)",
            "a matter of your process: this product never writes to Pax8"),
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One thing to do. `count` is how many things it is about; nothing is left to do when `done`."""

    title: str
    detail: str
    count: int
    done: bool


@dataclass(frozen=True)
class Cutover:
    """The report as data. `state` is on, off or unknown; `on` the settings that are on, by account."""

    state: str
    reason: str
    asked_at: Any
    on: Sequence[Row]
    native_mappings: Sequence[Row]
    clients: Sequence[Row]
    companies: Sequence[Row]
    subscriptions: Sequence[Row]
    licences: Sequence[Row]
    lines: Sequence[Row]
    counts: Row
    steps: Sequence[Step]

    @property
    def companies_missing(self) -> list[Row]:
        """Companies without one certain, active Halo client, the dearest first."""
        return [c for c in self.companies if c["state"] != "matched"]

    @property
    def subscriptions_missing(self) -> list[Row]:
        """Subscriptions that no live Halo line bills, the dearest first."""
        return [s for s in self.subscriptions if s["link"] != "line"]

    def risks(self, kind: str) -> list[Row]:
        """Lines at risk of one kind: several_lines, several_licences or manual."""
        return [x for x in self.lines if x["risk"] == kind]


def cutover(connection: Connection) -> Cutover:
    """Gather the report from the newest staged data. Raises PipelineError when nothing was staged yet."""
    (counts,) = _rows(connection, "counts")
    if not counts["subscriptions"]:
        raise PipelineError("no subscriptions have been read yet: run `pax8-pipeline run` first (a dry run will do)")
    answer = _integration(connection)
    parts: dict[str, Any] = {
        "state": answer.get("state") if answer.get("state") in ("on", "off") else "unknown",
        "reason": str(answer.get("reason") or "no run has asked Halo about its own Pax8 integration"),
        "asked_at": counts["asked_at"],
        "on": _settings_on(answer.get("accounts") or []),
        "native_mappings": _rows(connection, "native"),
        "counts": counts,
        **{name: _rows(connection, name) for name in ("clients", "companies", "subscriptions", "licences", "lines")},
    }
    without = Cutover(**parts, steps=())
    return Cutover(**parts, steps=steps(without))


def as_data(found: Cutover) -> dict[str, Any]:
    """Return the report as data; money as decimal text when `formatting.to_json` writes it."""
    data = {k: v for k, v in vars(found).items() if k != "steps"}
    return {
        "schema": SCHEMA,
        **data,
        "company_links": by_method(found.companies, "client_id"),
        "subscription_links": by_method(found.subscriptions, "line_id"),
        "companies_missing": found.companies_missing,
        "subscriptions_missing": found.subscriptions_missing,
        "steps": [{"number": n, **vars(s)} for n, s in enumerate(found.steps, start=1)],
    }


def by_method(rows: Iterable[Row], target: str) -> dict[str, int]:
    """Count the links there are by the method that makes them."""
    counts: dict[str, int] = {}
    for row in rows:
        if row[target] is not None and row["method"]:
            counts[row["method"]] = counts.get(row["method"], 0) + 1
    return dict(sorted(counts.items()))


def money(rows: Iterable[Row]) -> dict[str, Decimal]:
    """Add up money a month by currency."""
    sums: dict[str, Decimal] = {}
    for row in rows:
        currency = row["currency"] or "?"
        sums[currency] = sums.get(currency, Decimal(0)) + (row["money_per_month"] or Decimal(0))
    return {c: m for c, m in sorted(sums.items()) if m}


def amounts(rows: Iterable[Row]) -> str:
    """Return that money as people read it."""
    return formatting.amounts(money(rows))


def _integration(connection: Connection) -> dict[str, Any]:
    rows = connection.execute("SELECT payload FROM newest.halo_integration LIMIT 1").fetchall()
    found: dict[str, Any] = json.loads(rows[0][0]) if rows else {}
    return found


def _settings_on(accounts: Sequence[Row]) -> list[Row]:
    return [
        {"account": account.get("id"), "name": s.name, "value": account[s.name], "does": s.does, "todo": s.todo}
        for s in SETTINGS
        for account in accounts
        if account.get(s.name) not in (None, False, 0, "", "0")
    ]


def _rows(connection: Connection, name: str) -> list[dict[str, Any]]:
    return dicts(connection.execute(load_sql(f"reports/cutover/{name}.sql")))


def steps(found: Cutover) -> list[Step]:
    """Return what to do, in order: first what loses nothing, then the switch, then the first writes."""
    return [*_before(found), *_switch(found), *_after(found)]


def _off(found: Cutover, name: str) -> bool:
    """True when a setting is known to be off; what Halo does not show is not."""
    return found.state != "unknown" and all(s["name"] != name for s in found.on)


def _before(found: Cutover) -> list[Step]:
    lines = found.risks("several_lines") + found.risks("several_licences")
    manual = found.risks("manual")
    known = "Halo shows no table of mapped customers" if not found.native_mappings else (
        f"{sum(m['state'] == 'missing' for m in found.native_mappings)} of them are mapped in Halo's own integration, "
        f"and {plural(sum(m['state'] == 'other' for m in found.native_mappings), 'company is', 'companies are')} mapped there to another client"
    )  # fmt: skip
    return [
        Step("Switch off `deactivate_missing_licenses` in Halo",
             f"{len(found.licences)} active licences are not among Pax8's subscriptions and would be switched off by it "
             f"({amounts(found.licences)} a month stand on their lines)", len(found.licences),
             _off(found, "deactivate_missing_licenses")),
        Step("Map the Pax8 companies that have no Halo client", f"into data/mappings/clients.csv; "
             f"{amounts(found.companies_missing)} a month; {known}", len(found.companies_missing),
             not found.companies_missing),
        Step("Tie the subscriptions that no live Halo line bills", "a licence with the subscription's id that a line "
             f"follows, or a row in data/mappings/subscriptions.csv; {amounts(found.subscriptions_missing)} a month",
             len(found.subscriptions_missing), not found.subscriptions_missing),
        Step("Look at lines that share licences", "this product leaves a licence that several lines bill to people; "
             f"several licences on one line it writes one by one; {amounts(lines)} a month", len(lines), not lines),
        Step("Look at manual lines for Pax8 products", "map each to its subscription, or leave it to people: it is not "
             f"followed; {amounts(manual)} a month", len(manual), not manual),
    ]  # fmt: skip


def _switch(found: Cutover) -> list[Step]:
    planned = found.counts["plan_changes"]
    usage_off = _off(found, "import_usage_lines")
    others = [
        s for s in found.on if s["name"] in ("import_inactive_and_deleted", "import_products", "update_addresses")
    ]
    off = found.state == "off"
    how = "Configuration > Integrations > Pax8, right after its daily sync, so that both sides are in step that day"
    if found.state == "unknown":
        how = f"it is not known whether it is on ({found.reason}); look in {how.split(',', maxsplit=1)[0]}"
    return [
        Step("Read a dry run", f"`pax8-pipeline run`, then `plan show`: plan {found.counts['plan_id'] or '(none yet)'} "
             "shows what would be written; with the integration on all of it is held back", planned, planned == 0),
        Step("Settle who bills which month of usage", "switch `import_usage_lines` off and set usage.first_month in "
             "policy.yaml to the first month that Halo's own import has not billed", 0 if usage_off else 1, usage_off),
        Step("Switch off Halo's own Pax8 integration", how, 0 if off else 1, off),
        Step("Switch off what else it imports", ", ".join(dict.fromkeys(s["name"] for s in others)) or "nothing is on",
             len(others), not others),
        Step("Take the Pax8 recurring invoices off the clients", "clear pax8monthlyinvoice and pax8annualinvoice, so that a "
             "later sync adds no lines there", len(found.clients), not found.clients),
    ]  # fmt: skip


def _after(found: Cutover) -> list[Step]:
    lines = found.counts["computed_lines"]
    return [
        Step("Leave Halo's quantity calculation on", "Configuration > Billing > Recurring Invoices: `Allow recurring invoice "
             "line quantities to be calculated` makes lines follow the licences that this product writes; this cannot be "
             "read, so look", lines, lines == 0),
        Step("Write the first night under supervision", "`pax8-pipeline doctor`, trust.default: approve and write mode apply, "
             "`run`, `plan approve`, `run`; then trust.default: auto", 1, False),
    ]  # fmt: skip
