"""What a plan depends on besides the data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from pax8_pipeline.settings import Policy
from pax8_pipeline.values import IntegrationState


@dataclass(frozen=True)
class PlanContext:
    """All a plan depends on besides the data. `made_at` is UTC without offset, `native` the state of Halo's own integration.

    `bill_months`: the plan is about the usage of these months (first, last; yyyy-mm) and nothing else, and all of it
    waits for a person. `accept_missing`: an operator says today that usage documents that Halo does not show may be missing.
    """

    run_id: str
    today: date
    made_at: datetime
    policy: Policy
    mapping_fingerprint: str
    write_mode: str
    native: IntegrationState
    bill_months: tuple[str, str] | None = None
    accept_missing: bool = False
