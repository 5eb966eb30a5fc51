"""data/policy.yaml: the keys that an operator can set, their types, bounds and defaults, and the messages about wrong
values.

Variables of the environment are in `environment`, mapping files in `mapping.files`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from pax8_pipeline import values
from pax8_pipeline.errors import ConfigError
from pax8_pipeline.settings import complaints
from pax8_pipeline.text import textfiles, yamltext

TrustMode = Literal["observe", "propose", "approve", "auto"]
# What to do where Halo has no call to save a single line: nothing, or save the whole recurring invoice.
LineFallback = Literal["off", "whole_invoice"]

# These are read strictly: 0231, 2.01e2 and 231.0 are no client ids, 1_000 is no limit.
HaloId = Annotated[int, BeforeValidator(values.halo_id)]
Pax8Id = Annotated[str, BeforeValidator(values.pax8_id)]
Whole = Annotated[int, BeforeValidator(values.whole_number)]
Number = Annotated[Decimal, BeforeValidator(values.decimal)]


class _Strict(BaseModel):
    """An unknown key is an error: a misspelt guardrail must not mean "no guardrail"."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AutoLimits(_Strict):
    """What the trust mode `auto` covers; everything else waits for a person. null means no such limit.

    `seats` and `money` (for a month) are for one change. `new_kinds: false`: a kind of change that was never verified
    for a client waits the first time.
    """

    seats: Number | None = Field(default=None, ge=0)
    money: Number | None = Field(default=None, ge=0)
    directions: tuple[Literal["increase", "decrease", "cancel"], ...] = ("increase", "decrease", "cancel")
    new_kinds: bool = True


class Trust(_Strict):
    """How far each client's changes go without a person. The keys of `clients` are Halo client ids.

    observe: only reported. propose: written by `plan apply` after an approval. approve: written by the next run after
    an approval. auto: written at once, within the limits of `auto`.
    """

    default: TrustMode = "auto"
    clients: dict[HaloId, TrustMode] = Field(default_factory=dict)
    auto: AutoLimits = AutoLimits()
    approval_days: Whole = Field(default=7, ge=1)
    suggest_after_nights: Whole = Field(default=14, ge=1)

    @field_validator("clients", mode="before")
    @classmethod
    def _clients_once(cls, value: Any) -> Any:
        return _without_repeated_ids(value, values.halo_id)

    def of(self, client_id: int | None) -> TrustMode:
        """Return the trust mode of one Halo client."""
        return self.default if client_id is None else self.clients.get(client_id, self.default)


class Limits(_Strict):
    """One set of guardrails; null means no such limit.

    Money is per month and per currency: `money_delta` in both directions together, `money_up` and `money_down` in one
    direction. Seats are billed units, each direction separately. `new_charges` counts lines and invoices that did not
    exist.
    """

    lines_changed_pct: Number | None = Field(default=None, ge=0)
    pct_above_lines: Whole = Field(default=0, ge=0)
    lines_changed: Whole | None = Field(default=None, ge=0)
    lines_ended: Whole | None = Field(default=None, ge=0)
    money_delta: Number | None = Field(default=None, ge=0)
    money_up: Number | None = Field(default=None, ge=0)
    money_down: Number | None = Field(default=None, ge=0)
    seats_up: Number | None = Field(default=None, ge=0)
    seats_down: Number | None = Field(default=None, ge=0)
    new_charges: Whole | None = Field(default=None, ge=0)


class RunLimits(Limits):
    """Defaults for a whole run."""

    lines_changed_pct: Number | None = Field(default=Decimal(20), ge=0)
    pct_above_lines: Whole = Field(default=50, ge=0)
    lines_changed: Whole | None = Field(default=500, ge=0)
    lines_ended: Whole | None = Field(default=25, ge=0)
    money_delta: Number | None = Field(default=Decimal(10000), ge=0)


class ClientLimits(Limits):
    """Defaults for one client."""

    lines_changed_pct: Number | None = Field(default=Decimal(50), ge=0)
    pct_above_lines: Whole = Field(default=10, ge=0)
    lines_changed: Whole | None = Field(default=50, ge=0)
    lines_ended: Whole | None = Field(default=5, ge=0)
    money_delta: Number | None = Field(default=Decimal(2500), ge=0)


class Guardrails(_Strict):
    """Limits on what one plan may change without a person."""

    run: RunLimits = RunLimits()
    client: ClientLimits = ClientLimits()
    # Usage charges are counted separately. The limits above apply to them too, unless they have their own here.
    usage_run: Limits | None = None
    usage_client: Limits | None = None


UsagePrice = Literal["client_price", "cost"]
UsageDetail = Literal["product", "subscription", "collapsed"]
UsageTarget = Literal["invoice"]


