"""How many calls a normal day makes for a large tenant, against one call for each subscription."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

from pax8_pipeline.extract import pax8_lists as lists
from pax8_pipeline.extract import usage_lines, usage_summaries
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.vendors import Pax8InMemory

SUBSCRIPTIONS, METERED, COMPANIES, PROBE_DAYS = 20_000, 1_000, 2_000, 14
# One metered subscription in twenty has a group without a company, which costs a second look.
UNASSIGNED = 20
IDS = [f"s{n:05d}" for n in range(SUBSCRIPTIONS)]


def pax8_on(day: date) -> Pax8InMemory:
    """Pax8 in the morning of a day: totals of the month up to yesterday, all of which moved."""
    yesterday, total = day - timedelta(days=1), f"{day.day - 1}.00"
    fake = Pax8InMemory(subscription_rows=[])
    for number, ident in enumerate(IDS[:METERED]):
        company = {} if number % UNASSIGNED == 0 else {"companyId": "c"}
        fake.usage[ident] = [{"id": f"u-{ident}", "currentCharges": total, "partnerTotal": total, **company}]
        fake.lines[f"u-{ident}", yesterday.isoformat()] = [
            {"usageDate": yesterday.isoformat(), "productId": "p", "currentCharges": total, "partnerTotal": total}
        ]
    return fake


def run_day(warehouse: Warehouse, day: date) -> int:
    """What the daily run asks of usage; returns the calls."""
    fake, month, now = pax8_on(day), usage_summaries.month_of(day), datetime.combine(day, datetime.min.time())
    with warehouse.connect() as connection:
        wanted = usage_summaries.subscriptions_to_ask(connection, day, now, PROBE_DAYS)
    read, probes = usage_summaries.read_summaries(fake, wanted, month)
    snapshots.store(warehouse, [read], "r")
    usage_summaries.record_probes(warehouse, probes, now)
    with warehouse.connect() as connection:
        parts = [usage_lines.month_before(connection, day), (month, usage_lines.running_month(connection, day))]
    for one, asks in parts:
        lines, asked = usage_lines.read_lines(fake, asks, one)
        snapshots.store(warehouse, [lines], "r")
        usage_lines.record(warehouse, one, asked, day, now)
    return len(fake.calls)


def test_a_normal_day_of_a_large_tenant_takes_a_sixth_of_one_call_for_each_subscription(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.ensure_schema()
    subscriptions = snapshots.raw_objects(
        "/subscriptions", [{"id": i, "price": 0 if n < METERED else 9} for n, i in enumerate(IDS)]
    )
    snapshots.store(warehouse, [snapshots.Read("pax8.subscriptions", subscriptions)], "r")
    first = run_day(warehouse, date(2026, 8, 19))
    usual = run_day(warehouse, date(2026, 8, 20))
    rotation = -(-(SUBSCRIPTIONS - METERED) // PROBE_DAYS)
    assert usual == METERED + METERED // UNASSIGNED + rotation + METERED  # summaries, second looks, others, lines
    pages = sum(-(-size // lists.PAGE_SIZE) for size in (SUBSCRIPTIONS, COMPANIES, 200, 200))
    assert usual + pages == 3_520
    assert (usual + pages) * 5.7 < SUBSCRIPTIONS + pages
    assert first < 1.1 * usual  # not even the first day asks everybody
