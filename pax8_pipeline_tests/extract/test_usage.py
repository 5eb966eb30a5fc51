"""Who is asked for usage, in which order, and what is kept of the answers."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.extract import usage_summaries
from pax8_pipeline.extract.usage_lines import UsageLineQuery, read_lines
from pax8_pipeline.extract.usage_summaries import UsageProbe
from pax8_pipeline.settings import tenant
from pax8_pipeline.settings.tenant_answers import Pax8Answers
from pax8_pipeline.warehouse import build, snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.vendor_data import subscription
from pax8_pipeline_tests.support.vendors import Pax8InMemory, incomplete, stored
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse, hold_open

TODAY = date(2026, 8, 20)
NOW = datetime(2026, 8, 20, 6, 0)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = empty_warehouse(tmp_path / "warehouse.duckdb")
    hold_open(made)
    return made


def keep(warehouse: Warehouse, *subscriptions: dict[str, Any], arrears: tuple[str, ...] = ()) -> None:
    items = [{"term": "Arrears", "subscriptionId": s} for s in arrears]
    snapshots.store(
        warehouse,
        [
            snapshots.Read("pax8.subscriptions", snapshots.raw_objects("/subscriptions", subscriptions)),
            snapshots.Read("pax8.invoice_items", snapshots.raw_objects("/invoices/i/items", items), scope="i"),
        ],
        "r",
    )


def asked(warehouse: Warehouse, probe_days: int = 1, now: datetime = NOW) -> list[str]:
    with warehouse.connect() as connection:
        return usage_summaries.subscriptions_to_ask(connection, TODAY, now, probe_days)


def test_those_with_usage_or_arrears_are_always_asked_and_a_share_of_the_others(warehouse: Warehouse) -> None:
    keep(warehouse, *(subscription(id=i) for i in ("used", "billed", "x", "y", "z")), arrears=("billed",))
    usage_summaries.record_probes(warehouse, [UsageProbe("used", True)], NOW - timedelta(days=1))
    for probe_days, others in ((1, 3), (2, 2), (3, 1), (14, 1)):
        found = asked(warehouse, probe_days)
        assert {"used", "billed"} < set(found)
        assert len(found) == 2 + others, probe_days


def test_new_usage_is_seen_within_the_days_of_the_policy_for_a_fixed_share_of_the_calls(warehouse: Warehouse) -> None:
    """docs/usage-billing.md#new-usage states this; the invoice bills it anyway (billing/test_usage_plan.py)."""
    probe_days, ids = 14, [f"s{n:02d}" for n in range(56)]
    keep(warehouse, *(subscription(id=i) for i in ids))
    begins = {i: 15 + n % probe_days for n, i in enumerate(ids[:28])}  # on each day of the rotation, for two
    seen: dict[str, int] = {}
    for day in range(43):
        now = NOW + timedelta(days=day)
        found = asked(warehouse, probe_days, now)
        with_usage = {i for i in found if begins.get(i, 99) <= day}
        assert set(seen) <= with_usage, "what had usage is asked every night"
        assert len(found) - len(set(found) & set(seen)) <= len(ids) / probe_days, day
        for subscription_id in with_usage:
            seen.setdefault(subscription_id, day)
        usage_summaries.record_probes(warehouse, [UsageProbe(i, i in with_usage) for i in found], now)
    assert set(seen) == set(begins)
    assert max(seen[i] - begins[i] for i in begins) <= probe_days


def test_each_subscription_is_asked_within_the_days_of_the_policy_although_new_ones_come_before_it(
    warehouse: Warehouse,
) -> None:
    probe_days, ids = 14, [f"s{n:02d}" for n in range(40)]
    last: dict[str, int] = {}
    asks = 0
    for day in range(45):
        now = NOW + timedelta(days=day, minutes=-day)  # runs are not a day apart to the minute
        ids.append(f"new{day:02d}")  # one is bought each day, and stands first in the queue
        keep(warehouse, *(subscription(id=i) for i in ids))
        found = asked(warehouse, probe_days, now)
        assert f"new{day:02d}" in found
        usage_summaries.record_probes(warehouse, [UsageProbe(i, False) for i in found], now)
        asks += len(found)
        last.update(dict.fromkeys(found, day))
        late = [i for n, i in enumerate(ids) if day - last.get(i, max(0, n - 40)) > probe_days]
        assert late == [], day
    assert asks < 1.5 * sum((40 + day) / probe_days + 1 for day in range(45))


