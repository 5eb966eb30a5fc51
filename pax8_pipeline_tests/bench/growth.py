"""Two years of nights: how large everything becomes, and what a run costs in the first month and in the last one.

    python -m pax8_pipeline_tests.bench.growth --nights 730 --subscriptions 200

Two nights are real, and so are a run after 30 nights and one at the end: the command line with Dagster against the sandbox.
The nights between are copies of the second one (`copied_nights`), each followed by the same deleting as in operation. Copies
make no Dagster runs: the history is calculated from the size of a real run.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

from pax8_pipeline.billing import old_plans
from pax8_pipeline.reports import old_reports
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse import old_reads
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.bench.copied_nights import LastNight
from pax8_pipeline_tests.bench.fixed_cost import CLI, DONE
from pax8_pipeline_tests.bench.rounds import process
from pax8_pipeline_tests.bench.world import Vendors, served

MONTH = 30


@dataclass(frozen=True)
class Installation:
    """A data folder with its vendors."""

    data: Path
    vendors: Vendors
    days: int

    def run(self, title: str, *, days: int) -> None:
        """Play a real night, whose retention is so many days, and print what it took."""
        environment = {**self.vendors.environment, "PAX8_PIPELINE_DATA": str(self.data)}
        (self.data / "policy.yaml").write_text(f"retention_days: {days}\n", encoding="utf-8")
        taken = process([*CLI, "run", "--dry-run"], environment, codes=DONE)
        click.echo(f"{title}: {taken.cpu:.1f} s of the processor, {taken.peak_mb:.0f} MB of memory; {self.sizes()}")

    def copy_night(self, night: LastNight, day: date) -> None:
        """Store a night again as of `day`, with its reports, and delete what is too old on that day."""
        warehouse = Warehouse(self.data / "warehouse.duckdb")
        reports = self.data / "reports"
        with warehouse.connect():
            copy = night.copy(warehouse, day)
            old_reads.prune(warehouse, day, self.days)
            old_plans.prune(warehouse, old_plans.oldest_plan(day, self.days, Policy()))
            old_reads.prune_records(warehouse, day, self.days)
        for ending in ("html", "md", "csv", "json"):
            os.link(reports / f"plan-{night.plan_id}.{ending}", reports / f"plan-{copy}.{ending}")
        old_reports.prune(reports, day, self.days)

    def sizes(self) -> str:
        """Say how many MB each part has."""
        parts = ("warehouse.duckdb", "published.duckdb", "reports", "backups", "dagster_home")
        return ", ".join(f"{part} {_megabytes(self.data / part):.1f} MB" for part in parts)


def _megabytes(path: Path) -> float:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


@click.command()
@click.option("--nights", default=730, show_default=True)
@click.option("--subscriptions", default=200, show_default=True)
@click.option("--companies", default=0, help="A tenth of the subscriptions unless given.")
@click.option("--retention", default=400, show_default=True, help="retention_days of the policy.")
def main(nights: int, subscriptions: int, companies: int, retention: int) -> None:
    """Print the sizes month by month, and what the first and the last run took."""
    with (
        tempfile.TemporaryDirectory(prefix="pax8-growth-") as name,
        served(Path(name) / "world", companies or subscriptions // 10, subscriptions, 41) as vendors,
    ):
        here = Installation(Path(name) / "data", vendors, retention)
        shutil.copytree(vendors.mappings, here.data / "mappings")
        for title in ("first night", "second night"):
            here.run(title, days=retention)
        _play(here, nights)


def _play(here: Installation, nights: int) -> None:
    night = LastNight.of(Warehouse(here.data / "warehouse.duckdb"))
    first = datetime.now(UTC).date() - timedelta(days=nights)
    for number in range(1, nights + 1):
        started = time.process_time()
        here.copy_night(night, first + timedelta(days=number - 1))
        if number % MONTH == 0 or number == nights:
            click.echo(
                f"after {number} nights: {here.sizes()}; {time.process_time() - started:.2f} s for the last copy"
            )
        if number == MONTH:
            # By the clock the copies are two years old: this run must not delete them.
            here.run("a real night in month 1", days=2 * nights)
    here.run(f"a real night after {nights} nights", days=here.days)


if __name__ == "__main__":
    main()
