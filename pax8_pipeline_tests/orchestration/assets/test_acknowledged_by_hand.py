"""data/acknowledged.csv may be edited by hand: the next run goes by what stands in it."""

from __future__ import annotations

from pathlib import Path

from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.assets import PipelineHarness
from pax8_pipeline_tests.support.vendor_data import company, invoice, licence, line, subscription
from pax8_pipeline_tests.support.vendors import HaloInMemory, Pax8InMemory

UNBILLED = "aaaaaaaa-0000-4000-8000-000000000002"
HEAD = "id,reason,who,until,amount,currency,date\n"


def test_a_run_goes_by_the_file_as_it_stands(tmp_path: Path) -> None:
    sold = [subscription(), subscription(id=UNBILLED)]
    harness = PipelineHarness(
        tmp_path,
        Pax8InMemory(company_rows=[company()], subscription_rows=sold),
        HaloInMemory(licence_rows=[licence()], recurring_rows=[invoice([line()])]),
        seats_only=True,
    )
    known = f"unbilled:{UNBILLED},billed by hand,Ada,,440.00,USD,2026-08-20\n"
    for text, acknowledged in ((HEAD + known, True), (HEAD, False)):
        harness.settings.acknowledged_path.write_text(text)
        assert harness.sync().success
        with Warehouse(harness.settings.warehouse_path).connect() as connection:
            query = "SELECT acknowledged, counts FROM billing.findings_state WHERE finding_id = ?"
            found = connection.execute(query, [f"unbilled:{UNBILLED}"]).fetchall()
        assert found == [(acknowledged, not acknowledged)]
