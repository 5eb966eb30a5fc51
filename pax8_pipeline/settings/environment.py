"""Reads the environment and the data folder once, checks them, and returns typed values.

It handles variables, secrets, the day and the paths of the data folder. The keys of policy.yaml are in `policy`,
mapping files in `mapping.files`. Secrets are read here only, through `secret_files`. They stay wrapped (`SecretStr`), so
that no text made from settings can contain one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from pax8_pipeline import values
from pax8_pipeline.errors import ConfigError
from pax8_pipeline.settings.policy import Policy, load_policy
from pax8_pipeline.settings.secret_files import Secrets, load_secrets
from pax8_pipeline.settings.tenant_folder import process_environment, selected

WriteMode = Literal["dry_run", "apply"]

REQUIRED_PAX8 = ("PAX8_CLIENT_ID", "PAX8_CLIENT_SECRET")
REQUIRED_HALO = ("HALO_API_URL", "HALO_AUTH_URL", "HALO_TENANT", "HALO_CLIENT_ID", "HALO_CLIENT_SECRET")
DEFAULT_PAX8_API_URL = "https://api.pax8.com/v1"


@dataclass(frozen=True)
class Settings:
    """All settings of a run. `today` is a calendar date in the policy's time zone."""

    data: Path
    today: date
    policy: Policy
    write_mode: WriteMode
    environment: Mapping[str, str] = field(repr=False)
    secrets: Secrets = field(default_factory=Secrets)
    alert_urls: tuple[SecretStr, ...] = ()
    ping_url: SecretStr | None = None
    # The moment when `today` was taken from this machine's clock (aware, UTC).
    read_at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)

    @property
    def today_stated(self) -> bool:
        """True when PAX8_PIPELINE_TODAY names the day; False when it comes from this machine's clock."""
        return bool(self.value("PAX8_PIPELINE_TODAY"))

    @property
    def tenant(self) -> str | None:
        """The tenant whose settings these are; None without tenants."""
        return selected(self.environment)

    @property
    def schedule_on(self) -> bool:
        """True when PAX8_SCHEDULE switches the daily schedule on."""
        return is_on(self.value("PAX8_SCHEDULE"))

    @property
    def warehouse_path(self) -> Path:
        """The live DuckDB file. Only one process may write it at a time."""
        return self.data / "warehouse.duckdb"

    @property
    def published_path(self) -> Path:
        """The read-only copy for people and BI tools."""
        return self.data / "published.duckdb"

    @property
    def reports_path(self) -> Path:
        """The folder for reports."""
        return self.data / "reports"

    @property
    def lake_path(self) -> Path | None:
        """The folder for Parquet files; None when none are written."""
        lake = self.policy.lake
        if lake.write == "never" or (lake.write == "tenants" and not self.tenant):
            return None
        return Path(lake.folder) if lake.folder else self.data / "lake"

    @property
    def backups_path(self) -> Path:
        """The folder for backups of the ledger, one folder in it for each applied plan."""
        return self.data / "backups"

    @property
    def acknowledged_path(self) -> Path:
        """The file of findings that a person has acknowledged."""
        return self.data / "acknowledged.csv"

    @property
    def mappings_path(self) -> Path:
        """The folder with clients.csv, subscriptions.csv and items.csv."""
        return self.data / "mappings"

    def value(self, name: str, default: str = "") -> str:
        """Return one environment value without spaces around it. Not for secrets."""
        return self.environment.get(name, "").strip() or default

    def secret(self, name: str) -> SecretStr:
        """Return one secret, wrapped so that printing shows only asterisks; an empty one when it is not set."""
        return self.secrets.get(name)

    def missing(self, names: tuple[str, ...]) -> list[str]:
        """Return the names of variables that are not set. A secret may be set by its file."""
        return [name for name in names if not (self.secrets.values.get(name) or self.value(name))]

    def require(self, names: tuple[str, ...]) -> None:
        """Raise ConfigError with every name of `names` that is not set."""
        missing = self.missing(names)
        if missing:
            raise ConfigError(f"not set: {', '.join(missing)}. {self._where_to_set}")

    @property
    def _where_to_set(self) -> str:
        if self.tenant:
            return f"Put them into {self.data / '.env'} (.env.example lists all)."
        return "Put them into the environment or into .env (.env.example lists all), or try the sandbox first: `make demo`."

    @property
    def has_credentials(self) -> bool:
        """True when at least one vendor variable without a default is set: then the live services are meant."""
        return len(self.missing(REQUIRED_PAX8 + REQUIRED_HALO)) < len(REQUIRED_PAX8 + REQUIRED_HALO)


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the environment and the data folder's policy.yaml.

    `environment`: used as it is, instead of the process's own or of that of the tenant which PAX8_TENANT selects.

    Raises ConfigError for a malformed policy or PAX8_PIPELINE_TODAY, for a secret's file that cannot be used, and for a
    tenant's folder or .env that cannot be used.
    Missing credentials are not an error here: code that needs them calls `Settings.require`.
    """
    env = process_environment() if environment is None else dict(environment)
    data = Path(env.get("PAX8_PIPELINE_DATA", "").strip() or "data").expanduser().absolute()
    if data.exists() and not data.is_dir():
        raise ConfigError(f"PAX8_PIPELINE_DATA: {data} is a file; name a folder")
    policy = load_policy(data / "policy.yaml")
    mode = env.get("HALO_WRITE_MODE", "").strip() or policy.write_mode
    now = datetime.now(UTC)
    secrets = load_secrets(env)
    return Settings(
        data=data,
        today=_today(env.get("PAX8_PIPELINE_TODAY", "").strip(), policy.timezone, now),
        read_at=now,
        policy=policy,
        # Anything but exactly `apply` is a dry run, so that a typing error never writes.
        write_mode="apply" if mode == "apply" else "dry_run",
        environment=env,
        secrets=secrets,
        alert_urls=tuple(SecretStr(url) for url in secrets.get("PAX8_ALERT_URLS").get_secret_value().split()),
        ping_url=secrets.values.get("PAX8_PING_URL"),
    )


def is_on(text: str) -> bool:
    """Return whether the text of a switch says on."""
    return text.strip().lower() in ("on", "1", "true", "yes")


def _today(text: str, zone: str, now: datetime) -> date:
    if not text:
        return now.astimezone(ZoneInfo(zone)).date()
    try:
        return values.day(text)
    except ValueError as error:
        raise ConfigError(f"PAX8_PIPELINE_TODAY: {error}") from error
