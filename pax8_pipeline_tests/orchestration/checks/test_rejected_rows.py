"""More rejected rows than policy allows stop the writes; a few do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pax8_pipeline.settings import Policy
from pax8_pipeline_tests.support.checks import check
from pax8_pipeline_tests.support.vendor_data import VendorData, invoice, line, subscription
from pax8_pipeline_tests.support.warehouse_files import release


@pytest.mark.parametrize(("bad", "most", "holds"), [(3, 3, False), (4, 3, True), (11, None, True), (10, None, False)])
def test_rejected_rows_are_counted_against_policy(bad: int, most: int | None, holds: bool, tmp_path: Path) -> None:
    rows = [subscription(id=f"c2b8a9d0-6f34-4a6f-8a1b-{n:012d}", quantity="many") for n in range(bad)]
    VendorData(subscriptions=[subscription(), *rows]).load(tmp_path)
    release()
    policy = Policy.model_validate({"reads": {} if most is None else {"max_rejected_rows": most}})
    found = check("rejected_rows", "billing.plan", tmp_path, policy)
    assert (found.holds, found.passed) == (holds, not holds)


def test_a_line_and_its_links_are_one_row(tmp_path: Path) -> None:
    links = [{"id": n, "licence_id": f"x{n}"} for n in range(5)]
    VendorData(recurring=[invoice([line(quantity_subscriptions=links)])]).load(tmp_path)
    release()
    found = check("rejected_rows", "billing.plan", tmp_path, Policy.model_validate({"reads": {"max_rejected_rows": 1}}))
    assert found.passed, found.description
