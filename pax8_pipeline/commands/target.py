"""On which systems a command works: the live ones, or the sandbox left by the demo.

Here belongs: that choice and nothing else. The rule is told in one line whenever it is the sandbox, so that nobody
takes practice for billing: no vendor credential is set at all, a sandbox world exists, and no live warehouse does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pax8_pipeline.commands.sandbox_server import served_world
from pax8_pipeline.settings import REQUIRED_HALO, REQUIRED_PAX8, Settings, load_settings


def sandbox_folder(settings: Settings) -> Path:
    """The sandbox's own data folder: its rows never meet the live warehouse."""
    return settings.data / "sandbox"


def world_file(settings: Settings) -> Path:
    """Where the sandbox's world is kept between commands."""
    return sandbox_folder(settings) / "world.json"


def is_sandbox(settings: Settings) -> bool:
    """True when a command without credentials may go on with the sandbox."""
    return not settings.has_credentials and world_file(settings).exists() and not settings.warehouse_path.exists()


def data_target(settings: Settings, tell: Callable[[str], None]) -> Settings:
    """Return the settings to look at stored data with (no vendor is called)."""
    if not is_sandbox(settings):
        return settings
    tell(f"No credentials are set: this is the sandbox in {sandbox_folder(settings)}.")
    # Its own policy too: a plan is only good for the policy it was made with.
    return load_settings(sandbox_environment(settings, {}))


@contextmanager
def open_target(settings: Settings, tell: Callable[[str], None]) -> Iterator[Settings]:
    """Give the settings to call vendors with; where it is the sandbox, that is served while the block lasts.

    Raises ConfigError naming the missing variables when neither live credentials nor a sandbox are there.
    """
    if not is_sandbox(settings):
        settings.require(REQUIRED_PAX8 + REQUIRED_HALO)
        yield settings
        return
    tell(f"No credentials are set: this is the sandbox in {sandbox_folder(settings)}.")
    with served_world(world_file(settings)) as vendors:
        yield sandbox_settings(settings, vendors)


def sandbox_settings(settings: Settings, vendors: Mapping[str, str]) -> Settings:
    """Return settings that point at a served sandbox; also put into this process's environment for Dagster."""
    env = sandbox_environment(settings, vendors)
    os.environ.update(env)
    os.environ.pop("DAGSTER_HOME", None)
    return load_settings(env)


def sandbox_environment(settings: Settings, vendors: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment for working on the sandbox.

    Its own data folder, hence its own history in Dagster; of what the person set, only what may differ there.
    """
    given = {k: v for k, v in settings.environment.items() if k in ("HALO_WRITE_MODE", "PAX8_PIPELINE_TODAY") and v}
    env = {**settings.environment, **vendors, **given, "PAX8_PIPELINE_DATA": str(sandbox_folder(settings))}
    env.pop("DAGSTER_HOME", None)
    env.pop("PAX8_PING_URL", None)  # a ping says that the live sync works
    if settings.has_credentials:
        env.pop("PAX8_ALERT_URLS", None)
    return env
