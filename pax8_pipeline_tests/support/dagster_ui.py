"""The Dagster UI of one operator for all browser tests: a small MSP after a dry run, served with a running daemon.

The dry run leaves what a person meets in the morning: changes that nobody wrote yet, a client that is held by its
guardrail, and usage without a company. Alerts of the runs go to `alerts`.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline_tests.support.operator import TODAY, Operator, desk, until

MONTH = f"{TODAY:%Y-%m}-01"
YESTERDAY = "2026-08-19"
HELD_CLIENT, OTHER_CLIENTS = 201, (202, 203, 204)
# A run takes ten seconds on an idle machine.
RUN_S = 300
_ENDED = ("SUCCESS", "FAILURE", "CANCELED")
_RUNS = """
{ runsOrError { ... on Runs { results { runId status jobName tags { key value } } } } }
"""


@dataclass(frozen=True)
class DagsterUi:
    """The UI at `address`, its operator, and the alerts that an HTTP sink received (`title` and `message`)."""

    address: str
    operator: Operator
    alerts: list[dict[str, Any]]

    @property
    def world(self) -> World:
        """The sandbox's world."""
        return self.operator.sandbox.world

    def runs(self) -> list[dict[str, Any]]:
        """Return all runs, the newest first."""
        body = json.dumps({"query": _RUNS}).encode()
        request = urllib.request.Request(f"{self.address}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            found: list[dict[str, Any]] = json.load(reply)["data"]["runsOrError"]["results"]
        return found

    def run_ids(self) -> set[str]:
        """Return the ids of all runs."""
        return {run["runId"] for run in self.runs()}

    def ended_run(self, before: set[str]) -> dict[str, Any]:
        """Wait until the first run that is not in `before` has ended; return it."""
        until(lambda: any(run["status"] in _ENDED for run in self._new_runs(before)[-1:]), RUN_S, pause_s=0.5)
        return self._new_runs(before)[-1]

    def _new_runs(self, before: set[str]) -> list[dict[str, Any]]:
        return [run for run in self.runs() if run["runId"] not in before]

    def write_policy(self, *, lines_ended: int = 2, hour: int = 6, minute: int = 0) -> None:
        """Write policy.yaml: how many ended lines of a client are allowed, and when the schedule starts."""
        write_policy(self.operator.folder, lines_ended=lines_ended, hour=hour, minute=minute)


def write_policy(folder: Path, *, lines_ended: int = 2, hour: int = 6, minute: int = 0) -> None:
    """Write policy.yaml of a data folder."""
    (folder / "policy.yaml").write_text(
        "usage: {first_month: 2026-07, history_from: 2026-01}\n"
        f"guardrails: {{client: {{lines_ended: {lines_ended}}}}}\n"
        f"schedule: {{hour: {hour}, minute: {minute}}}\n",
        encoding="utf-8",
    )


def morning_world() -> World:
    """Return a world in which a client lost three lines, three clients have two seats more, and a usage group has no
    company.
    """
    world = World(8, TODAY, companies=14, subscriptions=90, usage=6, unassigned=("null",), invoice_months=8)
    for subscription_id in billed_seats(world, HELD_CLIENT)[:3]:
        world.pax8.change_subscription(subscription_id, {"status": "Cancelled", "endDate": YESTERDAY})
    for client_id in OTHER_CLIENTS:
        add_seats(world, billed_seats(world, client_id)[0], 2)
    return world


def billed_seats(world: World, client_id: int) -> list[str]:
    """Return the active subscriptions of a client that Halo bills as Pax8 has them."""
    verdicts = world.expected_verdicts()
    return [
        subscription_id
        for subscription_id in world.links.lines
        if verdicts[subscription_id] == "in_step"
        and world.pax8.subscriptions[subscription_id]["status"] == "Active"
        and world.pax8.subscriptions[subscription_id]["quantity"] > 0
        and world.halo_ids(subscription_id)["client_id"] == client_id
    ]


def add_seats(world: World, subscription_id: str, more: int) -> None:
    """Let a company buy more seats in Pax8."""
    quantity = world.pax8.subscriptions[subscription_id]["quantity"]
    world.pax8.change_subscription(subscription_id, {"quantity": quantity + more})


@contextmanager
def served_ui(folder: Path) -> Iterator[DagsterUi]:
    """Serve the morning after a dry run of the command line, with the alerts going to a sink of this process."""
    write_policy(folder)
    with alert_sink() as (url, alerts), desk(folder, morning_world(), PAX8_ALERT_URLS=url) as operator:
        planned = operator.command("run", "--dry-run")
        assert planned.code == 3, planned.err  # the guardrail holds a client
        with operator.dagster_ui() as port:
            yield DagsterUi(f"http://127.0.0.1:{port}", operator, alerts)


@contextmanager
def alert_sink() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Receive alerts over HTTP: yields the address for PAX8_ALERT_URLS and the list of what came."""
    received: list[dict[str, Any]] = []

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"json://127.0.0.1:{server.server_port}/", received
        server.shutdown()
        thread.join()


def launch_daily_sync(page: Any, ui: DagsterUi) -> None:
    """Start the daily sync by hand from the page of its job, for the month of the world."""
    page.goto(f"{ui.address}/locations/pax8_pipeline/jobs/daily_sync")
    page.get_by_role("button", name="Materialize all").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Show all partitions").click()
    months = dialog.locator("input[type=text]").first
    months.fill(MONTH)
    months.press("Tab")
    dialog.get_by_role("button", name="Launch 1 run").click()
    dialog.wait_for(state="hidden")


def run_row(page: Any, run_id: str) -> Any:
    """Return the row of a run in a list of runs."""
    return page.locator(f"xpath=(//a[contains(@href,'{run_id}')])[1]/ancestor::*[.//a[normalize-space()='View']][1]")
