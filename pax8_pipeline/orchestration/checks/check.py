"""Runs a check's query and shows its figures, severity and metadata. The single concerns are in their own files.

A blocking check stops what depends on its asset only with severity ERROR (docs/architecture.md#checks). A check that is
not blocking must never stop a run: an error inside it becomes a warning.
"""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import dagster as dg

from pax8_pipeline.orchestration.assets.metadata import money, table
from pax8_pipeline.orchestration.assets.specs import asset_key
from pax8_pipeline.orchestration.resources import SettingsResource, WarehouseResource
from pax8_pipeline.orchestration.tenancy import POOL
from pax8_pipeline.orchestration.write_permission import Permission, may_write
from pax8_pipeline.settings import Settings
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Connection

ROWS = 50
_STEP = "next_step"
_IDS = ("id", "finding", "usage_key")
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


@dataclass(frozen=True)
class CheckOutcome:
    """What a check found. With `count` 0 it passes.

    `count`: number of all rows; `rows`: the first of them; `money`: amounts by currency and what they are, such as
    `USD a month not billed` (empty where there are none); `query`: for a person who needs the other rows. `blocks`: severe enough to stop what follows.
    """

    sentence: str
    count: int = 0
    rows: Sequence[Mapping[str, Any]] = ()
    money: Mapping[str, Decimal] = field(default_factory=dict)
    query: str = ""
    blocks: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckContext:
    """What a check can use. `now` is UTC without offset. `may_write`: the run has permission to write."""

    connection: Connection
    settings: Settings
    now: datetime
    may_write: bool = False


@dataclass(frozen=True)
class Check:
    """One check on one asset (`table`). `depends_on`: other tables that it reads, so that it runs after them.

    `next_step`: what a person does about a row; a row can have a `next_step` of its own.
    `blocking`: a finding that `blocks` stops Dagster from making what follows. `critical`: such a finding only ends the
    run with exit code 3; the plan holds what it is about, and the rest of the run continues.
    """

    name: str
    table: str
    about: str
    evaluate: Callable[[CheckContext], CheckOutcome]
    next_step: str
    blocking: bool = False
    critical: bool = False
    depends_on: tuple[str, ...] = ()


def run_query(
    context: CheckContext, query: str, values: Mapping[str, Any] | None = None, *, amount: str | None = None
) -> tuple[int, list[dict[str, Any]], dict[str, Decimal]]:
    """Return the number of rows of a query, the first of them, and the sum of column `amount` by column `currency`."""
    used_values = {name: value for name, value in (values or {}).items() if f"${name}" in query}
    connection = context.connection
    # Run once, into a temporary table: the query may be expensive, and the rows keep its order.
    connection.execute(f"CREATE OR REPLACE TEMP TABLE found AS {query}", used_values)
    count = connection.execute("SELECT count(*) FROM found").fetchall()[0][0]
    if not count:
        return 0, [], {}
    rows = snapshots.dicts(connection.execute(f"SELECT * FROM found LIMIT {ROWS}"))
    sums = sums_of_found(context, amount) if amount else {}
    return int(count), rows, sums


def sums_of_found(context: CheckContext, amount: str) -> dict[str, Decimal]:
    """Return the sum of a column of the rows that `run_query` found last, by column `currency`; without zeros."""
    totals = context.connection.execute(
        f"SELECT coalesce(currency, '?'), sum({amount}) FROM found GROUP BY 1 ORDER BY 1"
    )
    return {currency: total for currency, total in totals.fetchall() if total}


