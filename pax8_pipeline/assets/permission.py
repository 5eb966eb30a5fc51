"""Who may write to Halo. A run needs permission said aloud; nothing is written because nothing forbade it.

Here belongs: the one rule, in sentences. Not here: guardrails, trust (billing). DAGSTER.md section E: tags differ by
the way a run was started, so what is asked for is a permission, not the absence of a prohibition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCHEDULE_TAG = "dagster/schedule_name"
BACKFILL_TAG = "dagster/backfill"
RANGE_TAG = "dagster/asset_partition_range_start"
SINK = "billing__writes"


def refusal(tags: Mapping[str, str], *, apply: bool, write_mode: str) -> str | None:
    """Return why this run may not write, or None when it may.

    `tags` are the run's, `apply` stands in its configuration, `write_mode` comes from HALO_WRITE_MODE or policy.
    """
    if BACKFILL_TAG in tags or RANGE_TAG in tags:
        return "a backfill never writes"
    if SCHEDULE_TAG not in tags and not apply:
        return "started by hand without `apply: true` in the run's configuration"
    if write_mode != "apply":
        return "dry run: HALO_WRITE_MODE is not `apply`"
    return None


def may_write(tags: Mapping[str, str], run_config: Mapping[str, Any], write_mode: str) -> bool:
    """Return whether a run, as it was started, has permission to write."""
    sink = ((run_config.get("ops") or {}).get(SINK) or {}).get("config") or {}
    return refusal(tags, apply=bool(sink.get("apply")), write_mode=write_mode) is None
