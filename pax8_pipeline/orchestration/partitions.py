"""The months of metered usage as partitions, and the part of the policy that is needed to load the code.

It contains what must be known before any run: months, schedule and time zone. A policy.yaml that cannot be read must
not stop the UI from opening; the run reports what is wrong with it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import dagster as dg

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.settings import Policy, Settings, load_settings
from pax8_pipeline.settings.environment import is_on
from pax8_pipeline.settings.tenant_folder import process_environment

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CodeLocationSettings:
    """The settings for building the code location.

    `today`: in the policy's time zone. `pinned`: PAX8_PIPELINE_TODAY names it. `schedule_on`: PAX8_SCHEDULE switches
    the schedule on.
    """

    policy: Policy
    today: date
    schedule_on: bool
    pinned: bool = False


def code_location_settings(settings: Settings | None = None) -> CodeLocationSettings:
    """Read policy and environment. If they cannot be read, use the defaults and log a warning."""
    try:
        loaded = settings or load_settings()
    except ConfigError as error:
        log.warning("using defaults until this is corrected: %s", error)
        return CodeLocationSettings(Policy(), datetime.now(ZoneInfo("UTC")).date(), _schedule_switch())
    pinned = bool(loaded.value("PAX8_PIPELINE_TODAY"))
    return CodeLocationSettings(loaded.policy, loaded.today, loaded.schedule_on, pinned)


def _schedule_switch() -> bool:
    """Return what PAX8_SCHEDULE says when the rest cannot be read; False when that cannot be read either."""
    try:
        return is_on(process_environment().get("PAX8_SCHEDULE", ""))
    except ConfigError:
        return False


def months(location: CodeLocationSettings) -> dg.MonthlyPartitionsDefinition:
    """Return the usage months: from `usage.history_from` up to and including the month of today.

    A PAX8_PIPELINE_TODAY outside this span extends it, at either end.
    """
    zone = location.policy.timezone
    now = datetime.now(ZoneInfo(zone)).date()
    ahead = (location.today.year - now.year) * 12 + location.today.month - now.month
    start = min(f"{location.policy.usage.history_from}-01", f"{location.today:%Y-%m}-01")
    return dg.MonthlyPartitionsDefinition(start_date=start, end_offset=1 + max(0, ahead), timezone=zone)


def partition_key(day: date) -> str:
    """Return the partition of a day: the first of its month."""
    return f"{day:%Y-%m}-01"


def months_between(first: str, last: str) -> list[str]:
    """Return the months yyyy-mm from `first` to `last`, both included; none when `last` is before `first`."""
    begin, end = (int(month[:4]) * 12 + int(month[5:7]) - 1 for month in (first, last))
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(begin, end + 1)]


def month_of_partition(key: str) -> str:
    """Return the usage month yyyy-mm of a partition key."""
    return key[:7]
