"""Dagster alone: a job of as many assets and checks as the product's daily run has, each of which does nothing.

    python empty_dagster.py FOLDER ASSETS CHECKED_ASSETS CHECKS

One asset after the other, in one process, with Dagster's SQLite history in FOLDER.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"

import dagster as dg


def definitions(assets: int, checked: int, checks: int) -> dg.Definitions:
    """Assets in a chain; the first `checked` of them share `checks` checks."""
    made = [_asset(number) for number in range(assets)]
    each, more = divmod(checks, checked)
    checking = [_checks(number, each + (number < more)) for number in range(checked)]
    return dg.Definitions(
        assets=made, asset_checks=checking, jobs=[dg.define_asset_job("daily", executor_def=dg.in_process_executor)]
    )


def _asset(number: int) -> dg.AssetsDefinition:
    deps = [f"a{number - 1}"] if number else []

    @dg.asset(name=f"a{number}", deps=deps)
    def nothing() -> None:
        return None

    return nothing


def _checks(number: int, count: int) -> dg.AssetChecksDefinition:
    specs = [dg.AssetCheckSpec(f"c{i}", asset=f"a{number}") for i in range(count)]

    @dg.multi_asset_check(name=f"checks_{number}", specs=specs)
    def pass_all() -> Iterator[dg.AssetCheckResult]:
        for spec in specs:
            yield dg.AssetCheckResult(passed=True, asset_key=spec.asset_key, check_name=spec.name)

    return pass_all


def main(folder: str, assets: int, checked: int, checks: int) -> None:
    """Run the job once."""
    with dg.DagsterInstance.local_temp(folder) as instance:
        job = definitions(assets, checked, checks).get_job_def("daily")
        if not job.execute_in_process(instance=instance).success:
            raise SystemExit("the empty job failed")


if __name__ == "__main__":
    main(sys.argv[1], *(int(argument) for argument in sys.argv[2:]))
