"""One thing that happened in a world, with the verdict that a correct sync gives it.

Here belongs: the record. Not here: making events happen (`recorder.py`, `scenario.py`, `simulation.py`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """One thing that happened. `expected_verdict` is one of `oracle.subscriptions.VERDICTS`, or `unassigned_usage`.

    `halo` holds client_id, recurring_invoice_id, line_id, licence_id as far as they exist; `before` and `after` hold
    the members that changed; `details` what else a person would want to know.
    """

    kind: str
    day: str
    company_id: str
    company_name: str
    subscription_id: str | None
    expected_verdict: str
    halo: dict[str, int] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return asdict(self)