def test_after_weeks_without_a_run_the_questions_are_spread_and_not_all_asked_at_once(warehouse: Warehouse) -> None:
    keep(warehouse, *(subscription(id=f"s{n:03d}") for n in range(140)))
    usage_summaries.record_probes(
        warehouse, [UsageProbe(f"s{n:03d}", False) for n in range(140)], NOW - timedelta(days=40)
    )
    assert len(asked(warehouse, 14)) == 10


def test_of_the_others_the_never_asked_come_first_with_price_zero_ahead_then_the_longest_ago(
    warehouse: Warehouse,
) -> None:
    keep(
        warehouse,
        subscription(id="early"),
        subscription(id="late"),
        subscription(id="new"),
        subscription(id="free", price=0),
    )
    usage_summaries.record_probes(warehouse, [UsageProbe("early", False)], NOW - timedelta(days=9))
    usage_summaries.record_probes(warehouse, [UsageProbe("late", False)], NOW - timedelta(days=2))
    assert asked(warehouse) == ["free", "new", "early", "late"]


def test_one_empty_day_does_not_send_a_metered_subscription_to_the_end_of_the_queue(warehouse: Warehouse) -> None:
    keep(warehouse, subscription(id="used"))
    usage_summaries.record_probes(warehouse, [UsageProbe("used", True)], NOW - timedelta(days=3))
    usage_summaries.record_probes(warehouse, [UsageProbe("used", False)], NOW - timedelta(days=1))
    keep(warehouse, subscription(id="used"), *(subscription(id=f"s{n}") for n in range(3)))
    assert asked(warehouse, 3)[0] == "used"
    assert len(asked(warehouse, 3)) == 2


def test_subscriptions_long_ended_or_not_begun_are_not_asked(warehouse: Warehouse) -> None:
    keep(
        warehouse,
        subscription(id="ended", endDate="2026-01-31"),
        subscription(id="just-ended", endDate="2026-08-01"),
        subscription(id="later", billingStart="2026-09-01", startDate="2026-09-01"),
    )
    assert asked(warehouse) == ["just-ended"]


def test_arrears_of_a_subscription_that_is_no_longer_listed_are_still_asked_for(warehouse: Warehouse) -> None:
    keep(warehouse, subscription(id="s"), arrears=("Gone-One",))
    assert asked(warehouse)[0] == "Gone-One"


def test_ids_are_sent_as_they_came_and_remembered_in_lower_case(warehouse: Warehouse) -> None:
    keep(warehouse, subscription(id="ABC-1"))
    assert asked(warehouse) == ["ABC-1"]
    _, probes = usage_summaries.read_summaries(
        Pax8InMemory(usage={"ABC-1": [{"id": "u", "companyId": "c"}]}), ["ABC-1"], "2026-08"
    )
    assert probes == [UsageProbe("abc-1", True)]


@pytest.mark.parametrize("sent", [{}, {"companyId": None}, {"companyId": " "}])
def test_a_summary_without_a_company_is_asked_again_by_id_and_that_answer_kept(sent: dict[str, Any]) -> None:
    whole = {"id": "u1", "companyId": "c1"}
    pax8 = Pax8InMemory(usage={"s": [{"id": "u1", **sent}]}, summaries={"u1": whole})
    read, _ = usage_summaries.read_summaries(pax8, ["s"], "2026-08")
    assert stored(read) == ['{"id":"u1","companyId":"c1"}']
    assert (read.objects[0].endpoint, read.requests) == ("/subscriptions/s/usage-summaries", 2)


def test_a_summary_that_has_no_company_anywhere_stays_as_it_was_listed() -> None:
    pax8 = Pax8InMemory(
        usage={"s": [{"id": "u1", "resourceGroup": "g"}]}, summaries={"u1": {"id": "u1", "companyId": ""}}
    )
    read, _ = usage_summaries.read_summaries(pax8, ["s"], "2026-08")
    assert stored(read) == ['{"id":"u1","resourceGroup":"g"}']


