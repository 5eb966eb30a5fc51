"""The daily job after the warehouse was lost: it begins with the ledger's backup, and nothing is sent twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.errors import ServerFault, WriteUnknown
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.assets import PipelineHarness, finished_run, out_of_step
from pax8_pipeline_tests.support.vendor_data import SUB


def states(harness: PipelineHarness) -> list[tuple[str, str]]:
    """What the ledger holds of each write, in order."""
    with Warehouse(harness.settings.warehouse_path).connect() as connection:
        return connection.execute("SELECT row_id, state FROM billing.ledger ORDER BY entry").fetchall()


def lose_warehouse(harness: PipelineHarness) -> None:
    for path in harness.folder.glob("warehouse.duckdb*"):
        path.unlink()


def lose_answer_and_reading(harness: PipelineHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next licence write takes effect, its answer is lost, and Halo does not answer after it."""
    halo, write = harness.halo, harness.halo.update_licence
    dark: list[bool] = []

    def in_the_dark(read: Callable[..., Any]) -> Callable[..., Any]:
        def answered(*asked: Any, **options: Any) -> Any:
            if dark:
                raise ServerFault("Halo answered 503", vendor="Halo", status=503)
            return read(*asked, **options)

        return answered

    def lost(fields: Any) -> None:
        write(fields)
        dark.append(True)
        raise WriteUnknown("the answer was lost", vendor="Halo")

    monkeypatch.setattr(halo, "update_licence", lost)
    for name in ("licence", "licences", "recurring_invoice", "recurring_invoices"):
        monkeypatch.setattr(halo, name, in_the_dark(getattr(halo, name)))


def test_an_open_write_outlives_the_warehouse_and_is_settled_by_reading_not_sent_again(tmp_path: Path) -> None:
    harness = out_of_step(tmp_path, seats_only=True)
    with pytest.MonkeyPatch.context() as patch:
        lose_answer_and_reading(harness, patch)
        assert not harness.sync().success
    assert states(harness)[-1] == (SUB, "unknown")
    before = states(harness)
    lose_warehouse(harness)
    messages: list[str] = []
    again = harness.sync(messages=messages)
    assert states(harness) == [*before, (SUB, "verified")]
    assert len(harness.halo.written) == 1
    assert (again.success, again.outcome) == (True, "nothing to write")
    assert any("the warehouse had no ledger" in text for text in messages)


def test_each_apply_leaves_a_backup_named_after_its_plan() -> None:
    run = finished_run("apply")
    backup = run.harness.folder / "backups" / str(run.result.plan_id)
    assert (run.made("billing/writes")["backup"], backup.is_dir()) == (str(backup), True)
