"""Writing licences: counts, status, and what they do to lines (docs/vendors/halo.md#writing, #licence,
#recurring-invoice).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from pax8_pipeline.sandbox.halo.nightly import nightly
from pax8_pipeline_tests.support.halo_http import CLIENT, HEADER, LICENCE, LINE, HaloKit, running_halo, sample_tenant


@pytest.fixture
def halo() -> Iterator[HaloKit]:
    with running_halo() as kit:
        sample_tenant(kit.store)
        yield kit


def seats(count: Any, **more: Any) -> list[dict[str, Any]]:
    return [{"id": LICENCE, "client_id": CLIENT, "count": count, **more}]


def test_a_count_changes_alone_and_leaves_a_change_row(halo: HaloKit) -> None:
    before = halo.get(f"/SoftwareLicence/{LICENCE}", includedetails="true")
    halo.post("/SoftwareLicence", seats(20))
    after = halo.get(f"/SoftwareLicence/{LICENCE}", includedetails="true")
    assert {k for k in after if after[k] != before[k]} == {"count", "licences_available"}
    change = halo.get("/LicenceChange", licence_id=LICENCE)["licencechanges"]
    assert [(row["field_name"], row["old_value"], row["new_value"]) for row in change] == [("count", "18", "20")]


def test_writing_the_same_count_again_leaves_no_trace_but_the_write(halo: HaloKit) -> None:
    halo.post("/SoftwareLicence", seats(18))
    assert halo.store.licence_changes == []
    assert halo.store.recurring_invoices[HEADER]["lines"][0]["prorata_data"] == []
    assert len(halo.store.writes) == 1


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        ({"id": LICENCE, "client_id": CLIENT, "count": 20}, {"ClassName", "Message", "Data"}),  # no array
        (seats(Decimal("20.5")), {"ClassName", "Message", "Data"}),
        (seats(Decimal("20.0")), {"ClassName", "Message", "Data"}),
        (seats("20"), {"ClassName", "Message", "Data"}),
        (seats(-1), {"message"}),
        ([{"id": LICENCE, "count": 20}], {"message"}),  # no client_id
        ([], {"message"}),
        ([{"id": 999999, "client_id": CLIENT, "count": 20}], {"resultCode", "errorMessage"}),
        ([{"id": LICENCE, "client_id": 999999, "count": 20}], {"resultCode", "errorMessage"}),
        ([*seats(20), {"id": LICENCE, "client_id": CLIENT, "end_date": "soon"}], {"ClassName", "Message", "Data"}),
    ],
)
def test_a_bad_body_is_refused_whole_in_one_of_three_shapes(halo: HaloKit, body: Any, shape: set[str]) -> None:
    status, answer = halo.refused("/SoftwareLicence", body)
    assert (status, set(answer)) == (400, shape)
    assert halo.store.licences[LICENCE]["count"] == 18
    assert halo.store.writes == []


def test_a_cut_body_and_a_wrong_content_type_are_refused(halo: HaloKit) -> None:
    halo.get("/Client")
    url, headers = f"{halo.url}/halo/api/SoftwareLicence", {"Authorization": f"Bearer {halo.token}"}
    cut = halo.session.post(url, data=b'[{"id":', headers={**headers, "Content-Type": "application/json"}, timeout=10)
    assert (cut.status_code, "ClassName" in cut.json()) == (400, True)
    assert halo.session.post(url, data={"id": "1"}, headers=headers, timeout=10).status_code == 415


def test_without_the_switch_a_count_needs_no_client(halo: HaloKit) -> None:
    halo.store.switches.change({"licence_update_needs_client_id": False})
    halo.post("/SoftwareLicence", [{"id": LICENCE, "count": 20}])
    assert halo.store.licences[LICENCE]["client_id"] == CLIENT


def test_a_licence_without_id_is_created(halo: HaloKit) -> None:
    reply = halo.post("/SoftwareLicence", [{"name": "New", "client_id": CLIENT, "count": 3}])
    assert reply["id"] > LICENCE
    assert halo.store.licences[reply["id"]]["count"] == 3


@pytest.mark.parametrize(("reply", "status"), [("object", 200), ("object", 201), ("array", 200), ("array", 201)])
def test_reply_and_status_follow_the_switches(halo: HaloKit, reply: str, status: int) -> None:
    halo.store.switches.change({"post_reply": reply, "post_status": status})
    answer = halo.call("POST", "/SoftwareLicence", body=seats(20))
    assert answer.status_code == status
    assert isinstance(answer.json(), list) is (reply == "array")


def test_several_elements_are_answered_as_an_array(halo: HaloKit) -> None:
    second = halo.store.add_licence(name="B", client_id=CLIENT, count=1)
    body = [*seats(20), {"id": second, "client_id": CLIENT, "count": 2}]
    assert [row["count"] for row in halo.post("/SoftwareLicence", body)] == [20, 2]


# Lines that follow ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("when", "shown"), [("at_read", 20), ("at_creation", 18)])
def test_a_followed_line_shows_the_count_when_the_switch_says(halo: HaloKit, when: str, shown: int) -> None:
    halo.store.switches.change({"qty_order_refresh": when})
    halo.post("/SoftwareLicence", seats(20))
    line = halo.line()
    assert line["qty_order"] == shown
    assert line["net_amount"] == shown * 22


@pytest.mark.parametrize(
    ("links", "quantity"),
    [
        ([{"qty_free": 3}], 15),
        ([{"qty_free": 3, "minimum_qty": 16}], 16),
        ([{"qty_free": 30}], 0),
        ([{}, {"other": 5}], 23),
        ([], 0),
    ],
)
def test_a_followed_quantity_is_the_sum_less_free_floored_at_the_minimum(
    halo: HaloKit, links: list[dict[str, int]], quantity: int
) -> None:
    line = halo.store.recurring_invoices[HEADER]["lines"][0]
    template = line["quantity_subscriptions"][0]
    line["quantity_subscriptions"] = []
    for link in links:
        count = link.pop("other", None)
        licence = LICENCE if count is None else halo.store.add_licence(name="o", client_id=CLIENT, count=count)
        line["quantity_subscriptions"].append({**template, "licence_id": licence, **link})
    assert halo.line()["qty_order"] == quantity


def test_a_type_1_line_follows_its_licences_and_not_its_subscriptions(halo: HaloKit) -> None:
    line = halo.store.recurring_invoices[HEADER]["lines"][0]
    line["recurring_invoice_quantity_type"] = 1
    assert halo.line()["qty_order"] == 0
    line["quantity_licences"] = line["quantity_subscriptions"]
    assert halo.line()["qty_order"] == 18


def test_linked_prices_follow_the_licence_only_where_flagged(halo: HaloKit) -> None:
    halo.post("/SoftwareLicence", seats(18, price=Decimal("23.50"), purchase_price=19))
    assert halo.line()["unit_price"] == 22
    halo.store.recurring_invoices[HEADER]["lines"][0]["quantity_subscriptions"][0].update(
        use_linked_subscription_price=True, use_linked_subscription_cost=True
    )
    assert (halo.line()["unit_price"], halo.line()["unit_cost"]) == (Decimal("23.5"), 19)


@pytest.mark.parametrize(("pro_rata", "expected"), [(1, [2]), (0, [])])
def test_a_count_makes_a_pro_rata_entry_when_the_link_says_so(
    halo: HaloKit, pro_rata: int, expected: list[int]
) -> None:
    halo.store.recurring_invoices[HEADER]["lines"][0]["quantity_subscriptions"][0]["pro_rata"] = pro_rata
    halo.post("/SoftwareLicence", seats(20))
    entries = halo.line()["prorata_data"]
    assert [entry["quantity"] for entry in entries] == expected
    assert all(entry["date"] == "2026-01-15T03:00:00" and entry["unitprice"] == 22 for entry in entries)


@pytest.mark.parametrize(("allowed", "expected"), [(True, [-3]), (False, [])])
def test_fewer_seats_make_a_negative_entry_where_the_tenant_allows(
    halo: HaloKit, allowed: bool, expected: list[int]
) -> None:
    halo.store.switches.change({"allow_negative_prorata": allowed})
    halo.post("/SoftwareLicence", seats(15))
    assert [entry["quantity"] for entry in halo.line()["prorata_data"]] == expected


def test_pro_rata_is_of_the_billed_quantity_not_of_the_count(halo: HaloKit) -> None:
    halo.store.recurring_invoices[HEADER]["lines"][0]["quantity_subscriptions"][0]["minimum_qty"] = 19
    halo.post("/SoftwareLicence", seats(20))
    assert [entry["quantity"] for entry in halo.line()["prorata_data"]] == [1]


# Cancelling -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "at_once", "next_day"), [("at_once", True, True), ("nightly", False, True), ("never", False, False)]
)
def test_an_inactive_licence_flips_its_line_when_the_switch_says(
    halo: HaloKit, when: str, at_once: bool, next_day: bool
) -> None:
    halo.store.switches.change({"inactive_licence_flips_line": when})
    halo.post("/SoftwareLicence", [{"id": LICENCE, "client_id": CLIENT, "is_active": False, "status": "Cancelled"}])
    assert (halo.line()["isinactive"], halo.line()["isActive"]) == (at_once, not at_once)
    nightly(halo.store)
    assert halo.line()["isinactive"] is next_day
    assert halo.line(LINE + 1)["isinactive"] is False


def test_an_inactive_licence_goes_on_billing_its_count(halo: HaloKit) -> None:
    halo.post("/SoftwareLicence", [{"id": LICENCE, "client_id": CLIENT, "is_active": False}])
    assert halo.line()["qty_order"] == 18


def test_a_line_of_two_licences_stays_while_one_is_active(halo: HaloKit) -> None:
    halo.store.switches.change({"inactive_licence_flips_line": "at_once"})
    second = halo.store.add_licence(name="B", client_id=CLIENT, count=1)
    links = halo.store.recurring_invoices[HEADER]["lines"][0]["quantity_subscriptions"]
    links.append({**links[0], "licence_id": second})
    halo.post("/SoftwareLicence", [{"id": LICENCE, "client_id": CLIENT, "is_active": False}])
    assert halo.line()["isinactive"] is False
    halo.post("/SoftwareLicence", [{"id": second, "client_id": CLIENT, "is_active": False}])
    assert halo.line()["isinactive"] is True


# Promises -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("member", ["deleted", "_create_recurring_invoice_line", "_match_thirdparty_id"])
def test_members_we_promised_not_to_send_are_reported_and_not_obeyed(halo: HaloKit, member: str) -> None:
    halo.post("/SoftwareLicence", seats(20, **{member: True}))
    assert [violation["why"] for violation in halo.store.violations] == [f"`{member}` was sent"]
    assert halo.store.licences[LICENCE]["deleted"] is False


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", f"/SoftwareLicence/{LICENCE}", 200),
        ("PUT", "/SoftwareLicence", 405),
        ("PATCH", f"/SoftwareLicence/{LICENCE}", 405),
        ("POST", "/Pax8Details", 404),
    ],
)
def test_calls_never_to_be_made_are_reported(halo: HaloKit, method: str, path: str, status: int) -> None:
    assert halo.call(method, path, body=[{"id": CLIENT, "name": "x"}]).status_code == status
    assert [(v["method"], v["path"]) for v in halo.store.violations] == [(method, path)]
    assert (LICENCE in halo.store.licences) is (method != "DELETE")
