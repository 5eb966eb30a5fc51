"""What a run left in its events: failed checks, failed steps, and the figures that its assets show.

The warehouse is not opened here: a sensor works beside the run that may be writing to it.
"""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg
from dagster import DagsterEventType, DagsterInstance

from pax8_pipeline.orchestration.assets.specs import asset_key
from pax8_pipeline.orchestration.failed_check import FailedCheck
from pax8_pipeline.text.plurals import plural


def failed_checks(instance: DagsterInstance, run_id: str) -> list[FailedCheck]:
    """Return the checks of a run that failed, those of severity ERROR first."""
    records = instance.get_records_for_run(run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION).records
    found = []
    for record in records:
        event = record.event_log_entry.dagster_event
        if event is None:
            continue
        data = event.asset_check_evaluation_data
        if not data.passed:
            found.append(
                FailedCheck(
                    data.asset_key.to_user_string(),
                    data.check_name,
                    data.severity.value,
                    bool(data.blocking),
                    data.description or "",
                    _subjects(data.metadata),
                )
            )
    return sorted(found, key=lambda c: (c.severity != "ERROR", not c.blocking, c.asset, c.name))


def _subjects(metadata: Mapping[str, dg.MetadataValue]) -> frozenset[str]:
    tables = [value for value in metadata.values() if isinstance(value, dg.TableMetadataValue)]
    return frozenset(str(r.data["subscription_id"]) for t in tables for r in t.records if r.data.get("subscription_id"))


def figures(instance: DagsterInstance, run_id: str, table: str) -> dict[str, str]:
    """Return the metadata that a run's asset `table` shows, as text; empty when the run did not make it."""
    records = instance.get_records_for_run(run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION).records
    for record in records:
        event = record.event_log_entry.asset_materialization
        if event is not None and event.asset_key == asset_key(table):
            return {name: str(value.value) for name, value in event.metadata.items() if hasattr(value, "value")}
    return {}


def step_failures(instance: DagsterInstance, run_id: str) -> list[str]:
    """Return one sentence for each step that failed of its own; a failed blocking check is not among them."""
    records = instance.get_records_for_run(run_id, of_type=DagsterEventType.STEP_FAILURE).records
    steps: dict[str, list[str]] = {}
    for record in records:
        found = _sentence(record.event_log_entry)
        if found is not None:
            step, reason = found
            steps.setdefault(reason, []).append(step)
    # One cause, such as a warehouse that somebody holds, fails many steps: one sentence for all.
    return [f"{names[0]}{_and_more(names)}: {reason}" for reason, names in steps.items()]


def _and_more(names: list[str]) -> str:
    others = len(set(names)) - 1
    return f" and {plural(others, 'more step')}" if others else ""


def _sentence(entry: dg.EventLogEntry) -> tuple[str, str] | None:
    """Return the step and why it failed."""
    event = entry.dagster_event
    if event is None:
        return None
    data = event.step_failure_data
    user = data.user_failure_data
    if user is not None and user.description:
        return str(event.step_key), user.description
    error = data.error
    if error is None:
        return str(event.step_key), "failed"
    if error.cls_name == "DagsterAssetCheckFailedError":
        return None
    root = error
    while root.cause is not None:
        root = root.cause
    # DuckDB says it so when a signal to stop arrives while it works.
    if error.cls_name == "DagsterExecutionInterruptedError" or "Query interrupted" in root.message:
        return str(event.step_key), "interrupted"
    # Dagster's message begins with the class of the error.
    return str(event.step_key), root.message.strip().splitlines()[0]
