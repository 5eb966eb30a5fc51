"""Keeping what was read and showing it: the part all raw assets share.

Here belongs: judging, storing, metadata of a read. Not here: which list is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from pax8_pipeline.assets.describe import POOL, asset_arguments
from pax8_pipeline.assets.stage import Stage
from pax8_pipeline.loading.reads import judged
from pax8_pipeline.warehouse import raw

KINDS = {"api", "duckdb"}
# A daily read is late after 26 hours and missing after 36.
FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=26))


def raw_asset(table: str, description: str) -> dict[str, Any]:
    """Return the arguments of a raw asset's decorator."""
    return {**asset_arguments(table, kinds=KINDS, description=description), "pool": POOL, "freshness_policy": FRESH}


def keep(stage: Stage, table: str, ask: Callable[[], Sequence[raw.Read]]) -> dict[str, Any]:
    """Ask for (parts of) a table, judge, store, and return the metadata: objects, requests, repeats, seconds, snapshot.

    Nothing of the warehouse is held open while a vendor is asked. A read that is not whole or not believed is
    kept as a record only; the check `incomplete_read` or `snapshot_shrank` then stops what rests on it.
    """
    began = time.monotonic()
    reads = [judged(stage.warehouse, read, stage.run_id, stage.settings) for read in ask()]
    seconds = time.monotonic() - began
    snapshots = raw.store(stage.warehouse, reads, stage.run_id) if reads else []
    told = metadata(reads, snapshots, seconds)
    stage.say(f"{table}: {told['objects']} objects, {told['requests']} requests, {seconds:.1f} s{_fault(reads)}")
    return told


def metadata(reads: Sequence[raw.Read], snapshots: Sequence[str], seconds: float) -> dict[str, Any]:
    """Return what the UI shows of one or several reads of one table."""
    objects = sum(len(r.objects) for r in reads if r.complete)
    problems = [r.problem for r in reads if r.problem]
    shown: dict[str, Any] = {
        "dagster/row_count": objects,
        "objects": objects,
        "requests": sum(r.requests for r in reads),
        "repeats": sum(r.repeats for r in reads),
        "seconds": round(seconds, 3),
        "complete": not problems,
    }
    if len(snapshots) == 1:
        shown["snapshot_id"] = snapshots[0]
    elif snapshots:
        shown["snapshot_ids"] = list(snapshots)
    if problems:
        shown["problem"] = "; ".join(problems[:5])
    return shown


def _fault(reads: Sequence[raw.Read]) -> str:
    problems = [r.problem for r in reads if r.problem]
    return f"; NOT USED: {problems[0]}" if problems else ""
