"""The store itself: switches, saving, numbering (no HTTP)."""

from __future__ import annotations

from typing import Any

import pytest

from pax8_pipeline.sandbox.halo.store import HaloStore
from pax8_pipeline.sandbox.halo.switches import HaloSwitches
from pax8_pipeline.text import jsontext
from pax8_pipeline_tests.support.halo_http import CLIENT, HEADER, LICENCE, LINE, StoppedClock, sample_tenant


def test_a_saved_store_goes_on_where_it_stopped() -> None:
    store = HaloStore(now=StoppedClock(), switches=HaloSwitches(page_cap=7))
    sample_tenant(store)
    store.log_licence_change(LICENCE, "count", 18, 20)
    text = jsontext.dumps(store.to_json())
    again = HaloStore.from_json(jsontext.loads(text), now=StoppedClock())
    assert jsontext.dumps(again.to_json()) == text
    assert again.switches.page_cap == 7
    assert again.add_recurring_invoice(client_id=CLIENT, lines=[{}]) == HEADER - 1
    assert again.recurring_invoices[HEADER - 1]["lines"][0]["id"] == LINE + 2


def test_the_same_adders_give_the_same_bytes() -> None:
    texts = set()
    for _ in range(2):
        store = HaloStore(now=StoppedClock())
        sample_tenant(store)
        texts.add(jsontext.dumps(store.to_json()))
    assert len(texts) == 1


def test_numbers_given_by_hand_are_never_given_again() -> None:
    store = HaloStore(now=StoppedClock())
    store.add_client(id=500)
    assert store.add_client() == 501
    assert store.add_recurring_invoice(client_id=500, lines=[]) == -10
    store.add_recurring_invoice(id=-94, client_id=500, lines=[])
    assert store.add_recurring_invoice(client_id=500, lines=[]) == -95


def test_lines_of_both_kinds_of_invoices_share_one_sequence() -> None:
    store = HaloStore(now=StoppedClock())
    recurring = store.add_recurring_invoice(client_id=1, lines=[{}, {}])
    ordinary = store.add_invoice(client_id=1, lines=[{}])
    lines = store.recurring_invoices[recurring]["lines"] + store.invoices[ordinary]["lines"]
    first = lines[0]["id"]
    assert [line["id"] for line in lines] == [first, first + 1, first + 2]


def test_a_licence_with_a_fraction_cannot_even_be_added() -> None:
    with pytest.raises(TypeError, match="int"):
        HaloStore(now=StoppedClock()).add_licence(name="x", count=1.5)


@pytest.mark.parametrize(
    "bad",
    [
        {"nonsense": 1},
        {"post_status": 202},
        {"qty_order_refresh": "sometimes"},
        {"updatelines_supported": False},
        {"repeated_page": "once"},
        {"page_cap": 5, "record_count": "wrong"},
    ],
)
def test_a_bad_switch_is_refused_and_nothing_is_turned(bad: dict[str, Any]) -> None:
    switches = HaloSwitches()
    with pytest.raises(ValueError, match=next(reversed(bad))):
        switches.change(bad)
    assert switches == HaloSwitches()


def test_switches_go_to_json_and_back() -> None:
    switches = HaloSwitches(updatelines_supported=405, repeated_page="endless", scopes=["read:items"])
    assert HaloSwitches.from_json(jsontext.loads(jsontext.dumps(switches.to_json()))) == switches
