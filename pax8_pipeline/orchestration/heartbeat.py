"""The dead-man's switch: when a daily sync last ended well, in a file and at a ping address.

The file `last_success.json` in the data folder is for `pax8-pipeline status` and for monitoring on this machine. PAX8_PING_URL
is for a service elsewhere (healthchecks.io and the like) that sends an alert when no ping comes: only that notices a
machine that is off.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import requests

from pax8_pipeline.settings import Settings

log = logging.getLogger(__name__)

LATE_HOURS = 26
_PING_TIMEOUT_S = 10


@dataclass(frozen=True)
class LastSuccess:
    """The last daily sync that ended well; `ended_at` with time zone."""

    run_id: str
    ended_at: datetime

    def is_late(self, now: datetime) -> bool:
        """Return whether it is more than 26 hours ago."""
        return now - self.ended_at > timedelta(hours=LATE_HOURS)

    @property
    def sentence(self) -> str:
        """When it was, and what to look at."""
        return (
            f"The last daily sync that ended well was run {self.run_id} on {self.ended_at:%Y-%m-%d at %H:%M} UTC. "
            "See whether the schedule or the cron job still starts runs, and why they fail: pax8-pipeline status"
        )


def record_success(settings: Settings, run_id: str, now: datetime) -> None:
    """Write the file and ping the address, if there is one. A ping that fails is logged without its address."""
    path = settings.last_success_path
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"run_id": run_id, "ended_at": now.isoformat(timespec="seconds")}), encoding="utf-8")
    part.replace(path)
    if settings.ping_url is None:
        return
    try:
        requests.get(settings.ping_url.get_secret_value(), timeout=_PING_TIMEOUT_S).raise_for_status()
    except requests.RequestException as error:
        log.error("the address in PAX8_PING_URL did not take the ping (%s)", type(error).__name__)


def last_success(settings: Settings) -> LastSuccess | None:
    """Return the last success; None before the first, or when the file cannot be read."""
    try:
        found = json.loads(settings.last_success_path.read_text(encoding="utf-8"))
        ended_at = datetime.fromisoformat(found["ended_at"])
        return LastSuccess(str(found["run_id"]), ended_at if ended_at.tzinfo else ended_at.replace(tzinfo=UTC))
    except (OSError, ValueError, KeyError, TypeError):
        return None
