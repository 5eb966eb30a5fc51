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
class Finding:
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
class Sight:
    """What a check may look at. `now` is UTC without offset; `may_write`: the run has permission to write."""

    connection: Connection
    settings: Settings
    now: datetime
    may_write: bool = False


@dataclass(frozen=True)
class Rule:
    """One check on one asset (`table`). `also` are tables it looks at too, so that it runs after them.

    `blocking`: a finding that `blocks` keeps Dagster from making what follows. `grave`: it ends the run with exit code 3
    too, but the plan holds what it is about, and the rest goes on.
    """

    name: str
    table: str
    about: str
    find: Callable[[Sight], Finding]
    blocking: bool = False
    grave: bool = False
    also: tuple[str, ...] = ()


def look(
    sight: Sight, query: str, values: Mapping[str, Any] | None = None, *, amount: str | None = None
) -> tuple[int, list[dict[str, Any]], dict[str, Decimal]]:
    """Return how many rows a query has, the first of them, and the sum of column `amount` by column `currency`."""
    given = {name: value for name, value in (values or {}).items() if f"${name}" in query}
    connection = sight.connection
    # Once, into a table of this connection: the query may be dear, and the rows keep its order.
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


def build(rules: Sequence[Rule]) -> dg.AssetChecksDefinition:
    """Turn the rules of one table into Dagster's checks: one step for all of them, any of them on demand."""
    table_name = rules[0].table

    @dg.multi_asset_check(
        name=f"checks_{table_name.replace('.', '__')}",
        specs=[_spec(rule) for rule in rules],
        can_subset=True,
        pool=POOL,
    )
    def check(
        context: dg.AssetCheckExecutionContext,
        settings: SettingsResource,
        warehouse: WarehouseResource,
        permission: dg.ResourceParam[Permission],
    ) -> Iterator[dg.AssetCheckResult]:
        wanted = [rule for rule in rules if _spec(rule).key in context.selected_asset_check_keys]
        broken: Exception | None = None
        writes = partial(may_write, context.run, context.instance, permission)
        for rule, found in _findings(wanted, settings, warehouse, writes):
            if isinstance(found, Exception):
                context.log.error(f"{rule.name} could not run: {found}")
                broken = found if rule.blocking else broken
                yield result(rule, Finding(f"the check itself could not run: {found}", count=1, blocks=True))
            else:
                yield result(rule, found)
        if broken is not None:
            raise broken  # what cannot be checked holds back

    return check


def _findings(
    rules: Sequence[Rule],
    settings: SettingsResource,
    warehouse: WarehouseResource,
    writes: Callable[[str], bool],
) -> list[tuple[Rule, Finding | Exception]]:
    """Look with each rule; what goes wrong in one, or in opening the warehouse, is its finding."""
    try:
        loaded = settings.load()
        with warehouse.open(loaded).connect() as connection:
            now = datetime.now(UTC).replace(tzinfo=None)
            sight = Sight(connection, loaded, now, writes(loaded.write_mode))
            return [(rule, _attempt(rule, sight)) for rule in rules]
    except Exception as error:
        return [(rule, error) for rule in rules]


def _attempt(rule: Rule, sight: Sight) -> Finding | Exception:
    try:
        return rule.find(sight)
    except Exception as error:
        return error


def _spec(rule: Rule) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        rule.name,
        asset=asset_key(rule.table),
        description=rule.about,
        blocking=rule.blocking,
        additional_deps=[asset_key(table) for table in rule.also],
    )


def result(rule: Rule, found: Finding) -> dg.AssetCheckResult:
    """Show what was found."""
    shown: dict[str, Any] = {"count": found.count, **found.more}
    if found.money:
        shown["money"] = money(found.money)
    if found.rows:
        shown["rows"] = table(found.rows)
    if found.query:
        shown["sql"] = dg.MetadataValue.md(f"```sql\n{found.query.strip()}\n```")
    return dg.AssetCheckResult(
        asset_key=asset_key(rule.table),
        check_name=rule.name,
        passed=found.count == 0,
        severity=ERROR if found.blocks and (rule.blocking or rule.grave) else WARN,
        description=found.sentence,
        metadata=shown,
    )
