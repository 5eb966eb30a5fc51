"""Open writes of lines and licences, once Halo is read again: what cannot be read settles nothing, or says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.ledger.ledger import Ledger, states
from pax8_pipeline_tests.support.billing import WAIT
from pax8_pipeline_tests.support.plans import with_open_write
from pax8_pipeline_tests.support.vendor_data import VendorData, invoice, licence, line


def settle(after: VendorData, folder: Path, *edits: str) -> list[tuple[str, str]]:
    """Begin a write, read Halo again as `after`, settle; return state and detail."""
    _, plan_id = with_open_write(folder)
    warehouse = after.load(folder, run_id="run-2")
    with warehouse.transaction() as connection:
        for edit in edits:
            connection.execute(edit)
    settled = [(row["state"], row["detail"]) for row in Ledger(warehouse, "run-2").settle(WAIT)]
    with warehouse.connect() as connection:
        assert states(connection, plan_id) == {settled[0][0] if settled else "claimed": 1}
    return settled


def test_the_detail_names_what_halo_shows(tmp_path: Path) -> None:
    found = settle(VendorData(licences=[licence(count=25)]), tmp_path)
    assert found == [("verified", "settled by reading: licence 25 active, line quantity 20 active")]


@pytest.mark.parametrize(
    "after",
    [
        VendorData(licences=[licence(count="many")]),
        VendorData(licences=[licence(count=25, is_active="perhaps")]),
        VendorData(licences=[licence(count=25)], recurring=[invoice([line(isinactive="perhaps")])]),
    ],
    ids=["count", "licence's switch", "line's switch"],
)
def test_a_target_that_cannot_be_read_settles_nothing(after: VendorData, tmp_path: Path) -> None:
    assert settle(after, tmp_path) == []


@pytest.mark.parametrize(
    ("after", "state"),
    [
        (VendorData(licences=[]), "drifted"),
        (VendorData(licences=[licence(count=25)], recurring=[]), "verified"),
        (VendorData(licences=[licence(count=20)], recurring=[]), "failed"),
    ],
    ids=["licence gone", "line gone, count written", "line gone, count as before"],
)
def test_what_counts_is_whether_the_write_took_effect(after: VendorData, state: str, tmp_path: Path) -> None:
    assert [found for found, _ in settle(after, tmp_path)] == [state]


@pytest.mark.parametrize(
    ("edit", "detail"),
    [
        ("UPDATE billing.plan SET expect = '{\"later\": 1}'", "something that this version does not know: later"),
        ("UPDATE billing.ledger SET action = 'set_later'", "set_later, which this version does not know"),
    ],
)
def test_a_write_of_another_version_is_left_to_the_next_plan(edit: str, detail: str, tmp_path: Path) -> None:
    ((state, found),) = settle(VendorData(licences=[licence(count=25)]), tmp_path, edit)
    assert (state, found.startswith("not settled by reading: row ")) == ("drifted", True)
    assert detail in found


def test_a_ledger_whose_plan_is_gone_is_settled_by_its_own_words(tmp_path: Path) -> None:
    edit = "DELETE FROM billing.plan"
    found: list[Any] = settle(VendorData(licences=[licence(count=25)]), tmp_path, edit)
    assert [state for state, _ in found] == ["verified"]
