"""The notes that say which alerts were sent: one empty file for each. Alerts are in `alerts`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from dagster import DagsterInstance

from pax8_pipeline.orchestration.tenancy import notes_folder


def claims_folder(instance: DagsterInstance) -> Path:
    """Return the folder with one empty file for each run (or overdue success) whose alert was sent."""
    return notes_folder(Path(instance.root_directory)) / "alerts"


def forget(instance: DagsterInstance, before: datetime) -> None:
    """Delete the notes of alerts sent before `before` (with time zone): their runs are deleted too."""
    for path in claims_folder(instance).glob("*"):
        if path.stat().st_mtime < before.timestamp():
            path.unlink(missing_ok=True)
