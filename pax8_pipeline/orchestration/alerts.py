"""Sends alerts, each exactly once: by the process that ran a run, or by the daemon's sensors for runs that it started.

What an alert says is in `messages`. Addresses come from PAX8_ALERT_URLS (kinds of Apprise); without them a sensor writes
to its log, and a command prints its own result.
"""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

import logging
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import dagster as dg
from dagster import DagsterInstance

from pax8_pipeline.errors import ConfigError, PipelineError, os_error_sentence
from pax8_pipeline.orchestration import heartbeat, messages
from pax8_pipeline.orchestration.alert_claims import claims_folder
from pax8_pipeline.orchestration.instance import end_dead_runs
from pax8_pipeline.orchestration.jobs import APPLY, BACKFILL, DAILY, LINES_BACKFILL
from pax8_pipeline.orchestration.messages import Message
from pax8_pipeline.orchestration.tenancy import TENANT
from pax8_pipeline.settings import Policy, Settings, load_settings
from pax8_pipeline.transport.session import is_loopback

log = logging.getLogger(__name__)

_JOBS = (DAILY, APPLY, BACKFILL, LINES_BACKFILL)
_EVERY_S = 600
# With many tenants the daemon asks many sensors; without, Dagster's own 30 seconds.
_EVERY_TENANT_S = 120 if TENANT else None


def after_run(
    instance: DagsterInstance, run_id: str, settings: Settings | None, *, to_log: bool = True
) -> Message | None:
    """Send what a finished run has to say; return it, None when there was nothing or it was sent already.

    A failed run of any job says so; of those that ended well only the daily sync, the apply and the backfills do.
    `to_log` False: a command prints the result of its run itself. How the run ended is written down for `status` and the
    dead-man's switch. Neither a full disk nor an address that fails raises here: the run's own result stands.
    """
    run = instance.get_run_by_id(run_id)
    if run is None or (run.is_success and run.job_name not in _JOBS) or not _claim(instance, run_id):
        return None
    if settings is not None and run.job_name in _JOBS:
        end = heartbeat.RunEnd(run_id, run.job_name, run.is_success, datetime.now(UTC))
        heartbeat.record(settings, end, daily=run.job_name == DAILY)
    policy = settings.policy if settings is not None else Policy()
    message = messages.of_run(instance, run, policy.alerts.digest)
    if message is not None:
        send(settings, message if settings is None else _marked(settings, message), to_log=to_log)
    return message


def not_started(settings: Settings, job: str, error: PipelineError) -> None:
    """Send why a command could not start a run: another process holds the warehouse, or there is no history."""
    send(settings, _marked(settings, Message(f"Pax8 sync: {job} could not start", str(error))), to_log=False)


def _marked(settings: Settings, message: Message) -> Message:
    """Return the message with the tenant in its title, and a mark when Pax8 is the sandbox of this machine."""
    if settings.tenant:
        message = replace(message, title=f"{settings.tenant}: {message.title}")
    try:
        host = urlsplit(settings.value("PAX8_API_URL")).hostname or ""
    except ValueError:  # no address at all: what the run failed of, and what the message says
        return message
    return replace(message, title=f"{message.title} (sandbox)") if is_loopback(host) else message


def _claim(instance: DagsterInstance, key: str) -> bool:
    """Return True for the first that asks for this key, in whatever process.

    Where the note cannot be written (a full disk), True: an alert sent twice is better than none.
    """
    note = claims_folder(instance) / key
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.open("x", encoding="utf-8").close()
    except OSError as error:
        if note.exists():
            return False
        log.error("%s", os_error_sentence(error, note))
    return True


def send(settings: Settings | None, message: Message, *, to_log: bool = True) -> int:
    """Log a message and send it to every alert address; return how many took it. No address is ever printed."""
    if to_log:
        log.warning("%s\n%s", message.title, message.body)
    urls = settings.alert_urls if settings is not None else ()
    return sum(_notify(number, url.get_secret_value(), message) for number, url in enumerate(urls, start=1))


def _notify(number: int, url: str, message: Message) -> bool:
    import apprise  # takes a second to load, and most runs have nothing to send

    # apprise writes the address of a target that fails into its log; an address holds a secret.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    try:
        target = apprise.Apprise()
        taken = bool(target.add(url)) and bool(
            target.notify(title=message.title, body=message.body, body_format=apprise.NotifyFormat.TEXT)
        )
    except Exception:  # whatever a service raises: no alert may fail a run, and the text could hold the address
        taken = False
    if not taken:
        log.error("alert address %d of PAX8_ALERT_URLS did not take the message", number)
    return taken


def _settings() -> Settings | None:
    try:
        return load_settings()
    except ConfigError as error:
        log.error("alerts go to the log only: %s", error)
        return None


def sensors() -> list[dg.SensorDefinition]:
    """Return the three sensors: a run failed; a run ended well; no run has ended well for too long. A tenant has one
    more: the process of a run died.
    """
    return [_on_failure, _on_success, _on_silence, *([_on_death] if TENANT else [])]


@dg.run_failure_sensor(
    name="alert_run_failure",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=_EVERY_TENANT_S,
    description="Sends an alert for every failed run.",
)
def _on_failure(context: dg.RunFailureSensorContext) -> None:
    after_run(context.instance, context.dagster_run.run_id, _settings())


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    name="alert_failed_checks",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=_EVERY_TENANT_S,
    description="Sends the digest of a run that ended well, with new findings and failed checks, as policy "
    "`alerts.digest` says.",
)
def _on_success(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
    message = after_run(context.instance, context.dagster_run.run_id, _settings())
    return None if message else dg.SkipReason("nothing to send, or it was sent already")


@dg.sensor(
    name="alert_no_success",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=_EVERY_S,
    description=f"Sends one alert when no daily sync has ended well for {heartbeat.LATE_HOURS} hours.",
)
def _on_silence(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    settings = _settings()
    last = heartbeat.last_success(settings) if settings is not None else None
    if settings is None or last is None or not last.is_late(datetime.now(UTC)):
        return dg.SkipReason("the last success is recent, or there was none yet")
    if not _claim(context.instance, f"late-{last.run_id}"):
        return dg.SkipReason("sent already")
    send(settings, _marked(settings, Message("Pax8 sync: no run has ended well", heartbeat.late_sentence(last))))
    return dg.SkipReason("sent")


@dg.sensor(
    name="ended_processes",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=_EVERY_TENANT_S,
    description="Marks a run as failed when its process died, on whatever machine. Not every launcher notices that itself.",
)
def _on_death(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    ended = end_dead_runs(context.instance)
    return dg.SkipReason(f"ended: {', '.join(ended)}" if ended else "every run is alive")
