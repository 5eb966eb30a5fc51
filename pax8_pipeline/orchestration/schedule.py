"""When the daily sync starts: once a day, at the policy's hour, in the policy's time zone.

The day comes from the schedule's tick, not from the clock, so that a late daemon starts the run of the right day.
"""

# No `from __future__ import annotations` here: Dagster looks at the annotation of `context` itself.

import dagster as dg

from pax8_pipeline.orchestration.jobs import DAILY
from pax8_pipeline.orchestration.partitions import CodeLocationSettings, partition_key
from pax8_pipeline.orchestration.tenancy import RUN_TAGS
from pax8_pipeline.orchestration.write_permission import SCHEDULE

# A run whose process died is repeated once from the start; the ledger makes that safe. A step that failed is not
# repeated (dagster.yaml: run_retries.retry_on_asset_or_op_failure).
_TAGS = {
    "dagster/max_retries": "1",
    "dagster/retry_strategy": "ALL_STEPS",
    "dagster/retry_on_asset_or_op_failure": "false",
}


def schedule(location: CodeLocationSettings) -> dg.ScheduleDefinition:
    """Return the schedule. It is off unless PAX8_SCHEDULE is `on`."""
    timing = location.policy.schedule
    status = dg.DefaultScheduleStatus.RUNNING if location.schedule_on else dg.DefaultScheduleStatus.STOPPED

    @dg.schedule(
        name=SCHEDULE,
        job_name=DAILY,
        cron_schedule=f"{timing.minute} {timing.hour} * * *",
        execution_timezone=location.policy.timezone,
        default_status=status,
        description="The daily sync. Writes to Halo only where the write mode is `apply`.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = context.scheduled_execution_time.date()
        # In a replay or on the sandbox, today is not the day of the clock. Usage is read for the month of that day.
        month = partition_key(location.today if location.pinned else day)
        return dg.RunRequest(run_key=day.isoformat(), partition_key=month, tags={**_TAGS, **RUN_TAGS})

    made: dg.ScheduleDefinition = daily
    return made
