"""What cannot be read still exists: it keeps its claims, blocks what shares them, and stands in the plan with its reason.

Each case starts from vendor data that lead to a write, or to two things that share one target, and makes one value unreadable.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pax8_pipeline.reports.explain.history import explain
from pax8_pipeline.settings import Policy
from pax8_pipeline_tests.support.many_cases import plan_many
from pax8_pipeline_tests.support.vendor_data import (
    COMPANY,
    SUB,
    VendorData,
    company,
    invoice,
    licence,
    line,
    manual_line,
    subscription,
)
from pax8_pipeline_tests.support.warehouse import StagedWarehouse
from pax8_pipeline_tests.support.warehouse_files import release

OTHER = "aaaaaaaa-0000-4000-8000-000000000002"
CLIENT = {"id": 231, "name": "Example", "inactive": False}
IN_USD = [{**CLIENT, "currencyisocode": "USD"}]
WIDE = Policy.model_validate({"guardrails": {"run": {"lines_changed_pct": None}}})
Rows = dict[str, dict[str, Any]]
WRITES = ("safe", "needs_approval")


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagedWarehouse]:
    made = StagedWarehouse.at(tmp_path_factory.mktemp("staged"))
    yield made
    release()


def writes(rows: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {row_id: row["after"] for row_id, row in rows.items() if row["action"] != "none" and row["class"] in WRITES}


def shared() -> VendorData:
    """Two subscriptions, 14 and 18 seats, on one licence with count 32."""
    return VendorData(
        subscriptions=[subscription(quantity=14), subscription(id=OTHER, quantity=18)],
        licences=[licence(count=32)],
        recurring=[invoice([line(qty_order=32)])],
        subscription_map=[(OTHER, None, None, 4127)],
        clients=copy.deepcopy(IN_USD),
    )


def shared_manual_line() -> VendorData:
    return VendorData(
        subscriptions=[subscription(quantity=14), subscription(id=OTHER, quantity=18)],
        licences=[],
        recurring=[invoice([manual_line(qty_order=32)])],
        subscription_map=[(SUB, -94, 24967, None), (OTHER, -94, 24967, None)],
        clients=copy.deepcopy(IN_USD),
    )


def grown() -> VendorData:
    """One subscription with five seats more than its licence: a write."""
    return VendorData(subscriptions=[subscription(quantity=25)], clients=copy.deepcopy(IN_USD))


def manual() -> VendorData:
    return VendorData(
        subscriptions=[subscription(quantity=25)],
        licences=[],
        recurring=[invoice([manual_line()])],
        subscription_map=[(SUB, -94, 24967, None)],
        clients=copy.deepcopy(IN_USD),
    )


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k != name}


def test_the_story_of_a_rejected_subscription_and_licence_is_told(staged: StagedWarehouse) -> None:
    night = shared()
    night.subscriptions[1]["endDate"] = "31/12/2027"
    night.licences[0]["count"] = "many"
    staged.plan(night)
    with staged.warehouse.connect() as connection:
        (of_subscription,) = explain(connection, OTHER)
        (of_licence,) = explain(connection, "4127")
    shown = " ".join(event.text for event in of_subscription.events)
    assert "31/12/2027" in shown
    assert "unreadable" in shown
    assert "many" in " ".join(event.text for event in of_licence.events)


def _sub(name: str, value: Any) -> Callable[[VendorData], None]:
    return lambda b: b.subscriptions[0].update({name: value})


def _licence(name: str, value: Any) -> Callable[[VendorData], None]:
    return lambda b: b.licences[0].update({name: value})


def _line(name: str, value: Any) -> Callable[[VendorData], None]:
    return lambda b: b.recurring[0]["lines"][0].update({name: value})


def _link(name: str, value: Any) -> Callable[[VendorData], None]:
    return lambda b: b.recurring[0]["lines"][0]["quantity_subscriptions"][0].update({name: value})


def _header(name: str, value: Any) -> Callable[[VendorData], None]:
    return lambda b: b.recurring[0].update({name: value})


def _client(name: str, value: Any) -> Callable[[VendorData], None]:
    return lambda b: b.clients[0].update({name: value})


def _more_lines(row: dict[str, Any] | Any) -> Callable[[VendorData], None]:
    return lambda b: b.recurring[0]["lines"].append(row)


def _more_invoices(row: dict[str, Any]) -> Callable[[VendorData], None]:
    return lambda b: b.recurring.append(row)


def _more_licences(row: dict[str, Any]) -> Callable[[VendorData], None]:
    return lambda b: b.licences.append(row)


LINK = {"id": 902, "licence_id": 4127, "qty_free": 0, "minimum_qty": 0}
BROKEN: dict[str, tuple[Callable[[VendorData], None], str]] = {
    "no currency in Pax8": (_sub("currencyCode", None), "unknown_currency"),
    "no price in Pax8": (_sub("price", None), "unknown_price"),
    "currency that is none": (_sub("currencyCode", "US dollars"), "unreadable"),
    "quantity in words": (_sub("quantity", "many"), "unreadable"),
    "negative quantity": (_sub("quantity", -3), "unreadable"),
    "price that is no number": (_sub("price", "22,00"), "unreadable"),
    "start date that is none": (_sub("startDate", "01.02.2026"), "unreadable"),
    "billing start that is none": (_sub("billingStart", "soon"), "unreadable"),
    "no start at all": (lambda b: b.subscriptions[0].update(startDate=None, billingStart=None), "unreadable"),
    "licence count that is no number": (_licence("count", "twenty"), "unreadable"),
    "licence without count": (_licence("count", None), "unreadable"),
    "licence that may be active": (_licence("is_active", "perhaps"), "unreadable"),
    "licence that does not say whether it is active": (_licence("is_active", None), "unreadable"),
    "licence that may be deleted": (_licence("deleted", "?"), "unreadable"),
    "licence of an unreadable client": (_licence("client_id", "231.0"), "unreadable"),
    "licence without client": (_licence("client_id", None), "unreadable"),
    "licence price that is no number": (_licence("price", "22 USD"), "unreadable"),
    "licence without readable id": (_licence("id", "4127a"), "unreadable"),
    "licence twice": (lambda b: b.licences.append(dict(b.licences[0])), "unreadable"),
    "second licence without id": (_more_licences(licence(id=None)), "unreadable"),
    "second licence of Pax8 with an unreadable subscription id": (
        _more_licences(licence(id=4128, snowid="c2b8a9d0-6f34")),
        "shares_unreadable",
    ),
    "line switch that is no flag": (_line("isinactive", "maybe"), "unreadable"),
    "line without its switch": (_line("isinactive", None), "unreadable"),
    "line end that is no date": (_line("enddate", "19/08/2026"), "unreadable"),
    "line start that is no date": (_line("startdate", "1.9.2026"), "unreadable"),
    "line type in words": (_line("recurring_invoice_quantity_type", "subscriptions"), "unreadable"),
    "line without type": (_line("recurring_invoice_quantity_type", None), "unreadable"),
    "line price that is no number": (_line("unit_price", "free"), "unreadable"),
    "line without price": (_line("unit_price", None), "unknown_price"),
    "line that may be charged once": (_line("onetimecharge", "?"), "unreadable"),
    "line without id": (_line("id", None), "shares_unreadable"),
    "links that are no list": (_line("quantity_licences", "4127"), "unreadable"),
    "pro rata that is no list": (_line("prorata_data", "none"), "unreadable"),
    "free quantity that is no number": (_link("qty_free", "five"), "shares_unreadable"),
    "minimum quantity that is no number": (_link("minimum_qty", "-"), "shares_unreadable"),
    "link without licence": (
        lambda b: b.recurring[0]["lines"][0]["quantity_subscriptions"].append({"id": 903}),
        "unreadable",
    ),
    "link to a licence that is not readable": (_more_lines(line(id=24968, quantity_subscriptions=[{**LINK, "licence_id": "41 27"}])), "shares_unreadable"),
    "second line without id": (_more_lines(line(id=None, quantity_subscriptions=[LINK])), "shares_unreadable"),
    "second line that is no object": (_more_lines("24968"), "shares_unreadable"),
    "line twice": (lambda b: b.recurring[0]["lines"].append(dict(b.recurring[0]["lines"][0])), "unreadable"),
    "header that may be disabled": (_header("disabled", "no idea"), "unreadable"),
    "header without disabled": (_header("disabled", None), "unreadable"),
    "header of an unreadable client": (_header("client_id", "Example"), "unreadable"),
    "header without client": (_header("client_id", None), "unreadable"),
    "header currency that is none": (_header("currency_code_name", "dollars"), "unreadable"),
    "header without id": (_header("id", None), "unreadable"),
    "another header of the client without lines": (_more_invoices({**invoice([], id=-95), "lines": None}), "shares_unreadable"),
    "a header of nobody without lines": (
        _more_invoices({**invoice([], id=-95, client_id="?"), "lines": "none"}),
        "shares_unreadable",
    ),
    "client that may be inactive": (_client("inactive", "unknown"), "unreadable"),
    "client without its switch": (_client("inactive", None), "unreadable"),
    "client billed through nobody knows whom": (_client("client_to_invoice", "Acme"), "unreadable"),
    "client currency that is none": (_client("currencyisocode", "dollars"), "unreadable"),
    "client twice": (lambda b: b.clients.append(dict(b.clients[0])), "unreadable"),
    "company that Pax8 may bill": (lambda b: b.companies[0].update(billOnBehalfOfEnabled="?"), "unreadable"),
    "company that does not say who bills it": (lambda b: b.companies[0].update(billOnBehalfOfEnabled=None), "unreadable"),
    "company twice": (lambda b: b.companies.append(dict(b.companies[0])), "unreadable"),
    "subscription twice": (lambda b: b.subscriptions.append(dict(b.subscriptions[0])), "unreadable"),
    "currency that Halo names for others only": (
        lambda b: b.clients.__setitem__(slice(None), [CLIENT, {**CLIENT, "id": 77, "currencyisocode": "EUR"}]),
        "unknown_currency",
    ),
}  # fmt: skip


# These hold more than their own: a line that may be anybody's holds every line, a currency every client's without one.
ALONE = ("a header of nobody without lines", "currency that Halo names for others only")


def spoiled(name: str) -> VendorData:
    vendor_data = copy.deepcopy(grown())
    BROKEN[name][0](vendor_data)
    return vendor_data


def manual_with(name: str, value: Any) -> VendorData:
    vendor_data = manual()
    vendor_data.recurring[0]["lines"][0][name] = value
    return vendor_data


def ended(**changes: Any) -> VendorData:
    row = subscription(status="Cancelled", **{"endDate": "2026-08-19", **changes})
    return VendorData(subscriptions=[row], clients=copy.deepcopy(IN_USD))


OF_MANUAL_LINES = [("qty_order", None), ("qty_order", "ten"), ("isActive", "?"), ("is_meter", "?")]
ENDS: list[tuple[dict[str, Any], str]] = [
    *(({"endDate": end}, "unreadable") for end in ("01/08/2026", "2026-13-40", "yesterday")),
    ({"billingTerm": None}, "unknown_term"),
    ({"currencyCode": None}, "unknown_currency"),
]
CLAIMS = [("endDate", "31/12/2027"), ("quantity", None), ("status", "Levitating"), ("id", None), ("id", 7)]


def with_claim(shared_data: Callable[[], VendorData], field: str, value: Any) -> VendorData:
    vendor_data = shared_data()
    vendor_data.subscriptions[1][field] = value
    return vendor_data


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """The plan's rows of each case, from one plan for all of them. The cases `grown` and `manual` prove that none holds another."""
    cases: dict[str, VendorData] = {
        "grown": grown(),
        "manual": manual(),
        "shared": shared(),
        "shared_manual_line": shared_manual_line(),
        **{name: spoiled(name) for name in BROKEN if name not in ALONE},
        **{str(case): manual_with(*case) for case in OF_MANUAL_LINES},
        **{str(changes): ended(**changes) for changes, _ in ENDS},
        **{f"{made.__name__} {c}": with_claim(made, *c) for made in (shared, shared_manual_line) for c in CLAIMS},
    }
    found = plan_many(cases, tmp_path_factory.mktemp("cases"), WIDE)
    return {name: {row["row_id"]: row for row in rows} for name, rows in found.items()}


