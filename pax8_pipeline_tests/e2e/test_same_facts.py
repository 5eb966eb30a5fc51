"""A check, the plan, the findings (which the terminal shows) and the report count the same things with the same money.

In two worlds after one night each. The checks of `billing.plan` read the findings themselves, so those of the
reconciliation and of usage are the ones that could differ. The report is read as a browser would: its HTML is parsed.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing import findings
from pax8_pipeline.billing.planning.planner import latest_plan_id
from pax8_pipeline.billing.verdicts import ALL_VERDICTS, check_of
from pax8_pipeline.orchestration.checks.check import CheckContext, CheckOutcome, arranged
from pax8_pipeline.orchestration.checks.registry import CHECKS
from pax8_pipeline.reports import plan_report
from pax8_pipeline.reports.page.context import report_context
from pax8_pipeline.sandbox.pax8.switches import UNASSIGNED_SHAPES
from pax8_pipeline.sandbox.world.scenario import ScriptedDay
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.settings import load_settings
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.nightly import night
from pax8_pipeline_tests.support.operator import TODAY, desk
from pax8_pipeline_tests.support.pages import Outline, outline

FACTS = ("unmatched_companies", "unmapped_subscriptions", "currency_mismatch", "usage_unassigned")
# Of usage_unassigned the plan has the charged months; the month that is not charged yet is among the findings alone.
NOT_IN_PLAN = "so far"
Money = Mapping[tuple[str, str, str], Decimal]


@dataclass(frozen=True)
class Facts:
    """A world after a night: what each check found, the open findings, verdicts of the plan, and the report's page."""

    outcomes: Mapping[tuple[str, str], CheckOutcome]
    found: Sequence[Mapping[str, Any]]
    planned: Mapping[str, int]
    page: Outline
    digest_totals: findings.FindingTotals


def small_world() -> World:
    """Another synthetic service provider: less than the demo's, with every form of usage without a company."""
    world = World(3, TODAY, companies=45, subscriptions=200, unassigned=UNASSIGNED_SHAPES)
    ScriptedDay(world, random.Random("same facts")).play()
    return world


# The second policy prices usage by its cost, and bills it from a month on.
WORLDS: Mapping[str, tuple[Any, str]] = {
    "demo": (lambda: World.demo(TODAY), ""),
    "small": (small_world, "usage: {first_month: 2026-07, price: cost, markup_pct: 12.5}\n"),
}


@pytest.fixture(scope="module", params=WORLDS)
def facts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facts]:
    make, policy = WORLDS[request.param]
    folder: Path = tmp_path_factory.mktemp(request.param)
    (folder / "policy.yaml").write_text(policy, encoding="utf-8")
    with desk(folder, make()) as at:
        night(at, apply=False, usage=True)
        settings = load_settings(at.environment())
    warehouse = Warehouse(settings.warehouse_path)
    with warehouse.connect() as connection:
        context = CheckContext(connection, settings, datetime.now(UTC).replace(tzinfo=None))
        plan_id = latest_plan_id(connection)
        assert plan_id is not None
        verdicts = connection.execute(
            "SELECT verdict, count(*) FROM billing.plan WHERE class <> 'no_op' GROUP BY 1"
        ).fetchall()
        report = plan_report.write_report(warehouse, plan_id, folder / "reports", report_context(settings))
        found = findings.open_findings(connection)
        yield Facts(
            {(check.name, check.table): check.evaluate(context) for check in CHECKS},
            found,
            dict(verdicts),
            outline(report.read_text(encoding="utf-8")),
            findings.add_up(found),
        )


def of_findings(rows: Sequence[Mapping[str, Any]]) -> Money:
    """Add up findings by currency, period and direction, in the words of the report."""
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["money"]:
            direction = "not billed" if row["money"] > 0 else "billed too much"
            sums[row["currency"], "a month" if row["per"] == "month" else "once", direction] += abs(row["money"])
    return cents(sums)


def cents(sums: Mapping[tuple[str, str, str], Decimal]) -> Money:
    return {key: round(amount, 2) for key, amount in sums.items()}


def of_check(outcome: CheckOutcome) -> Money:
    """Read the money of a check: `USD a month not billed`."""
    found = {}
    for words, amount in outcome.money.items():
        currency, rest = words.split(" ", 1)
        period = "a month" if rest.startswith("a month ") else "once"
        found[currency, period, rest.removeprefix(period).strip()] = round(amount, 2)
    return found


def on_page(page: Outline, name: str) -> tuple[int, Money]:
    """Count the rows of one fact in the report's tables, and add up what they say."""
    count = 0
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for caption, direction in (
        ("Not billed to any client", "not billed"),
        ("Billed too much", "billed too much"),
        ("Held back", ""),
    ):
        head, *rows = page.tables.get(caption, [[]])
        for cells in rows:
            row = dict(zip(head, cells, strict=True))
            if check_of(row.get("Verdict", "")) != name:
                continue
            count += 1
            if direction and row["Amount"] != "not known":
                sums[row["Currency"], row["For"], direction] += Decimal(row["Amount"].replace(",", ""))
    return count, dict(sums)


@pytest.mark.parametrize("name", FACTS)
def test_check_plan_findings_and_report_count_the_same_rows_with_the_same_money(name: str, facts: Facts) -> None:
    (outcome,) = [one for (check, _), one in facts.outcomes.items() if check == name]
    rows = [row for row in facts.found if row["check_name"] == name]
    planned = sum(number for verdict, number in facts.planned.items() if check_of(verdict) == name)
    so_far = sum(NOT_IN_PLAN in row["sentence"] for row in rows)
    count, money = on_page(facts.page, name)
    assert outcome.count == len(rows) == planned + so_far == count
    assert of_check(outcome) == of_findings(rows) == money


def test_each_fact_is_there_to_be_counted(facts: Facts) -> None:
    counted = Counter(row["check_name"] for row in facts.found)
    assert [name for name in FACTS if name != "currency_mismatch" and not counted[name]] == []
    assert len({row["currency"] for row in facts.found}) >= 2
    assert [verdict.name for verdict in ALL_VERDICTS if check_of(verdict.name) in FACTS] != []


def test_the_report_lists_each_group_without_a_company_once_with_the_same_amount(facts: Facts) -> None:
    head, *rows = facts.page.tables["No company assigned"]
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for cells in rows:
        row = dict(zip(head, cells, strict=True))
        sums[row["Currency"]] += Decimal(row["Not billed"].replace(",", ""))
    found = [row for row in facts.found if row["check_name"] == "usage_unassigned"]
    assert len(rows) == len(found)
    totals = facts.digest_totals.without_company
    assert dict(sums) == {currency: round(amount, 2) for currency, amount in totals.items()}


def test_in_every_table_of_a_check_the_next_step_is_second_and_ids_are_last(facts: Facts) -> None:
    steps = {(check.name, check.table): check.next_step for check in CHECKS}
    shown = {key: list(arranged(one.rows, steps[key])[0]) for key, one in facts.outcomes.items() if one.rows}
    assert len(shown) >= 6
    assert [key for key, names in shown.items() if names[1] != "next_step"] == []
    for key, names in shown.items():
        ids = [name in ("id", "finding", "usage_key") or name.endswith("_id") for name in names]
        assert ids == sorted(ids), key
