"""Starting the command line as a person would: a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pax8_pipeline_tests.support.operator import Ran, run_command

# What a developer's shell may have set must not decide a test.
OURS = ("PAX8_", "HALO_", "DAGSTER_HOME")


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without anything that is ours, plus what a test gives."""
    return {k: v for k, v in os.environ.items() if not k.startswith(OURS)} | dict(extra or {})


def cli(folder: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run `pax8-pipeline` in `folder` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "pax8_pipeline.cli", *arguments],
        cwd=folder,
        env=clean_environment(extra),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def quick(folder: Path, *arguments: str, **extra: str) -> Ran:
    """The same in a process whose modules are loaded already: where starting Python is not the point."""
    return run_command(folder, arguments, clean_environment(extra))
