"""Usage by client, product and month; the picture of it; and its part of the report."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from pax8_pipeline.billing.planning.planner import make_plan
from pax8_pipeline.reports import plan_report, usage_chart, usage_report
from pax8_pipeline.settings import Policy, UsagePolicy
from pax8_pipeline.warehouse import snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.usage_checks import OTHER, Row, bill, item, items_read, seats, summary, usage_warehouse
from pax8_pipeline_tests.support.vendor_data import SUB, plan_context

JULY = Policy(usage=UsagePolicy(first_month="2026-07"))


def june(**changes: Any) -> Row:
    return item(**{"startPeriod": "2026-06-01", "endPeriod": "2026-06-30", **changes})


def two_months(folder: Path, *july: Row, june: list[Row], **vendor_data: Any) -> Warehouse:
    """Data with one invoice for June and one for July."""
    return usage_warehouse(
        folder, *july, bills=[bill("i0", invoiceDate="2026-07-01")], more=[items_read(june, "i0")], **vendor_data
    )


def by_month(warehouse: Warehouse) -> list[dict[str, Any]]:
    with warehouse.connect() as connection:
        query = "SELECT * FROM reconciled.usage_by_month ORDER BY month, client_name, product_name, currency"
        return snapshots.dicts(connection.execute(query))


# usage_by_month -----------------------------------------------------------------------------------------------


def test_charges_of_a_client_and_product_are_one_row_with_cost_margin_and_change(tmp_path: Path) -> None:
    rows = by_month(two_months(tmp_path, item(), item(total=5.125, costTotal=4, quantity=0.5), june=[june(total=20)]))
    assert [(r["month"], r["amount"], r["amount_before"], r["change"]) for r in rows] == [
        ("2026-06", Decimal(20), None, None),
        ("2026-07", Decimal("30.125"), Decimal(20), Decimal("10.125")),
    ]
    assert (rows[1]["quantity"], rows[1]["cost"], rows[1]["margin"], rows[1]["change_pct"]) == (
        Decimal("3.5"), Decimal("23.5"), Decimal("6.625"), Decimal("50.6"),
    )  # fmt: skip


def test_a_product_that_stopped_has_one_more_row_with_nothing_in_it(tmp_path: Path) -> None:
    rows = by_month(two_months(tmp_path, item(), june=[june(), june(companyId=OTHER, total=9)]))
    (gone,) = [r for r in rows if r["month"] == "2026-07" and r["client_id"] == 232]
    assert (gone["amount"], gone["change"], gone["change_pct"]) == (0, -9, -100)


def test_two_currencies_of_one_client_are_never_added_up(tmp_path: Path) -> None:
    pounds = item(companyId=OTHER, currencyCode="GBP")
    rows = by_month(two_months(tmp_path, item(), pounds, june=[june(), june(companyId=OTHER)]))
    assert {(r["month"], r["currency"], r["amount"]) for r in rows if r["client_id"] == 232} == {
        ("2026-06", "USD", Decimal(25)), ("2026-07", "USD", Decimal(0)),
    }  # fmt: skip


def test_what_nobody_is_billed_for_and_invoices_taken_back_are_no_clients_usage(tmp_path: Path) -> None:
    assert by_month(usage_warehouse(tmp_path, item(companyId=None), seats())) == []
    assert by_month(usage_warehouse(tmp_path, item(), status="Credited")) == []


def usage_line(**changes: Any) -> snapshots.Read:
    row = {"usageSummaryId": "u1", "usageDate": "2026-08-19", "productName": "Storage", "productId": item()["productId"], "quantity": 2,
           "currentCharges": 7.5, "partnerTotal": 6, "currencyCode": "USD", **changes}  # fmt: skip
    path = "/usage-summaries/u1/usage-lines?usageDate=2026-08-19"
    return snapshots.Read("pax8.usage_lines", snapshots.raw_objects(path, [row]), scope="2026-08")


def test_the_running_month_is_an_estimate_and_not_compared(tmp_path: Path) -> None:
    rows = by_month(usage_warehouse(tmp_path, item(), august=[summary()], more=[usage_line()]))
    assert [(r["month"], r["is_estimate"], r["amount"], r["change"]) for r in rows] == [
        ("2026-07", False, Decimal(25), None),
        ("2026-08", True, Decimal("7.5"), None),
    ]


# The picture --------------------------------------------------------------------------------------------------


def columns(clients: int, currencies: tuple[str, ...] = ("USD",)) -> list[dict[str, Any]]:
    return [
        {"currency": currency, "month": f"2026-{month:02d}", "client": f"_Client {n} $x^2$", "place": n, "amount": Decimal(n * month - 5),
         "is_estimate": month == 12}
        for currency in currencies for month in range(1, 13) for n in range(1, clients + 1)
    ]  # fmt: skip


SVG = "{http://www.w3.org/2000/svg}"


def test_the_picture_is_small_well_formed_and_the_same_for_the_same_figures() -> None:
    rows = columns(8, ("CHF", "EUR", "GBP", "USD"))
    drawn = usage_chart.draw(rows)
    assert len(drawn) < 120_000
    assert usage_chart.draw(rows) == drawn
    assert usage_chart.draw(columns(2)) != drawn
    texts = [text.text for text in ElementTree.fromstring(drawn).iter(f"{SVG}text")]
    assert [t for t in texts if t and t.startswith("Usage by month")] == [
        f"Usage by month, {currency}" for currency in ("CHF", "EUR", "GBP")
    ]
    assert "_Client 1 $x^2$" in texts
    assert texts.count("so far") == 3


def test_heights_of_columns_are_to_the_scale_of_the_axis_and_credits_hang_below_zero() -> None:
    rows = [
        {"currency": "USD", "month": month, "client": "<A & B>", "place": 1, "amount": Decimal(amount), "is_estimate": False}
        for month, amount in (("2026-06", "100"), ("2026-07", "-50"), ("2026-08", "0.5"))
    ]  # fmt: skip
    page = ElementTree.fromstring(usage_chart.draw(rows))
    bars = {found.text: rect for rect in page.iter(f"{SVG}rect") if (found := rect.find(f"{SVG}title")) is not None}
    up, down, little = (bars[f"<A & B>, {row['month']}: {row['amount']:,.2f} USD"] for row in rows)
    height = {name: float(bar.attrib["height"]) for name, bar in (("up", up), ("down", down), ("little", little))}
    assert height["up"] == pytest.approx(2 * height["down"], abs=0.2)
    assert height["little"] == pytest.approx(height["up"] / 200, abs=0.1)
    assert float(up.attrib["y"]) + height["up"] == pytest.approx(float(down.attrib["y"]), abs=0.2)


def test_without_usage_there_is_no_picture(tmp_path: Path) -> None:
    warehouse = usage_warehouse(tmp_path, seats())
    with warehouse.connect() as connection:
        assert usage_chart.usage_svg(connection) is None


# The report ---------------------------------------------------------------------------------------------------


def gathered(warehouse: Warehouse, policy: Policy = JULY) -> tuple[str, usage_report.Usage]:
    plan_id = make_plan(warehouse, plan_context(policy=policy)).plan_id
    with warehouse.connect() as connection:
        return plan_id, usage_report.load_usage(connection, plan_id)


def test_a_month_shows_what_is_charged_waits_has_no_company_and_is_left_out(tmp_path: Path) -> None:
    parts = item(), item(companyId=None, total=30, costTotal=21, details="Lab"), item(billedByPax8=True, total=4)
    more = [usage_line(), snapshots.Read("halo.invoices", [])]
    usage = gathered(usage_warehouse(tmp_path, *parts, august=[summary()], more=more, policy=JULY))[1]
    rows = {row["month"]: row for row in usage.months}
    report = ("state", "to_bill", "billed", "waiting", "unassigned", "skipped", "estimate")
    # A company billed by Pax8 in part is still billed for the rest.
    assert [str(rows["2026-07"][name]) for name in report] == [
        "closed",
        "25.00",
        "0.00",
        "25.00",
        "30.00",
        "4.00",
        "0.00",
    ]
    assert (rows["2026-08"]["state"], str(rows["2026-08"]["estimate"])) == ("open", "7.50")


def test_each_group_without_a_company_is_told_with_its_money_and_what_to_click(tmp_path: Path) -> None:
    lost = item(companyId=None, total=30, costTotal=21, details="Lab")
    (group,) = gathered(usage_warehouse(tmp_path, item(), lost))[1].groups
    assert (str(group["charges"]), str(group["cost"]), group["resource_group"]) == ("30.00", "21.00", "Lab")
    assert (
        group["click"] == f'Pax8 portal: Subscriptions, {SUB}, Usage tab, "..." menu of the row "Lab", Assign company'
    )


def test_the_report_files_hold_the_section_and_the_picture(tmp_path: Path) -> None:
    warehouse = two_months(tmp_path, item(), item(companyId=None, details="<b>|Lab"), june=[june(total=20)])
    plan_id = make_plan(warehouse, plan_context(policy=JULY)).plan_id
    page = plan_report.write_report(warehouse, plan_id, tmp_path / "reports")
    text, shown = page.with_suffix(".md").read_text(encoding="utf-8"), page.read_text(encoding="utf-8")
    assert "## Usage" in text
    assert "![usage](data:image/svg+xml;base64,PHN2" in text
    assert "| 2026-07 | closed | 25.00 |" in text
    assert "| Example | Storage | 3 |  | 20.00 | 25.00 | +5.00 | 25 |" in text
    assert "&lt;b>\\|Lab" in text
    assert "<svg xmlns" in shown
    assert "&lt;b&gt;|Lab" in shown
    data = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))["usage"]
    assert [m["month"] for m in data["months"]] == ["2026-07", "2026-06"]
    assert (data["movers"][0]["change"], data["unassigned"][0]["resource_group"]) == ("5", "<b>|Lab")


def test_a_report_without_usage_says_so(tmp_path: Path) -> None:
    warehouse = usage_warehouse(tmp_path, seats())
    plan_id = make_plan(warehouse, plan_context()).plan_id
    page = plan_report.write_report(warehouse, plan_id, tmp_path / "reports")
    assert "No metered usage is known." in page.with_suffix(".md").read_text(encoding="utf-8")
    assert "No metered usage is known." in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "wanted"), [("Lab", 'the row "Lab"'), (None, "the row without a name")])
def test_what_to_click_names_the_row_as_the_portal_does(name: str | None, wanted: str) -> None:
    assert wanted in usage_report.what_to_click({"subscription_id": None, "resource_group": name})
