"""data/policy.yaml: the keys that an operator can set, their types, bounds and defaults, and the messages about wrong
values.

Variables of the environment are in `environment`, mapping files in `mapping.files`.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    Field,
    ValidationError,
    field_validator,
)

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.settings import complaints
from pax8_pipeline.settings.sections.guardrails import Guardrails
from pax8_pipeline.settings.sections.new_subscriptions import NewSubscriptions
from pax8_pipeline.settings.sections.prices import PricePolicy
from pax8_pipeline.settings.sections.section import Number, Section, Whole, off_as_word
from pax8_pipeline.settings.sections.trust import Trust
from pax8_pipeline.settings.sections.usage import UsagePolicy
from pax8_pipeline.text import textfiles, yamltext

# What to do where Halo has no call to save a single line: nothing, or save the whole recurring invoice.
LineFallback = Literal["off", "whole_invoice"]


class MatchingPolicy(Section):
    """The Halo fields that hold the ids for matching."""

    licence_id_field: str = Field(default="snowid", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    client_custom_field: str = "CFPax8CompanyId"
    client_detail_reads: Whole = Field(default=500, ge=0)
    default_currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")


class ReadPolicy(Section):
    """How much smaller than the last one a list may be, and how many rows unreadable, before a run refuses it."""

    shrink_pct: Number = Field(default=Decimal(20), ge=0, le=100)
    shrink_above_rows: Whole = Field(default=10, ge=0)
    max_rejected_rows: Whole = Field(default=10, ge=0)


class HaloPolicy(Section):
    """How Halo is used. The partner's other integrations share the limit of requests. `line_fallback`: what to do where
    Halo has no call for a single line.
    """

    requests_per_5_minutes: int = Field(default=270, ge=1)
    line_fallback: LineFallback = "off"

    @field_validator("line_fallback", mode="before")
    @classmethod
    def _yaml_off(cls, value: Any) -> Any:
        return off_as_word(value)


class SchedulePolicy(Section):
    """When the daily sync starts, in the policy's time zone."""

    hour: Whole = Field(default=6, ge=0, le=23)
    minute: Whole = Field(default=0, ge=0, le=59)


Digest = Literal["never", "on_change", "daily"]


class AlertPolicy(Section):
    """Which runs that ended well send a digest; failed and held runs, and new findings, always send an alert."""

    digest: Digest = "on_change"


class MonthPolicy(Section):
    """What `pax8-pipeline month` compares besides quantities. false: the client's own prices in Halo are meant.

    `bill_days`: how many days of Halo's invoices each run reads back. More of them make older months comparable.
    `history_reads`: of how many subscriptions a comparison reads Pax8's history at most, a call each; 0: of none.
    """

    compare_price: bool = True
    compare_cost: bool = True
    bill_days: Whole = Field(default=62, ge=62, le=800)
    history_reads: Whole = Field(default=200, ge=0, le=2000)


class FreezePolicy(Section):
    """Days before and after the day on which Halo makes a recurring invoice in which changes of its lines wait for a
    person. Both 0: no change waits. A window includes the day itself.
    """

    days_before: Whole = Field(default=0, ge=0, le=14)
    days_after: Whole = Field(default=0, ge=0, le=14)


class ProRataPolicy(Section):
    """Part-period charges. `negative: false`: a change for which Halo would add a negative one waits for a person.
    `manual_lines`: what a change of a manual line's seats is: its quantity is set and no part of the period is charged, or
    a part-period entry is added, which always waits for a person.
    """

    negative: bool = True
    manual_lines: Literal["quantity", "entry"] = "quantity"


class RenewalsPolicy(Section):
    """Moves of a line to a new subscription. `min_score`: how well two subscriptions must fit, 0 to 100, for the plan to
    name the move. `hold_endings: true`: while such a move is proposed, the end of the old line waits for a person.
    """

    hold_endings: bool = False
    min_score: Whole = Field(default=60, ge=0, le=100)


