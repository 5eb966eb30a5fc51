"""How fast the two vendors are asked follows policy, what a vendor named, and nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.clients import halo_config, pax8_config
from pax8_pipeline.orchestration.resources import HaloResource, Pax8Resource, WarehouseResource
from pax8_pipeline.settings import REQUIRED_HALO, REQUIRED_PAX8, Settings, load_settings
from pax8_pipeline.settings.tenant import named_quota, store_quota
from pax8_pipeline.transport.quota import Quota


def settings(data: Path, policy: str = "") -> Settings:
    (data / "policy.yaml").write_text(policy)
    names = REQUIRED_PAX8 + REQUIRED_HALO
    return load_settings({**dict.fromkeys(names, "http://localhost:1/x"), "PAX8_PIPELINE_DATA": str(data)})


def halo_rate(found: Settings) -> tuple[int, float]:
    config = halo_config(found)
    return config.rate_limit, config.rate_window_s


def test_halo_is_asked_270_times_in_5_minutes_or_as_often_as_policy_says(tmp_path: Path) -> None:
    assert halo_rate(settings(tmp_path)) == (270, 300.0)
    assert halo_rate(settings(tmp_path, "halo: {requests_per_5_minutes: 90}\n")) == (90, 300.0)


@pytest.mark.parametrize(
    ("named", "used"),
    [
        (Quota(300, 300.0), (270, 300.0)),
        (Quota(700, 300.0), (270, 300.0)),
        (Quota(100, 300.0), (90, 300.0)),
        (Quota(20, 60.0), (18, 60.0)),
    ],
)
def test_a_lower_limit_that_halo_named_in_an_earlier_run_counts(
    named: Quota, used: tuple[int, float], tmp_path: Path
) -> None:
    store_quota(tmp_path, "halo", named, date(2026, 8, 6))
    assert halo_rate(settings(tmp_path)) == used


def test_pax8_is_asked_half_as_often_as_it_allows_at_first(tmp_path: Path) -> None:
    config = pax8_config(settings(tmp_path))
    assert (config.rate_limit, config.rate_ceiling) == (500, 1000)


@pytest.mark.parametrize(
    ("named", "used"), [(Quota(2000, 60.0), (500, 1000)), (Quota(400, 60.0), (360, 360)), (Quota(100, 120.0), (45, 45))]
)
def test_a_lower_limit_that_pax8_named_in_an_earlier_run_counts(
    named: Quota, used: tuple[int, int], tmp_path: Path
) -> None:
    store_quota(tmp_path, "pax8", named, date(2026, 8, 6))
    config = pax8_config(settings(tmp_path))
    assert (config.rate_limit, config.rate_ceiling) == used


def test_the_steps_of_a_run_share_their_wait_for_the_warehouse(tmp_path: Path) -> None:
    resource, found = WarehouseResource(), settings(tmp_path)
    assert resource.open(found).waited is resource.open(found).waited


@pytest.mark.parametrize(("vendor", "resource"), [("pax8", Pax8Resource), ("halo", HaloResource)])
def test_what_a_vendor_names_in_a_run_is_remembered(
    vendor: Any, resource: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {}
    name = f"pax8_pipeline.orchestration.resources.{vendor.capitalize()}Client"
    monkeypatch.setattr(name, lambda config, **more: options.update(more))
    resource().client(settings(tmp_path))
    options["on_quota"](Quota(100, 300.0))
    assert named_quota(tmp_path, vendor) == Quota(100, 300.0)