def test_a_summary_with_a_company_is_not_asked_again() -> None:
    pax8 = Pax8InMemory(usage={"s": [{"id": "u1", "companyId": "c"}]})
    usage_summaries.read_summaries(pax8, ["s"], "2026-08")
    assert pax8.asked("summary") == []


def test_what_never_helped_is_asked_by_id_once_a_week(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"id": f"u{n}", "resourceGroup": "g"} for n in range(70)]
    asked: list[str] = []
    for day in range(7):
        pax8 = Pax8InMemory(usage={"s": rows}, summaries={row["id"]: row for row in rows})
        by_id = usage_summaries.ById("neither", TODAY + timedelta(days=day))
        read, _ = usage_summaries.read_summaries(pax8, ["s"], "2026-08", by_id=by_id)
        assert (len(read.objects), by_id.helped) == (70, False)
        assert pax8.asked("summary")
        asked += [str(summary) for summary in pax8.asked("summary")]
    assert sorted(asked) == sorted(row["id"] for row in rows)


def test_an_answer_of_a_probe_that_does_not_hold_any_more_is_replaced_and_everything_asked(tmp_path: Path) -> None:
    rows = [{"id": f"u{n}", "resourceGroup": "g"} for n in range(70)]
    pax8 = Pax8InMemory(usage={"s": rows}, summaries={r["id"]: {**r, "companyId": "c"} for r in rows})
    by_id = usage_summaries.ById("in lists", TODAY)
    read, _ = usage_summaries.read_summaries(pax8, ["s"], "2026-08", by_id=by_id)
    assert (by_id.left_out, by_id.helped) == (True, True)
    assert [o for o in read.objects if "companyId" not in o.payload] == []
    tenant.store_answers(tmp_path, Pax8Answers(probed_on=TODAY, usage_company="in lists"), None)
    tenant.learn_usage_company(tmp_path, "only by id")
    assert usage_summaries.ById("only by id", TODAY).asks("u1")
    known = tenant.load_tenant(tmp_path).pax8
    assert known is not None
    assert known.usage_company == "only by id"


def test_a_subscription_pax8_does_not_know_has_no_usage() -> None:
    read, probes = usage_summaries.read_summaries(Pax8InMemory(gone={"s"}), ["s"], "2026-08")
    assert (read.complete, list(read.objects), probes) == (True, [], [UsageProbe("s", False)])


def test_one_list_that_is_not_whole_makes_the_whole_read_incomplete() -> None:
    read, _ = usage_summaries.read_summaries(
        Pax8InMemory(faults={"usage": incomplete("GET usage")}), ["s", "t"], "2026-08"
    )
    assert not read.complete
    assert "1 more" in str(read.problem)


def test_what_is_read_can_be_typed_in_staging_with_its_subscription_and_month(warehouse: Warehouse) -> None:
    pax8 = Pax8InMemory(
        usage={"S-1": [{"id": "U-1", "companyId": "c", "currentCharges": 3, "partnerTotal": 2}]},
        lines={
            ("U-1", "2026-08-20"): [{"usageDate": "2026-08-20", "quantity": 3, "currentCharges": 3, "partnerTotal": 2}]
        },
    )
    summaries, _ = usage_summaries.read_summaries(pax8, ["S-1"], "2026-08")
    lines, _ = read_lines(pax8, [UsageLineQuery("U-1", (TODAY,))], "2026-08")
    snapshots.store(warehouse, [summaries, lines], "r")
    for table in ("staging.usage_summaries", "staging.usage_lines"):
        assert build.build(warehouse, table, {"today": TODAY}).rejects == 0
    with warehouse.connect() as connection:
        assert connection.execute("SELECT subscription_id, month FROM staging.usage_summaries").fetchall() == [
            ("s-1", "2026-08")
        ]
        assert connection.execute("SELECT summary_id, month FROM staging.usage_lines").fetchall() == [
            ("u-1", "2026-08")
        ]
