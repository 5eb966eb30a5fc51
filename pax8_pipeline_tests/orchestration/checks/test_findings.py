"""Every verdict that holds something, and every kind of discrepancy, is reported by its one check."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing import acknowledgements, findings
from pax8_pipeline.billing.planning.planner import make_plan
from pax8_pipeline.billing.verdicts import ALL_VERDICTS, Verdict
from pax8_pipeline.orchestration.checks import registry
from pax8_pipeline.orchestration.checks.findings import GROUPS
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline.warehouse.models import model
from pax8_pipeline_tests.support.checks import Checked, evaluate_directly, settings_of
from pax8_pipeline_tests.support.vendor_data import SUB, TODAY, VendorData, plan_context

# What may be made has no check: its loss is shown with the row of the subscription or company that it is for.
HELD = tuple(v for v in ALL_VERDICTS if v.cls in ("blocked", "needs_approval") and v.of != "new")
ROW = "0f1e2d3c-0000-4000-8000-{:012d}"
CHECKS = Policy.model_validate({"usage": {"first_month": "2026-07"}})


def insert(connection: Any, table: str, source: str, **values: Any) -> None:
    """Add a copy of the rows that `source` selects, with other values in some columns; missing ones get something."""
    columns = {c.name: c for c in model(table).columns}
    made = {n: v for n, v in values.items() if n in columns}
    names = ", ".join(f'$v_{n} AS "{n}"' for n in made)
    connection.execute(
        f"INSERT INTO {table} BY NAME SELECT * REPLACE ({names}) FROM ({source})",
        {f"v_{n}": v for n, v in made.items()},
    )


def with_rows_of(verdicts: Sequence[Verdict], folder: Path) -> Warehouse:
    """Data in step, and beside them one thing of each verdict (ROW with its number), everywhere a check may look."""
    warehouse = VendorData().load(folder)
    plan_id = make_plan(warehouse, plan_context(policy=CHECKS)).plan_id
    with warehouse.transaction() as connection:
        for number, verdict in enumerate(verdicts):
            add_row_of(connection, verdict, ROW.format(number), f"company {number}")
        findings.update(connection, plan_id, TODAY, CHECKS)
    return warehouse


def add_row_of(connection: Any, verdict: Verdict, row: str, company: str) -> None:
    insert(
        connection, "billing.plan", f"SELECT * FROM billing.plan WHERE row_id = '{SUB}'",
        row_id=row, subscription_id=row, verdict=verdict.name, reason=verdict.name,
        **{"class": verdict.cls, "unbilled_per_month": Decimal(10), "money_per_month": Decimal(10), "action": "none"},
        evidence='{"billed": "10", "wanted": "10"}',
    )  # fmt: skip
    insert(
        connection, "reconciled.client_matches",
        "SELECT * FROM reconciled.client_matches WHERE company_id NOT LIKE 'company %'",
        company_id=company, company_name=row, client_id=None, state="unmatched",
    )  # fmt: skip
    insert(
        connection, "reconciled.subscriptions", f"SELECT * FROM reconciled.subscriptions WHERE subscription_id = '{SUB}'",
        subscription_id=row, company_id=company, company_name=row, verdict=verdict.name,
        unbilled_money_per_month=Decimal(10),
    )  # fmt: skip
    connection.execute(
        "INSERT INTO reconciled.usage BY NAME SELECT '2026-07' AS month, 'closed' AS state, ? AS charge_id, 'invoice' AS origin, "
        "true AS counts, ? AS subscription_id, 'No company' AS resource_group, false AS assigned_later, 'Metered' AS product_name, "
        "12 AS charges, 10 AS cost, 12 AS amount, 'USD' AS currency, 'unassigned' AS bucket, 'no company' AS shape, ? AS verdict, "
        "'' AS sentence",
        [f"i/{row}", row, verdict.name.removeprefix("usage_")],
    )


def evaluated(check: str, folder: Path) -> list[Checked]:
    settings = settings_of(folder, CHECKS)
    return [evaluate_directly(rule, settings) for rule in registry.CHECKS if rule.name == check]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Checked]]:
    """What every check that reports verdicts says of one warehouse with a row of each."""
    folder = tmp_path_factory.mktemp("verdicts")
    with_rows_of(HELD, folder)
    return {check: evaluated(check, folder) for check in {verdict.check for verdict in HELD}}


@pytest.mark.parametrize("verdict", HELD, ids=lambda v: v.name)
def test_a_row_of_each_verdict_that_holds_something_is_found_by_its_check(
    verdict: Verdict, checked: dict[str, list[Checked]]
) -> None:
    assert verdict.check, f"{verdict.name} needs a check in billing/verdicts.csv"
    name = ROW.format(HELD.index(verdict))
    found = [(c, row) for c in checked[verdict.check] for row in c.rows if any(name in str(v) for v in row.values())]
    assert [(c.passed, c.severity, shows_its_money(row)) for c, row in found] == [(False, "WARN", True)]


def shows_its_money(row: dict[str, Any]) -> bool:
    names = ("money", "money_a_month", "not_billed", "billed_too_much")
    return any(re.match(r"(10|12|440)\b", str(row.get(name))) for name in names)


def test_the_other_verdicts_belong_to_no_check() -> None:
    assert [v.name for v in ALL_VERDICTS if v.check and v not in HELD] == []


def test_every_kind_of_discrepancy_is_a_verdict_with_a_check() -> None:
    kinds = set(re.findall(r"'(\w+)' AS kind", " ".join(model("reconciled.discrepancies").queries)))
    assert kinds >= {"orphaned_licence", "orphaned_line", "charged_by_halo_only"}
    assert kinds - {v.name for v in HELD} == set()


def test_every_group_says_what_to_do() -> None:
    assert {v.check for v in HELD} >= set(GROUPS) - {"held_by_policy"}
    assert all("acknowledge" in step for _, _, step in GROUPS.values())


def test_a_verdict_without_a_row_in_the_table_is_reported_all_the_same(tmp_path: Path) -> None:
    with_rows_of([Verdict("subscription", "never_heard_of", "blocked", "", "", "?")], tmp_path)
    (found,) = evaluated("needs_decision", tmp_path)
    assert [row["finding"] for row in found.rows] == [f"never_heard_of:{ROW.format(0)}"]


def test_a_check_of_which_all_is_acknowledged_passes_and_still_shows_it(tmp_path: Path) -> None:
    warehouse = with_rows_of([v for v in HELD if v.name == "unknown_term"], tmp_path)
    with warehouse.connect() as connection:
        (row,) = findings.open_findings(connection)
    known = acknowledgements.acknowledged(row, reason="by hand", who="ada", until=None, today=TODAY)
    acknowledgements.store(warehouse, [known])
    (found,) = evaluated("needs_decision", tmp_path)
    assert (found.passed, found.rows[0]["acknowledged"]) == (True, "acknowledged by ada: by hand")
    assert found.rows[0]["since"] == f"{date.isoformat(TODAY)}, new"