@pytest.mark.parametrize("name", BROKEN)
def test_a_write_is_held_while_something_of_it_cannot_be_read(
    name: str, plans: dict[str, Rows], staged: StagedWarehouse
) -> None:
    rows = staged.plan(spoiled(name)) if name in ALONE else plans[name]
    assert writes(rows) == {}
    assert (rows[SUB]["verdict"], rows[SUB]["class"], rows[SUB]["client_id"] in (231, None)) == (
        BROKEN[name][1],
        "blocked",
        True,
    )
    assert rows[SUB]["company_name"] == "Example Dental"


def test_the_data_themselves_lead_to_a_write(plans: dict[str, Rows]) -> None:
    """Beside all of the cases that hold one."""
    assert writes(plans["grown"]) == {SUB: "25"}
    assert writes(plans["manual"]) == {SUB: "25"}


@pytest.mark.parametrize("case", OF_MANUAL_LINES, ids=str)
def test_a_manual_line_that_cannot_be_read_is_not_written(case: tuple[str, Any], plans: dict[str, Rows]) -> None:
    rows = plans[str(case)]
    assert (writes(rows), rows[SUB]["verdict"]) == ({}, "unreadable")


@pytest.mark.parametrize(("changes", "verdict"), ENDS, ids=str)
def test_a_cancellation_of_which_something_is_not_known_ends_nothing(
    changes: dict[str, Any], verdict: str, plans: dict[str, Rows]
) -> None:
    rows = plans[str(changes)]
    assert (writes(rows), rows[SUB]["verdict"]) == ({}, verdict)


