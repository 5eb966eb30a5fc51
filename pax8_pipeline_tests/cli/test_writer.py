"""`pax8-pipeline writer`: who writes, and the word of a person that it is this folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from pax8_pipeline.commands.writer import writer
from pax8_pipeline.errors import PipelineError
from pax8_pipeline_tests.support.checks import warehouse_with
from pax8_pipeline_tests.support.cli import OURS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [n for n in os.environ if n.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PAX8_PIPELINE_DATA", str(tmp_path))
    monkeypatch.setenv("USER", "ada")
    return tmp_path


def test_a_claim_retires_the_other_writer_and_is_on_record(folder: Path) -> None:
    warehouse = warehouse_with(folder)
    with warehouse.transaction() as connection:
        connection.execute(
            "INSERT INTO billing.documents (usage_key, origin, lines, was_voided, writer, first_seen, state) "
            "VALUES ('pax8-usage 2026-07 c1', 'seen', '[]', false, '22222222-bbbb', '2026-08-01', 'present')"
        )
    shown = json.loads(CliRunner().invoke(writer, ["show", "--json"]).output)
    assert (shown["writer"], [row["writer"] for row in shown["others"]]) == (None, ["22222222-bbbb"])
    done = CliRunner().invoke(writer, ["claim", "--why", "new server", "--json"])
    claimed = json.loads(done.output)
    assert claimed["retired"] == ["22222222-bbbb"]
    shown = json.loads(CliRunner().invoke(writer, ["show", "--json"]).output)
    assert shown == {"writer": claimed["writer"], "others": [], "retired": ["22222222-bbbb"]}
    with warehouse.connect() as connection:
        record = connection.execute("SELECT writer, kind, who, why FROM billing.writers ORDER BY kind").fetchall()
    assert record == [
        (claimed["writer"], "own", "ada", "new server"),
        ("22222222-bbbb", "retired", "ada", "new server"),
    ]


def test_a_claim_needs_a_reason_and_a_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse_with(folder)
    assert CliRunner().invoke(writer, ["claim"]).exit_code == 2
    monkeypatch.delenv("USER")
    monkeypatch.delenv("LOGNAME", raising=False)
    refused = CliRunner().invoke(writer, ["claim", "--why", "x"])
    assert isinstance(refused.exception, PipelineError)
