"""Raw Pax8 usage: summaries and lines, by month.

Here belongs: the assets. Not here: what to ask (`extract.usage_summaries`, `extract.usage_lines`).
"""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from pydantic import Field

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.extract import usage_lines as questions
from pax8_pipeline.extract import usage_summaries as usage
from pax8_pipeline.orchestration.assets.raw_reads import StoredReads, raw_asset, store_part, store_read
from pax8_pipeline.orchestration.assets.specs import PAX8_API, asset_key
from pax8_pipeline.orchestration.assets.step import AssetStep, asset_step
from pax8_pipeline.orchestration.partitions import month_of_partition
from pax8_pipeline.orchestration.resources import Pax8Resource, SettingsResource, WarehouseResource
from pax8_pipeline.warehouse import snapshots


class LinesConfig(dg.Config):
    """Which usage lines a run asks for of months that are over."""

    lines: str = Field(default="none", description="none, last (a month's last day) or daily (each of its days)")

    def checked(self) -> questions.Lines:
        """Return it typed; ConfigError for anything else."""
        for known in questions.LINES:
            if self.lines == known:
                return known
        # Not repeated: a configuration can name a variable of the environment, and Dagster would fill it in.
        raise ConfigError(f"lines in the configuration must be one of {', '.join(questions.LINES)}")


def assets(months: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Return the raw assets of usage; they come by `months`."""
    by_month: dict[str, Any] = {"partitions_def": months, "backfill_policy": dg.BackfillPolicy.single_run()}

    @dg.asset(
        **raw_asset("pax8.usage_summaries", "Metered usage by subscription and group, month to date."),
        **by_month,
        deps=[PAX8_API, asset_key("pax8.subscriptions"), asset_key("pax8.invoice_items")],
    )
    def usage_summaries(
        context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource, pax8: Pax8Resource
    ) -> dg.MaterializeResult:
        with asset_step(context, settings, warehouse) as step:
            for key in context.partition_keys:
                metadata = _read_summaries(step, pax8, month_of_partition(key))
                context.add_asset_metadata(metadata, partition_key=key)
            return dg.MaterializeResult()

    @dg.asset(
        **raw_asset("pax8.usage_lines", "Metered usage by product and day; of each product the last day counts."),
        **by_month,
        # Invoices first: they are what months are billed from, and daily lines of years take hours.
        deps=[PAX8_API, asset_key("pax8.usage_summaries"), asset_key("pax8.invoice_items")],
    )
    def usage_lines(
        context: dg.AssetExecutionContext,
        config: LinesConfig,
        settings: SettingsResource,
        warehouse: WarehouseResource,
        pax8: Pax8Resource,
    ) -> dg.MaterializeResult:
        with asset_step(context, settings, warehouse) as step:
            wanted = config.checked()
            for key in context.partition_keys:
                metadata = _read_lines(step, pax8, month_of_partition(key), wanted)
                context.add_asset_metadata(metadata, partition_key=key)
            return dg.MaterializeResult()

    return [usage_summaries, usage_lines]


def _read_summaries(step: AssetStep, pax8: Pax8Resource, month: str) -> dict[str, Any]:
    if month != usage.month_of(step.settings.today):
        step.log(f"usage summaries of {month}: Pax8 tells only the running month, nothing is asked")
        return {"asked": 0, "note": "Pax8 tells summaries of the running month only; what was read in its time stays"}
    asked_at = _moment(step)
    with step.warehouse.connect() as connection:
        probe_days = step.settings.policy.usage.probe_days
        wanted = usage.subscriptions_to_ask(connection, step.settings.today, asked_at, probe_days)
    step.log(f"usage: asking {len(wanted)} subscriptions")
    client, tell = pax8.client(step.settings), step.progress("usage summaries")
    probes: list[usage.UsageProbe] = []

    def ask() -> list[snapshots.Read]:
        read, found = usage.read_summaries(client, wanted, month, tell)
        probes.extend(found if read.complete else [])
        return [read]

    metadata = store_read(step, "pax8.usage_summaries", ask)
    usage.record_probes(step.warehouse, probes, asked_at)
    return {**metadata, "asked": len(wanted), "with_usage": sum(p.had_usage for p in probes)}


def _read_lines(step: AssetStep, pax8: Pax8Resource, month: str, wanted: questions.Lines) -> dict[str, Any]:
    """Read what is new of the running month and the end of the one before; of another month what is wanted of it."""
    today = step.settings.today
    with step.warehouse.connect() as connection:
        if month == usage.month_of(today):
            parts = [questions.month_before(connection, today), (month, questions.running_month(connection, today))]
        else:
            parts = [(month, questions.past_month(connection, month, wanted))]
    kept = StoredReads()
    for one, asks in parts:
        kept.add(_ask(step, pax8, one, asks))
    asked = {f"asked/{one}": len(asks) for one, asks in parts}
    return {**kept.metadata(), **asked, "asked": sum(asked.values())}


def _ask(step: AssetStep, pax8: Pax8Resource, month: str, asks: Sequence[questions.UsageLineQuery]) -> StoredReads:
    """Ask part by part. A part that is not whole ends it: later ones must not cover up that it is missing."""
    total = StoredReads()
    client, tell = pax8.client(step.settings), step.progress(f"usage lines of {month}")
    done = 0
    for part in questions.batches(asks):
        asked: list[questions.AnsweredQuery] = []

        def ask(
            part: Sequence[questions.UsageLineQuery] = part,
            asked: list[questions.AnsweredQuery] = asked,
            done: int = done,
        ) -> list[snapshots.Read]:
            read, found = questions.read_lines(client, part, month, lambda n, _: tell(done + n, len(asks)))
            asked.extend(found if read.complete else [])
            return [read]

        total.add(store_part(step, ask))
        questions.record(step.warehouse, month, asked, step.settings.today, _moment(step))
        done += len(part)
        if total.problems:
            break
    fault = f"; NOT USED: {total.problems[0]}" if total.problems else ""
    if asks:
        step.log(f"usage lines of {month}: {total.objects} lines, {total.requests} requests{fault}")
    return total


def _moment(step: AssetStep) -> datetime:
    """Return the time on the run's day: in a replay, days lie between runs that are minutes apart."""
    return datetime.combine(step.settings.today, datetime.now(UTC).time())
