"""Each command that a runbook shows is run, in the situation that the page is for, and ends as the page says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pax8_pipeline_tests import shown_commands
from pax8_pipeline_tests.support.operator import Operator, Ran, desk
from pax8_pipeline_tests.support.warehouse_files import release

pytestmark = pytest.mark.proof
DONE, WAITS, HELD, ERROR = 0, 2, 3, 1


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Operator]:
    with desk(tmp_path, HALO_WRITE_MODE="dry_run") as made:
        yield made


def newest_plan(at: Operator) -> str:
    return str(at.command("plan", "show", "--json").data["plan"]["plan_id"])


def play(at: Operator, page: str, **values: str) -> dict[str, Ran]:
    """Run the commands of a page in their order; words in capitals are replaced. Return what each ended with."""
    ended: dict[str, Ran] = {}
    for shown in shown_commands.in_blocks():
        if shown.page not in (f"docs/runbooks/{page}.md", f"docs/{page}.md"):
            continue
        words = [values.get(word, word) for word in shown.words[1:]]
        words = [newest_plan(at) if word == "PLAN" else word for word in words]
        variables = {name: at.sandbox.env()["PAX8_PIPELINE_TODAY"] if value == "VALUE" else value
                     for name, value in shown.variables.items()}  # fmt: skip
        done = at.command(*words, USER="ada", **variables)
        assert "Traceback" not in done.err, (shown.text, done.err)
        ended[re.sub(r"\s+#.*", "", shown.text).strip()] = done
    assert ended
    return ended


def policy(at: Operator, text: str) -> None:
    (at.folder / "policy.yaml").write_text(text)


def codes(ended: dict[str, Ran]) -> list[int]:
    return [done.code for done in ended.values()]


def test_going_live_leaving_the_integration_and_the_first_client(at: Operator) -> None:
    live = play(at, "going-live")
    assert live["pax8-pipeline run --dry-run"].code == WAITS
    assert codes(live).count(ERROR) <= 1  # doctor: the sandbox's day is fixed
    assert at.posts() == []
    play(at, "leaving-native-integration")
    assert (at.folder / "cutover.md").is_file()
    rows = at.command("plan", "show", "--json", "--all").data["rows"]
    observed = (row for row in rows if row["reason"] == "trust_observe" and row["subscription_id"])  # as `init` set it
    client = next(str(row["client_id"]) for row in observed)
    policy(at, f"trust: {{default: observe, clients: {{{client}: approve}}}}")
    first = play(at, "first-client", **{"231": client})
    assert codes(first)[:2] == [WAITS, DONE]
    assert at.posts() != []
    written = at.command("plan", "show", "--json", "--all").data["rows"]
    assert {row["client_id"] for row in written if row.get("written")} <= {int(client)}


def test_a_held_run_is_let_past_once_and_a_lost_warehouse_comes_back(at: Operator) -> None:
    policy(at, "guardrails: {run: {lines_changed: 0}, client: {lines_changed: 0}}")
    assert at.run(HALO_WRITE_MODE="apply").code == HELD
    ended = play(at, "held-run")
    assert HELD not in codes(ended)[:4]
    writes = len(at.sandbox.halo.writes)
    assert writes > 0
    release()
    (at.folder / "warehouse.duckdb").unlink()
    lost = play(at, "lost-warehouse")
    dry = lost["pax8-pipeline run --dry-run"]
    assert "were put back from" in dry.err
    assert len(at.sandbox.halo.writes) == writes


def test_a_rotated_secret_is_put_into_its_file(at: Operator) -> None:
    secret = at.folder / "secret"
    at.env |= {"PAX8_CLIENT_SECRET": "", "PAX8_CLIENT_SECRET_FILE": str(secret)}
    secret.write_text("the-old-one")
    assert at.command("doctor").code == ERROR
    assert at.run().code == ERROR
    secret.write_text(at.sandbox.env()["PAX8_CLIENT_SECRET"])
    ended = play(at, "rotated-secret")
    assert ended["pax8-pipeline run --dry-run"].code == WAITS


def test_an_unknown_result_is_settled_by_reading_and_invoices_that_a_restored_halo_lost_are_made_again(
    at: Operator,
) -> None:
    policy(at, "usage: {first_month: 2026-07}")
    at.sandbox.faults.add("502", vendor="halo", method="POST", path="/Invoice")
    first = at.run(HALO_WRITE_MODE="apply")
    assert first.code == ERROR, first.data["sentence"]
    assert "1 write unknown" in first.data["sentence"]
    ended = play(at, "unknown-result")
    assert codes(ended) == [WAITS, DONE]
    assert "pending" in ended["pax8-pipeline run"].out or "not known" in ended["pax8-pipeline run"].out

    invoices = at.sandbox.halo.invoices
    keys = {number: row["reference"] for number, row in invoices.items() if "PAX8-USAGE" in str(row["reference"])}
    lost = sorted(keys)[:5]
    for number in lost:
        del invoices[number]
    restored = play(at, "halo-restored")
    assert codes(restored) == [HELD, DONE, DONE, WAITS, DONE, WAITS]
    found = [row["reference"] for row in invoices.values()]
    assert [found.count(keys[number]) for number in lost] == [1] * len(lost)


def test_a_month_is_looked_at_acknowledged_and_closed(at: Operator) -> None:
    assert at.command("run").code == WAITS
    asked = at.command("month", "2026-08", "--json", "--details").data
    row = next(str(row["subscription_id"]) for row in asked["rows"] if row["subscription_id"])
    ended = play(at, "month-end", **{"2026-10": "2026-08", "c2b8a9d0-6f34-4a6f-8a1b-3f7c9e5d1a02": row})
    assert ERROR not in codes(ended)[:6]
    assert codes(ended)[6:] == [ERROR, WAITS]  # rows are open, so closing asks for a reason, and they still wait


def test_suggestions_are_shown_accepted_and_checked(at: Operator) -> None:
    assert at.command("run").code == WAITS
    suggested = json.loads(at.command("mapping", "suggest", "--kind", "client", "--json").out)
    ids = {"5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11": suggested[0]["pax8_id"], "231": str(suggested[0]["halo_id"])}
    ended = play(at, "mapping", **ids)
    at_a_terminal = "pax8-pipeline mapping review"
    assert ended.pop(at_a_terminal).code == ERROR  # it says so: see test_mapping_review.py
    assert set(codes(ended)) <= {DONE, WAITS}