@pytest.mark.parametrize("made", ["shared", "shared_manual_line"])
@pytest.mark.parametrize(("field", "value"), CLAIMS)
def test_an_unreadable_subscription_keeps_its_claim_on_licence_and_line(
    made: str, field: str, value: Any, plans: dict[str, Rows]
) -> None:
    assert {row["verdict"] for row in plans[made].values()} == {"ambiguous"}
    rows = plans[f"{made} {(field, value)}"]
    assert writes(rows) == {}
    assert rows[SUB]["verdict"] in ("shares_unreadable", "ambiguous")
    # Without its id nothing in Pax8 stands for its licence or line: that is reported beside it.
    beside = ("orphaned_licence", "orphaned_line")
    (other,) = [row for row_id, row in rows.items() if row_id != SUB and row["verdict"] not in beside]
    assert (other["class"], other["client_name"], other["company_name"]) == ("blocked", "Example", "Example Dental")
    # An id of another form may be a new one of Pax8's: that subscription is simply not tied to anything.
    assert other["verdict"] in ("unreadable", "unknown_status", *(("unbilled",) if value == 7 else ()))
    if isinstance(value, str):
        assert value in other["sentence"]


def test_a_client_without_readable_id_may_be_the_one_that_is_meant(staged: StagedWarehouse) -> None:
    """Two clients claim the company; the id of the one cannot be read: the other is not the only one."""
    link = [{"name": "CFPax8CompanyId", "value": COMPANY}]
    vendor_data = grown()
    vendor_data.client_map = []
    vendor_data.clients = [{**CLIENT, "customfields": link}, {**CLIENT, "id": "77b", "customfields": link}]
    assert writes(staged.plan(vendor_data)) == {}
    vendor_data.clients = [{**CLIENT, "customfields": link}, {**CLIENT, "id": 77, "customfields": "?"}]
    assert writes(staged.plan(vendor_data)) == {}
    vendor_data.clients = [{**CLIENT, "customfields": link}, {**CLIENT, "id": 77, "customfields": []}]
    assert writes(staged.plan(vendor_data)) == {SUB: "25"}


