"""Starts the command line as a person would: in a separate process and folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pax8_pipeline_tests.support.operator import Ran, run_command

# Variables of a developer's shell must not decide a test.
OURS = ("PAX8_", "HALO_", "DAGSTER_HOME")


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment without variables of this product, plus those of the test."""
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
    """The same in a process whose modules are loaded already, for tests that are not about starting Python."""
    return run_command(folder, arguments, clean_environment(extra))
