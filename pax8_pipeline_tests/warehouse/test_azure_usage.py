"""Azure usage stands on an invoice as many items of one subscription, told apart by a GUID in their texts."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from pax8_pipeline_tests.support.usage_data import KEY, METER, UsageData, arrears, policy, usage_plan

FIRST, SECOND = "3f0c6a11-1111-4000-8000-0000000000a1", "3F0C6A11-2222-4000-8000-0000000000A2"


def azure(guid: str, meter: str = "Virtual Machines", name: str = "Production") -> str:
    return f"Azure plan - Arrears charge - {name} - {guid} - {meter}"


def lines(place: Path, *texts: str, **changes: object) -> list[tuple[str, Decimal]]:
    """The lines of the one planned document: reference and amount."""
    items = [arrears(n, details=text, description=text, **changes) for n, text in enumerate(texts, start=1)]
    rules = policy()
    rows = usage_plan(UsageData(items=[items]).load(place, policy=rules), rules)
    assert rows[KEY]["verdict"] == "usage_bill"
    usage = json.loads(rows[KEY]["expect"])["usage"]
    return [(line["ref"], Decimal(str(line["amount"]))) for line in usage["lines"]]


def test_equal_amounts_of_two_azure_subscriptions_are_two_lines(tmp_path: Path) -> None:
    found = lines(tmp_path, azure(FIRST), azure(SECOND, name="Test"))
    assert [amount for _, amount in found] == [Decimal("25.64"), Decimal("25.64")]
    assert sorted(ref.split(" ")[1].rsplit("/")[1] for ref, _ in found) == [FIRST, SECOND.lower()]
    assert all(ref.startswith(METER) for ref, _ in found)


def test_equal_amounts_of_one_azure_subscription_are_all_billed(tmp_path: Path) -> None:
    found = lines(tmp_path, azure(FIRST), azure(FIRST, "Bandwidth"), azure(FIRST))
    assert [amount for _, amount in found] == [Decimal("76.92")]


def test_many_azure_texts_are_no_sign_of_several_customers(tmp_path: Path) -> None:
    found = lines(tmp_path, *(azure(FIRST, f"Meter {n}") for n in range(5)))
    assert sum(amount for _, amount in found) == Decimal("128.20")


@pytest.mark.parametrize("text", ["Example Dental", f"Group {FIRST}", "Azure plan - Production - not-a-guid - Meter"])
def test_a_text_without_a_guid_between_dashes_stays_a_group(tmp_path: Path, text: str) -> None:
    assert all("/" not in ref for ref, _ in lines(tmp_path, text))