def test_a_company_without_readable_id_keeps_its_claim_on_a_client(staged: StagedWarehouse) -> None:
    vendor_data = grown()
    vendor_data.client_map = []
    vendor_data.companies = [company(externalId="231"), company(id=None, name="Other", externalId="231")]
    assert writes(staged.plan(vendor_data)) == {}


def test_the_policy_can_name_the_currency_that_halo_does_not(staged: StagedWarehouse) -> None:
    vendor_data = grown()
    vendor_data.clients = [CLIENT, {**CLIENT, "id": 77, "currencyisocode": "EUR"}]
    policy = Policy.model_validate({"matching": {"default_currency": "USD"}})
    assert writes(staged.plan(vendor_data, policy)) == {SUB: "25"}
    policy = Policy.model_validate({"matching": {"default_currency": "EUR"}})
    assert staged.plan(vendor_data, policy)[SUB]["verdict"] == "currency_mismatch"


def test_records_of_halo_that_cannot_be_read_stand_in_the_plan(staged: StagedWarehouse) -> None:
    vendor_data = grown()
    vendor_data.licences.append(licence(id=4200, snowid="", count="x", client_id=231))
    rows = staged.plan(vendor_data)
    row = rows["unreadable Halo licence 4200"]
    assert (row["class"], row["licence_id"], row["client_name"]) == ("blocked", 4200, "Example")
    assert "count is not a whole number: x" in row["sentence"]
    assert writes(rows) == {SUB: "25"}, "nothing points at it, so nothing else is held"


def test_the_money_of_an_unreadable_subscription_without_a_line_is_shown(staged: StagedWarehouse) -> None:
    rows = staged.plan(VendorData(subscriptions=[subscription(endDate="soon")], licences=[], recurring=[]))
    assert (rows[SUB]["verdict"], rows[SUB]["unbilled_per_month"]) == ("unreadable", 440)