class UiPolicy(Section):
    """Who may use the Dagster UI. `allowed_hosts`: a proxy's names; this machine is always allowed."""

    allowed_hosts: tuple[str, ...] = ()

    @field_validator("allowed_hosts")
    @classmethod
    def _names_only(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not re.fullmatch(r"[A-Za-z0-9._-]+", name.strip()):
                raise ValueError(f"{name!r} is not a host name such as billing.example.com (no address, no port)")
        return tuple(name.strip().lower() for name in value)


class LakePolicy(Section):
    """The published snapshot as Parquet. `write`: for tenants only, always, or never. `folder`: where; null is `lake` in
    the data folder.
    """

    write: Literal["tenants", "always", "never"] = "tenants"
    folder: str | None = None

    @field_validator("folder")
    @classmethod
    def _whole_path(cls, value: str | None) -> str | None:
        if value is not None and not Path(value).is_absolute():
            raise ValueError(f"{value!r} is not a full path such as /srv/lake")
        return value


class Policy(Section):
    """All of policy.yaml. The file data/policy.yaml lists every default."""

    timezone: str = "UTC"
    write_mode: str = "dry_run"
    trust: Trust = Trust()
    guardrails: Guardrails = Guardrails()
    usage: UsagePolicy = UsagePolicy()
    matching: MatchingPolicy = MatchingPolicy()
    reads: ReadPolicy = ReadPolicy()
    halo: HaloPolicy = HaloPolicy()
    schedule: SchedulePolicy = SchedulePolicy()
    ui: UiPolicy = UiPolicy()
    alerts: AlertPolicy = AlertPolicy()
    month: MonthPolicy = MonthPolicy()
    renewals: RenewalsPolicy = RenewalsPolicy()
    prices: PricePolicy = PricePolicy()
    freeze: FreezePolicy = FreezePolicy()
    pro_rata: ProRataPolicy = ProRataPolicy()
    new_subscriptions: NewSubscriptions = NewSubscriptions()
    lake: LakePolicy = LakePolicy()
    native_integration: Literal["refuse", "ignore"] = "refuse"
    plan_expires_hours: Whole = Field(default=24, ge=1)
    unknown_wait_hours: Whole = Field(default=6, ge=1)
    retention_days: Whole = Field(default=400, ge=1)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is not a time zone; use a name such as Europe/London") from error
        return value

    @property
    def unknown_wait(self) -> timedelta:
        """How long an invoice whose creation got no answer may still appear in Halo."""
        return timedelta(hours=self.unknown_wait_hours)

    @property
    def fingerprint(self) -> str:
        """A short hash of all settings that a plan depends on. A plan stores it, to show under which policy it was
        made.
        """
        text = json.dumps(
            self.model_dump(
                mode="json", exclude={"month": True, "lake": True, "trust": {"suggest_after_nights": True}}
            ),
            sort_keys=True,
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_policy(path: Path) -> Policy:
    """Read policy.yaml. A missing or empty file means the defaults.

    Raises ConfigError with the file, the key (or line) and the reason.
    """
    text = textfiles.read(path)
    if text is None:
        return Policy()
    try:
        raw = yamltext.loads(text)
    except yamltext.YamlError as error:
        raise ConfigError(f"{path}: {error}") from error
    if raw is None:
        return Policy()
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: must be a list of `key: value` settings, found {type(raw).__name__}")
    try:
        return Policy.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{path}: {'; '.join(map(_error_text, error.errors()))}") from error


def _error_text(error: Any) -> str:
    return f"{complaints.key_of(error)}: {_reason(error)}"


def _reason(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return complaints.unknown_key(str(error["loc"][-1]), _keys(Policy), "docs/reference/policy.md lists all keys")
    return complaints.reason(error)


def _keys(model: type[BaseModel]) -> set[str]:
    """Return the names of all keys of a model and of those in it."""
    inner = (field.annotation for field in model.model_fields.values())
    models = [kind for kind in inner if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return set(model.model_fields).union(*map(_keys, models))
