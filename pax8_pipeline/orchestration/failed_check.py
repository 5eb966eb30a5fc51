"""One asset check that did not pass, as a run's result and its report have it. Reading it from a run is in `run_events`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FailedCheck:
    """One asset check that did not pass. `subjects` are the subscription ids of the rows it shows."""

    asset: str
    name: str
    severity: str
    blocking: bool
    description: str
    subjects: frozenset[str] = frozenset()
