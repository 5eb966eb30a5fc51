"""A check, the plan and the findings (which the report and the terminal show) count the same things with the same money.

On the demo's world, after one night. The checks of `billing.plan` read the findings themselves, so those of the
reconciliation are the ones that could differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.billing import findings
from pax8_pipeline.billing.verdicts import ALL_VERDICTS, check_of
from pax8_pipeline.orchestration.checks.check import CheckContext, CheckOutcome, arranged
from pax8_pipeline.orchestration.checks.registry import CHECKS
from pax8_pipeline.settings import load_settings
from pax8_pipeline.warehouse.connection import Connection, Warehouse
from pax8_pipeline_tests.support.nightly import night
from pax8_pipeline_tests.support.operator import desk

OF_RECONCILIATION = ("unmatched_companies", "unmapped_subscriptions", "currency_mismatch")
Found = tuple[Connection, dict[tuple[str, str], CheckOutcome]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """The warehouse after a night, and what each check found in it."""
    with desk(tmp_path_factory.mktemp("facts")) as at:
        night(at, apply=False, usage=True)
        settings = load_settings(at.environment())
    with Warehouse(settings.warehouse_path).connect() as connection:
        context = CheckContext(connection, settings, datetime.now(UTC).replace(tzinfo=None))
        yield connection, {(check.name, check.table): check.evaluate(context) for check in CHECKS}


def losses(rows: list[dict[str, Any]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["money"] and row["money"] > 0:
            sums[row["currency"]] += row["money"]
    return {currency: round(amount, 2) for currency, amount in sums.items()}


@pytest.mark.parametrize("name", OF_RECONCILIATION)
def test_a_check_counts_the_rows_of_the_plan_and_the_findings_with_their_money(name: str, found: Found) -> None:
    connection, outcomes = found
    (outcome,) = [one for (check, _), one in outcomes.items() if check == name]
    rows = [row for row in findings.open_findings(connection) if row["check_name"] == name]
    planned = connection.execute(
        "SELECT count(*) FROM billing.plan WHERE list_contains($verdicts, verdict) AND class <> 'no_op'",
        {"verdicts": [verdict.name for verdict in ALL_VERDICTS if check_of(verdict.name) == name]},
    ).fetchall()[0][0]
    assert outcome.count == len(rows) == planned > 0
    assert {c: round(amount, 2) for c, amount in outcome.money.items()} == losses(rows)


def test_in_every_table_of_a_check_the_next_step_is_second_and_ids_are_last(found: Found) -> None:
    _, outcomes = found
    steps = {(check.name, check.table): check.next_step for check in CHECKS}
    shown = {key: list(arranged(one.rows, steps[key])[0]) for key, one in outcomes.items() if one.rows}
    assert len(shown) >= 8
    assert [key for key, names in shown.items() if names[1] != "next_step"] == []
    for key, names in shown.items():
        ids = [name in ("id", "finding", "usage_key") or name.endswith("_id") for name in names]
        assert ids == sorted(ids), key
