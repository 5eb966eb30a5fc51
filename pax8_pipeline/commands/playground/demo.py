"""`pax8-pipeline demo`: runs the daily sync on a new sandbox, and proves that the result is right."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from decimal import Decimal

import click
from rich.console import Console

from pax8_pipeline.billing.verdicts import label_of
from pax8_pipeline.commands import run_report
from pax8_pipeline.commands.common import console, details_option, notify, print_table, styled
from pax8_pipeline.commands.run import sync
from pax8_pipeline.commands.sandbox_server import only_server
from pax8_pipeline.commands.target import sandbox_folder, sandbox_settings, world_file
from pax8_pipeline.errors import ConfigError
from pax8_pipeline.reports import formatting
from pax8_pipeline.reports.table import plain_table
from pax8_pipeline.sandbox.server.app import running_sandbox
from pax8_pipeline.sandbox.world import state
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.text.plurals import plural

UNASSIGNED = "unassigned_usage"
NEXT = "Next: `pax8-pipeline run`, `make dev`, README.md (go live)."
POLICY = """# The sandbox may be written to: nothing in it is real.
write_mode: apply
usage: {{first_month: {month}}}
guardrails: {{usage_run: {{}}, usage_client: {{}}}} # a real one has limits for usage too
"""


@click.command(
    epilog="\b\nExamples:\n"
    "  pax8-pipeline demo\n"
    "  pax8-pipeline demo --date 2026-08-20 --seed 3    another day, another synthetic MSP"
)
@click.option(
    "--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="The sandbox's today; the real one unless given."
)
@click.option("--seed", type=int, help="Another synthetic world.")
@details_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def demo(day: datetime | None, seed: int | None, details: bool, as_json: bool) -> None:
    """Make a synthetic MSP, let one day pass in Pax8, and update Halo.

    Everything is emulated on this machine. Afterwards `pax8-pipeline run`, `plan show` and `dev` continue with the same
    sandbox while no credentials are set.
    """
    settings = load_settings()
    if settings.tenant:
        raise ConfigError("the demo has no tenants: leave out --tenant and PAX8_TENANT")
    with only_server(world_file(settings)):
        _demo(settings, day, seed, details, as_json)


def _demo(settings: Settings, day: datetime | None, seed: int | None, details: bool, as_json: bool) -> None:
    world = fresh_world(settings, day.date() if day else None, seed)
    notify(f"A synthetic MSP: {plural(len(world.pax8.companies), 'company', 'companies')}, "
           f"{plural(len(world.pax8.subscriptions), 'subscription')}, "
         f"today is {world.today}.")  # fmt: skip
    with running_sandbox(world, state_file=world_file(settings)) as sandbox:
        report = sync(sandbox_settings(settings, sandbox.env()), apply=True)
        sandbox.save()
    differences = _differences(world)
    events = _events(world, report)
    if as_json:
        click.echo(
            formatting.to_json({**run_report.as_data(report), "events": events, "halo_differences": differences})
        )
    else:
        compared = sum(len(part) for part in world.expected_halo().values()), len(_usage_invoices(world))
        _show(console(), report, events, differences, *compared, details=details)
    missed = any(e["expected"] != e["found"] for e in events)
    # Losses that wait for a person belong to the demo; any other problem does not.
    code = 0 if report.verdict.only_findings else report.verdict.code
    raise SystemExit(code or (1 if differences or missed else 0))


def fresh_world(settings: Settings, today: date | None = None, seed: int | None = None) -> World:
    """Make a new demo world with its data folder: mappings, a policy that allows writing, and no warehouse."""
    folder = sandbox_folder(settings)
    for name in ("warehouse.duckdb", "warehouse.duckdb.wal", "published.duckdb", "world.json", "acknowledged.csv"):
        (folder / name).unlink(missing_ok=True)
    # The ledger of the world before must not come back into the new warehouse.
    for name in ("reports", "backups"):
        shutil.rmtree(folder / name, ignore_errors=True)
    today = today or settings.today
    world = World.demo(today) if seed is None else World.demo(today, seed=seed)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.yaml").write_text(POLICY.format(month=_last_month(today)), encoding="utf-8")
    world.write_mappings(folder / "mappings")
    state.save(world, world_file(settings))
    return world


def _differences(world: World) -> list[str]:
    """Return where the emulated Halo differs from the result of a correct sync, whatever our own read-back said."""
    expected, actual = world.expected_halo(), world.halo_state()
    return [
        f"{kind[:-1]} {i}: expected {row}, found {actual.get(kind, {}).get(i)}"
        for kind, rows in expected.items()
        for i, row in rows.items()
        if actual.get(kind, {}).get(i) != row
    ] + [*_usage_differences(world), *(f"not expected: {v}" for v in world.halo.violations)]


def _last_month(day: date) -> str:
    return f"{day.replace(day=1) - timedelta(days=1):%Y-%m}"


def _usage_invoices(world: World) -> dict[str, Decimal]:
    """Return the totals of Halo's usage invoices by their reference."""
    totals: dict[str, Decimal] = {}
    for row in world.halo.invoices.values():
        reference = str(row.get("reference") or "")
        if reference.startswith("PAX8-USAGE "):
            net = sum((Decimal(x["qty_order"]) * Decimal(x["unit_price"]) for x in row["lines"]), Decimal(0))
            totals[reference] = totals.get(reference, Decimal(0)) + net
    return totals


