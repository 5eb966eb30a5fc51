"""report_agrees: the report holds every row of the plan, and its money to the cent."""

from __future__ import annotations

from pathlib import Path

import pytest

from pax8_pipeline.billing.planning.planner import make_plan
from pax8_pipeline.orchestration.assets.report import _agreement
from pax8_pipeline.reports.plan_report import write_report
from pax8_pipeline_tests.support.vendor_data import VendorData, plan_context, subscription


@pytest.mark.parametrize(
    ("before", "after", "agrees"),
    [("", "", True), (",110,0,", ",110.01,0,", False), ("increase", "decrease", True)],
    ids=["as written", "a cent more", "other words"],
)
def test_a_report_with_other_money_than_the_plan_does_not_agree(
    before: str, after: str, agrees: bool, tmp_path: Path
) -> None:
    warehouse = VendorData(subscriptions=[subscription(quantity=25)]).load(tmp_path)
    plan = make_plan(warehouse, plan_context())
    table = write_report(warehouse, plan.plan_id, tmp_path).with_suffix(".csv")
    text = table.read_text(encoding="utf-8")
    assert before in text
    table.write_text(text.replace(before, after) if before else text, encoding="utf-8")
    with warehouse.connect() as connection:
        assert _agreement(connection, plan.plan_id, table).passed is agrees


def test_a_report_that_lacks_a_row_of_the_plan_does_not_agree(tmp_path: Path) -> None:
    warehouse = VendorData().load(tmp_path)
    plan = make_plan(warehouse, plan_context())
    table = write_report(warehouse, plan.plan_id, tmp_path).with_suffix(".csv")
    table.write_text(table.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    with warehouse.connect() as connection:
        assert not _agreement(connection, plan.plan_id, table).passed
