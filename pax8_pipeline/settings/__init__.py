"""What an operator sets: `policy` (data/policy.yaml), `environment` (variables, secrets, paths) and .env."""

from pax8_pipeline.settings.environment import (
    DEFAULT_PAX8_API_URL,
    REQUIRED_HALO,
    REQUIRED_PAX8,
    Settings,
    load_settings,
)
from pax8_pipeline.settings.policy import (
    ClientLimits,
    Guardrails,
    Limits,
    LineFallback,
    Policy,
    PricePolicy,
    RunLimits,
    SchedulePolicy,
    Trust,
    UsagePolicy,
    load_policy,
)

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
