"""What every check is made of, and how it is shown.

Here belongs: running a check's query, its figures, severity and metadata. Not here: any one concern. A blocking
check holds back what depends on its asset only with severity ERROR (docs/architecture.md#checks). An advisory check
must never stop a run by its own fault: what goes wrong in it becomes a warning.
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
from pax8_pipeline.orchestration.assets.specs import POOL, asset_key
from pax8_pipeline.orchestration.resources import SettingsResource, WarehouseResource
from pax8_pipeline.orchestration.write_permission import Permission, may_write
from pax8_pipeline.settings import Settings
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Connection

ROWS = 50
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


@dataclass(frozen=True)
class CheckOutcome:
    """What a check found. Nothing found is a pass.

    `count` of all rows, `rows` the first of them, `money` a month by currency (empty where there is none), `query`
    for a person who wants the rest. `blocks`: bad enough to hold back what follows.
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
    """What a check may look at. `now` is UTC without offset; `may_write`: the run has permission to write."""

    connection: Connection
    settings: Settings
    now: datetime
    may_write: bool = False


@dataclass(frozen=True)
class Check:
    """One check on one asset (`table`). `depends_on` are tables it looks at too, so that it runs after them.

    `blocking`: a finding that `blocks` keeps Dagster from making what follows. `critical`: it ends the run with exit code 3
    too, but the plan holds what it is about, and the rest goes on.
    """

    name: str
    table: str
    about: str
    evaluate: Callable[[CheckContext], CheckOutcome]
    blocking: bool = False
    critical: bool = False
    depends_on: tuple[str, ...] = ()


def run_query(
    context: CheckContext, query: str, values: Mapping[str, Any] | None = None, *, amount: str | None = None
) -> tuple[int, list[dict[str, Any]], dict[str, Decimal]]:
    """Return how many rows a query has, the first of them, and the sum of column `amount` by column `currency`."""
    given = {name: value for name, value in (values or {}).items() if f"${name}" in query}
    connection = context.connection
    # Once, into a table of this connection: the query may be expensive, and the rows keep its order.
    connection.execute(f"CREATE OR REPLACE TEMP TABLE found AS {query}", given)
    count = connection.execute("SELECT count(*) FROM found").fetchall()[0][0]
    if not count:
        return 0, [], {}
    rows = snapshots.dicts(connection.execute(f"SELECT * FROM found LIMIT {ROWS}"))
    sums: dict[str, Decimal] = {}
    if amount:
        totals = connection.execute(f"SELECT coalesce(currency, '?'), sum({amount}) FROM found GROUP BY 1").fetchall()
        sums = {currency: total for currency, total in totals if total}
    return int(count), rows, sums


def build(checks: Sequence[Check]) -> dg.AssetChecksDefinition:
    """Turn the checks of one table into Dagster's checks: one step for all of them, any of them on demand."""
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
        wanted = [check for check in checks if _spec(check).key in context.selected_asset_check_keys]
        broken: Exception | None = None
        writes = partial(may_write, context.run, context.instance, permission)
        for check, found in _outcomes(wanted, settings, warehouse, writes):
            if isinstance(found, Exception):
                context.log.error(f"{check.name} could not run: {found}")
                broken = found if check.blocking else broken
                yield result(check, CheckOutcome(f"the check itself could not run: {found}", count=1, blocks=True))
            else:
                yield result(check, found)
        if broken is not None:
            raise broken  # what cannot be checked holds back

    return run_checks


def _outcomes(
    checks: Sequence[Check],
    settings: SettingsResource,
    warehouse: WarehouseResource,
    writes: Callable[[str], bool],
) -> list[tuple[Check, CheckOutcome | Exception]]:
    """Look with each check; what goes wrong in one, or in opening the warehouse, is its finding."""
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


def result(check: Check, found: CheckOutcome) -> dg.AssetCheckResult:
    """Show what was found."""
    metadata: dict[str, Any] = {"count": found.count, **found.more}
    if found.money:
        metadata["money"] = money(found.money)
    if found.rows:
        metadata["rows"] = table(found.rows)
    if found.query:
        metadata["sql"] = dg.MetadataValue.md(f"```sql\n{found.query.strip()}\n```")
    return dg.AssetCheckResult(
        asset_key=asset_key(check.table),
        check_name=check.name,
        passed=found.count == 0,
        severity=ERROR if found.blocks and (check.blocking or check.critical) else WARN,
        description=found.sentence,
        metadata=metadata,
    )
