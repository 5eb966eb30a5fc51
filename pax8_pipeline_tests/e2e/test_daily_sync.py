"""The daily sync when something goes wrong: a real process, real HTTP, real files, on the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pax8_pipeline_tests.e2e.kit import Desk, desk, kill, until


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        yield made


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
    (at.folder / "mappings" / "clients.csv").write_text(
        "pax8_company_id,halo_client_id,note\n5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11,many,\n"
    )
    ran = at.run()
    assert ran.code == 1
    assert "clients.csv, row 2, column halo_client_id" in ran.err
    assert len(at.sandbox.requests) == 0


def test_bad_credentials_are_said_in_plain_words_without_the_secret(at: Desk) -> None:
    ran = at.run(PAX8_CLIENT_SECRET="not-the-secret-9f3")
    assert ran.code == 1
    assert "PAX8_CLIENT_SECRET" in ran.out + ran.err
    assert "not-the-secret-9f3" not in ran.out + ran.err
