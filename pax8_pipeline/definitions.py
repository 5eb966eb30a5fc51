"""The one Definitions object that Dagster loads, and `build_defs` to make another; nothing else."""

from __future__ import annotations

from pax8_pipeline.orchestration.code_location import build_defs

__all__ = ["build_defs", "defs"]

defs = build_defs()
