"""Stores what was read and shows it: the part that all raw assets share. Which list is read is decided in each
asset.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import dagster as dg

from pax8_pipeline.extract.completeness import check_shrink
from pax8_pipeline.orchestration.assets.specs import asset_arguments
from pax8_pipeline.orchestration.assets.step import AssetStep
from pax8_pipeline.orchestration.tenancy import POOL
from pax8_pipeline.text.plurals import plural
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
    """The figures of one or several stored reads of one table, and the reasons where nothing was stored."""

    objects: int = 0
    requests: int = 0
    repeats: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)
    snapshots: list[str] = field(default_factory=list)

    def add(self, other: StoredReads) -> None:
        """Add the figures of more reads."""
        self.objects += other.objects
        self.requests += other.requests
        self.repeats += other.repeats
        self.seconds += other.seconds
        self.problems += other.problems
        self.snapshots += other.snapshots

    def metadata(self) -> dict[str, Any]:
        """Return the metadata for the UI."""
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
    """Read a table with `ask`, check and store the reads, and return the metadata: objects, requests, repeats, seconds,
    snapshot.

    The warehouse is not open while a vendor is asked. An incomplete or implausibly small read is stored as a record
    only; then the check `incomplete_read` or `snapshot_shrank` stops what depends on it.
    """
    stored = store_part(step, ask)
    metadata = stored.metadata()
    fault = f"; NOT USED: {stored.problems[0]}" if stored.problems else ""
    objects, requests = plural(metadata["objects"], "object"), plural(metadata["requests"], "request")
    step.log(f"{table}: {objects}, {requests}, {stored.seconds:.1f} s{fault}")
    return metadata


def store_part(step: AssetStep, ask: Callable[[], Sequence[raw.Read]]) -> StoredReads:
    """Read a part of a table with `ask`, check and store it, and return the figures. What is stored survives a stop."""
    total = StoredReads()
    for stored in store_each(step, ask):
        total.add(stored)
    return total


def store_each(step: AssetStep, ask: Callable[[], Sequence[raw.Read]]) -> list[StoredReads]:
    """As `store_part`, but return the figures of each read, in order."""
    started_at = time.monotonic()
    answers = ask()
    seconds = time.monotonic() - started_at
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
