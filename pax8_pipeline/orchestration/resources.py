"""The resources of every job. The environment is read when a run uses them, not when the code is loaded.

They are opened and closed once in a run. What is done with them is in `assets` and `checks`. A test or the command line
can replace them by objects with the same methods: `build_defs(resources={...})`.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from functools import partial
from typing import Any

import dagster as dg
from pydantic import Field, PrivateAttr

from pax8_pipeline.billing import findings, month_closing
from pax8_pipeline.billing.ledger.backup import restore
from pax8_pipeline.clients import halo_config, pax8_config
from pax8_pipeline.halo.client import HaloClient
from pax8_pipeline.orchestration.instance import process_lock
from pax8_pipeline.orchestration.tenancy import TENANT
from pax8_pipeline.orchestration.write_permission import Permission
from pax8_pipeline.pax8.client import Pax8Client
from pax8_pipeline.settings import Settings, load_settings
from pax8_pipeline.settings.tenant import store_quota
from pax8_pipeline.text.private_files import make_private, restrict_new_files
from pax8_pipeline.warehouse import engine
from pax8_pipeline.warehouse.connection import Waited, Warehouse

_log = logging.getLogger("pax8_pipeline.progress")


class SettingsResource(dg.ConfigurableResource):
    """Environment and policy.yaml, read at the first use in a run and unchanged until its end."""

    _settings: Settings | None = PrivateAttr(default=None)
    _sign_of_life: ExitStack = PrivateAttr(default_factory=ExitStack)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Forget the settings: a new run reads them again. A tenant's run holds a lock as long as its process lives."""
        self._settings = None
        if TENANT and context.run is not None and context.instance is not None:
            self._sign_of_life.enter_context(process_lock(context.instance, context.run.run_id))

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Let go of the lock."""
        self._sign_of_life.close()

    def load(self) -> Settings:
        """Return the settings. Raises ConfigError for a malformed policy or date."""
        if self._settings is None:
            self._settings = load_settings()
        return self._settings


class FixedSettings:
    """Settings that are already loaded, in place of SettingsResource."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def load(self) -> Settings:
        """Return the settings."""
        return self._settings


class WarehouseResource(dg.ConfigurableResource):
    """The DuckDB warehouse of the data folder. Its tables are made at the first use in a run."""

    patience_s: float = Field(default=60.0, description="Seconds to wait for another process to close the file")
    _ready: bool = PrivateAttr(default=False)
    _waited: Waited = PrivateAttr(default_factory=Waited)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Start a new run: it checks the tables again. Its steps share one waiting time for the file."""
        self._ready = False
        self._waited = Waited()
        engine.start_run()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Let go of the file."""
        engine.end_run()

    def open(self, settings: Settings) -> Warehouse:
        """Return the warehouse. Raises WarehouseBusy when another process does not close the file in time."""
        warehouse = Warehouse(settings.warehouse_path, patience=self.patience_s, waited=self._waited)
        if not self._ready:
            restrict_new_files()  # a run that plain `dagster` started
            make_private(settings.data)
            warehouse.ensure_schema()
            restored = restore(warehouse, settings.backups_path)
            if restored:
                _log.warning(restored.sentence)
            remembered = findings.load_copy(warehouse, settings.backups_path)
            if remembered:
                _log.warning("the warehouse had no findings: %d came back from %s", remembered, settings.backups_path)
            closed = month_closing.load_copy(warehouse, settings.backups_path)
            if closed:
                _log.warning("the warehouse had no closed months: %d came back from %s", closed, settings.backups_path)
            self._ready = True
        return warehouse


class _ClientResource(dg.ConfigurableResource):
    """A client that is made at the first use in a run and closed at its end."""

    _client: Any = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Forget the client: a new run connects again."""
        self._client = None

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()


class Pax8Resource(_ClientResource):
    """The Pax8 client, made at the first use in a run and closed at its end."""

    rate_limit: int | None = Field(default=None, description="Requests in any minute; unset: 500, growing to 1000")
    threads: int = Field(default=8, description="Requests under way at once")

    def client(self, settings: Settings) -> Pax8Client:
        """Return the client. Raises ConfigError when credentials are missing."""
        if self._client is None:
            config = pax8_config(settings, rate_limit=self.rate_limit, threads=self.threads)
            remember = partial(store_quota, settings.data, "pax8", learned_on=settings.today)
            self._client = Pax8Client(config, on_quota=remember)
        client: Pax8Client = self._client
        return client


class HaloResource(_ClientResource):
    """The Halo client, made at the first use in a run and closed at its end."""

    rate_limit: int | None = Field(default=None, description="Requests in any 5 minutes; unset: the policy's")
    threads: int = Field(default=4, description="Requests under way at once")

    def client(self, settings: Settings) -> HaloClient:
        """Return the client. Raises ConfigError when credentials are missing."""
        if self._client is None:
            config = halo_config(settings, rate_limit=self.rate_limit, threads=self.threads)
            remember = partial(store_quota, settings.data, "halo", learned_on=settings.today)
            self._client = HaloClient(config, on_quota=remember)
        client: HaloClient = self._client
        return client


def default_resources() -> dict[str, Any]:
    """Return the resources that every job uses unless they are replaced."""
    return {
        "settings": SettingsResource(),
        "warehouse": WarehouseResource(),
        "pax8": Pax8Resource(),
        "halo": HaloResource(),
        "permission": Permission(),
    }
