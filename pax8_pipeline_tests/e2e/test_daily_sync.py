"""The daily sync when something goes wrong, over real HTTP and real files, on the sandbox.

A whole run of the command line costs as much as eight nights without Dagster (see `nightly`). So each fault alone is
played by nights, and the command line takes them together: it is run where processes, exit codes and words are the point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pax8_pipeline.sandbox.faults.registry import Fault
from pax8_pipeline_tests.proofs import WHOLE
from pax8_pipeline_tests.support.nightly import night, open_entries, small_story
from pax8_pipeline_tests.support.operator import Operator, desk, kill, until

Trouble = Callable[[Operator], object]


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Operator]:
    with desk(tmp_path) as made:
        yield made


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Operator]:
    """A small world with one event of each kind."""
    with desk(tmp_path, small_story()) as made:
        yield made


def written_once(at: Operator) -> bool:
    """No body reached Halo twice."""
    bodies = [str(w["body"]) for w in at.sandbox.halo.writes]
    return len(bodies) == len(set(bodies)) > 0


def lost_replies(at: Operator, kind: str) -> None:
    at.sandbox.faults.add(kind, vendor="halo", method="POST", path="/*", times=3)


def dying_tokens(at: Operator) -> None:
    at.sandbox.faults.add("expire_token", vendor="pax8", path="/subscriptions*", after=1, times=2)
    at.sandbox.faults.add("expire_token", vendor="halo", path="/RecurringInvoice*", after=1, times=2)
    at.sandbox.faults.add("expire_token", vendor="halo", method="POST", path="/SoftwareLicence")


def storm(at: Operator) -> None:
    for seed, kind in enumerate(("429", "500", "503", "cut", "not_json")):
        at.sandbox.faults.add(kind, method="GET", times=6, probability=0.1, seed=seed, params={"retry_after": 0})
    at.sandbox.faults.add("429", vendor="halo", method="POST", times=3, params={"retry_after": 0})


def shifting_pages(at: Operator) -> None:
    at.sandbox.faults.add("shifted_page", vendor="pax8", path="/subscriptions", after=1)
    at.sandbox.faults.add("short_page", vendor="pax8", path="/companies")
    at.sandbox.faults.add("short_page", vendor="halo", path="/SoftwareLicence")


def short_subscriptions(at: Operator) -> None:
    at.sandbox.faults.add("short_page", vendor="pax8", path="/subscriptions", times=None)


def short_companies(at: Operator) -> None:
    at.sandbox.faults.add("short_page", vendor="pax8", path="/companies", times=None)


def no_subscriptions(at: Operator) -> None:
    at.sandbox.faults.add("empty", vendor="pax8", path="/subscriptions", times=None)


def native_integration(at: Operator) -> None:
    at.sandbox.halo.integration["integrator_enabled"] = True


@pytest.mark.proof
def test_processes_killed_in_mid_write_and_before_an_answer_are_made_good_by_the_next_run(at: Operator) -> None:
    stuck = at.sandbox.faults.add("hang", vendor="halo", method="POST", path="/SoftwareLicence", after=1)
    process = at.start("run", "--json")
    until(lambda: stuck.fired > 0)
    kill(process)
    at.sandbox.faults.remove()
    before = len(at.sandbox.halo.writes)
    lost = at.sandbox.faults.add("reply_lost", vendor="halo", method="POST", path="/SoftwareLicence")
    process = at.start("run", "--json")
    until(lambda: lost.fired > 0 and len(at.sandbox.halo.writes) > before)
    kill(process)
    at.sandbox.faults.remove()
    again = at.run()
    assert again.all_written, again.err
    assert at.in_step()
    assert written_once(at)


def all_at_once(at: Operator) -> Fault:
    for trouble in (dying_tokens, storm, shifting_pages):
        trouble(at)
    # After the refusals: a refusal that is lost is a write that did not happen, and the next run's.
    return at.sandbox.faults.add("reply_lost", vendor="halo", method="POST", path="/*", after=6, times=2)


PASSING: dict[str, Trouble] = {
    "all at once": all_at_once,
    "replies lost": lambda at: lost_replies(at, "reply_lost"),
    "replies lost behind a 502": lambda at: lost_replies(at, "reply_lost_502"),
    "dying tokens": dying_tokens,
    "a storm of 429 and 500": storm,
    "shifting pages": shifting_pages,
}


@pytest.mark.whole
@pytest.mark.parametrize("name", PASSING if WHOLE else ["all at once"])
def test_what_passes_by_itself_ends_as_a_clean_night(name: str, small: Operator) -> None:
    PASSING[name](small)
    plan, outcome = night(small)
    assert plan.complete, plan.problem
    assert outcome is not None
    assert (outcome.problems, set(outcome.states)) == ([], {"verified"})
    assert small.in_step()
    assert open_entries(small) == 0
    assert written_once(small)


# In small: the same troubles in a night, above.
@pytest.mark.proof
def test_all_of_it_in_one_run_ends_as_a_clean_run(at: Operator) -> None:
    lost = all_at_once(at)
    ran = at.run()
    assert ran.all_written, ran.err
    assert lost.fired == 2
    assert at.in_step()
    assert written_once(at)


@pytest.mark.parametrize(
    "trouble", [short_subscriptions, no_subscriptions, native_integration], ids=lambda f: str(f.__name__)
)
def test_each_of_what_does_not_pass_is_enough_to_write_nothing(trouble: Trouble, small: Operator) -> None:
    trouble(small)
    _, outcome = night(small)
    assert outcome is None
    assert small.posts() == []


def test_a_run_held_back_says_every_reason_with_its_exit_code(small: Operator) -> None:
    short_companies(small)
    no_subscriptions(small)
    ran = small.run()
    assert ran.code == 3, ran.err
    assert small.posts() == []
    assert ("incomplete" in ran.data["sentence"], "shrank" in ran.data["sentence"]) == (True, True)


def test_native_integration_on_blocks_every_quantity(small: Operator) -> None:
    native_integration(small)
    ran = small.run()
    assert ran.code == 3, ran.err
    assert small.posts() == []
    assert "native" in ran.data["sentence"]


def test_a_vendor_that_is_down_is_an_error_in_plain_words(small: Operator) -> None:
    at = small
    at.sandbox.faults.add("500", vendor="halo", path="/RecurringInvoice", times=None)
    ran = at.run()
    assert ran.code == 1
    assert at.posts() == []
    assert "Halo" in ran.data["sentence"]
    assert "Traceback" not in ran.err + ran.out


def test_a_malformed_mapping_file_stops_before_any_vendor_is_asked(at: Operator) -> None:
    (at.folder / "mappings" / "clients.csv").write_text(
        "pax8_company_id,halo_client_id,note\n5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11,many,\n"
    )
    ran = at.run()
    assert ran.code == 1
    assert "clients.csv, row 2, column halo_client_id" in ran.err
    assert len(at.sandbox.requests) == 0


def test_bad_credentials_are_said_in_plain_words_without_the_secret(small: Operator) -> None:
    at = small
    ran = at.run(PAX8_CLIENT_SECRET="not-the-secret-9f3")
    assert ran.code == 1
    assert "PAX8_CLIENT_SECRET" in ran.out + ran.err
    assert "not-the-secret-9f3" not in ran.out + ran.err
