"""Limits on what one plan may change without a person."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from pax8_pipeline.settings.sections.section import Number, Section, Whole


class Limits(Section):
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


class Guardrails(Section):
    """Limits on what one plan may change without a person."""

    run: RunLimits = RunLimits()
    client: ClientLimits = ClientLimits()
    # Usage charges are counted separately. The limits above apply to them too, unless they have their own here.
    usage_run: Limits | None = None
    usage_client: Limits | None = None
