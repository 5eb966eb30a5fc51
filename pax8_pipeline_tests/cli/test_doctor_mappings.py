"""`doctor` names each mapping row that points to something a vendor does not have, with file and row."""

from __future__ import annotations

from pathlib import Path

import pytest

from pax8_pipeline.commands.doctor import mappings
from pax8_pipeline.commands.doctor.diagnosis import Diagnosis
from pax8_pipeline.errors import Unreachable
from pax8_pipeline.settings import Settings, load_settings

A = "5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11"
B = "c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a02"
GONE = "00000000-0000-4000-8000-000000000000"


class _Listing:
    def __init__(self, *rows: dict[str, object]) -> None:
        self.objects = rows


class _Halo:
    def clients(self) -> _Listing:
        return _Listing({"id": 231}, {"id": "232"})

    def recurring_invoices(self) -> _Listing:
        return _Listing({"id": -94, "lines": [{"id": 24967}]})

    def licences(self) -> _Listing:
        return _Listing({"id": 4127})

    def items(self) -> _Listing:
        raise Unreachable("Halo does not answer")


class _Pax8:
    def companies(self) -> _Listing:
        return _Listing({"id": A.upper()}, {"id": B})

    subscriptions = products = companies


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "clients.csv").write_text(f"pax8_company_id,halo_client_id\n{A},231\n{GONE},999\n")
    (folder / "subscriptions.csv").write_text(
        "pax8_subscription_id,halo_recurring_invoice_id,halo_line_id,halo_licence_id\n"
        f"{A},-94,24967,\n{B},,,4128\n{GONE},-95,24968,4127\n"
    )
    (folder / "items.csv").write_text(f"pax8_product_id,halo_item_id\n{A},88\n")
    return load_settings({"PAX8_PIPELINE_DATA": str(tmp_path)})


def by_level(findings: list[Diagnosis]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in findings:
        found.setdefault(one.level, []).append(one.text)
    return found


def test_a_client_that_halo_does_not_have_is_named_with_file_and_row(settings: Settings) -> None:
    found = by_level(list(mappings.examine_halo(_Halo(), settings)))  # type: ignore[arg-type]
    at = settings.mappings_path
    assert found["bad"] == [
        f"{at}/clients.csv, row 3, column halo_client_id: Halo has no client 999",
        f"{at}/subscriptions.csv, row 4, column halo_recurring_invoice_id: Halo has no recurring invoice -95",
        f"{at}/subscriptions.csv, row 4, column halo_line_id: Halo has no recurring invoice line 24968",
        f"{at}/subscriptions.csv, row 3, column halo_licence_id: Halo has no licence 4128",
    ]
    assert found["warn"] == ["Halo does not say whether its 1 ids exist: Halo does not answer"]


def test_what_pax8_does_not_have_is_named_too(settings: Settings) -> None:
    found = by_level(list(mappings.examine_pax8(_Pax8(), settings)))  # type: ignore[arg-type]
    assert [text.split("mappings/")[1] for text in found["bad"]] == [
        f"clients.csv, row 3, column pax8_company_id: Pax8 has no company {GONE}",
        f"subscriptions.csv, row 4, column pax8_subscription_id: Pax8 has no subscription {GONE}",
    ]
    assert found["ok"] == ["Pax8 has all 1 of them"]
