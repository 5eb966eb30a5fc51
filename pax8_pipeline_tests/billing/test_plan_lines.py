"""The lines of a planned usage invoice are stored with typed amounts, beside their copy in `expect`."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline.warehouse.snapshots import dicts
from pax8_pipeline_tests.support.usage_data import JULY, KEY, OTHER, UsageData, arrears, policy, usage_plan
from pax8_pipeline_tests.support.vendor_data import COMPANY


def read(warehouse: Warehouse, query: str) -> list[dict[str, Any]]:
    with warehouse.connect() as connection:
        return dicts(connection.execute(query))


def two_lines() -> UsageData:
    items = [arrears(), arrears(2, productId="an-other-product", total=Decimal("3.10"), costTotal=Decimal("2.04"))]
    return UsageData(items=[[*items, arrears(3, companyId=OTHER, companyName="Other Bakery", details="Other Bakery")]])


def test_each_line_is_stored_as_expect_says(tmp_path: Path) -> None:
    warehouse = two_lines().load(tmp_path, policy=policy())
    rows = usage_plan(warehouse, policy())
    stored = read(warehouse, "SELECT * FROM billing.plan_lines ORDER BY row_id, ref")
    assert {row["row_id"] for row in stored} == {KEY, KEY.replace(COMPANY, OTHER)}
    for row_id in {row["row_id"] for row in stored}:
        usage = json.loads(rows[row_id]["expect"])["usage"]
        copies = [(line["ref"], line["item_id"], line["text"], line["note"], line["amount"], line["cost"], line["charges"])
                  for line in usage["lines"]]  # fmt: skip
        typed = [(line["ref"], line["item_id"], line["text"], line["note"], f"{line['amount']:.2f}", f"{line['cost']:.2f}",
                  line["charges"]) for line in stored if line["row_id"] == row_id]  # fmt: skip
        assert typed == copies
        assert sum(line["amount"] for line in stored if line["row_id"] == row_id) == Decimal(usage["total"])
    assert {(row["month"], type(row["amount"])) for row in stored} == {(JULY, Decimal)}


def test_lines_of_a_plan_of_an_earlier_version_are_read_from_expect(tmp_path: Path) -> None:
    warehouse = two_lines().load(tmp_path, policy=policy())
    usage_plan(warehouse, policy())
    query = "SELECT * FROM billing.planned_lines ORDER BY plan_id, row_id, ref"
    typed = read(warehouse, query)
    with warehouse.connect() as connection:
        connection.execute("DELETE FROM billing.plan_lines")
    assert len(typed) == 3
    assert read(warehouse, query) == typed
