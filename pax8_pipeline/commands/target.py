"""Decides on which systems a command works: the live ones, or the sandbox of the demo.

It is the sandbox when no vendor credential is set, a sandbox world exists, and no live warehouse does. Then a line says
so each time, so that nobody takes the sandbox for real billing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pax8_pipeline.commands.sandbox_server import serve_or_join
from pax8_pipeline.errors import PipelineError
from pax8_pipeline.settings import REQUIRED_HALO, REQUIRED_PAX8, Settings, load_settings
from pax8_pipeline.settings.secret_files import VENDOR_SECRETS, without_secrets
from pax8_pipeline.warehouse.connection import Warehouse


def sandbox_folder(settings: Settings) -> Path:
    """Return the sandbox's own data folder: its rows never get into the live warehouse."""
    return settings.data / "sandbox"


def world_file(settings: Settings) -> Path:
    """Return the file that stores the sandbox's world between commands."""
    return sandbox_folder(settings) / "world.json"


def is_sandbox(settings: Settings) -> bool:
    """True when a command without credentials works on the sandbox. A tenant has no sandbox."""
    if settings.tenant:
        return False
    return not settings.has_credentials and world_file(settings).exists() and not settings.warehouse_path.exists()


def data_target(settings: Settings, notify: Callable[[str], None]) -> Settings:
    """Return the settings for reading stored data (no vendor is called)."""
    if not is_sandbox(settings):
        return settings
    notify(f"No credentials are set: this is the sandbox in {sandbox_folder(settings)}.")
    # With the sandbox's own policy: a plan is only valid for the policy that it was made with.
    return load_settings(sandbox_environment(settings, {}))


def existing_warehouse(settings: Settings) -> Warehouse:
    """Return the warehouse with the tables of this version. Raises PipelineError before the first run."""
    if not settings.warehouse_path.exists():
        raise PipelineError(f"{settings.warehouse_path} does not exist yet: run `pax8-pipeline run` first")
    warehouse = Warehouse(settings.warehouse_path)
    warehouse.ensure_schema()
    return warehouse


@contextmanager
def open_target(settings: Settings, notify: Callable[[str], None]) -> Iterator[Settings]:
    """Yield the settings for calling vendors. If it is the sandbox, it is served during the block.

    Raises ConfigError with the missing variables when there are neither live credentials nor a sandbox.
    """
    if not is_sandbox(settings):
        settings.require(REQUIRED_PAX8 + REQUIRED_HALO)
        yield settings
        return
    notify(f"No credentials are set: this is the sandbox in {sandbox_folder(settings)}.")
    with serve_or_join(world_file(settings)) as vendors:
        yield sandbox_settings(settings, vendors)


def sandbox_settings(settings: Settings, vendors: Mapping[str, str]) -> Settings:
    """Return settings for a served sandbox, and put them into this process's environment for Dagster."""
    env = sandbox_environment(settings, vendors)
    for name in settings.environment.keys() - env.keys():  # such as DAGSTER_HOME and the files of secrets
        os.environ.pop(name, None)
    os.environ.update(env)
    return load_settings(env)


def sandbox_environment(settings: Settings, vendors: Mapping[str, str]) -> dict[str, str]:
    """Return the complete environment for the sandbox.

    It has its own data folder and so its own history in Dagster. Of the person's settings it takes only those that may
    differ there.
    """
    chosen = {k: v for k, v in settings.environment.items() if k in ("HALO_WRITE_MODE", "PAX8_PIPELINE_TODAY") and v}
    live_only = [*VENDOR_SECRETS, "PAX8_PING_URL"]  # a ping says that the live sync works
    if settings.has_credentials:
        live_only.append("PAX8_ALERT_URLS")
    env = {**without_secrets(settings.environment, live_only), **vendors, **chosen}
    env.pop("DAGSTER_HOME", None)
    return {**env, "PAX8_PIPELINE_DATA": str(sandbox_folder(settings))}
