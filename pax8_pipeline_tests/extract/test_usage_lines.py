"""Which days of which summaries are asked for lines, and what of the answers counts in the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.extract import usage_lines, usage_summaries
from pax8_pipeline.extract.backfill_estimate import forecast
from pax8_pipeline.extract.usage_lines import UsageLineQuery
from pax8_pipeline.warehouse import build, old_reads, snapshots
from pax8_pipeline.warehouse.connection import Warehouse
from pax8_pipeline_tests.support.vendors import Pax8InMemory, incomplete
from pax8_pipeline_tests.support.warehouse_files import empty_warehouse, hold_open

FIRST = date(2026, 8, 1)
SEPTEMBER = date(2026, 9, 1)
Rows = list[dict[str, Any]]


@dataclass
class Vendor:
    """What a vendor posted: by summary, product and day the total of the month so far (charges; cost is half of it)."""

    posts: dict[tuple[str, str, date], list[str]] = field(default_factory=dict)

    def post(self, summary: str, product: str, day: date, *totals: str) -> None:
        self.posts[summary, product, day] = list(totals)

    def rows(self, summary: str, day: date) -> Rows:
        return [
            {"usageDate": day.isoformat(), "productId": p, "currentCharges": t, "partnerTotal": Decimal(t) / 2}
            for (s, p, d), totals in self.posts.items()
            if (s, d) == (summary, day)
            for t in totals
        ]

    def summaries(self, today: date) -> Rows:
        """Each summary's amounts: the last totals of its products, posted before today in today's month."""
        last: dict[tuple[str, str], tuple[date, Decimal]] = {}
        for (s, p, d), totals in self.posts.items():
            if today.replace(day=1) <= d < today and d >= last.get((s, p), (d, 0))[0]:
                last[s, p] = (d, sum((Decimal(t) for t in totals), Decimal(0)))
        sums: dict[str, Decimal] = {}
        for (s, _), (_, total) in last.items():
            sums[s] = sums.get(s, Decimal(0)) + total
        return [{"id": s, "companyId": "c", "currentCharges": c, "partnerTotal": c / 2} for s, c in sums.items()]


@dataclass
class LinesHarness:
    """A warehouse that is kept as the daily run keeps it."""

    warehouse: Warehouse
    vendor: Vendor = field(default_factory=Vendor)

    def day(self, today: date) -> list[tuple[str, date]]:
        """One daily run; returns the questions it put."""
        rows = self.vendor.summaries(today)
        pax8 = Pax8InMemory(usage={"s": rows})
        read, _ = usage_summaries.read_summaries(pax8, ["s"], usage_summaries.month_of(today))
        snapshots.store(self.warehouse, [read], "r")
        with self.warehouse.connect() as connection:
            before = usage_lines.month_before(connection, today)
            now = (usage_summaries.month_of(today), usage_lines.running_month(connection, today))
        return [*self.ask(*before, today), *self.ask(*now, today)]

    def ask(
        self, month: str, asks: list[UsageLineQuery], today: date, client: Pax8InMemory | None = None
    ) -> list[tuple[str, date]]:
        posted = {(s, d.isoformat()): self.vendor.rows(s, d) for s, _, d in self.vendor.posts if d < today}
        pax8 = client or Pax8InMemory(lines=posted)
        for part in usage_lines.batches(asks, 3):
            read, asked = usage_lines.read_lines(pax8, part, month)
            snapshots.store(self.warehouse, [read], "r")
            at = datetime(today.year, today.month, today.day, 6)
            usage_lines.record(self.warehouse, month, asked if read.complete else [], today, at)
        return pax8.asked("lines")

    def month(self, month: str) -> list[tuple[str, str, str, str]]:
        """What stands of a month: summary, product, day, charges."""
        assert build.build(self.warehouse, "staging.usage_lines", {"today": FIRST}).rejects == 0
        query = "SELECT summary_id, product_id, usage_date::VARCHAR, meta.plain(charges) FROM staging.usage_lines WHERE month = ?"
        with self.warehouse.connect() as connection:
            return sorted(connection.execute(query, [month]).fetchall())


@pytest.fixture
def harness(tmp_path: Path) -> LinesHarness:
    warehouse = empty_warehouse(tmp_path / "warehouse.duckdb")
    hold_open(warehouse)
    return LinesHarness(warehouse)


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def test_a_month_read_daily_for_35_days_stands_at_the_last_total_of_each_product(harness: LinesHarness) -> None:
    for n, day in enumerate(days(FIRST, date(2026, 8, 31)), start=1):
        harness.vendor.post("u", "steady", day, f"{n}.00")
        if n <= 5:
            harness.vendor.post("u", "stops", day, f"{n}.50")
        if n == 3:
            harness.vendor.post("u", "once", day, "7.125")
        if n % 7 == 0:
            harness.vendor.post("weekly", "w", day, f"{n}.25")
    asked = 0
    for today in days(FIRST, date(2026, 9, 4)):
        if today == date(2026, 9, 2):  # posted late, before the vendor is locked out
            harness.vendor.post("u", "steady", date(2026, 8, 31), "31.40")
        asked += len(harness.day(today))
    expected = [
        ("u", "once", "2026-08-03", "7.125"),
        ("u", "steady", "2026-08-31", "31.4"),
        ("u", "stops", "2026-08-05", "5.5"),
        ("weekly", "w", "2026-08-28", "28.25"),
    ]
    assert harness.month("2026-08") == expected
    assert asked < 31 + 4 + 4 * 6 + 4 * 4 + 4  # a call a day, not one for each day so far
    for today in (date(2026, 9, 5), date(2026, 9, 20)):
        assert harness.day(today) == []


def test_only_what_moved_is_asked_and_yesterday_is_enough_when_it_explains_the_amounts(
    harness: LinesHarness,
) -> None:
    yesterday = date(2026, 8, 19)
    for summary in ("moved", "still"):
        harness.vendor.post(summary, "p", yesterday - timedelta(days=1), "1.00")
    first = harness.day(yesterday)
    harness.vendor.post("moved", "p", yesterday, "2.00")
    assert {s for s, _ in first} == {"moved", "still"}
    assert harness.day(date(2026, 8, 20)) == [("moved", yesterday)]
    assert harness.day(date(2026, 8, 20)) == []


def test_days_without_a_run_are_made_up_for_as_far_as_the_amounts_need_it(harness: LinesHarness) -> None:
    harness.vendor.post("u", "steady", date(2026, 8, 9), "9.00")
    harness.day(date(2026, 8, 10))
    harness.vendor.post("u", "stops", date(2026, 8, 12), "3.00")
    for n in range(10, 20):
        harness.vendor.post("u", "steady", date(2026, 8, n), f"{n}.00")
    asked = harness.day(date(2026, 8, 20))
    assert [d.day for _, d in asked] == [19, 20, 18, 17, 16, 15, 14, 13, 12]
    assert harness.month("2026-08") == [("u", "steady", "2026-08-19", "19"), ("u", "stops", "2026-08-12", "3")]


def test_rows_a_vendor_appended_to_a_day_all_count_and_a_day_posted_anew_replaces_what_was_read_of_it(
    harness: LinesHarness,
) -> None:
    harness.vendor.post("u", "p", date(2026, 8, 10), "4.00", "1.50")
    harness.day(date(2026, 8, 11))
    assert [row[3] for row in harness.month("2026-08")] == ["1.5", "4"]
    harness.vendor.post("u", "p", date(2026, 8, 10), "6.00")
    harness.day(date(2026, 8, 12))
    assert harness.month("2026-08") == [("u", "p", "2026-08-10", "6")]


def test_the_end_of_a_month_is_asked_daily_until_the_fourth_and_what_was_left_out_before_it_too(
    harness: LinesHarness,
) -> None:
    for n in range(20, 32):
        harness.vendor.post("u", "p", date(2026, 8, n), f"{n}.00")
    harness.day(date(2026, 8, 28))  # then the machine was off until the 2nd
    assert [d.day for _, d in harness.day(date(2026, 9, 2))] == [31, 30, 29, 28]
    for day, wanted in ((2, []), (3, [31]), (4, [31]), (5, [])):
        assert [d.day for _, d in harness.day(date(2026, 9, day))] == wanted, day
    assert harness.month("2026-08") == [("u", "p", "2026-08-31", "31")]


def test_a_run_that_comes_late_in_the_next_month_still_reads_the_end_of_the_last_once(harness: LinesHarness) -> None:
    for n in (29, 30, 31):
        harness.vendor.post("u", "p", date(2026, 8, n), f"{n}.00")
    harness.day(date(2026, 8, 30))
    assert [d.day for _, d in harness.day(date(2026, 9, 20))] == [31, 30]
    assert harness.day(date(2026, 9, 20)) == harness.day(date(2026, 9, 21)) == []


def test_summaries_with_new_ids_each_month_keep_their_months_apart(harness: LinesHarness) -> None:
    harness.vendor.post("aug", "p", date(2026, 8, 31), "8.00")
    harness.vendor.post("aug", "p", date(2026, 8, 30), "7.00")
    harness.day(date(2026, 8, 31))
    harness.vendor.post("sep", "p", date(2026, 9, 1), "1.00")
    for day in (1, 2, 3, 4, 5):
        assert {s for s, _ in harness.day(date(2026, 9, day))} <= {"aug", "sep"}
    assert harness.month("2026-08") == [("aug", "p", "2026-08-31", "8")]
    assert harness.month("2026-09") == [("sep", "p", "2026-09-01", "1")]


def test_a_summary_that_is_no_longer_listed_keeps_its_place_in_the_month(harness: LinesHarness) -> None:
    nothing = {"subscriptionId": "s", "currentCharges": 0, "partnerTotal": 0}
    for rows in ([{"id": "gone", **nothing}, {"id": "stays", **nothing}],
                 [{"id": "stays", **nothing, "currentCharges": 5}]):  # fmt: skip
        read, _ = usage_summaries.read_summaries(Pax8InMemory(usage={"s": rows}), ["s"], "2026-08")
        snapshots.store(harness.warehouse, [read], "r")
    assert build.build(harness.warehouse, "staging.usage_summaries", {"today": FIRST}).rejects == 0
    with harness.warehouse.connect() as connection:
        found = connection.execute("SELECT summary_id, charges::INT FROM staging.usage_summaries ORDER BY 1").fetchall()
    assert found == [("gone", 0), ("stays", 5)]


def test_an_answer_that_is_not_whole_is_not_kept_and_asked_again(harness: LinesHarness) -> None:
    asks = [UsageLineQuery("u", (date(2026, 8, 19),))]
    harness.vendor.post("u", "p", date(2026, 8, 19), "2.00")
    harness.ask("2026-08", asks, date(2026, 8, 20), Pax8InMemory(faults={"lines": incomplete("GET lines")}))
    assert harness.month("2026-08") == []
    harness.day(date(2026, 8, 20))
    assert harness.month("2026-08") == [("u", "p", "2026-08-19", "2")]


def test_a_summary_pax8_does_not_know_any_more_is_no_fault_and_not_asked_for_every_day(
    harness: LinesHarness,
) -> None:
    pax8 = Pax8InMemory(gone={"u"})
    read, asked = usage_lines.read_lines(pax8, [UsageLineQuery("u", (date(2026, 7, 30), date(2026, 7, 31)))], "2026-07")
    assert (read.complete, list(read.objects), len(pax8.asked("gone"))) == (True, [], 1)
    assert [(a.day.day, a.line_count) for a in asked] == [(30, 0), (31, 0)]


def test_a_past_month_is_asked_for_its_last_day_or_all_and_what_was_answered_is_not_asked_again(
    harness: LinesHarness,
) -> None:
    def wanted(lines: usage_lines.Lines, month: str = "2026-06") -> list[UsageLineQuery]:
        with harness.warehouse.connect() as connection:
            return usage_lines.past_month(connection, month, lines)

    for month, ident in (("2026-06", "U6"), ("2026-08", "U8")):
        snapshots.store(
            harness.warehouse,
            [snapshots.Read("pax8.usage_summaries", snapshots.raw_objects("/x", [{"id": ident}]), scope=month)],
            "r",
        )
    assert wanted("none") == []
    assert wanted("last") == [UsageLineQuery("U6", (date(2026, 6, 30),))]
    assert [(a.summary_id, len(a.days)) for a in wanted("daily")] == [("U6", 30)]
    assert [a.summary_id for a in wanted("last", "2025-01")] == ["U6", "U8"]  # nobody read that month in its time
    with harness.warehouse.connect() as connection:
        assert forecast(connection, date(2026, 8, 20), ["2025-01", "2026-06"], "daily").calls == 2 * 31 + 30
    asked = wanted("daily")
    harness.ask("2026-06", [UsageLineQuery("U6", asked[0].days[:12])], date(2026, 8, 20))  # stopped there
    assert wanted("daily")[0].days == tuple(days(date(2026, 6, 13), date(2026, 6, 30)))
    # What was answered before the month was final does not count.
    harness.ask("2026-07", [UsageLineQuery("U6", (date(2026, 7, 31),))], date(2026, 8, 3))
    assert next(a.days for a in wanted("last", "2026-07")) == (date(2026, 7, 31),)


def test_old_reads_go_but_what_a_month_comes_to_stays(harness: LinesHarness) -> None:
    for n in (5, 6, 7):
        harness.vendor.post("u", "steady", date(2026, 8, n), f"{n}.00")
    harness.vendor.post("u", "stops", date(2026, 8, 5), "5.50")
    for today in days(date(2026, 8, 6), date(2026, 8, 8)):
        harness.day(today)
    before = harness.month("2026-08")
    with harness.warehouse.transaction() as connection:
        for table in ("pax8.usage_lines", "pax8.usage_summaries", "meta.snapshots"):
            connection.execute(f"UPDATE {table} SET loaded_at = loaded_at - INTERVAL 900 DAY")
    assert old_reads.prune(harness.warehouse, date.today(), 400) > 0
    with harness.warehouse.connect() as connection:
        assert connection.execute("SELECT count(*) FROM pax8.usage_lines").fetchall() == [(2,)]
    assert harness.month("2026-08") == before
    assert old_reads.prune(harness.warehouse, date.today(), 400) == 0
