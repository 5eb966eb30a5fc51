"""How a failure of an asset looks, and when it is tried again."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from pax8_pipeline.errors import AuthRefused, PipelineError, RateLimited, ServerFault, Unreachable
from pax8_pipeline.orchestration.assets.step import AssetStep, asset_step
from pax8_pipeline.orchestration.resources import FixedSettings, WarehouseResource
from pax8_pipeline.settings import load_settings

SCHEDULED = {"dagster/schedule_name": "daily_sync_schedule"}


def failing(error: PipelineError, folder: Path, tags: dict[str, str], retry: int = 0, *, reading: bool = True) -> None:
    context: Any = SimpleNamespace(run=SimpleNamespace(tags=tags), retry_number=retry)
    settings: Any = FixedSettings(load_settings({"PAX8_PIPELINE_DATA": str(folder)}))
    with asset_step(context, settings, WarehouseResource(), reading=reading):
        raise error


@pytest.mark.parametrize("kind", [Unreachable, ServerFault, RateLimited])
def test_a_vendor_that_does_not_answer_is_asked_again_later_by_the_schedules_run_only(
    kind: type[PipelineError], tmp_path: Path
) -> None:
    with pytest.raises(dg.RetryRequested) as asked:
        failing(kind("no answer"), tmp_path, SCHEDULED)
    assert (asked.value.max_retries, asked.value.seconds_to_wait) == (2, 120)
    with pytest.raises(dg.Failure, match="no answer"):
        failing(kind("no answer"), tmp_path, {})


def test_after_two_tries_the_sentence_comes_out(tmp_path: Path) -> None:
    with pytest.raises(dg.Failure, match="no answer"):
        failing(Unreachable("no answer"), tmp_path, SCHEDULED, retry=2)


def test_what_writes_is_not_begun_again_by_itself(tmp_path: Path) -> None:
    with pytest.raises(dg.Failure, match="no answer"):
        failing(Unreachable("no answer"), tmp_path, SCHEDULED, reading=False)


def test_what_trying_again_does_not_mend_is_not_tried_again(tmp_path: Path) -> None:
    with pytest.raises(dg.Failure, match="wrong secret") as failed:
        failing(AuthRefused("wrong secret"), tmp_path, SCHEDULED)
    assert failed.value.allow_retries is False


def test_long_work_is_told_every_few_seconds_and_not_at_each_step() -> None:
    messages: list[str] = []
    times = iter([0.0, 1.0, 6.0, 6.0, 7.0])
    context: Any = SimpleNamespace(log=SimpleNamespace(info=messages.append))
    tell = AssetStep(context, None, None, clock=lambda: next(times)).progress("usage")  # type: ignore[arg-type]
    for done in (10, 60, 70):
        tell(done, 100)
    assert messages == ["usage: 60 of 100"]
