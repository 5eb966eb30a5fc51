"""The job that fills the history of usage: by range or month, going on where it was stopped, never writing."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from pax8_pipeline.errors import ConfigError, Forbidden, Unreachable
from pax8_pipeline.orchestration.partitions import months_between
from pax8_pipeline.orchestration.runs import run_backfill
from pax8_pipeline.transport.listing import Listing
from pax8_pipeline_tests.support.assets import PipelineHarness
from pax8_pipeline_tests.support.vendor_data import SUB
from pax8_pipeline_tests.support.vendors import Pax8InMemory, incomplete

MONTHS = months_between("2024-01", "2026-07")
RANGE = {"dagster/asset_partition_range_start": "2026-05-01", "dagster/asset_partition_range_end": "2026-06-01"}
DAILY = {"ops": {"pax8__usage_lines": {"config": {"lines": "daily"}}}}


def years(**more: Any) -> Pax8InMemory:
    """Pax8 with an invoice a month for three years, each with one item of usage."""
    dates = [f"{month}-05" for month in (*MONTHS[1:], "2026-08")]
    items = {
        d: [{"id": f"item {d}", "term": "Arrears", "total": n, "subscriptionId": SUB}] for n, d in enumerate(dates)
    }
    return Pax8InMemory(invoice_rows=[{"id": d, "invoiceDate": d} for d in dates], items=items, **more)


def rows(harness: PipelineHarness, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(harness.folder / "warehouse.duckdb"), read_only=True) as warehouse:
        return warehouse.execute(query).fetchall()


def backfill(harness: PipelineHarness, *months: str, lines: str = "none") -> Any:
    with harness.held_open():
        return run_backfill(
            harness.settings, months, lines=lines, instance=harness.instance, resources=harness.resources
        )


@pytest.mark.parametrize("month", ["2024-01", "2026-07"])
def test_months_between_count_over_the_end_of_a_year(month: str) -> None:
    assert months_between("2025-11", "2026-02") == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert months_between(month, month) == [month]


def test_a_range_of_months_is_one_run_that_says_what_it_read_of_each(tmp_path: Path) -> None:
    harness = PipelineHarness(tmp_path, years())
    result = backfill(harness, *MONTHS)
    assert (result.success, result.errors) == (True, [])
    assert Counter(harness.pax8.asked("items")) == dict.fromkeys(harness.pax8.items, 1)
    assert rows(harness, "SELECT count(*), count(DISTINCT invoice_id) FROM staging.invoice_items") == [(31, 31)]
    records = harness.instance.get_records_for_run(
        result.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
    ).records
    events = [r.event_log_entry.asset_materialization for r in records]
    read = {
        e.partition: (e.metadata["objects"].value, e.metadata["requests"].value)
        for e in events
        if e is not None and e.asset_key.path == ["pax8", "invoice_items"]
    }
    assert read == {f"{month}-01": (1, 1) for month in MONTHS}


def test_a_run_stopped_half_way_keeps_what_it_read_and_the_next_goes_on_there(tmp_path: Path) -> None:
    class Dies(Pax8InMemory):
        def invoice_items(self, invoice_id: str) -> Listing:
            if len(self.asked("items")) >= 25:
                raise Unreachable("Pax8 cannot be reached: the line is down", vendor="Pax8")
            return super().invoice_items(invoice_id)

    whole = years()
    harness = PipelineHarness(tmp_path, Dies(invoice_rows=whole.invoice_rows, items=whole.items))
    stopped = backfill(harness, *MONTHS)
    assert stopped.errors == [
        "pax8__invoice_items: the invoices with the usage of 2026-02, 2026-03, 2026-04, 2026-05, 2026-06, 2026-07 could "
        "not be read, all others are stored; run these months again. Pax8 cannot be reached: the line is down"
    ]
    harness.pax8 = years()
    assert backfill(harness, *MONTHS).success
    assert len(harness.pax8.asked("items")) == 31 - 25  # what is stored is not asked for again
    assert rows(harness, "SELECT count(*), count(DISTINCT item_id) FROM staging.invoice_items") == [(31, 31)]


def test_an_invoice_that_pax8_does_not_give_takes_no_other_month_with_it(tmp_path: Path) -> None:
    class Refuses(Pax8InMemory):
        def invoice_items(self, invoice_id: str) -> Listing:
            listing = super().invoice_items(invoice_id)
            if invoice_id == "2024-03-05":
                raise Forbidden("Pax8 GET /invoices/2024-03-05/items: 403", vendor="Pax8")
            return listing

    whole = years()
    harness = PipelineHarness(tmp_path, Refuses(invoice_rows=whole.invoice_rows, items=whole.items))
    stopped = backfill(harness, *MONTHS)
    assert stopped.errors == [
        "pax8__invoice_items: the invoices with the usage of 2024-02 could not be read, all others are stored; run these "
        "months again. Pax8 GET /invoices/2024-03-05/items: 403"
    ]
    loaded = harness.instance.get_materialized_partitions(dg.AssetKey(["pax8", "invoice_items"]))
    assert loaded == {f"{month}-01" for month in MONTHS if month != "2024-02"}
    harness.pax8 = years()
    assert backfill(harness, *MONTHS).success
    assert harness.pax8.asked("items") == ["2024-03-05"]


def test_pax8_is_asked_no_more_when_none_of_a_few_invoices_was_given(tmp_path: Path) -> None:
    down = Unreachable("Pax8 cannot be reached: the line is down", vendor="Pax8")
    harness = PipelineHarness(tmp_path, years(faults={"items": down}))
    (error,) = backfill(harness, *MONTHS).errors
    assert "usage of 2024-01, 2024-02, 2024-03, 2024-04, 2024-05, 2024-06 and 25 more could not be read" in error
    assert len(harness.pax8.asked("items")) == 20


def test_items_that_were_not_read_whole_stop_what_rests_on_them_and_are_asked_again(tmp_path: Path) -> None:
    harness = PipelineHarness(tmp_path, years(faults={"items": incomplete("GET items")}))
    held = backfill(harness, "2026-01", "2026-02")
    assert [c.name for c in held.failed_checks if c.blocking] == ["incomplete_read"]
    harness.pax8.faults.clear()
    assert backfill(harness, "2026-01", "2026-02").success
    assert rows(harness, "SELECT count(*) FROM staging.invoice_items") == [(4,)]  # and the two of the last two months


def test_lines_of_past_months_are_read_only_when_asked_for_and_once(tmp_path: Path) -> None:
    harness = PipelineHarness(tmp_path)
    harness.pax8.usage[SUB] = [{"id": "u1", "companyId": "c"}]
    for day in ("2026-06-12", "2026-06-30"):
        harness.pax8.lines["u1", day] = [{"usageDate": day, "quantity": 7, "productId": day}]
    assert harness.sync().success
    asked = len(harness.pax8.asked("lines")), len(harness.pax8.asked("usage"))
    assert harness.job("usage_backfill", partition_key="2026-06-01").success
    assert backfill(harness, "2026-06").success
    assert (len(harness.pax8.asked("lines")), len(harness.pax8.asked("usage"))) == asked
    assert harness.job("usage_lines_backfill", partition_key="2026-06-01", run_config=DAILY).success
    assert len(harness.pax8.asked("lines")) == asked[0] + 30
    assert backfill(harness, "2026-06", lines="daily").success
    assert len(harness.pax8.asked("lines")) == asked[0] + 30
    assert rows(harness, "SELECT month, product_id, quantity FROM staging.usage_lines ORDER BY ALL") == [
        ("2026-06", "2026-06-12", Decimal(7)),
        ("2026-06", "2026-06-30", Decimal(7)),
    ]


def loaded_months(harness: PipelineHarness, asset: str) -> set[str]:
    """The months that the UI shows as loaded."""
    return harness.instance.get_materialized_partitions(dg.AssetKey(asset.split("/")))


def test_a_month_of_which_no_lines_were_read_does_not_look_loaded(tmp_path: Path) -> None:
    harness = PipelineHarness(tmp_path, years())
    assert harness.job("usage_backfill", tags=RANGE).success
    assert loaded_months(harness, "pax8/invoice_items") == {"2026-05-01", "2026-06-01"}
    assert loaded_months(harness, "pax8/usage_lines") == set()
    assert backfill(harness, "2026-05", "2026-06").success
    assert loaded_months(harness, "pax8/usage_lines") == set()
    asked = backfill(harness, "2026-06", lines="last")
    assert (asked.success, loaded_months(harness, "pax8/usage_lines")) == (True, {"2026-06-01"})
    shown = harness.made(asked.run_id)["pax8/usage_lines"]
    assert (shown["asked"], shown["note"]) == (
        0,
        "no usage summary is known, so Pax8 cannot be asked for its lines",
    )


def test_a_wrong_word_for_lines_is_an_error_in_plain_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^lines must be one of none, last, daily, not 'weekly'$"):
        backfill(PipelineHarness(tmp_path), "2026-06", lines="weekly")


def test_lines_that_are_not_whole_stop_what_rests_on_them_whatever_came_after(tmp_path: Path) -> None:
    harness = PipelineHarness(tmp_path)
    harness.pax8.usage[SUB] = [{"id": f"u{n:04d}", "companyId": "c", "currentCharges": 1} for n in range(300)]

    class Cut(Pax8InMemory):
        def usage_lines(self, summary_id: str, usage_date: Any) -> Listing:
            if summary_id == "u0003":
                raise incomplete("GET lines")
            return super().usage_lines(summary_id, usage_date)

    harness.pax8 = Cut(usage=harness.pax8.usage)
    result = harness.sync()
    assert [(c.asset, c.name) for c in result.failed_checks if c.blocking] == [("pax8/usage_lines", "incomplete_read")]
    assert result.plan_id is None