class UsageTerms(_Strict):
    """How one product's usage is charged; else as in general. `markup_pct` is added to the cost."""

    price: UsagePrice | None = None
    markup_pct: Number | None = Field(default=None, ge=-100)


class ClientUsage(UsageTerms):
    """How one Halo client is charged for usage."""

    detail: UsageDetail | None = None
    target: UsageTarget | None = None


class UsagePolicy(_Strict):
    """Metered usage. While `first_month` is not set, usage is shown but held.

    The terms of a product (by Pax8 product id) come before those of a client (by Halo client id), and those before the
    general ones. `confirmed_groups`: "subscription id/resource group" of groups that a person confirmed as usage of the
    subscription's own company.
    """

    first_month: str | None = Field(default=None, pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    source: Literal["invoice", "usage_lines"] = "invoice"
    price: UsagePrice = "client_price"
    markup_pct: Number = Field(default=Decimal(0), ge=-100)
    detail: UsageDetail = "product"
    target: UsageTarget = "invoice"
    default_halo_item_id: HaloId | None = None
    clients: dict[HaloId, ClientUsage] = Field(default_factory=dict)
    products: dict[Pax8Id, UsageTerms] = Field(default_factory=dict)
    history_from: str = Field(default="2024-01", pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    probe_days: Whole = Field(default=14, ge=1)
    watch_days: Whole = Field(default=190, ge=62)
    internal_companies: tuple[str, ...] = ()
    confirmed_groups: tuple[str, ...] = ()

    @field_validator("internal_companies")
    @classmethod
    def _lower(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(v.strip().lower() for v in value)

    @field_validator("confirmed_groups")
    @classmethod
    def _pairs(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_confirmed_group, value))

    @field_validator("clients", mode="before")
    @classmethod
    def _clients_once(cls, value: Any) -> Any:
        return _without_repeated_ids(value, values.halo_id)

    @field_validator("products", mode="before")
    @classmethod
    def _products_once(cls, value: Any) -> Any:
        return _without_repeated_ids(value, values.pax8_id)


def _confirmed_group(text: str) -> str:
    subscription, slash, group = text.strip().partition("/")
    if not slash or not group.strip():
        raise ValueError(f'{text!r} is not a confirmed group: write "subscription id/resource group"')
    return f"{values.pax8_id(subscription)}/{group.lower()}"


def _without_repeated_ids(value: Any, read: Callable[[Any], Any]) -> Any:
    """Return the value. Raises ValueError for two spellings of one key (231 and "231"): only one would count."""
    seen: dict[Any, Any] = {}
    for key in value if isinstance(value, Mapping) else ():
        name = read(key)
        if name in seen:
            raise ValueError(f"{key!r} and {seen[name]!r} are the same id; keep one of the two")
        seen[name] = key
    return value


class MatchingPolicy(_Strict):
    """The Halo fields that hold the ids for matching."""

    licence_id_field: str = Field(default="snowid", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    client_custom_field: str = "CFPax8CompanyId"
    client_detail_reads: Whole = Field(default=500, ge=0)
    default_currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")


class ReadPolicy(_Strict):
    """How much smaller than the last one a list may be, and how many rows unreadable, before a run refuses it."""

    shrink_pct: Number = Field(default=Decimal(20), ge=0, le=100)
    shrink_above_rows: Whole = Field(default=10, ge=0)
    max_rejected_rows: Whole = Field(default=10, ge=0)


class HaloPolicy(_Strict):
    """How Halo is used. The partner's other integrations share the limit of requests. `line_fallback`: what to do where
    Halo has no call for a single line.
    """

    requests_per_5_minutes: int = Field(default=270, ge=1)
    line_fallback: LineFallback = "off"

    @field_validator("line_fallback", mode="before")
    @classmethod
    def _yaml_off(cls, value: Any) -> Any:
        return "off" if value is False else value  # YAML reads a bare `off` as false


class SchedulePolicy(_Strict):
    """When the daily sync starts, in the policy's time zone."""

    hour: Whole = Field(default=6, ge=0, le=23)
    minute: Whole = Field(default=0, ge=0, le=59)


Digest = Literal["never", "on_change", "daily"]


class AlertPolicy(_Strict):
    """Which runs that ended well send a digest; failed and held runs, and new findings, always send an alert."""

    digest: Digest = "on_change"


PriceSource = Literal["client_price", "cost"]


class PriceTerms(_Strict):
    """What the price of a line is to be; else as in general. `markup_pct` is added to the cost."""

    price: PriceSource | None = None
    markup_pct: Number | None = Field(default=None, ge=-100)


class PricePolicy(_Strict):
    """Prices of Halo's lines. `propose`: the plan has a row for each price that is not as asked for here; each waits for a
    person. The terms of a product (by Pax8 product id) come before those of a client (by Halo client id).
    """

    updates: Literal["off", "propose"] = "off"
    price: PriceSource = "client_price"
    markup_pct: Number = Field(default=Decimal(0), ge=-100)
    clients: dict[HaloId, PriceTerms] = Field(default_factory=dict)
    products: dict[Pax8Id, PriceTerms] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _one_word(cls, value: Any) -> Any:
        """`prices: propose` is short for `prices: {updates: propose}`; YAML reads a bare `off` as false."""
        if value is False or isinstance(value, str):
            value = {"updates": value}
        if isinstance(value, Mapping) and value.get("updates") is False:
            value = {**value, "updates": "off"}
        return value

    @field_validator("clients", mode="before")
    @classmethod
    def _clients_once(cls, value: Any) -> Any:
        return _without_repeated_ids(value, values.halo_id)

    @field_validator("products", mode="before")
    @classmethod
    def _products_once(cls, value: Any) -> Any:
        return _without_repeated_ids(value, values.pax8_id)


class MonthPolicy(_Strict):
    """What `pax8-pipeline month` compares besides quantities. false: the client's own prices in Halo are meant.

    `bill_days`: how many days of Halo's invoices each run reads back. More of them make older months comparable.
    """

    compare_price: bool = True
    compare_cost: bool = True
    bill_days: Whole = Field(default=62, ge=62, le=800)


class FreezePolicy(_Strict):
    """Days before and after the day on which Halo makes a recurring invoice in which changes of its lines wait for a
    person. Both 0: no change waits. A window includes the day itself.
    """

    days_before: Whole = Field(default=0, ge=0, le=14)
    days_after: Whole = Field(default=0, ge=0, le=14)


class ProRataPolicy(_Strict):
    """Part-period charges. `negative: false`: a change for which Halo would add a negative one waits for a person.
    `manual_lines`: what a change of a manual line's seats is: its quantity is set and no part of the period is charged, or
    a part-period entry is added, which always waits for a person.
    """

    negative: bool = True
    manual_lines: Literal["quantity", "entry"] = "quantity"


class RenewalsPolicy(_Strict):
    """Moves of a line to a new subscription. `min_score`: how well two subscriptions must fit, 0 to 100, for the plan to
    name the move. `hold_endings: true`: while such a move is proposed, the end of the old line waits for a person.
    """

    hold_endings: bool = False
    min_score: Whole = Field(default=60, ge=0, le=100)


NewThings = Literal["off", "licences", "licences_and_lines"]
NewInvoice = Literal["mapping", "client_field", "only_one", "contract"]


class NewSubscriptions(_Strict):
    """What is proposed for subscriptions that nobody is billed for. Every proposal waits for a person.

    `propose`: licences, or licences and lines. `clients`: a client for an unknown company. `recurring_invoice`: which one
    gets the line, where the mapping file names none. `contracts`: the contract by Halo client id. `line`: how the line's
    quantity is found. `price`: where the line's price is from. `toplevel_id`: Halo's top level of a new client.
    """

    propose: NewThings = "off"
    clients: Literal["off", "propose"] = "off"
    recurring_invoice: NewInvoice = "client_field"
    contracts: dict[HaloId, HaloId] = Field(default_factory=dict)
    line: Literal["subscription", "licence", "manual"] = "subscription"
    price: Literal["pax8", "item"] = "pax8"
    toplevel_id: HaloId | None = None

    @field_validator("propose", "clients", mode="before")
    @classmethod
    def _yaml_off(cls, value: Any) -> Any:
        return "off" if value is False else value  # YAML reads a bare `off` as false

    @field_validator("contracts", mode="before")
    @classmethod
    def _clients_once(cls, value: Any) -> Any:
        return _without_repeated_ids(value, values.halo_id)

    @property
    def is_on(self) -> bool:
        """Whether anything is proposed."""
        return self.propose != "off" or self.clients != "off"


class UiPolicy(_Strict):
    """Who may use the Dagster UI. `allowed_hosts`: a proxy's names; this machine is always allowed."""

    allowed_hosts: tuple[str, ...] = ()

    @field_validator("allowed_hosts")
    @classmethod
    def _names_only(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not re.fullmatch(r"[A-Za-z0-9._-]+", name.strip()):
                raise ValueError(f"{name!r} is not a host name such as billing.example.com (no address, no port)")
        return tuple(name.strip().lower() for name in value)


class Policy(_Strict):
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
            self.model_dump(mode="json", exclude={"month": True, "trust": {"suggest_after_nights": True}}),
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
