"""A world at its beginning: the same for the same seed, in step, and matched by every way there is."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from pax8_pipeline.sandbox.world.generate_halo import COMPANY_FIELD, WAYS
from pax8_pipeline.sandbox.world.world import World
from pax8_pipeline.text import jsontext

TODAY = date(2026, 8, 20)


@pytest.fixture(scope="module")
def world() -> World:
    return World(3, TODAY)


def test_the_same_seed_and_date_give_the_same_bytes() -> None:
    first, second = World(5, TODAY, companies=12), World(5, TODAY, companies=12)
    assert jsontext.dumps(first.to_json()) == jsontext.dumps(second.to_json())


def test_another_seed_gives_another_world() -> None:
    first, second = World(5, TODAY, companies=12), World(6, TODAY, companies=12)
    assert set(first.pax8.subscriptions).isdisjoint(second.pax8.subscriptions)


def test_at_birth_halo_needs_no_change(world: World) -> None:
    assert world.expected_halo() == world.halo_state()
    verdicts = world.expected_verdicts()
    assert set(verdicts.values()) == {"in_step", "billed_by_pax8", "unknown_period"}
    held = {
        world.pax8.subscriptions[key]["billingTerm"] for key, found in verdicts.items() if found == "unknown_period"
    }
    assert held == {"2-Year"}  # on recurring invoices of period 8


def test_a_licence_counts_what_its_subscription_does(world: World) -> None:
    licences = {row["snowid"].lower(): row for row in world.halo.licences.values() if row["snowid"]}
    assert licences
    for key, licence in licences.items():
        row = world.pax8.subscriptions[key]
        assert (licence["count"], licence["is_active"]) == (row["quantity"], row["status"] != "Cancelled")
        assert licence["type"] == 1
        assert licence["distributor"] == "Pax8"


def test_most_lines_follow_a_licence_some_are_manual(world: World) -> None:
    kinds = Counter(world.oracle.line(link)["recurring_invoice_quantity_type"] for link in world.links.lines.values())
    total = sum(kinds.values())
    assert set(kinds) == {0, 1, 4}
    assert kinds[4] > 0.6 * total
    assert 0.04 * total < kinds[0] < 0.2 * total


def test_long_terms_stand_on_an_invoice_of_their_own_period_at_their_own_price(world: World) -> None:
    periods: dict[str, set[int]] = {}
    for key, link in world.links.lines.items():
        row = world.pax8.subscriptions[key]
        header = world.halo.recurring_invoices[link.recurring_invoice_id]
        periods.setdefault(row["billingTerm"], set()).add(header["period"])
        assert world.oracle.line(link)["unit_price"] == row["price"]
    assert periods == {"Monthly": {2}, "Annual": {3}, "2-Year": {8}, "3-Year": {7}}


def test_every_company_can_be_found_by_the_way_it_says(world: World, tmp_path: Path) -> None:
    world.write_mappings(tmp_path)
    mapped = {row["pax8_company_id"]: int(row["halo_client_id"]) for row in _rows(tmp_path / "clients.csv")}
    used = Counter(link.way for link in world.links.clients.values())
    assert set(used) == set(WAYS)
    assert min(used.values()) >= 10
    for key, link in world.links.clients.items():
        client = world.halo.clients[link.client_id]
        fields = [one["value"].lower() for one in client["customfields"] if one["name"] == COMPANY_FIELD]
        found = {
            "mapping_file": mapped.get(key) == link.client_id,
            "external_id": world.pax8.companies[key]["externalId"] == str(link.client_id),
            "custom_field": fields == [key],
            "external_link": [one["third_party_id"].lower() for one in client["external_links"]] == [key],
        }
        assert [way for way, yes in found.items() if yes] == [link.way]


def test_the_mapping_file_names_what_no_licence_id_tells(world: World, tmp_path: Path) -> None:
    world.write_mappings(tmp_path)
    mapped = {row["pax8_subscription_id"]: row for row in _rows(tmp_path / "subscriptions.csv")}
    by_id = {row["snowid"].lower() for row in world.halo.licences.values() if row["snowid"]}
    assert mapped.keys().isdisjoint(by_id)
    assert mapped.keys() | by_id == set(world.links.lines)
    for key, row in mapped.items():
        link = world.links.lines[key]
        assert row["halo_licence_id"] == ("" if link.licence_id is None else str(link.licence_id))
        assert row["halo_line_id"] in ("", str(link.line_id))
        assert row["halo_line_id"] or row["halo_licence_id"]
    items = {row["pax8_product_id"]: int(row["halo_item_id"]) for row in _rows(tmp_path / "items.csv")}
    assert items == world.links.items


def test_some_lines_have_nothing_to_do_with_pax8(world: World) -> None:
    ours = {link.line_id for link in world.links.lines.values()}
    others = [
        line for header in world.halo.recurring_invoices.values() for line in header["lines"] if line["id"] not in ours
    ]
    assert {line["recurring_invoice_quantity_type"] for line in others} >= {0, 2, 3, 5}
    assert any(line["isgroupdesc"] for line in others)
    assert any(line["is_bundled_line"] for line in others)


def test_a_customer_whom_pax8_bills_has_no_line_in_halo(world: World) -> None:
    own = {key for key, row in world.pax8.companies.items() if row["billOnBehalfOfEnabled"]}
    assert own
    billed = {world.pax8.subscriptions[key]["companyId"] for key in world.links.lines}
    assert billed.isdisjoint(own)


def test_sizes_are_as_asked() -> None:
    world = World(1, TODAY, companies=40, subscriptions=300, usage=25)
    assert len(world.pax8.subscriptions) == 300
    assert len(world.pax8.groups_of) == 25
    assert sum(row["status"] != "Deleted" for row in world.pax8.companies.values()) == 40


def test_a_world_comes_back_from_its_json_to_the_byte() -> None:
    world = World.demo(companies=60)
    text = jsontext.dumps(world.to_json())
    again = World.from_json(jsontext.loads(text))
    assert jsontext.dumps(again.to_json()) == text
    world.play_day()
    again.play_day()
    assert jsontext.dumps(again.to_json()) == jsontext.dumps(world.to_json())


def test_a_state_of_another_version_is_refused() -> None:
    data = World(1, TODAY, companies=2).to_json() | {"version": 99}
    with pytest.raises(ValueError, match="version 99"):
        World.from_json(data)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
