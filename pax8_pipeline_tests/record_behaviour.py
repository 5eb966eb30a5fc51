"""Record what the product decides and shows, so that a change of form can be proved to change nothing.

    python -m pax8_pipeline_tests.record_behaviour before.json
    python -m pax8_pipeline_tests.record_behaviour after.json && diff before.json after.json

Recorded: the plan (checksum and rows) of two demo worlds on a fixed day, both with usage; `--help` of every command;
asset keys, check names, jobs; the DDL of every table. The file is not kept in the repository.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import dagster as dg

from pax8_pipeline.cli import root
from pax8_pipeline.definitions import build_defs
from pax8_pipeline.warehouse.models import all_models

DAY = "2026-08-20"
SEEDS = (8, 3)
ROW = ("row_id", "class", "verdict", "action", "reason", "client_id", "target", "before", "after", "currency")


def plan_of(seed: int) -> dict[str, Any]:
    """Run the demo in an empty folder; return the checksum of its plan and each row's decision."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PAX8_", "HALO_"))}
        environment |= {"PAX8_PIPELINE_DATA": folder, "DAGSTER_DISABLE_TELEMETRY": "1"}
        command = [sys.executable, "-m", "pax8_pipeline.cli", "demo", "--date", DAY, "--seed", str(seed), "--json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr)
    report = json.loads(done.stdout)
    rows = [" | ".join(str(row.get(name)) for name in ROW) for row in report["rows"]]
    return {"checksum": report["plan"]["checksum"], "rows": sorted(rows)}


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield each command with the words that name it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def helps() -> dict[str, str]:
    """Return the --help text of each command."""
    return {
        " ".join(words): command.get_help(click.Context(command, info_name=words[-1], max_content_width=110))
        for words, command in commands(root)
    }


def definitions() -> dict[str, list[str]]:
    """Return the sorted asset keys, check names and jobs."""
    defs: dg.Definitions = build_defs()
    graph = defs.resolve_asset_graph()
    return {
        "assets": sorted(key.to_user_string() for key in graph.get_all_asset_keys()),
        "checks": sorted(f"{key.asset_key.to_user_string()}:{key.name}" for key in graph.asset_check_keys),
        "jobs": sorted(job.name for job in defs.resolve_all_job_defs()),
    }


def record() -> dict[str, Any]:
    """Return everything that is recorded."""
    return {
        "plans": {str(seed): plan_of(seed) for seed in SEEDS},
        "help": helps(),
        "definitions": definitions(),
        "ddl": {model.table: model.ddl(replace=True) for model in all_models().values()},
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(record(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
