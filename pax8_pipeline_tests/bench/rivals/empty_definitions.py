"""One asset that does nothing, for the start of Dagster's UI without the product."""

from __future__ import annotations

import dagster as dg


@dg.asset
def nothing() -> None:
    """Nothing."""