def build(checks: Sequence[Check]) -> dg.AssetChecksDefinition:
    """Make Dagster's checks from the checks of one table: one step for all of them, each can be run alone."""
    table_name = checks[0].table

    @dg.multi_asset_check(
        name=f"checks_{table_name.replace('.', '__')}",
        specs=[_spec(check) for check in checks],
        can_subset=True,
        pool=POOL,
    )
    def run_checks(
        context: dg.AssetCheckExecutionContext,
        settings: SettingsResource,
        warehouse: WarehouseResource,
        permission: dg.ResourceParam[Permission],
    ) -> Iterator[dg.AssetCheckResult]:
        selected = [check for check in checks if _spec(check).key in context.selected_asset_check_keys]
        broken: Exception | None = None
        writes = partial(may_write, context.run, context.instance, permission)
        for check, outcome in _outcomes(selected, settings, warehouse, writes):
            if isinstance(outcome, Exception):
                context.log.error(f"{check.name} could not run: {outcome}")
                broken = outcome if check.blocking else broken
                yield result(check, CheckOutcome(f"the check itself could not run: {outcome}", count=1, blocks=True))
            else:
                yield result(check, outcome)
        if broken is not None:
            raise broken  # what cannot be checked stops the run

    return run_checks


def _outcomes(
    checks: Sequence[Check],
    settings: SettingsResource,
    warehouse: WarehouseResource,
    writes: Callable[[str], bool],
) -> list[tuple[Check, CheckOutcome | Exception]]:
    """Run each check. An error in one check, or in opening the warehouse, is its outcome."""
    try:
        loaded = settings.load()
        with warehouse.open(loaded).connect() as connection:
            now = datetime.now(UTC).replace(tzinfo=None)
            context = CheckContext(connection, loaded, now, writes(loaded.write_mode))
            return [(check, _attempt(check, context)) for check in checks]
    except Exception as error:
        return [(check, error) for check in checks]


def _attempt(check: Check, context: CheckContext) -> CheckOutcome | Exception:
    try:
        return check.evaluate(context)
    except Exception as error:
        return error


def _spec(check: Check) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        check.name,
        asset=asset_key(check.table),
        description=check.about,
        blocking=check.blocking,
        additional_deps=[asset_key(table) for table in check.depends_on],
    )


def result(check: Check, outcome: CheckOutcome) -> dg.AssetCheckResult:
    """Return the result of a check for Dagster."""
    metadata: dict[str, Any] = {"count": outcome.count, **outcome.more}
    if outcome.money:
        metadata["money"] = money(outcome.money)
    if outcome.rows:
        metadata["rows"] = table(arranged(outcome.rows, check.next_step))
    if outcome.query:
        metadata["sql"] = dg.MetadataValue.md(f"```sql\n{outcome.query.strip()}\n```")
    return dg.AssetCheckResult(
        asset_key=asset_key(check.table),
        check_name=check.name,
        passed=outcome.count == 0,
        severity=ERROR if outcome.blocks and (check.blocking or check.critical) else WARN,
        description=outcome.sentence,
        metadata=metadata,
    )


def arranged(rows: Sequence[Mapping[str, Any]], next_step: str) -> list[dict[str, Any]]:
    """Return the rows with the next step as their second column, where the screen still shows it, and with ids last.

    `next_step` counts for the rows that have none of their own.
    """
    names = [name for name in rows[0] if name != _STEP]
    about, ids = [name for name in names if not _is_id(name)], [name for name in names if _is_id(name)]
    order = [*about[:1], _STEP, *about[1:], *ids]
    return [{name: row.get(name, next_step) if name == _STEP else row[name] for name in order} for row in rows]


def money_in_words(sums: Mapping[str, Decimal], *, per: str = "a month") -> dict[str, Decimal]:
    """Return amounts by currency as amounts by currency and what they are, in the words of findings.

    Above 0 nobody is billed, below 0 somebody is billed too much; `per` is "a month" or "once".
    """
    return {
        f"{currency} {per} {'not billed' if amount > 0 else 'billed too much'}": abs(amount)
        for currency, amount in sums.items()
        if round(amount, 2)
    }


def _is_id(name: str) -> bool:
    return name in _IDS or name.endswith(("_id", "_ids"))
