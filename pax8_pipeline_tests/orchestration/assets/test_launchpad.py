"""The configuration in the UI's launchpad: choices and explanations, and wrong values are rejected before the start."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from pax8_pipeline.definitions import build_defs
from pax8_pipeline.extract.usage_lines import MEANING


def config_type(job: str, op: str) -> Any:
    """The type of the configuration of one step of a job."""
    node = build_defs().resolve_job_def(job).get_node_named(op)
    return node.definition.config_field.config_type  # type: ignore[union-attr]


def complaints(job: str, op: str, config: dict[str, Any]) -> list[str]:
    """What the launchpad says of a configuration."""
    try:
        dg.validate_run_config(build_defs().resolve_job_def(job), {"ops": {op: {"config": config}}})
    except dg.DagsterInvalidConfigError as error:
        return [found.message for found in error.errors]
    return []


@pytest.mark.parametrize("value", MEANING)
def test_each_choice_of_lines_is_explained(value: str) -> None:
    field = config_type("usage_lines_backfill", "pax8__usage_lines").fields["lines"]
    choices = {choice.config_value: choice.description for choice in field.config_type.enum_values}
    assert choices == dict(MEANING)
    assert f"`{value}`: {choices[value]}" in field.description
    assert complaints("usage_lines_backfill", "pax8__usage_lines", {"lines": value}) == []


def test_another_value_of_lines_is_rejected_with_the_choices() -> None:
    (message,) = complaints("usage_lines_backfill", "pax8__usage_lines", {"lines": "weekly"})
    assert message.endswith("config:lines not in enum type last | daily got weekly")


def test_a_value_that_names_a_variable_of_the_environment_is_rejected() -> None:
    (message,) = complaints("usage_lines_backfill", "pax8__usage_lines", {"lines": {"env": "HALO_CLIENT_SECRET"}})
    assert message.endswith("for enum type last | daily must be a string")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"apply": "yes"}, 'config:apply. Value "yes"'),
        ({"plan": "20260820-060000-1a2b3c4d-9f8e"}, 'Received unexpected config entry "plan" at path'),
        ({"plan_id": 7}, "config:plan_id"),
    ],
)
def test_what_cannot_be_meant_is_rejected_before_a_plan_is_written(config: dict[str, Any], says: str) -> None:
    (message,) = complaints("apply_plan", "billing__writes", config)
    assert says in message


def test_every_field_that_the_launchpad_shows_is_explained() -> None:
    silent = [
        f"{job.name}: {node.name}.{name}"
        for job in build_defs().resolve_all_job_defs()
        for node in job.nodes
        for name, field in fields_of(node).items()
        if not field.description
    ]
    assert silent == []


def fields_of(node: Any) -> dict[str, Any]:
    """The fields of a step's configuration."""
    found = node.definition.config_field
    return dict(getattr(found.config_type, "fields", {})) if found is not None else {}