def _usage_differences(world: World) -> list[str]:
    """Return where last month's usage is not billed exactly as the world's own oracle expects."""
    usage, actual = world.expected_usage(_last_month(world.today)), _usage_invoices(world)
    expected = {f"PAX8-USAGE {usage.month} {c}": u.total for c, u in usage.clients.items() if u.total > 0}
    return [
        f"usage invoice {key}: expected {expected.get(key, 'none')}, found {actual.get(key, 'none')}"
        for key in sorted(expected.keys() | actual.keys())
        if expected.get(key) != actual.get(key)
    ]


def _events(world: World, report: run_report.RunReport) -> list[dict[str, str]]:
    """Return each event with its expected and actual verdict; for usage, with the check that reports it."""
    verdicts = {r["subscription_id"]: r["verdict"] for r in report.rows}
    reported = {s.lower() for c in report.checks if c.name.startswith("usage_") for s in c.subjects}
    events = []
    for e in world.story:
        subscription = str(e.subscription_id).lower()
        verdict = verdicts.get(subscription, "not read")
        if e.expected_verdict == UNASSIGNED and subscription in reported:
            verdict = UNASSIGNED
        events.append({"event": e.kind, "company": e.company_name, "expected": e.expected_verdict, "found": verdict})
    return events


def _show(
    out: Console,
    report: run_report.RunReport,
    events: list[dict[str, str]],
    differences: list[str],
    lines: int,
    invoices: int,
    *,
    details: bool,
) -> None:
    missed = [event for event in events if event["expected"] != event["found"]]
    proof = []
    if not missed:
        proof.append(f"Each of the {len(events)} events in Pax8 got the right verdict.")
    if not differences:
        compared = f"{plural(lines, 'line or licence', 'lines and licences')}, {plural(invoices, 'usage invoice')}"
        proof.append(f"The emulated Halo holds exactly the expected state: {compared}.")
    if details:
        _event_table(out, events)
    run_report.show(out, report, details=details, proof=" ".join(proof), footer=NEXT)
    for event in missed:
        text = f" {event['event']}, {event['company']}: expected {event['expected']}, found {event['found']}"
        out.print(styled(("wrong verdict", "red"), text), soft_wrap=True)
    for sentence in differences:
        out.print(styled(("wrong in Halo", "red"), f" {sentence}"), soft_wrap=True)


def _event_table(out: Console, events: list[dict[str, str]]) -> None:
    rows = [
        {"event": event["event"].replace("_", " "), "company": event["company"], "verdict": label_of(event["found"])}
        for event in events
    ]
    print_table(out, plain_table("What happened in Pax8, and its verdict", rows))
