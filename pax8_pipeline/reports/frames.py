"""Data frames for notebooks and for the spreadsheet: the plan, usage by month, what is not billed. Read-only.

    from pax8_pipeline.reports import frames
    frames.usage_by_month("data/published.duckdb")

Contains: rows as pandas data frames in which money is a `Decimal` object, never a double. Does not contain: anything that
leads to a write; billing may not import pandas (pyproject.toml). pandas is imported when a frame is made, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pax8_pipeline.errors import PipelineError
from pax8_pipeline.reports import plan_rows
from pax8_pipeline.warehouse.connection import Connection
from pax8_pipeline.warehouse.models import load_sql
from pax8_pipeline.warehouse.snapshots import dicts

if TYPE_CHECKING:
    from pandas import DataFrame

Row = Mapping[str, Any]


def plan(published: str | Path, plan_id: str | None = None) -> DataFrame:
    """Return the rows of a plan (the newest unless named) from the published copy of the warehouse.

    Money is Decimal in the row's `currency`. Raises PipelineError when the file or the plan does not exist.
    """
    return frame(_read(published, lambda connection: _plan_rows(connection, plan_id)))


def usage_by_month(published: str | Path) -> DataFrame:
    """Return metered usage of the last 13 months by client, product and month from the published copy.

    `amount` is what the client is charged, `cost` what Pax8 charges, Decimal in `currency`; an estimate has `is_estimate`.
    """
    return frame(_read(published, usage_rows))


def not_billed(published: str | Path) -> DataFrame:
    """Return what Pax8 bills and no client is billed for, as the last run found it, from the published copy.

    `money` is Decimal in `currency`, `per` month or once; None where the amount is not known.
    """
    return frame(_read(published, lambda connection: dicts(connection.execute(load_sql("reports/not_billed.sql")))))


def usage_rows(connection: Connection) -> list[dict[str, Any]]:
    """Return the rows of `usage_by_month` from a connection that is open already."""
    return dicts(connection.execute(load_sql("reports/usage_by_month.sql")))


def months_beside(usage: DataFrame, keys: Sequence[str]) -> DataFrame:
    """Return usage with a column for each month, the newest first, summed by `keys` and currency.

    A client without usage in a month has None there.
    """
    if usage.empty:
        return frame([])
    beside = usage.groupby([*keys, "currency", "month"], sort=True)["amount"].agg(sum).unstack("month")
    months = sorted(beside.columns, reverse=True)
    beside = beside[months].astype(object)
    return beside.where(beside.notna(), None).reset_index()


def frame(rows: Sequence[Row]) -> DataFrame:
    """Return rows as a data frame whose values are the objects of the rows: a Decimal stays a Decimal."""
    import pandas  # takes a third of a second: paid only by those who ask for a frame

    return pandas.DataFrame(list(rows), dtype=object)


def _plan_rows(connection: Connection, plan_id: str | None) -> list[dict[str, Any]]:
    newest = "SELECT plan_id, rows_considered FROM billing.plans WHERE $id IS NULL OR plan_id = $id ORDER BY made_at DESC LIMIT 1"
    found = connection.execute(newest, {"id": plan_id}).fetchall()
    if not found:
        raise PipelineError(
            f"no plan {plan_id}" if plan_id else "no plan has been made yet: run `pax8-pipeline run` first"
        )
    rows = plan_rows.plan_rows(connection, found[0][0])
    if not rows and found[0][1]:
        raise PipelineError(f"the rows of plan {plan_id} are not in this copy, which has the plans of the last 35 days")
    return rows


def _read(published: str | Path, rows: Callable[[Connection], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    path = Path(published)
    if not path.exists():
        raise PipelineError(f"{path} does not exist: name data/published.duckdb, which each run writes")
    with duckdb.connect(str(path), read_only=True) as connection:
        return rows(connection)
