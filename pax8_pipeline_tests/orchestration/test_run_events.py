"""What a run's events say about a step that failed."""

from __future__ import annotations

import dagster as dg

from pax8_pipeline.orchestration.run_events import step_failures


def _failures_of(error: Exception) -> list[str]:
    @dg.op
    def plan() -> None:
        raise error

    @dg.job
    def night() -> None:
        plan()

    with dg.instance_for_test() as instance:
        ran = night.execute_in_process(instance=instance, raise_on_error=False)
        return step_failures(instance, ran.run_id)


def test_a_step_that_was_stopped_while_duckdb_worked_is_interrupted_and_no_other_error_is() -> None:
    assert _failures_of(RuntimeError("Query interrupted")) == ["plan: interrupted"]
    assert _failures_of(RuntimeError("no licence")) == ["plan: RuntimeError: no licence"]
