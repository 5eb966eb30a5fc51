"""Makes single events happen in a world, and records each with its verdict.

A change of a subscription, a purchase, and the record of either. Which events happen on the scripted day is in
`scenario.py`, on a random day in `simulation.py`.
"""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

from pax8_pipeline.sandbox.pax8.store import Row
from pax8_pipeline.sandbox.world.event import WorldEvent
from pax8_pipeline.sandbox.world.generate_pax8 import GOODS_BY_NAME, make_subscription
from pax8_pipeline.sandbox.world.systems import Systems


class EventRecorder:
    """Changes the Pax8 side of a world and adds each event to the world's `story`."""

    def __init__(self, world: Systems, rng: random.Random) -> None:
        self.world = world
        self.rng = rng

    def change(
        self, kind: str, row: Row, verdict: str, *, details: dict[str, Any] | None = None, **fields: Any
    ) -> None:
        """Change a subscription in Pax8 and record it."""
        before = {name: row[name] for name in fields}
        self.world.pax8.change_subscription(row["id"], fields)
        self.record(kind, row, verdict, before=before, after=fields, details=details or {})

    def buy(
        self,
        company_id: str,
        product_name: str,
        *,
        quantity: int,
        price: Decimal | None = None,
        status: str = "Active",
        term: str = "Monthly",
        days_ago: int = 1,
    ) -> Row:
        """Make a new subscription in Pax8 that nothing in Halo bills yet."""
        world = self.world
        company = world.pax8.companies[company_id]
        start = world.today - timedelta(days=days_ago)
        good = GOODS_BY_NAME[product_name]
        row, past = make_subscription(world.pax8, self.rng, company, good, start=start, term=term, quantity=quantity)
        row["status"] = status
        row["price"] = row["price"] if price is None else price
        return world.pax8.add_subscription(row, past)

    def record(
        self,
        kind: str,
        row: Row,
        verdict: str,
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Add an event about a subscription to the story."""
        world = self.world
        world.story.append(
            WorldEvent(
                kind=kind,
                day=world.today.isoformat(),
                company_id=row["companyId"],
                company_name=world.pax8.companies[row["companyId"]]["name"],
                subscription_id=row["id"],
                expected_verdict=verdict,
                halo=world.halo_ids(row["id"]),
                before=before or {},
                after=after or {},
                details=details or {},
            )
        )
