"""policy.yaml is read as a person means it, and every complaint names file, line and key."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pax8_pipeline.errors import ConfigError
from pax8_pipeline.settings import load_policy
from pax8_pipeline.text import yamltext

A = "5b1f7a3e-0d52-4c0b-9a64-2f1f3c0e9a11"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"), ("no", "no"), ("yes", "yes"), ("2026-08", "2026-08"), ("2026-08-01", "2026-08-01"), ("true", True), ("False", False),
        ("~", None), ("", None), ("0", 0), ("-7", -7), ("0.10", Decimal("0.10")), ("1e3", Decimal(1000)), (A, A), ("'0231'", "0231"),
        ("３", "３"), ("1 000", "1 000"), ("1,5", "1,5"), ("NaN", "NaN"),
    ],
)  # fmt: skip
def test_plain_values_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    found = yamltext.loads(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["0231", "010", "08", "-010", "1_000", "0x1F", "0o17", "0b11", "12:30", "10:05:06", ".nan", "-.inf",
                                  "+5", ".5", "5.", "00.5"])  # fmt: skip
def test_a_number_that_reads_as_another_is_refused_with_its_line_and_key(text: str) -> None:
    with pytest.raises(yamltext.YamlError, match=r"^line 3: b\.c: .* plain digits"):
        yamltext.loads(f"a: 1\nb:\n  c: {text}\n")
    with pytest.raises(yamltext.YamlError, match=r"^line 2: b: .* plain digits"):
        yamltext.loads(f"a: 1\nb: {{{text}: x}}\n")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("trust: {clients: {0231: auto}}", "line 1: trust.clients: 0231 is read as different numbers"),
        ('trust: {clients: {"0231": auto}}', "trust.clients: '0231' is not a Halo id"),
        ("trust: {clients: {231.0: auto}}", "trust.clients: .* is not a Halo id"),
        ("trust: {clients: {true: auto}}", "trust.clients: True is not a Halo id"),
        ('trust: {clients: {231: auto, "231": observe}}', "trust.clients: '231' and 231 are the same id"),
        ("trust: {clients: {231: auto, 231: observe}}", "trust.clients.231: is on line 1 already"),
        ("trust: {default: observe}\ntrust: {default: auto}", "line 2: trust: is on line 1 already"),
        ("schedule: {minute: 010}", "schedule.minute: 010 is read as different numbers"),
        ('schedule: {minute: "1_0"}', "schedule.minute: '1_0' is not a whole number"),
        ("schedule: {hour: 6.0}", "schedule.hour: .* is not a whole number"),
        ("schedule: {hour: 24}", "schedule.hour: .*write 23 or less"),
        ("guardrails: {run: {money_delta: 1_000}}", "guardrails.run.money_delta: 1_000"),
        ('guardrails: {run: {money_delta: "2.500,00"}}', "guardrails.run.money_delta: '2.500,00' is not a number"),
        ("guardrails: {run: {money_delta: 1e400}}", "guardrails.run.money_delta: .* is not a number"),
        ("guardrails: {run: {money_delta: NaN}}", "guardrails.run.money_delta: 'NaN' is not a number"),
        ("guardrails: {run: {money_delta: true}}", "guardrails.run.money_delta: True is not a number"),
        ("usage: {default_halo_item_id: -1}", "usage.default_halo_item_id: -1 is not a Halo id"),
        ("usage: {products: {abc: {price: cost}}}", "usage.products: 'abc' is not a Pax8 id"),
        (f"usage: {{products: {{{A}: {{price: cost}}, {A.upper()}: {{}}}}}}", "usage.products: .* are the same id"),
        ("usage: {confirmed_groups: [abc/def]}", "usage.confirmed_groups: 'abc' is not a Pax8 id"),
        (f"usage: {{confirmed_groups: [{A}]}}", "usage.confirmed_groups: .* is not a confirmed group"),
        ("<<: {timezone: UTC}", "<<: unknown key"),
        ("timezone: !!python/name:os.system", "not readable as YAML|constructor"),
        ("retention_days: !!int '010'", "constructor"),
        ("write_mode: &a [*a]", "recursive"),
        ("native_integration: off", "native_integration: .*'refuse' or 'ignore'"),
    ],
)
def test_a_policy_that_says_something_else_than_it_looks_like_is_refused(
    text: str, complaint: str, tmp_path: Path
) -> None:
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"policy\.yaml: .*{complaint}|policy\.yaml: {complaint}"):
        load_policy(tmp_path / "policy.yaml")


def test_a_policy_in_another_encoding_is_read_or_named(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("timezone: Europe/Berlin # Zürich", encoding="utf-16")
    assert load_policy(path).timezone == "Europe/Berlin"
    path.write_text("# Zürich\ntimezone: UTC", encoding="cp1252")
    with pytest.raises(ConfigError, match=r"policy\.yaml, line 1: not UTF-8 text; save it as UTF-8"):
        load_policy(path)
