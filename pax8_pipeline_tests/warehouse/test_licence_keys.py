"""The second exact key: a Microsoft product's licence that carries the Microsoft id and not the Pax8 id."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.reports.cutover.checklist import cutover
from pax8_pipeline.reports.explain.history import explain
from pax8_pipeline.reports.explain.text import history_lines
from pax8_pipeline.settings import Policy
from pax8_pipeline.warehouse.snapshots import dicts
from pax8_pipeline_tests.support.vendor_data import (
    COMPANY,
    SUB,
    VendorData,
    company,
    invoice,
    licence,
    line,
    manual_line,
    planned,
    subscription,
)
from pax8_pipeline_tests.support.warehouse_files import release

PRODUCT = str(subscription()["productId"])
OTHER = "c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a03"
OTHER_COMPANY = "5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a12"
MICROSOFT = "9F0E1D2C-1111-4000-8000-00000000ABCD"
FIELD = Policy.model_validate({"matching": {"licence_id_field": "notes"}})


def product(vendor: str | None = "Microsoft", **changes: Any) -> dict[str, Any]:
    return {"id": PRODUCT, "name": "Suite", "vendorName": vendor, "sku": "S-1", **changes}


def bought(**changes: Any) -> dict[str, Any]:
    """A Microsoft subscription of 25 seats."""
    return subscription(**{"quantity": 25, "vendorSubscriptionId": MICROSOFT, **changes})


def synced(**changes: Any) -> dict[str, Any]:
    """A licence of 20 that Halo's Microsoft sync brought in."""
    return licence(**{"snowid": MICROSOFT.lower(), "distributor": "", **changes})


def vendor_data(**changes: Any) -> VendorData:
    made = VendorData(products=[product()], subscriptions=[bought()], licences=[synced()])
    return replace(made, **changes)


def row(made: VendorData, folder: Path, subscription_id: str = SUB, policy: Policy | None = None) -> dict[str, Any]:
    return made.verdicts(folder, policy=policy)[subscription_id]


def query(made: VendorData, folder: Path, text: str) -> list[dict[str, Any]]:
    with made.load(folder).connect() as connection:
        return dicts(connection.execute(text))


def test_a_licence_with_the_microsoft_id_is_the_subscriptions(tmp_path: Path) -> None:
    found = row(vendor_data(), tmp_path)
    assert (found["verdict"], found["licence_id"], found["matched_by"]) == ("increase", 4127, "vendor_id")
    (change,) = planned(vendor_data().load(tmp_path / "again"))
    assert (change["action"], change["class"], change["after"]) == ("set_licence_count", "safe", "25")
    assert change["sentence"].endswith("; licence 4127 is known by the Microsoft subscription id")
    assert json.loads(change["evidence"])["matched_by"] == "vendor_id"


def test_the_other_ways_are_named_too(tmp_path: Path) -> None:
    assert row(VendorData(), tmp_path / "id")["matched_by"] == "licence_id"
    assert row(VendorData(subscription_map=[(SUB, None, None, 4127)]), tmp_path / "file")["matched_by"] == "mapping"
    assert row(VendorData(licences=[], recurring=[]), tmp_path / "none")["matched_by"] is None


@pytest.mark.parametrize("vendor", ["Bastion Security", "Micro", "Notmicrosoft", "Microsoft Partner Backup", None, ""])
def test_other_vendors_ids_are_no_key(vendor: str | None, tmp_path: Path) -> None:
    assert row(vendor_data(products=[product(vendor)]), tmp_path)["verdict"] == "unbilled"


