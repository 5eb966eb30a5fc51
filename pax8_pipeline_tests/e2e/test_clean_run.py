"""The daily sync as a person runs it, undisturbed: a real process, real HTTP, real files, on the sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pax8_pipeline_tests import shown_commands
from pax8_pipeline_tests.support.operator import Operator, Ran, desk


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Operator, Ran]]:
    """A desk after its first run, which nothing disturbed; whoever uses it leaves it so."""
    with desk(tmp_path_factory.mktemp("clean")) as made:
        yield made, made.run()


def test_a_clean_run_brings_halo_in_step_with_the_right_verdicts(clean: tuple[Operator, Ran]) -> None:
    at, first = clean
    assert (first.all_written, first.err.count("Traceback")) == (True, 0), first.err
    assert at.in_step()
    assert len(at.sandbox.halo.writes) > 0
    found = first.verdicts()
    story = {e.subscription_id: e.expected_verdict for e in at.sandbox.world.story if e.subscription_id}
    seats = {s: v for s, v in story.items() if v != "unassigned_usage"}
    assert {s: found.get(s) for s in seats} == seats
    assert len(seats) > 15
    unassigned = [c["description"] for c in first.data["failed_checks"] if c["name"] == "usage_unassigned"]
    assert len(unassigned) == 1


def test_no_secret_and_no_token_is_left_in_any_file(clean: tuple[Operator, Ran]) -> None:
    at, _ = clean
    secrets = [
        at.sandbox.env()["PAX8_CLIENT_SECRET"].encode(),
        at.sandbox.env()["HALO_CLIENT_SECRET"].encode(),
        b"Bearer ",
    ]
    files = [path for path in at.folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        content = path.read_bytes()
        assert not any(secret in content for secret in secrets), path


def test_analysts_read_a_published_copy(clean: tuple[Operator, Ran]) -> None:
    at, _ = clean
    with duckdb.connect(str(at.folder / "published.duckdb"), read_only=True) as connection:
        rows = connection.execute("SELECT verdict, count(*) FROM reconciled.subscriptions GROUP BY 1").fetchall()
        usage = connection.execute("SELECT count(*), sum(charges) FROM staging.usage_summaries").fetchall()
    assert dict(rows)["in_step"] > 100
    assert usage[0][0] > 0


def test_a_dry_run_plans_the_same_writes_nothing_and_puts_unbilled_money_first(
    clean: tuple[Operator, Ran], tmp_path: Path
) -> None:
    with desk(tmp_path) as at:
        dry = at.run(HALO_WRITE_MODE="")
        assert dry.code == 2, dry.err
        assert at.posts() == []
    rows = dry.data["rows"]
    assert {r["subscription_id"]: (r["class"], r["after"]) for r in rows} == {
        r["subscription_id"]: (r["class"], r["after"]) for r in clean[1].data["rows"]
    }
    assert rows[0]["verdict"] == "unbilled"
    money = [float(r["unbilled_per_month"]) for r in rows if r["verdict"] == "unbilled"]
    assert money == sorted(money, reverse=True)
    assert money[0] > 0


def test_a_second_run_writes_nothing_and_waits_for_a_person_until_all_is_acknowledged(
    clean: tuple[Operator, Ran],
) -> None:
    at, _ = clean
    writes = len(at.sandbox.halo.writes)
    second = at.run()
    assert second.all_written, second.err
    assert len(at.sandbox.halo.writes) == writes
    assert second.data["written"] == {}
    assert re.match(r"nothing to write; \d+ losses", second.data["sentence"])
    at.acknowledge_all()
    third = at.run()
    assert (third.code, third.data["sentence"]) == (0, "done: nothing to write"), third.err


# What the documents show of looking, and what stands for the words in capitals there. Others of them have tests of their own.
LOOKING = (
    "plan show",
    "report",
    "acknowledge --list",
    "writer show",
    "prune --dry-run",
    "cutover",
    "explain",
    "mapping suggest",
)


def test_what_the_documents_show_of_looking_works(clean: tuple[Operator, Ran]) -> None:
    at, first = clean
    company = next(r["row_id"] for r in first.data["rows"] if r["verdict"] == "usage_bill").split(" ")[2]
    shown = [
        tuple(word.replace("COMPANY_ID", company) for word in command.words[1:])
        for command in shown_commands.in_blocks()
        if " ".join(command.words).startswith(tuple(f"pax8-pipeline {looking}" for looking in LOOKING))
    ]
    assert len(set(shown)) >= len(LOOKING)
    for words in sorted(set(shown)):
        done = at.command(*words)
        assert (done.code, done.err.count("Traceback")) == (0, 0), (words, done.err)
    assert (at.folder / "plan.csv").read_text().count("\n") > 20
    assert (at.folder / "cutover.md").is_file()
