"""Settings: the defaults are the safe ones and every complaint names its place."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.settings import REQUIRED_HALO, REQUIRED_PAX8, Policy, load_settings


def settings(tmp_path: Path, policy: str = "", **env: str):  # type: ignore[no-untyped-def]
    if policy:
        (tmp_path / "policy.yaml").write_text(policy)
    return load_settings({"PAX8_PIPELINE_DATA": str(tmp_path), **env})


@pytest.mark.parametrize("mode", ["", "dry_run", "Apply", "APPLY", "yes", "apply!"])
def test_anything_but_exactly_apply_is_a_dry_run(mode: str, tmp_path: Path) -> None:
    assert settings(tmp_path, HALO_WRITE_MODE=mode).write_mode == "dry_run"
    assert settings(tmp_path, f"write_mode: {mode!r}").write_mode == "dry_run"


def test_the_environment_wins_over_the_policy(tmp_path: Path) -> None:
    assert settings(tmp_path, "write_mode: apply").write_mode == "apply"
    assert settings(tmp_path, "write_mode: apply", HALO_WRITE_MODE="dry_run").write_mode == "dry_run"
    assert settings(tmp_path, "write_mode: dry_run", HALO_WRITE_MODE="apply").write_mode == "apply"


def test_a_missing_policy_means_the_documented_defaults(tmp_path: Path) -> None:
    policy = settings(tmp_path).policy
    run, client = policy.guardrails.run, policy.guardrails.client
    assert (run.lines_changed_pct, run.pct_above_lines, run.lines_changed, run.lines_ended, run.money_delta) == (
        20, 50, 500, 25, 10000)  # fmt: skip
    assert (client.lines_changed_pct, client.pct_above_lines, client.lines_changed, client.lines_ended) == (
        50,
        10,
        50,
        5,
    )
    assert client.money_delta == Decimal(2500)
    assert (policy.native_integration, policy.retention_days, policy.trust.default) == ("refuse", 400, "auto")


def test_one_guardrail_can_be_set_without_losing_the_others(tmp_path: Path) -> None:
    run = settings(tmp_path, "guardrails: {run: {lines_ended: null, money_delta: 0.5}}").policy.guardrails.run
    assert (run.lines_ended, run.money_delta, run.lines_changed) == (None, Decimal("0.5"), 500)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("guardrails: {run: {lines_endde: 3}}", "guardrails.run.lines_endde: unknown key"),
        ("usage: {target: licence}", r"usage\.target: 'licence' is not one of its values; write 'invoice'"),
        (
            "usage: {clients: {231: {target: licence}}}",
            r"usage\.clients\.231\.target: 'licence' is not one of its values",
        ),
        ("usage: {clients: {231: {licence_id: 4127}}}", r"usage\.clients\.231\.licence_id: unknown key"),
        ("timezone: Mars/Olympus", "timezone: .*is not a time zone"),
        ("trust: {default: sometimes}", "trust.default"),
        ("retention_days: many", "retention_days"),
        ("- a list", "must be a list of"),
        ("timezone: [", "not readable as YAML"),
        ("usage: {first_month: 2026-13}", "usage.first_month"),
        ("native_integration: maybe", "native_integration"),
    ],
)
def test_a_malformed_policy_is_named_with_its_key(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"policy.yaml: .*{complaint}|policy.yaml: {complaint}"):
        settings(tmp_path, text)


def test_today_can_be_replayed(tmp_path: Path) -> None:
    assert settings(tmp_path, PAX8_PIPELINE_TODAY="2026-08-06").today == date(2026, 8, 6)
    with pytest.raises(ConfigError, match="PAX8_PIPELINE_TODAY"):
        settings(tmp_path, PAX8_PIPELINE_TODAY="6/8/2026")


def test_missing_credentials_are_named_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PAX8_CLIENT_SECRET, HALO_TENANT"):
        settings(tmp_path, PAX8_CLIENT_ID="x").require(("PAX8_CLIENT_ID", "PAX8_CLIENT_SECRET", "HALO_TENANT"))
    assert not settings(tmp_path).has_credentials
    assert settings(tmp_path, HALO_TENANT="acme").has_credentials


def test_no_text_made_of_settings_shows_a_secret(tmp_path: Path) -> None:
    env = {name: f"value-of-{name}" for name in REQUIRED_PAX8 + REQUIRED_HALO}
    made = settings(tmp_path, PAX8_ALERT_URLS="slack://secret-token", **env)
    for text in (repr(made), str(made), repr(made.secret("PAX8_CLIENT_SECRET")), str(made.alert_urls)):
        assert "value-of-PAX8_CLIENT_SECRET" not in text
        assert "secret-token" not in text


def test_the_policy_fingerprint_follows_its_values() -> None:
    assert Policy().fingerprint == Policy.model_validate({"timezone": "UTC"}).fingerprint
    assert Policy().fingerprint != Policy.model_validate({"timezone": "Europe/London"}).fingerprint
