"""What one open write is known to have come to, by reading Halo in a later run.

Contains: the value that both ways of settling return (`recovery` for invoices, `target_recovery` for lines and licences).
"""

from __future__ import annotations

from dataclasses import dataclass

from pax8_pipeline.billing.model import State


@dataclass(frozen=True)
class Settlement:
    """The new state of one write and why. `note` (JSON): when Halo first did not show an invoice whose end is unknown."""

    plan_id: str
    row_id: str
    state: State
    detail: str
    note: str | None = None
