"""Keeping what was read and showing it: the part all raw assets share.

Here belongs: judging, storing, metadata of a read. Not here: which list is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import dagster as dg

from pax8_pipeline.extract.completeness import check_shrink
from pax8_pipeline.orchestration.assets.specs import POOL, asset_arguments
from pax8_pipeline.orchestration.assets.step import AssetStep
from pax8_pipeline.warehouse import snapshots as raw

KINDS = {"api", "duckdb"}
_SHOWN = 20
# A daily read is late after 26 hours and missing after 36.
FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=26))


def raw_asset(table: str, description: str) -> dict[str, Any]:
    """Return the arguments of a raw asset's decorator."""
    return {**asset_arguments(table, kinds=KINDS, description=description), "pool": POOL, "freshness_policy": FRESH}


@dataclass
class StoredReads:
    """What came of one or several reads of one table: figures, and where nothing was kept the reason."""

    objects: int = 0
    requests: int = 0
    repeats: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)
    snapshots: list[str] = field(default_factory=list)

    def add(self, other: StoredReads) -> None:
        """Count what came of more reads."""
        self.objects += other.objects
        self.requests += other.requests
        self.repeats += other.repeats
        self.seconds += other.seconds
        self.problems += other.problems
        self.snapshots += other.snapshots

    def metadata(self) -> dict[str, Any]:
        """Return what the UI shows."""
        metadata: dict[str, Any] = {
            "dagster/row_count": self.objects,
            "objects": self.objects,
            "requests": self.requests,
            "repeats": self.repeats,
            "seconds": round(self.seconds, 3),
            "complete": not self.problems,
        }
        if len(self.snapshots) == 1:
            metadata["snapshot_id"] = self.snapshots[0]
        elif self.snapshots:
            metadata["snapshot_ids"] = self.snapshots[:_SHOWN]
        if self.problems:
            metadata["problem"] = "; ".join(self.problems[:5])
        return metadata


def store_read(step: AssetStep, table: str, ask: Callable[[], Sequence[raw.Read]]) -> dict[str, Any]:
    """Ask for (parts of) a table, judge, store, and return the metadata: objects, requests, repeats, seconds, snapshot.

    Nothing of the warehouse is held open while a vendor is asked. A read that is not whole or not believed is
    kept as a record only; the check `incomplete_read` or `snapshot_shrank` then stops what rests on it.
    """
    stored = store_part(step, ask)
    metadata = stored.metadata()
    fault = f"; NOT USED: {stored.problems[0]}" if stored.problems else ""
    step.log(f"{table}: {metadata['objects']} objects, {metadata['requests']} requests, {stored.seconds:.1f} s{fault}")
    return metadata


def store_part(step: AssetStep, ask: Callable[[], Sequence[raw.Read]]) -> StoredReads:
    """Ask for a part of a table, judge, store, and return the figures: what is stored survives a stop."""
    total = StoredReads()
    for stored in store_each(step, ask):
        total.add(stored)
    return total


def store_each(step: AssetStep, ask: Callable[[], Sequence[raw.Read]]) -> list[StoredReads]:
    """Do the same, and return the figures of each read by itself, in order."""
    began = time.monotonic()
    answers = ask()
    seconds = time.monotonic() - began
    if not answers:
        return []
    with step.in_warehouse():
        reads = [check_shrink(step.warehouse, read, step.run_id, step.settings) for read in answers]
        snapshots = raw.store(step.warehouse, reads, step.run_id)
    return [
        StoredReads(
            objects=len(read.objects) if read.complete else 0,
            requests=read.requests,
            repeats=read.repeats,
            seconds=seconds / len(reads),
            problems=[read.problem] if read.problem else [],
            snapshots=[snapshot],
        )
        for read, snapshot in zip(reads, snapshots, strict=True)
    ]
