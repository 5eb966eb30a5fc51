"""What an operator sets: `policy` (data/policy.yaml), `environment` (variables, secrets, paths) and .env."""

from pax8_pipeline.settings.environment import (
    DEFAULT_PAX8_API_URL,
    REQUIRED_HALO,
    REQUIRED_PAX8,
    Settings,
    load_settings,
)
from pax8_pipeline.settings.policy import LineFallback, Policy, SchedulePolicy, load_policy
from pax8_pipeline.settings.sections.guardrails import ClientLimits, Guardrails, Limits, RunLimits
from pax8_pipeline.settings.sections.prices import PricePolicy
from pax8_pipeline.settings.sections.trust import Trust
from pax8_pipeline.settings.sections.usage import UsagePolicy

__all__ = [
    "DEFAULT_PAX8_API_URL",
    "REQUIRED_HALO",
    "REQUIRED_PAX8",
    "ClientLimits",
    "Guardrails",
    "Limits",
    "LineFallback",
    "Policy",
    "PricePolicy",
    "RunLimits",
    "SchedulePolicy",
    "Settings",
    "Trust",
    "UsagePolicy",
    "load_policy",
    "load_settings",
]
