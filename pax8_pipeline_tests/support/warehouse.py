"""Plans several sets of vendor data, one after the other, in one warehouse.

Only the tables that a plan of seats needs are built. Each pair of vendor_data is a separate run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse import build, snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.built_tables import build_all
from pax8_pipeline_tests.support.vendor_data import TODAY, VendorData, planned
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse, hold_open, release

TABLES = (
    "staging.companies", "staging.products", "staging.subscriptions", "staging.clients", "staging.client_links", "staging.licences",
    "staging.recurring_invoices", "staging.recurring_invoice_lines", "staging.line_licences",
    "reconciled.licence_keys", "reconciled.client_matches", "reconciled.subscriptions", "reconciled.discrepancies",
)  # fmt: skip


@dataclass
class StagedWarehouse:
    """A warehouse that takes several sets of vendor data, one after the other."""

    warehouse: Warehouse
    runs: int = 0

    @classmethod
    def at(cls, folder: Path) -> StagedWarehouse:
        """Open a new warehouse in `folder`."""
        release()
        staged = cls(empty_warehouse(folder / "staged.duckdb"))
        hold_open(staged.warehouse)
        return staged

    def load(self, vendor_data: VendorData, policy: Policy | None = None) -> str:
        """Put one set of vendor data through staging and reconciled; return the run id."""
        self.runs += 1
        run_id = f"run-{self.runs}"
        reads = [
            r for r in vendor_data.reads() if r.table not in ("pax8.usage_summaries", "halo.items", "pax8.products")
        ]
        with self.warehouse.connect() as connection:
            for table in ("meta.snapshots", *(r.table for r in reads)):
                connection.execute(f"DELETE FROM {table}")
        snapshots.store(self.warehouse, reads, run_id)
        build.load_mapping_tables(self.warehouse, vendor_data.mappings())
        values = build.variables(TODAY, policy or Policy())
        build_all(self.warehouse, TABLES, values)
        return run_id

    def plan(self, vendor_data: VendorData, policy: Policy | None = None) -> dict[str, dict[str, Any]]:
        """Return the plan's rows for these data, by row id."""
        run_id = self.load(vendor_data, policy)
        return {row["row_id"]: row for row in planned(self.warehouse, run_id=run_id, policy=policy)}
