"""The schedule of a running daemon: one tick starts a run by itself, and that run writes."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.operator import TODAY, desk, until

RUNS = "{ runsOrError { ... on Runs { results { runId status tags { key value } } } } }"


def runs(port: int) -> list[dict[str, Any]]:
    """All runs, the newest first."""
    body = json.dumps({"query": RUNS}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        found: list[dict[str, Any]] = json.load(reply)["data"]["runsOrError"]["results"]
    return found


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_a_tick_of_the_schedule_writes_without_anybody(tmp_path: Path) -> None:
    world = World(7, TODAY, companies=8, subscriptions=40)
    world.play_day()
    # Dagster starts a tick at the next whole minute that fits; the UI needs some seconds to start.
    soon = datetime.now(UTC) + timedelta(minutes=2)
    (tmp_path / "policy.yaml").write_text(f"schedule: {{hour: {soon.hour}, minute: {soon.minute}}}\n", encoding="utf-8")
    with desk(tmp_path, world, PAX8_SCHEDULE="on") as at, at.dagster_ui() as port:
        assert at.posts() == []
        until(lambda: bool(runs(port)), 240)
        until(lambda: runs(port)[0]["status"] in ("SUCCESS", "FAILURE"), 240)
        (run,) = runs(port)
        tags = {tag["key"]: tag["value"] for tag in run["tags"]}
        assert tags["dagster/schedule_name"] == "daily_sync_schedule"
        assert len(at.posts()) > 0
        assert at.in_step()
