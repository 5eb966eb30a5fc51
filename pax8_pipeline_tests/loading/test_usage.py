"""Who is asked for usage, in which order, and what is kept of the answers."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.loading import usage
from pax8_pipeline.loading.usage import Probe
from pax8_pipeline.warehouse import build, raw
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.loading.fakes import FakePax8, incomplete, stored
from pax8_pipeline_tests.warehouse.books import subscription

TODAY = date(2026, 8, 20)
NOW = datetime(2026, 8, 20, 6, 0)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = Warehouse(tmp_path / "warehouse.duckdb")
    made.ensure_schema()
    return made


def keep(warehouse: Warehouse, *subscriptions: dict[str, Any], arrears: tuple[str, ...] = ()) -> None:
    items = [{"term": "Arrears", "subscriptionId": s} for s in arrears]
    raw.store(
        warehouse,
        [
            raw.Read("pax8.subscriptions", raw.raw_objects("/subscriptions", subscriptions)),
            raw.Read("pax8.invoice_items", raw.raw_objects("/invoices/i/items", items), scope="i"),
        ],
        "r",
    )


def asked(warehouse: Warehouse, others: int = 10) -> list[str]:
    with warehouse.connect() as connection:
        return usage.subscriptions_to_ask(connection, TODAY, NOW, others)


def test_those_with_usage_or_arrears_are_always_asked_and_the_others_up_to_a_number(warehouse: Warehouse) -> None:
    keep(warehouse, *(subscription(id=i) for i in ("used", "billed", "x", "y", "z")), arrears=("billed",))
    usage.record_probes(warehouse, [Probe("used", True)], NOW - timedelta(days=1))
    assert set(asked(warehouse, others=0)) == {"used", "billed"}
    assert len(asked(warehouse, others=2)) == 4


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
    usage.record_probes(warehouse, [Probe("early", False)], NOW - timedelta(days=9))
    usage.record_probes(warehouse, [Probe("late", False)], NOW - timedelta(days=2))
    assert asked(warehouse) == ["free", "new", "early", "late"]


def test_one_empty_day_does_not_send_a_metered_subscription_to_the_end_of_the_queue(warehouse: Warehouse) -> None:
    keep(warehouse, subscription(id="used"))
    usage.record_probes(warehouse, [Probe("used", True)], NOW - timedelta(days=3))
    usage.record_probes(warehouse, [Probe("used", False)], NOW - timedelta(days=1))
    assert asked(warehouse, others=0) == ["used"]


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
    assert "Gone-One" in asked(warehouse, others=0)


def test_ids_are_sent_as_they_came_and_remembered_in_lower_case(warehouse: Warehouse) -> None:
    keep(warehouse, subscription(id="ABC-1"))
    assert asked(warehouse) == ["ABC-1"]
    _, probes = usage.read_summaries(FakePax8(usage={"ABC-1": [{"id": "u", "companyId": "c"}]}), ["ABC-1"], "2026-08")
    assert probes == [Probe("abc-1", True)]


@pytest.mark.parametrize("sent", [{}, {"companyId": None}, {"companyId": " "}])
def test_a_summary_without_a_company_is_asked_again_by_id_and_that_answer_kept(sent: dict[str, Any]) -> None:
    whole = {"id": "u1", "companyId": "c1"}
    pax8 = FakePax8(usage={"s": [{"id": "u1", **sent}]}, summaries={"u1": whole})
    read, _ = usage.read_summaries(pax8, ["s"], "2026-08")
    assert stored(read) == ['{"id":"u1","companyId":"c1"}']
    assert (read.objects[0].endpoint, read.requests) == ("/subscriptions/s/usage-summaries", 2)


def test_a_summary_that_has_no_company_anywhere_stays_as_it_was_listed() -> None:
    pax8 = FakePax8(usage={"s": [{"id": "u1", "resourceGroup": "g"}]}, summaries={"u1": {"id": "u1", "companyId": ""}})
    read, _ = usage.read_summaries(pax8, ["s"], "2026-08")
    assert stored(read) == ['{"id":"u1","resourceGroup":"g"}']


def test_a_summary_with_a_company_is_not_asked_again() -> None:
    pax8 = FakePax8(usage={"s": [{"id": "u1", "companyId": "c"}]})
    usage.read_summaries(pax8, ["s"], "2026-08")
    assert pax8.asked("summary") == []


def test_a_subscription_pax8_does_not_know_has_no_usage() -> None:
    read, probes = usage.read_summaries(FakePax8(gone={"s"}), ["s"], "2026-08")
    assert (read.complete, list(read.objects), probes) == (True, [], [Probe("s", False)])


def test_one_list_that_is_not_whole_makes_the_whole_read_incomplete() -> None:
    read, _ = usage.read_summaries(FakePax8(faults={"usage": incomplete("GET usage")}), ["s", "t"], "2026-08")
    assert not read.complete
    assert "1 more" in str(read.problem)


@pytest.mark.parametrize(
    ("month", "today", "days"),
    [
        ("2026-08", TODAY, ["2026-08-20", "2026-08-19", "2026-08-18", "2026-08-17"]),
        ("2026-08", date(2026, 8, 2), ["2026-08-02", "2026-08-01"]),
        ("2026-02", TODAY, ["2026-02-28", "2026-02-27", "2026-02-26", "2026-02-25"]),
        ("2025-12", TODAY, ["2025-12-31", "2025-12-30", "2025-12-29", "2025-12-28"]),
    ],
)
def test_lines_are_asked_for_the_newest_day_of_the_month_and_three_before(
    month: str, today: date, days: list[str]
) -> None:
    assert [d.isoformat() for d in usage.days_to_ask(month, today)] == days


def test_lines_come_from_the_first_day_that_has_any_under_the_path_of_that_day() -> None:
    pax8 = FakePax8(lines={("u", "2026-08-19"): [{"usageDate": "2026-08-19"}], ("u", "2026-08-18"): [{}]})
    read = usage.read_lines(pax8, ["u"], usage.days_to_ask("2026-08", TODAY), "2026-08")
    assert [o.endpoint for o in read.objects] == ["/usage-summaries/u/usage-lines?usageDate=2026-08-19"]
    assert [day for _, day in pax8.asked("lines")] == [date(2026, 8, 20), date(2026, 8, 19)]


def test_lines_of_a_summary_that_is_gone_are_none() -> None:
    read = usage.read_lines(FakePax8(gone={"u"}), ["u"], [TODAY], "2026-07")
    assert (read.complete, list(read.objects)) == (True, [])


def test_a_month_nobody_read_in_its_time_is_asked_with_every_id_that_is_known(warehouse: Warehouse) -> None:
    for month, ident in (("2026-07", "U7"), ("2026-08", "U8")):
        read = raw.Read("pax8.usage_summaries", raw.raw_objects("/x", [{"id": ident}]), scope=month)
        raw.store(warehouse, [read], "r")
    with warehouse.connect() as connection:
        assert usage.known_summaries(connection, "2026-07") == ["U7"]
        assert usage.known_summaries(connection, "2025-01") == ["U7", "U8"]


def test_what_is_read_can_be_typed_in_staging_with_its_subscription_and_month(warehouse: Warehouse) -> None:
    pax8 = FakePax8(
        usage={"S-1": [{"id": "U-1", "companyId": "c", "partnerTotal": 2}]},
        lines={("U-1", "2026-08-20"): [{"usageDate": "2026-08-20", "quantity": 3}]},
    )
    summaries, _ = usage.read_summaries(pax8, ["S-1"], "2026-08")
    lines = usage.read_lines(pax8, ["U-1"], [TODAY], "2026-08")
    raw.store(warehouse, [summaries, lines], "r")
    for table in ("staging.usage_summaries", "staging.usage_lines"):
        assert build.build(warehouse, table, {"today": TODAY}).rejects == 0
    with warehouse.connect() as connection:
        assert connection.execute("SELECT subscription_id, month FROM staging.usage_summaries").fetchall() == [
            ("s-1", "2026-08")
        ]
        assert connection.execute("SELECT summary_id, month FROM staging.usage_lines").fetchall() == [
            ("u-1", "2026-08")
        ]
