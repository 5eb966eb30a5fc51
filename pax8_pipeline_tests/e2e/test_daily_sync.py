"""The daily sync as a person runs it: a real process, real HTTP, real files, on the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pax8_pipeline_tests.e2e.kit import Desk, desk, kill, until


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        yield made


def test_a_clean_run_brings_halo_in_step_and_a_second_run_writes_nothing(at: Desk) -> None:
    first = at.run()
    assert (first.code, first.err.count("Traceback")) == (0, 0), first.err
    assert at.in_step()
    found = first.verdicts()
    story = {e.subscription_id: e.expected_verdict for e in at.sandbox.world.story if e.subscription_id}
    seats = {s: v for s, v in story.items() if v != "unassigned_usage"}
    assert {s: found.get(s) for s in seats} == seats
    assert len(seats) > 15
    unassigned = [c["description"] for c in first.data["failed_checks"] if c["name"] == "usage_unassigned"]
    assert len(unassigned) == 2
    writes = len(at.sandbox.halo.writes)
    assert writes > 0
    second = at.run()
    assert second.code == 0, second.err
    assert len(at.sandbox.halo.writes) == writes
    assert second.data["written"] == {}


def test_a_dry_run_plans_the_same_and_writes_nothing(at: Desk) -> None:
    dry = at.run(HALO_WRITE_MODE="")
    assert dry.code == 2, dry.err
    assert at.posts() == []
    wet = at.run()
    assert wet.code == 0, wet.err
    assert {r["subscription_id"]: (r["class"], r["after"]) for r in dry.data["rows"]} == {
        r["subscription_id"]: (r["class"], r["after"]) for r in wet.data["rows"]
    }


def test_unbilled_money_stands_first_in_the_list(at: Desk) -> None:
    rows = at.run(HALO_WRITE_MODE="").data["rows"]
    assert rows[0]["verdict"] == "unbilled"
    money = [float(r["unbilled_per_month"]) for r in rows if r["verdict"] == "unbilled"]
    assert money == sorted(money, reverse=True)
    assert money[0] > 0


def test_a_process_killed_in_mid_write_is_made_good_by_the_next_run(at: Desk) -> None:
    stuck = at.sandbox.faults.add("hang", vendor="halo", method="POST", path="/SoftwareLicence", after=1)
    process = at.start("run", "--json")
    until(lambda: stuck.fired > 0)
    kill(process)
    at.sandbox.faults.remove()
    again = at.run()
    assert again.code == 0, again.err
    assert at.in_step()


def test_a_process_killed_after_the_write_but_before_its_answer_writes_once(at: Desk) -> None:
    at.sandbox.faults.add("reply_lost", vendor="halo", method="POST", path="/SoftwareLicence")
    process = at.start("run", "--json")
    until(lambda: bool(at.sandbox.halo.writes))
    kill(process)
    at.sandbox.faults.remove()
    assert at.run().code == 0
    assert at.in_step()
    bodies = [str(w["body"]) for w in at.sandbox.halo.writes]
    assert len(bodies) == len(set(bodies))


@pytest.mark.parametrize("kind", ["reply_lost", "reply_lost_502"])
def test_replies_lost_after_a_write_end_as_a_clean_run(kind: str, at: Desk) -> None:
    at.sandbox.faults.add(kind, vendor="halo", method="POST", path="/*", times=3)
    ran = at.run()
    assert ran.code == 0, ran.err
    assert at.in_step()
    bodies = [str(w["body"]) for w in at.sandbox.halo.writes]
    assert len(bodies) == len(set(bodies))


def test_tokens_that_die_in_mid_run_are_renewed(at: Desk) -> None:
    at.sandbox.faults.add("expire_token", vendor="pax8", path="/subscriptions*", after=1, times=2)
    at.sandbox.faults.add("expire_token", vendor="halo", path="/RecurringInvoice*", after=1, times=2)
    at.sandbox.faults.add("expire_token", vendor="halo", method="POST", path="/SoftwareLicence")
    ran = at.run()
    assert ran.code == 0, ran.err
    assert at.in_step()


def test_a_storm_of_429_and_500_ends_as_a_clean_run(at: Desk) -> None:
    for seed, kind in enumerate(("429", "500", "503", "cut", "not_json")):
        at.sandbox.faults.add(kind, method="GET", times=6, probability=0.1, seed=seed, params={"retry_after": 0})
    at.sandbox.faults.add("429", vendor="halo", method="POST", times=3, params={"retry_after": 0})
    ran = at.run()
    assert ran.code == 0, ran.err
    assert at.in_step()


def test_pages_that_shift_or_come_short_are_read_again(at: Desk) -> None:
    at.sandbox.faults.add("shifted_page", vendor="pax8", path="/subscriptions", after=1)
    at.sandbox.faults.add("short_page", vendor="pax8", path="/companies")
    at.sandbox.faults.add("short_page", vendor="halo", path="/SoftwareLicence")
    ran = at.run()
    assert ran.code == 0, ran.err
    assert at.in_step()


def test_a_list_that_stays_short_holds_everything_back_and_says_so(at: Desk) -> None:
    at.sandbox.faults.add("short_page", vendor="pax8", path="/subscriptions", times=None)
    ran = at.run()
    assert ran.code == 3, ran.err
    assert at.posts() == []
    assert "incomplete" in ran.data["sentence"]


def test_an_empty_subscriptions_reply_changes_nothing_and_says_why(at: Desk) -> None:
    at.sandbox.faults.add("empty", vendor="pax8", path="/subscriptions", times=None)
    ran = at.run()
    assert ran.code == 3, ran.err
    assert at.posts() == []
    assert "shrank" in ran.data["sentence"]


def test_a_vendor_that_is_down_is_an_error_in_plain_words(at: Desk) -> None:
    at.sandbox.faults.add("500", vendor="halo", path="/RecurringInvoice", times=None)
    ran = at.run()
    assert ran.code == 1
    assert at.posts() == []
    assert "Halo" in ran.data["sentence"]
    assert "Traceback" not in ran.err + ran.out


def test_native_integration_on_blocks_every_quantity(at: Desk) -> None:
    at.sandbox.halo.integration["integrator_enabled"] = True
    ran = at.run()
    assert ran.code == 3, ran.err
    assert at.posts() == []
    assert "native" in ran.data["sentence"]


def test_a_run_over_its_guardrail_is_held_whole(at: Desk) -> None:
    (at.folder / "policy.yaml").write_text("guardrails: {run: {lines_ended: 0}}\n")
    ran = at.run()
    assert ran.code == 3, ran.err
    assert at.posts() == []
    assert "lines_ended" in ran.data["sentence"]


def test_a_malformed_mapping_file_stops_before_any_vendor_is_asked(at: Desk) -> None:
    (at.folder / "mappings" / "clients.csv").write_text("pax8_company_id,halo_client_id,note\nabc,many,\n")
    ran = at.run()
    assert ran.code == 1
    assert "clients.csv, row 2, column halo_client_id" in ran.err
    assert len(at.sandbox.requests) == 0


def test_bad_credentials_are_said_in_plain_words_without_the_secret(at: Desk) -> None:
    ran = at.run(PAX8_CLIENT_SECRET="not-the-secret-9f3")
    assert ran.code == 1
    assert "PAX8_CLIENT_SECRET" in ran.out + ran.err
    assert "not-the-secret-9f3" not in ran.out + ran.err


def test_no_secret_and_no_token_is_left_in_any_file(at: Desk) -> None:
    assert at.run().code == 0
    secrets = [
        at.sandbox.env()["PAX8_CLIENT_SECRET"].encode(),
        at.sandbox.env()["HALO_CLIENT_SECRET"].encode(),
        b"Bearer ",
    ]
    for path in at.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret in content for secret in secrets), path


def test_analysts_read_a_published_copy(at: Desk) -> None:
    assert at.run().code == 0
    with duckdb.connect(str(at.folder / "published.duckdb"), read_only=True) as connection:
        rows = connection.execute("SELECT verdict, count(*) FROM reconciled.subscriptions GROUP BY 1").fetchall()
        usage = connection.execute("SELECT count(*), sum(charges) FROM staging.usage_summaries").fetchall()
    assert dict(rows)["in_step"] > 100
    assert usage[0][0] > 0
