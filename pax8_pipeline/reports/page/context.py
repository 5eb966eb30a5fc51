"""What a report knows beside the warehouse: policy and addresses."""

from __future__ import annotations

from dataclasses import dataclass, field

from pax8_pipeline.reports.links import Addresses, addresses
from pax8_pipeline.settings import Settings, UsagePolicy


@dataclass(frozen=True)
class ReportContext:
    """The first month whose usage is billed (yyyy-mm; None: not decided), where the vendors' web pages are, and the
    policy of usage, by which suggestions are made.

    `policy_known` is False where a report is made without settings: then no month is called too early.
    """

    first_month: str | None = None
    policy_known: bool = False
    addresses: Addresses = field(default_factory=Addresses)
    usage: UsagePolicy = field(default_factory=UsagePolicy)


def report_context(settings: Settings) -> ReportContext:
    """Return what a report takes from the settings."""
    return ReportContext(settings.policy.usage.first_month, True, addresses(settings), settings.policy.usage)
