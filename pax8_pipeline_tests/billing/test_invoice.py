"""What a usage invoice is made of, by what it is known again, and when Halo's is the planned one."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.billing.actions import usage_documents
from pax8_pipeline.billing.actions.create_invoice import CreateInvoice
from pax8_pipeline.billing.actions.seat_expectation import BadExpectation
from pax8_pipeline.billing.actions.usage_invoice import UsageInvoice
from pax8_pipeline.billing.actions.usage_key import keys_in
from pax8_pipeline.billing.model import Change
from pax8_pipeline.halo.payloads import new_invoice
from pax8_pipeline.warehouse import build, snapshots
from pax8_pipeline_tests.support.billing import COMPANY, KEY, as_halo_keeps, change, usage_invoice, usage_line
from pax8_pipeline_tests.support.vendor_data import TODAY, VendorData

LOWER = KEY.lower()


def usage(made: Change) -> UsageInvoice:
    return UsageInvoice.from_json(made.expect)


def shown(made: Change, **changes: Any) -> dict[str, Any]:
    """The planned invoice as Halo shows it."""
    return as_halo_keeps(51877, usage(made).body(), **changes)


def faults(made: Change) -> list[str]:
    """Why it may not be sent."""
    try:
        return CreateInvoice.from_change(made).validation_errors()
    except BadExpectation as error:
        return [str(error)]


# What is sent --------------------------------------------------------------------------------------------


def test_the_body_carries_the_key_the_reference_of_each_line_and_both_prices() -> None:
    sent = usage(usage_invoice()).body()
    assert sent == {
        "client_id": 231,
        "invoice_date": "2026-08-20T00:00:00",
        "reference": KEY,
        "lines": [
            {
                "_itemid": 120,
                "item_shortdescription": "Backup Storage, July 2026",
                "item_longdescription": "512.75 GB, Example Dental\nRef: s1 p1 2026-07",
                "qty_order": 1,
                "unit_price": Decimal("143.27"),
                "baseprice": Decimal("143.27"),
                "unit_cost": Decimal("124.58"),
            }
        ],
    }
    assert new_invoice(sent) is sent


def test_a_long_note_is_cut_so_that_the_reference_at_its_end_survives_halos_4000_characters() -> None:
    made = usage_invoice(usage_line(note="x" * 9000))
    text = usage(made).body()["lines"][0]["item_longdescription"]
    assert len(text) < 4000
    assert text.endswith("\nRef: s1 p1 2026-07")
    assert usage_documents.differences(usage(made), shown(made), fresh=True) == []


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (usage_invoice(total="0"), "total is not above zero"),
        (usage_invoice(usage_line(amount="-5.00")), "total is not above zero"),
        (usage_invoice(total="143.28"), "add up"),
        (usage_invoice(usage_line(amount="1.005")), "whole cents"),
        (usage_invoice(usage_line(), usage_line("s2 p2", item_id=None)), "no Halo item"),
        (usage_invoice(currency=None), "currency"),
        (usage_invoice(currency="usd"), "currency"),
        (usage_invoice(client_id=None), "no client"),
        (usage_invoice(client_id=232), "no client"),
        (usage_invoice(lines=[], total="1"), "no lines"),
        (usage_invoice(key=KEY + "-adj1", lines=[], total=None), "does not say what to bill"),
        (usage_invoice(invoice_date="2026-07-31"), "has not ended"),
        (usage_invoice(invoice_date="soon"), "soon"),
        (change("create_invoice", None), "does not say what to bill"),
    ],
)
def test_what_may_never_be_sent_is_named_whatever_the_plan_allows(made: Change, reason: str) -> None:
    assert any(reason in sentence for sentence in faults(made))


def test_a_key_other_than_the_rows_is_not_sent() -> None:
    other = usage_invoice(key=KEY + "-adj1")
    made = Change(**{**other.__dict__, "row_id": KEY})
    assert faults(made) == ["its key is not the one of the plan's row"]


@pytest.mark.parametrize(
    "made",
    [
        usage_invoice(),
        usage_invoice(usage_line(), usage_line("s1 p2", "-3.20"), key=KEY + "-adj1"),
        usage_invoice(key=f"PAX8-USAGE 2026-07 {COMPANY.upper()}"),
        usage_invoice(invoice_date="2026-08-01"),
    ],
    ids=["plain", "adjustment with a negative line", "upper case", "first day after the month"],
)
def test_a_sound_invoice_has_no_faults(made: Change) -> None:
    assert faults(made) == []


# By what it is known again -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (KEY, {LOWER}),
        (KEY.upper(), {LOWER}),
        (f"  PAX8-USAGE\t2026-07\n{COMPANY}.", {LOWER}),
        (f"{KEY}-adj1", {f"{LOWER}-adj1"}),
        (f"{KEY}-adj10", {f"{LOWER}-adj10"}),
        (f"{KEY} - copy", {LOWER}),
        (f"{KEY}-copy", {LOWER}),
        (f"{KEY}-adj2-copy", {f"{LOWER}-adj2"}),
        (f"was {KEY}, now {KEY}-adj1", {LOWER, f"{LOWER}-adj1"}),
        (f"PAX8-USAGE 2026-07 {COMPANY[:8]}", {f"pax8-usage 2026-07 {COMPANY[:8]}"}),
        (f"PAX8-USAGE {COMPANY}", set()),
        (f"usage 2026-07 {COMPANY}", set()),
        (None, set()),
        ("", set()),
    ],
)
def test_a_key_is_one_whole_token_of_a_text(text: str | None, keys: set[str]) -> None:
    assert keys_in(text) == keys


def found(made: Change, *documents: dict[str, Any]) -> list[int]:
    return [d["id"] for d in usage_documents.find_matches(usage(made), documents)]


def test_an_adjustment_is_not_the_document_it_corrects_nor_another_adjustment() -> None:
    documents = [
        shown(usage_invoice(key=KEY + suffix), id=n) for n, suffix in enumerate(("", "-adj1", "-adj10", "-adj11"), 1)
    ]
    assert found(usage_invoice(), *documents) == [1]
    assert found(usage_invoice(key=KEY + "-adj1"), *documents) == [2]
    assert found(usage_invoice(key=KEY + "-ADJ10"), *documents) == [3]


@pytest.mark.parametrize(
    "document",
    [
        {"reference": KEY.lower(), "lines": []},
        {"reference": KEY, "voided": True, "posted": True},
        {"reference": None, "lines": [{"item_shortdescription": f"Usage, see {KEY}"}]},
        {"reference": "by hand", "lines": [{"item_longdescription": f"x\n{KEY}"}, {}]},
        {"id": -94, "reference": "Monthly", "lines": [{"item_longdescription": KEY}]},
        {"reference": "copied", "client_id": 231, "lines": [{"item_longdescription": "512 GB\nRef: S1 P1 2026-07 "}]},
        {"reference": "copied", "lines": [{"item_longdescription": "<p>512 GB<br/>Ref: s1 p1 2026-07</p>"}]},
    ],
    ids=["reference", "voided", "short text", "long text", "recurring", "line copied", "line copied as HTML"],
)
def test_every_place_that_may_bill_the_usage_already_is_a_hit(document: dict[str, Any]) -> None:
    assert found(usage_invoice(), {"id": 7, "client_id": 231, **document}) == [document.get("id", 7)]


@pytest.mark.parametrize(
    "document",
    [
        {"reference": "Monthly services", "lines": [{"item_longdescription": "Ref: our order 12"}]},
        {"reference": KEY + "-adj1", "lines": [{"item_longdescription": "Ref: s1 p1 2026-07"}]},
        {"reference": "x", "client_id": 232, "lines": [{"item_longdescription": "Ref: s1 p1 2026-07"}]},
        {"reference": KEY.replace("2026-07", "2026-06")},
        {"reference": None, "lines": None},
    ],
    ids=["other", "our own correction of it", "line of another client", "another month", "bare"],
)
def test_what_does_not_bill_it_is_no_hit(document: dict[str, Any]) -> None:
    assert found(usage_invoice(), {"id": 7, "client_id": 231, **document}) == []


# When Halo's is the planned one --------------------------------------------------------------------------


@pytest.mark.parametrize("price", ["143.27", "143.270", "143.27000000000001", "143.2699999999"])
def test_amounts_are_compared_in_cents_however_halo_writes_them(price: str) -> None:
    made = usage_invoice()
    there = shown(made)
    there["lines"][0].update(unit_price=Decimal(price), qty_order=Decimal("1.0"))
    assert usage_documents.differences(usage(made), there, fresh=True) == []


def test_lines_may_come_back_in_another_order() -> None:
    made = usage_invoice(usage_line(), usage_line("s1 p2", "3.10", item_id=121))
    there = shown(made)
    there["lines"].reverse()
    assert usage_documents.differences(usage(made), there, fresh=True) == []


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.update(client_id=232), "client is 232"),
        (lambda d: d.update(reference="other"), "reference"),
        (lambda d: d.update(reference=KEY + "-adj1"), "reference"),
        (lambda d: d.update(voided=True), "voided"),
        (lambda d: d["lines"].pop(), "1 line, not 2"),
        (lambda d: d["lines"].append({"qty_order": 1, "unit_price": 0}), "3 lines, not 2"),
        (lambda d: d["lines"][0].update(unit_price=Decimal("143.28")), "come to 146.38"),
        (lambda d: d["lines"][0].update(qty_order=2), "come to 289.64"),
        (lambda d: d["lines"][0].update(unit_price=None), "no number"),
        (lambda d: d["lines"][0].update(_itemid=121), "not the planned ones"),
        (lambda d: d["lines"][0].update(item_longdescription="edited"), "not the planned ones"),
        (lambda d: d.update(lines=[{**x, "unit_price": Decimal("73.185")} for x in d["lines"]]), "146.38"),
    ],
)
def test_every_difference_is_named(edit: Any, message: str) -> None:
    made = usage_invoice(usage_line(), usage_line("s1 p2", "3.10"))
    there = shown(made)
    edit(there)
    assert any(message in sentence for sentence in usage_documents.differences(usage(made), there, fresh=False))


def test_equal_sums_of_other_lines_are_a_difference() -> None:
    made = usage_invoice(usage_line(), usage_line("s1 p2", "3.10"))
    there = shown(made)
    there["lines"][0]["unit_price"], there["lines"][1]["unit_price"] = Decimal("140.27"), Decimal("6.10")
    assert usage_documents.differences(usage(made), there, fresh=False) == [
        "its lines are not the planned ones (reference, amount, item)"
    ]


def test_a_posted_invoice_is_the_planned_one_unless_it_was_made_just_now() -> None:
    made = usage_invoice()
    there = shown(made, posted=True)
    assert usage_documents.differences(usage(made), there, fresh=False) == []
    assert usage_documents.differences(usage(made), there, fresh=True) == ["it is posted already"]


def test_documents_are_named_for_a_person() -> None:
    documents = [{"id": 51877, "voided": True}, {"id": -94}]
    assert usage_documents.name_documents(documents) == "invoice 51877 (voided), recurring invoice -94"


# The same words in SQL -----------------------------------------------------------------------------------

PIECES = (KEY, KEY.lower(), COMPANY, "PAX8-USAGE", "2026-07", "-adj1", "-adj10", "-copy", " ", " ", "\n", "\t ", "x",
          "pax8-usage 2026-08 abc-1", ".", "|", "é")  # fmt: skip


def test_staging_finds_the_same_keys_in_any_text(tmp_path: Path) -> None:
    chance = random.Random(7)

    def text() -> str:
        return "".join(chance.choices(PIECES, k=chance.randrange(7)))

    sent = [
        {"id": n, "reference": text(), "lines": [{"item_shortdescription": text(), "item_longdescription": text()}]}
        for n in range(1, 3001)
    ]
    warehouse = VendorData().load(tmp_path)
    snapshots.store(warehouse, [snapshots.Read("halo.invoices", snapshots.raw_objects("/Invoice", sent))], "run")
    build.build(warehouse, "staging.halo_invoices", {"today": TODAY})
    with warehouse.connect() as connection:
        rows = connection.execute("SELECT invoice_id, usage_keys FROM staging.halo_invoices").fetchall()
    found = {d["id"]: set(usage_documents.keys_of(d)) for d in sent}
    assert {n: set(keys) for n, keys in rows} == found
    assert sum(len(keys) > 1 for keys in found.values()) > 100


def test_staging_keeps_lines_and_their_net_sum(tmp_path: Path) -> None:
    warehouse = VendorData().load(tmp_path)
    lines = [
        {"qty_order": 2, "unit_price": Decimal("10.05")},
        {"qty_order": Decimal("1.5"), "unit_price": "3"},
        {"qty_order": 0, "unit_price": 7},
    ]
    # A line without a quantity comes to nobody knows what, and so does its invoice.
    sent: list[dict[str, Any]] = [{"id": 1, "lines": lines}, {"id": 2}, {"id": 3, "lines": [{"unit_price": 7}]}]
    snapshots.store(warehouse, [snapshots.Read("halo.invoices", snapshots.raw_objects("/Invoice", sent))], "run")
    build.build(warehouse, "staging.halo_invoices", {"today": TODAY})
    with warehouse.connect() as connection:
        rows = connection.execute("SELECT line_count, lines_net, usage_keys FROM staging.halo_invoices").fetchall()
    assert sorted(rows, key=str) == [(0, Decimal(0), []), (1, None, []), (3, Decimal("24.6"), [])]
