"""Raw Pax8 usage: the summaries of the current month, and lines by month. What to ask is decided in `extract.usage_summaries` and
`extract.usage_lines`.
"""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from pax8_pipeline.extract import usage_lines as questions
from pax8_pipeline.extract import usage_summaries as usage
from pax8_pipeline.orchestration.assets.raw_reads import StoredReads, raw_asset, store_part, store_read
from pax8_pipeline.orchestration.assets.specs import PAX8_API, asset_key
from pax8_pipeline.orchestration.assets.step import AssetStep, asset_step
from pax8_pipeline.orchestration.partitions import month_of_partition
from pax8_pipeline.orchestration.resources import Pax8Resource, SettingsResource, WarehouseResource
from pax8_pipeline.settings.tenant import learn_usage_company, load_tenant
from pax8_pipeline.text.plurals import plural
from pax8_pipeline.warehouse import snapshots

# The launchpad shows the name of this type as the choice, and offers the values. No value can name a variable of the
# environment, because Dagster does not read those for a choice.
_LINES_CHOICE = dg.Enum(
    " | ".join(questions.MEANING),
    [dg.EnumValue(value, description=about) for value, about in questions.MEANING.items()],
)
_LINES_CONFIG = {
    "lines": dg.Field(
        _LINES_CHOICE,
        default_value="last",
        description="Which usage lines to read of months that are over. "
        + " ".join(f"`{value}`: {about}" for value, about in questions.MEANING.items()),
    )
}
_NO_SUMMARY = "no usage summary is known, so Pax8 cannot be asked for its lines"


def assets(months: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Return the raw assets of usage. Lines have a partition for each month.

    Summaries have none: Pax8 lists those of the current month only, so no past month can be missing or loaded.
    """

    @dg.asset(
        **raw_asset(
            "pax8.usage_summaries",
            "Metered usage by subscription and group, month to date. Pax8 lists the current month only; the reads of earlier "
            "months stay.",
        ),
        deps=[PAX8_API, asset_key("pax8.subscriptions"), asset_key("pax8.invoice_items")],
    )
    def usage_summaries(
        context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, pax8: Pax8Resource
    ) -> dg.MaterializeResult:
        with asset_step(context, settings, warehouse) as step:
            return dg.MaterializeResult(metadata=_read_summaries(step, pax8, usage.month_of(step.settings.today)))

    @dg.asset(
        **raw_asset("pax8.usage_lines", "Metered usage by product and day; of each product the last day counts."),
        partitions_def=months,
        backfill_policy=dg.BackfillPolicy.single_run(),
        # Invoices first: months are billed from them, and daily lines of years take hours.
        deps=[PAX8_API, asset_key("pax8.usage_summaries"), asset_key("pax8.invoice_items")],
        config_schema=_LINES_CONFIG,
    )
    def usage_lines(
        context: dg.AssetExecutionContext,
        settings: SettingsResource,
        warehouse: WarehouseResource,
        pax8: Pax8Resource,
    ) -> dg.MaterializeResult:
        with asset_step(context, settings, warehouse) as step:
            lines: questions.Lines = context.op_execution_context.op_config["lines"]
            for key in context.partition_keys:
                metadata = _read_lines(step, pax8, month_of_partition(key), lines)
                context.add_asset_metadata(metadata, partition_key=key)
            return dg.MaterializeResult()

    return [usage_summaries, usage_lines]


def _read_summaries(step: AssetStep, pax8: Pax8Resource, month: str) -> dict[str, Any]:
    asked_at = _moment(step)
    with step.warehouse.connect() as connection:
        probe_days = step.settings.policy.usage.probe_days
        subscription_ids = usage.subscriptions_to_ask(connection, step.settings.today, asked_at, probe_days)
    step.log(f"usage: asking {plural(len(subscription_ids), 'subscription')}")
    client, progress = pax8.client(step.settings), step.progress("usage summaries")
    probes: list[usage.UsageProbe] = []
    answers = load_tenant(step.settings.data).pax8
    by_id = usage.ById(answers.usage_company if answers else "not known", step.settings.today)

    def ask() -> list[snapshots.Read]:
        read, found = usage.read_summaries(client, subscription_ids, month, progress, by_id)
        probes.extend(found if read.complete else [])
        return [read]

    metadata = store_read(step, "pax8.usage_summaries", ask)
    if by_id.left_out and by_id.helped:
        step.log("usage: the stored answer of `pax8-pipeline doctor --probe` does not hold any more: Pax8 names the company "
                 "of a summary only by its id. All summaries were read by id, and from now on they are")  # fmt: skip
        learn_usage_company(step.settings.data, "only by id")
    usage.record_probes(step.warehouse, probes, asked_at)
    return {**metadata, "month": month, "asked": len(subscription_ids), "with_usage": sum(p.had_usage for p in probes)}


def _read_lines(step: AssetStep, pax8: Pax8Resource, month: str, lines: questions.Lines) -> dict[str, Any]:
    """Read the new lines of the current month and of the end of the month before; of any other month the `lines` that
    are asked for.
    """
    today = step.settings.today
    with step.warehouse.connect() as connection:
        if month == usage.month_of(today):
            parts = [questions.month_before(connection, today), (month, questions.running_month(connection, today))]
        else:
            parts = [(month, questions.past_month(connection, month, lines))]
        known = questions.known_summaries(connection, month)
    total = StoredReads()
    for part_month, queries in parts:
        total.add(_read_batches(step, pax8, part_month, queries))
    query_counts = {f"asked/{part_month}": len(queries) for part_month, queries in parts}
    note = {} if month == usage.month_of(today) or known else {"note": _NO_SUMMARY}
    return {**note, **total.metadata(), **query_counts, "asked": sum(query_counts.values())}


def _read_batches(
    step: AssetStep, pax8: Pax8Resource, month: str, queries: Sequence[questions.UsageLineQuery]
) -> StoredReads:
    """Read batch by batch. An incomplete batch ends it: later batches must not hide that it is missing."""
    total = StoredReads()
    client, progress = pax8.client(step.settings), step.progress(f"usage lines of {month}")
    done = 0
    for batch in questions.batches(queries):
        answered: list[questions.AnsweredQuery] = []

        def ask(
            batch: Sequence[questions.UsageLineQuery] = batch,
            answered: list[questions.AnsweredQuery] = answered,
            done: int = done,
        ) -> list[snapshots.Read]:
            read, found = questions.read_lines(client, batch, month, lambda n, _: progress(done + n, len(queries)))
            answered.extend(found if read.complete else [])
            return [read]

        total.add(store_part(step, ask))
        questions.record(step.warehouse, month, answered, step.settings.today, _moment(step))
        done += len(batch)
        if total.problems:
            break
    fault = f"; NOT USED: {total.problems[0]}" if total.problems else ""
    if queries:
        step.log(f"usage lines of {month}: {plural(total.objects, 'line')}, {plural(total.requests, 'request')}{fault}")
    return total


def _moment(step: AssetStep) -> datetime:
    """Return the current time on the run's day: in a replay, the days of two runs differ although they are minutes
    apart.
    """
    return datetime.combine(step.settings.today, datetime.now(UTC).time())
