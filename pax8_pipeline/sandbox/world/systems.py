"""What events need of a world: both stores, the clock, and the links between the two sides.

It is the protocol that `World` fulfils, so that events do not import the world that plays them. The world itself is in
`world.py`.
"""

from __future__ import annotations

from datetime import date
from typing import Protocol

from pax8_pipeline.sandbox.core.clock import WorldClock
from pax8_pipeline.sandbox.core.links import Links
from pax8_pipeline.sandbox.halo.store import HaloStore
from pax8_pipeline.sandbox.oracle.subscriptions import Oracle
from pax8_pipeline.sandbox.pax8.store import Pax8Store
from pax8_pipeline.sandbox.world.event import WorldEvent
from pax8_pipeline.sandbox.world.generate_halo import HaloGenerator


class Systems(Protocol):
    """Both emulated systems, as events change them. `story` has the events so far."""

    seed: int
    clock: WorldClock
    pax8: Pax8Store
    halo: HaloStore
    links: Links
    story: list[WorldEvent]
    oracle: Oracle
    halo_generator: HaloGenerator

    @property
    def today(self) -> date:
        """The world's calendar day."""

    def halo_ids(self, subscription_id: str) -> dict[str, int]:
        """Return the ids of what bills a subscription in Halo."""

    def bill_in_halo(self, subscription_id: str) -> dict[str, int]:
        """Add the licence and line of a subscription that is not billed yet; return their ids."""