@pytest.mark.parametrize("products", [[], [product(), product(vendor="Other")]])
def test_a_product_that_pax8_does_not_show_is_not_known_as_microsofts(
    products: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert row(vendor_data(products=products), tmp_path)["verdict"] == "unbilled"


@pytest.mark.parametrize("sent", ["VND-000123", MICROSOFT[:-1], MICROSOFT.replace("-", ""), f"{{{MICROSOFT}}}", None])
def test_what_is_no_uuid_is_no_key(sent: Any, tmp_path: Path) -> None:
    made = vendor_data(subscriptions=[bought(vendorSubscriptionId=sent)], licences=[synced(snowid=sent or "")])
    assert row(made, tmp_path)["licence_id"] is None


def test_the_pax8_id_wins_over_the_microsoft_id_of_a_deleted_licence(tmp_path: Path) -> None:
    made = vendor_data(licences=[licence(), synced(id=4128, deleted=True)])
    found = row(made, tmp_path)
    assert (found["verdict"], found["licence_id"], found["matched_by"]) == ("increase", 4127, "licence_id")


@pytest.mark.parametrize("active", [True, False])
def test_two_keys_that_name_two_licences_decide_nothing(active: bool, tmp_path: Path) -> None:
    found = row(vendor_data(licences=[licence(), synced(id=4128, is_active=active)]), tmp_path)
    assert (found["verdict"], found["licence_id"]) == ("ambiguous", 4127)
    assert found["reason"] == (
        f"licence 4127 carries its Pax8 id and licence 4128 its Microsoft subscription id {MICROSOFT.lower()}"
    )


def test_an_ended_subscription_is_not_done_while_the_other_keys_licence_is_on(tmp_path: Path) -> None:
    ended = bought(status="Cancelled", endDate="2026-08-01")
    off = invoice([line(isinactive=True, isActive=False)])
    first = licence(is_active=False)
    made = vendor_data(subscriptions=[ended], licences=[first, synced(id=4128)], recurring=[off])
    assert row(made, tmp_path / "on")["verdict"] == "ambiguous"
    made = vendor_data(subscriptions=[ended], licences=[first, synced(id=4128, is_active=False)], recurring=[off])
    assert row(made, tmp_path / "off")["verdict"] == "ended"
    links = [{"id": 902, "licence_id": 4128, "qty_free": 0, "minimum_qty": 0, "kind": 4, "pro_rata": 1}]
    bills = invoice([line(isinactive=True, isActive=False), line(id=24968, quantity_subscriptions=links)])
    made = replace(made, recurring=[bills])
    assert row(made, tmp_path / "billed")["verdict"] == "ambiguous"


@pytest.mark.parametrize("second", [synced(id=4128), synced(id=4128, is_active=False), synced(id=4128, count="x")])
def test_several_licences_with_one_microsoft_id_are_ambiguous(second: dict[str, Any], tmp_path: Path) -> None:
    found = row(vendor_data(licences=[synced(), second]), tmp_path)
    assert found["verdict"] == "ambiguous"
    assert found["reason"] == f"several licences carry its Microsoft subscription id {MICROSOFT.lower()}"


def test_a_licence_without_a_readable_id_counts_too(tmp_path: Path) -> None:
    assert row(vendor_data(licences=[synced(id="4128.0")]), tmp_path / "alone")["verdict"] == "unreadable"
    assert row(vendor_data(licences=[synced(), synced(id="x")]), tmp_path / "beside")["verdict"] == "unreadable"


def test_an_unreadable_licence_is_found_and_left_alone(tmp_path: Path) -> None:
    assert row(vendor_data(licences=[synced(count="x")]), tmp_path)["verdict"] == "unreadable"


# Of several rows with one id the table keeps the first by its text; the other one must count as well.
EARLIER, LATER = "00000000-0000-4000-8000-000000000001", "ffffffff-0000-4000-8000-000000000001"


@pytest.mark.parametrize("other", [EARLIER, LATER])
def test_every_copy_of_a_licence_sent_twice_counts(other: str, tmp_path: Path) -> None:
    twice = [licence(id=4999, snowid=other), synced(id=4999)]
    found = row(vendor_data(licences=[synced(), *twice]), tmp_path)
    assert (found["verdict"], found["reason"][:16]) == ("ambiguous", "several licences")


@pytest.mark.parametrize("other", [EARLIER, LATER])
def test_every_copy_of_a_licence_counts_for_the_pax8_id_too(other: str, tmp_path: Path) -> None:
    found = row(VendorData(licences=[licence(), licence(id=4999, snowid=other), licence(id=4999)]), tmp_path)
    assert (found["verdict"], found["reason"][:16]) == ("ambiguous", "several licences")


@pytest.mark.parametrize(
    "second",
    [
        bought(id=OTHER),
        bought(id=OTHER, vendorSubscriptionId=MICROSOFT.lower(), status="Cancelled", endDate="2026-01-31"),
        bought(id=OTHER, quantity="x"),
        bought(id=OTHER, productId="8e0d1c55-77a3-4d0e-9d2f-0c4b6a1e7f91"),
        bought(id=None),
    ],
)
def test_a_microsoft_id_of_two_subscriptions_blocks_both(second: dict[str, Any], tmp_path: Path) -> None:
    found = row(vendor_data(subscriptions=[bought(), second]), tmp_path)
    assert found["verdict"] in ("ambiguous", "shares_unreadable")
    if second["id"]:
        other = row(vendor_data(subscriptions=[bought(), second]), tmp_path / "other", OTHER)
        assert other["verdict"] in ("ambiguous", "unreadable", "unbilled")


@pytest.mark.parametrize("other", [EARLIER, LATER])
def test_every_copy_of_a_subscription_sent_twice_counts(other: str, tmp_path: Path) -> None:
    twice = [bought(id=OTHER), bought(id=OTHER, vendorSubscriptionId=other)]
    assert row(vendor_data(subscriptions=[bought(), *twice]), tmp_path)["verdict"] in ("ambiguous", "shares_unreadable")


def test_a_licence_with_another_subscriptions_pax8_id_is_not_taken(tmp_path: Path) -> None:
    # The Microsoft id of one subscription is the Pax8 id of another one.
    made = vendor_data(
        subscriptions=[bought(vendorSubscriptionId=OTHER), subscription(id=OTHER)], licences=[licence(snowid=OTHER)]
    )
    owner = row(made, tmp_path, OTHER)
    assert (owner["licence_id"], owner["matched_by"], owner["verdict"]) == (4127, "licence_id", "in_step")
    found = row(made, tmp_path / "other")
    assert (found["licence_id"], found["verdict"]) == (None, "ambiguous")
    made.subscriptions[0] |= {"status": "Cancelled", "endDate": "2026-01-31"}
    assert row(made, tmp_path / "ended")["verdict"] == "ended"


def test_where_the_pax8_id_has_its_own_column_a_foreign_one_keeps_its_licence(tmp_path: Path) -> None:
    made = vendor_data(subscriptions=[bought(), subscription(id=OTHER)], licences=[synced(notes=OTHER)])
    owner = row(made, tmp_path, OTHER, FIELD)
    assert (owner["licence_id"], owner["verdict"]) == (4127, "in_step")
    found = row(made, tmp_path / "other", policy=FIELD)
    assert (found["licence_id"], found["verdict"]) == (None, "ambiguous")
    assert f"and another subscription's id {OTHER}" in found["reason"]


@pytest.mark.parametrize(("notes", "key"), [("", "vendor_id"), (SUB, "licence_id"), (MICROSOFT, "vendor_id")])
def test_snowid_holds_the_microsoft_id_where_the_pax8_id_has_its_own_column(
    notes: str, key: str, tmp_path: Path
) -> None:
    found = row(vendor_data(licences=[synced(notes=notes)]), tmp_path, policy=FIELD)
    assert (found["verdict"], found["licence_id"], found["matched_by"]) == ("increase", 4127, key)


def test_a_row_of_the_mapping_file_wins_over_both(tmp_path: Path) -> None:
    links = [{"id": 902, "licence_id": 4128, "qty_free": 0, "minimum_qty": 0, "kind": 4, "pro_rata": 1}]
    two_lines = [invoice([line(isinactive=True, isActive=False), line(id=24968, quantity_subscriptions=links)])]
    licences = [synced(), licence(id=4128, snowid="")]
    for name, way in {"licence": (None, None, 4128), "line": (-94, 24968, None)}.items():
        made = vendor_data(licences=licences, recurring=two_lines, subscription_map=[(SUB, *way)])
        found = row(made, tmp_path / name)
        assert (found["verdict"], found["licence_id"], found["matched_by"]) == ("increase", 4128, "mapping")


def test_a_licence_that_the_mapping_file_gives_away_is_not_taken(tmp_path: Path) -> None:
    ended = bought(id=OTHER, status="Cancelled", endDate="2026-01-31")
    for name, way in {"licence": (None, None, 4127), "line": (-94, 24967, None)}.items():
        made = vendor_data(subscriptions=[bought(), ended], subscription_map=[(SUB, *way)])
        assert row(made, tmp_path / name)["verdict"] == "increase"
        assert row(made, tmp_path / f"{name} other", OTHER)["verdict"] == "ended"


def test_a_manual_line_beside_the_licences_line_is_ambiguous(tmp_path: Path) -> None:
    lines = [line(), manual_line(id=24968)]
    made = vendor_data(recurring=[invoice(lines)], subscription_map=[(SUB, -94, 24968, None)])
    assert row(made, tmp_path)["verdict"] == "ambiguous"


def test_a_nameless_subscription_may_be_whose_the_licence_is(tmp_path: Path) -> None:
    nameless = subscription(id=None, vendorSubscriptionId=None)
    assert row(vendor_data(subscriptions=[bought(), nameless]), tmp_path)["verdict"] == "shares_unreadable"


def test_a_pax8_licence_whose_id_cannot_be_read_may_be_meant(tmp_path: Path) -> None:
    made = vendor_data(licences=[synced(), licence(id=4128, snowid="c2b8a9d0-6f34")])
    assert row(made, tmp_path)["verdict"] == "shares_unreadable"


def test_a_licence_known_by_the_microsoft_id_is_no_orphan(tmp_path: Path) -> None:
    kinds = "SELECT kind FROM reconciled.discrepancies WHERE kind LIKE 'orphaned%'"
    paid = [synced(distributor="Pax8")]
    assert query(vendor_data(licences=paid), tmp_path, kinds) == []
    assert len(query(vendor_data(licences=paid, products=[product("Other")]), tmp_path / "other", kinds)) == 1


def test_the_money_of_two_licences_counts_both(tmp_path: Path) -> None:
    links = [{"id": 902, "licence_id": 4128, "qty_free": 0, "minimum_qty": 0, "kind": 4, "pro_rata": 1}]
    both = [invoice([line(), line(id=24968, quantity_subscriptions=links)])]
    made = vendor_data(licences=[licence(), synced(id=4128)], recurring=both)
    (found,) = query(made, tmp_path, "SELECT stake FROM reconciled.discrepancies WHERE kind = 'ambiguous'")
    assert found["stake"] == (25 - 40) * 22


def test_whose_licences_a_company_has_tells_by_the_microsoft_id_too(tmp_path: Path) -> None:
    clients = [{"id": n, "name": str(n), "inactive": False} for n in (231, 232)]
    made = vendor_data(clients=clients, licences=[synced(client_id=232)])
    (match,) = query(made, tmp_path, "SELECT state, contradiction FROM reconciled.client_matches")
    assert (match["state"], match["contradiction"]) == ("contradicted", "licence 4127 belongs to client 232")
    assert row(made, tmp_path / "row")["verdict"] == "client_mismatch"


def test_a_microsoft_id_of_two_companies_tells_of_neither(tmp_path: Path) -> None:
    made = vendor_data(
        companies=[company(), company(id=OTHER_COMPANY, name="Second")],
        subscriptions=[bought(), bought(id=OTHER, companyId=OTHER_COMPANY)],
        clients=[{"id": n, "name": str(n), "inactive": False} for n in (231, 232)],
        client_map=[(COMPANY, 231), (OTHER_COMPANY, 232)],
    )
    states = query(made, tmp_path, "SELECT DISTINCT state FROM reconciled.client_matches")
    assert states == [{"state": "matched"}]
    assert row(made, tmp_path / "first")["verdict"] == "ambiguous"
    assert row(made, tmp_path / "second", OTHER)["verdict"] == "ambiguous"


def test_explain_and_cutover_say_by_which_id_the_licence_is_known(tmp_path: Path) -> None:
    warehouse = vendor_data(licences=[synced(distributor="Pax8")]).load(tmp_path)
    release()
    with warehouse.connect(read_only=True) as connection:
        (story,) = explain(connection, SUB)
        found = cutover(connection)
    assert "line by vendor_id" in "\n".join(history_lines(story))
    assert [one["method"] for one in found.subscriptions] == ["vendor_id"]
    assert [one["why"] for one in found.licences] == [
        f"carries the Microsoft id of subscription {SUB} and not its Pax8 id"
    ]
