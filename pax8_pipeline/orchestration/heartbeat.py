"""When runs ended, in two small files of the data folder, and the dead-man's switch that rests on them.

`last_run.json` holds the last run of any job, `last_success.json` the last daily sync that ended well: for `pax8-pipeline
status`, and for monitoring on this machine. PAX8_PING_URL is for a service elsewhere (healthchecks.io and the like) that
sends an alert when no ping comes: only that notices a machine that is off.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pax8_pipeline.errors import os_error_sentence
from pax8_pipeline.settings import Settings
from pax8_pipeline.text import textfiles

log = logging.getLogger(__name__)

LATE_HOURS = 26
_PING_TIMEOUT_S = 10
_RUN, _SUCCESS = "last_run.json", "last_success.json"


@dataclass(frozen=True)
class RunEnd:
    """How and when a run ended (`ended_at` with time zone)."""

    run_id: str
    job: str
    success: bool
    ended_at: datetime

    def is_late(self, now: datetime) -> bool:
        """Return whether it is more than 26 hours ago."""
        return now - self.ended_at > timedelta(hours=LATE_HOURS)


def record(settings: Settings, end: RunEnd, *, daily: bool) -> None:
    """Write down how a run ended. A daily sync that ended well also pings the address, if there is one."""
    _write(settings.data / _RUN, end)
    if not (daily and end.success):
        return
    _write(settings.data / _SUCCESS, end)
    if settings.ping_url is not None:
        _ping(settings.ping_url.get_secret_value())


def _write(path: Path, end: RunEnd) -> None:
    fields = {"run_id": end.run_id, "job": end.job, "success": end.success}
    text = json.dumps({**fields, "ended_at": end.ended_at.isoformat(timespec="seconds")})
    try:
        textfiles.write_whole(path, text)
    except OSError as error:  # a run that ended well must not fail by this
        log.error("%s", os_error_sentence(error))


def _ping(address: str) -> None:
    """Ask the address. When that fails it is logged without the address, which holds a secret."""
    import requests  # only here: `status` reads the files and must answer at once

    try:
        requests.get(address, timeout=_PING_TIMEOUT_S).raise_for_status()
    except requests.RequestException as error:
        log.error("the address in PAX8_PING_URL did not take the ping (%s)", type(error).__name__)


def last_run(settings: Settings) -> RunEnd | None:
    """Return how the last run of any job ended; None before the first, or when the file cannot be read."""
    return last_run_in(settings.data)


def last_run_in(data: Path) -> RunEnd | None:
    """Return the same for a data folder whose settings are not known."""
    return _read(data / _RUN)


def last_success(settings: Settings) -> RunEnd | None:
    """Return the last daily sync that ended well; None before the first, or when the file cannot be read."""
    return _read(settings.data / _SUCCESS)


def late_sentence(last: RunEnd) -> str:
    """Say when the last success was, and what to look at."""
    return (
        f"The last daily sync that ended well was run {last.run_id} on {last.ended_at:%Y-%m-%d at %H:%M} UTC. "
        "See whether the schedule or the cron job still starts runs, and why they fail: pax8-pipeline status"
    )


def _read(path: Path) -> RunEnd | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        ended_at = datetime.fromisoformat(found["ended_at"])
        ended_at = ended_at if ended_at.tzinfo else ended_at.replace(tzinfo=UTC)
        return RunEnd(str(found["run_id"]), str(found["job"]), bool(found["success"]), ended_at)
    except (OSError, ValueError, KeyError, TypeError):
        return None
