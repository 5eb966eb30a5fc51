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
from pax8_pipeline.orchestration.assets.raw_reads import Kept, keep, keep_part, raw_asset
from pax8_pipeline.orchestration.assets.specs import PAX8_API, asset_key
from pax8_pipeline.orchestration.assets.step import Stage, stage
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
        with stage(context, settings, warehouse) as now:
            for key in context.partition_keys:
                told = _read_summaries(now, pax8, month_of_partition(key))
                context.add_asset_metadata(told, partition_key=key)
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
        with stage(context, settings, warehouse) as now:
            wanted = config.checked()
            for key in context.partition_keys:
                told = _read_lines(now, pax8, month_of_partition(key), wanted)
                context.add_asset_metadata(told, partition_key=key)
            return dg.MaterializeResult()

    return [usage_summaries, usage_lines]


def _read_summaries(now: Stage, pax8: Pax8Resource, month: str) -> dict[str, Any]:
    if month != usage.month_of(now.settings.today):
        now.say(f"usage summaries of {month}: Pax8 tells only the running month, nothing is asked")
        return {"asked": 0, "note": "Pax8 tells summaries of the running month only; what was read in its time stays"}
    asked_at = _moment(now)
    with now.warehouse.connect() as connection:
        probe_days = now.settings.policy.usage.probe_days
        wanted = usage.subscriptions_to_ask(connection, now.settings.today, asked_at, probe_days)
    now.say(f"usage: asking {len(wanted)} subscriptions")
    client, tell = pax8.client(now.settings), now.progress("usage summaries")
    probes: list[usage.Probe] = []

    def ask() -> list[snapshots.Read]:
        read, found = usage.read_summaries(client, wanted, month, tell)
        probes.extend(found if read.complete else [])
        return [read]

    told = keep(now, "pax8.usage_summaries", ask)
    usage.record_probes(now.warehouse, probes, asked_at)
    return {**told, "asked": len(wanted), "with_usage": sum(p.found for p in probes)}


def _read_lines(now: Stage, pax8: Pax8Resource, month: str, wanted: questions.Lines) -> dict[str, Any]:
    """Read what is new of the running month and the end of the one before; of another month what is wanted of it."""
    today = now.settings.today
    with now.warehouse.connect() as connection:
        if month == usage.month_of(today):
            parts = [questions.month_before(connection, today), (month, questions.running_month(connection, today))]
        else:
            parts = [(month, questions.past_month(connection, month, wanted))]
    kept = Kept()
    for one, asks in parts:
        kept.add(_ask(now, pax8, one, asks))
    asked = {f"asked/{one}": len(asks) for one, asks in parts}
    return {**kept.metadata(), **asked, "asked": sum(asked.values())}


def _ask(now: Stage, pax8: Pax8Resource, month: str, asks: Sequence[questions.Ask]) -> Kept:
    """Ask part by part. A part that is not whole ends it: later ones must not cover up that it is missing."""
    together = Kept()
    client, tell = pax8.client(now.settings), now.progress(f"usage lines of {month}")
    done = 0
    for part in questions.batches(asks):
        asked: list[questions.Asked] = []

        def ask(
            part: Sequence[questions.Ask] = part, asked: list[questions.Asked] = asked, done: int = done
        ) -> list[snapshots.Read]:
            read, found = questions.read_lines(client, part, month, lambda n, _: tell(done + n, len(asks)))
            asked.extend(found if read.complete else [])
            return [read]

        together.add(keep_part(now, ask))
        questions.record(now.warehouse, month, asked, now.settings.today, _moment(now))
        done += len(part)
        if together.problems:
            break
    fault = f"; NOT USED: {together.problems[0]}" if together.problems else ""
    if asks:
        now.say(f"usage lines of {month}: {together.objects} lines, {together.requests} requests{fault}")
    return together


def _moment(now: Stage) -> datetime:
    """Return the time on the run's day: in a replay, days lie between runs that are minutes apart."""
    return datetime.combine(now.settings.today, datetime.now(UTC).time())
