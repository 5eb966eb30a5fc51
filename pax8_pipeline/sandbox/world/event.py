"""The record of something that happened in a world, with the verdict that a correct sync gives it.

Events are made in `recorder.py`, `scenario.py` and `simulation.py`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class WorldEvent:
    """Something that happened. `expected_verdict` is one of `oracle.subscriptions.VERDICTS`, or `unassigned_usage`.

    `halo` has client_id, recurring_invoice_id, line_id and licence_id, if they exist. `before` and `after` have the
    changed members, `details` other facts for a person.
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
