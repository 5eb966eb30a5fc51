"""`python -m pax8_pipeline_tests.bench.changes_under_limit`: many changes in one night, with Halo's limit really on.

Read and planned without a limit, then applied against a Halo that answers 429 beyond 300 calls in five minutes. Prints
calls per change, the share of the limit they used and how long it took: minutes, since the limit is real time.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from pathlib import Path

import click

from pax8_pipeline.sandbox.faults.traffic import default_limits
from pax8_pipeline.sandbox.server.app import running_sandbox
from pax8_pipeline_tests.bench.applying import POLICY, changed_world
from pax8_pipeline_tests.support.nightly import apply_newest, night
from pax8_pipeline_tests.support.operator import Operator


@click.command()
@click.option("--changes", default=1000, show_default=True)
def bench(changes: int) -> None:
    """Apply so many quantity changes under Halo's limit and print what it took."""
    world = changed_world(changes)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
        world.write_mappings(folder / "mappings")
        with running_sandbox(world) as sandbox:
            at = Operator(sandbox, folder)
            plan, _ = night(at, apply=False)
            print(f"{plan.rows_safe} changes planned", flush=True)
            sandbox.requests.clear()
            sandbox.app.limits = default_limits(time.monotonic)
            begun = time.monotonic()
            outcome = apply_newest(at.environment())
            took = time.monotonic() - begun
            calls = sandbox.requests["halo"]
            refused = sum(row.status == 429 for row in sandbox.requests)
            verified = 0 if outcome is None else outcome.verified
            kinds = Counter(f"{row.method} {row.path.rstrip('0123456789-')}" for row in sandbox.requests)
            in_step = at.in_step()
    limit = 300 * max(took, 300.0) / 300
    print(f"{verified} of {plan.rows_safe} verified, Halo in step: {in_step}; {took:.0f} s")
    print(f"{calls} Halo calls, {calls / max(verified, 1):.2f} a change, {refused} answered 429")
    print(f"{calls / limit:.0%} of what the limit allows in that time; {dict(kinds)}")


if __name__ == "__main__":
    bench()
