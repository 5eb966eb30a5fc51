"""Who hears of a run: the log always, chat and e-mail where PAX8_ALERT_URLS names them (apprise).

Here belongs: what is worth a message and its words. Not here: judging a run. The warehouse is not opened in here: a
sensor lives beside the run that may be writing it; all it says stands in the run's own events.
"""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import dagster as dg
from dagster import DagsterEventType, DagsterInstance

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.orchestration.assets.specs import asset_key
from pax8_pipeline.orchestration.jobs import APPLY, DAILY
from pax8_pipeline.settings import Settings, load_settings

log = logging.getLogger(__name__)

_PLAN = asset_key("billing.plan")


@dataclass(frozen=True)
class FailedCheck:
    """One asset check that did not pass. `subjects` are the subscription ids of the rows it shows."""

    asset: str
    check: str
    severity: str
    blocking: bool
    description: str
    subjects: frozenset[str] = frozenset()


def failed_checks(instance: DagsterInstance, run_id: str) -> list[FailedCheck]:
    """Return the checks of a run that failed, the grave ones first."""
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
    return sorted(found, key=lambda c: (c.severity != "ERROR", not c.blocking, c.asset, c.check))


def _subjects(metadata: Mapping[str, dg.MetadataValue]) -> frozenset[str]:
    tables = [value for value in metadata.values() if isinstance(value, dg.TableMetadataValue)]
    return frozenset(str(r.data["subscription_id"]) for t in tables for r in t.records if r.data.get("subscription_id"))


def plan_figures(instance: DagsterInstance, run_id: str) -> dict[str, str]:
    """Return the figures of the plan a run made, as its materialization shows them; empty when it made none."""
    records = instance.get_records_for_run(run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION).records
    for record in records:
        event = record.event_log_entry.asset_materialization
        if event is not None and event.asset_key == _PLAN:
            return {name: str(value.value) for name, value in event.metadata.items() if hasattr(value, "value")}
    return {}


def step_failures(instance: DagsterInstance, run_id: str) -> list[str]:
    """Return one sentence for each step that failed of its own; a failed blocking check is told as a check."""
    records = instance.get_records_for_run(run_id, of_type=DagsterEventType.STEP_FAILURE).records
    steps: dict[str, list[str]] = {}
    for record in records:
        found = _sentence(record.event_log_entry)
        if found is not None:
            step, reason = found
            steps.setdefault(reason, []).append(step)
    # One cause, such as a warehouse that somebody holds, fails many steps: it is told once.
    return [f"{names[0]}{_and_more(names)}: {reason}" for reason, names in steps.items()]


def _and_more(names: list[str]) -> str:
    others = len(set(names)) - 1
    return f" and {others} more {'step' if others == 1 else 'steps'}" if others else ""


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
    if error.cls_name == "DagsterExecutionInterruptedError":
        return str(event.step_key), "interrupted"
    # Dagster's message begins with the class of the error.
    return str(event.step_key), root.message.strip().splitlines()[0]


def send(settings: Settings | None, title: str, body: str) -> int:
    """Log a message and hand it to every alert address; return how many took it. No address is ever printed."""
    log.warning("%s\n%s", title, body)
    urls = settings.alert_urls if settings is not None else ()
    return sum(_notify(number, url.get_secret_value(), title, body) for number, url in enumerate(urls, start=1))


def _notify(number: int, url: str, title: str, body: str) -> bool:
    import apprise  # takes a second to load, and most runs have nobody to tell

    # apprise writes the address of a target that fails into its log; an address holds a secret.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    try:
        target = apprise.Apprise()
        taken = bool(target.add(url)) and bool(
            target.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT)
        )
    except Exception:  # whatever a service throws: no message may fail a run, and its text could hold the address
        taken = False
    if not taken:
        log.error("alert address %d of PAX8_ALERT_URLS did not take the message", number)
    return taken


def failure_message(instance: DagsterInstance, run: dg.DagsterRun) -> tuple[str, str]:
    """Return title and body for a run that failed."""
    lines = step_failures(instance, run.run_id) + [_check_line(c) for c in failed_checks(instance, run.run_id)]
    return f"Pax8 sync: {run.job_name} failed", "\n".join([*(lines or ["no step said why"]), f"run {run.run_id}"])


def success_message(instance: DagsterInstance, run: dg.DagsterRun) -> tuple[str, str] | None:
    """Return title and body for a run that ended well, None when there is nothing to tell.

    What only a person can put right is told when it is new, or costs more than before; not again each night.
    """
    figures = plan_figures(instance, run.run_id)
    checks = [c for c in failed_checks(instance, run.run_id) if not _told_before(c, figures)]
    changes = int(figures.get("safe", "0")) + int(figures.get("waiting", "0"))
    if not checks and not changes:
        return None
    lines = list(_totals(figures)) + [_check_line(c) for c in checks]
    title = f"Pax8 sync: {changes} changes, {len(checks)} checks want a look"
    return title, "\n".join([*lines, f"run {run.run_id}"])


def _told_before(check: FailedCheck, figures: Mapping[str, str]) -> bool:
    """Whether all a check found was found by an earlier run too: its findings are counted in the plan (billing.findings)."""
    counted = json.loads(figures.get("findings") or "{}").get(check.check)
    return check.severity != "ERROR" and counted is not None and not counted["news"]


def _totals(figures: dict[str, str]) -> Iterator[str]:
    if not figures:
        return
    yield f"Plan {figures.get('plan_id')}: {figures.get('safe')} changes, {figures.get('waiting')} waiting, " \
          f"{figures.get('blocked')} held back ({figures.get('write_mode')})"  # fmt: skip
    yield f"Money a month: {figures.get('money')}"
    if figures.get("safe", "0") != "0":
        yield f"The biggest:\n{figures.get('biggest_changes')}"


def _check_line(check: FailedCheck) -> str:
    return f"[{check.severity}] {check.check} on {check.asset}: {check.description}"


def _settings() -> Settings | None:
    try:
        return load_settings()
    except ConfigError as error:
        log.error("alerts go to the log only: %s", error)
        return None


def sensors() -> list[dg.SensorDefinition]:
    """Return the two sensors: a run failed; a run ended well but something wants a look."""
    return [_on_failure, _on_success]


@dg.run_failure_sensor(
    name="alert_run_failure",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells of every failed run.",
)
def _on_failure(context: dg.RunFailureSensorContext) -> None:
    send(_settings(), *failure_message(context.instance, context.dagster_run))


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    name="alert_failed_checks",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells of failed checks, the day's totals and the biggest changes of a run that ended well.",
)
def _on_success(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
    if context.dagster_run.job_name not in (DAILY, APPLY):
        return dg.SkipReason("not a run that bills")
    message = success_message(context.instance, context.dagster_run)
    if message is None:
        return dg.SkipReason("nothing changed and nothing failed")
    send(_settings(), *message)
    return None
