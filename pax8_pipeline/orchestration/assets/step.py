"""What the body of every asset uses: settings and warehouse of the run, progress messages, and one plain sentence for a
failure.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dagster as dg
import duckdb

from pax8_pipeline.errors import PipelineError, RateLimited, ServerFault, Unreachable
from pax8_pipeline.orchestration.resources import SettingsResource, WarehouseResource
from pax8_pipeline.settings import Settings
from pax8_pipeline.text import error_sentences
from pax8_pipeline.warehouse.connection import Warehouse

# The run's progress is logged here; `orchestration.runs` listens.
progress_log = logging.getLogger("pax8_pipeline.progress")

SCHEDULE_TAG = "dagster/schedule_name"
_RETRIES, _RETRY_AFTER_S = 2, 120
_PROGRESS_EVERY_S = 5.0


@dataclass(frozen=True)
class AssetStep:
    """The run of one asset. `run_id` is Dagster's; `clock` is in seconds."""

    context: dg.AssetExecutionContext
    settings: Settings
    warehouse: Warehouse
    clock: Callable[[], float] = field(default=time.monotonic, compare=False)

    @contextmanager
    def in_warehouse(self) -> Iterator[None]:
        """Keep the warehouse open during several steps that ask no vendor: opening and closing it is expensive."""
        with self.warehouse.connect():
            yield

    @property
    def run_id(self) -> str:
        """The id of the run that makes this asset."""
        return str(self.context.run.run_id)

    def log(self, text: str) -> None:
        """Write a line to the run's log and to the progress log."""
        self.context.log.info(text)
        progress_log.info(text)

    def progress(self, what: str) -> Callable[[int, int], None]:
        """Return a function (done, total) that logs the progress of `what` every few seconds."""
        last_logged = self.clock()

        def report(done: int, total: int) -> None:
            nonlocal last_logged
            if self.clock() - last_logged >= _PROGRESS_EVERY_S:
                last_logged = self.clock()
                self.log(f"{what}: {done} of {total}")

        return report


@contextmanager
def asset_step(
    context: dg.AssetExecutionContext,
    settings: SettingsResource,
    warehouse: WarehouseResource,
    *,
    reading: bool = True,
) -> Iterator[AssetStep]:
    """Open the settings and the warehouse for an asset. Errors of this product, the system and DuckDB are raised as
    dg.Failure with one sentence.

    When a vendor does not answer, a run of the schedule asks again a little later; any other run fails at once. A step
    that writes (`reading` false) is never repeated automatically.
    """
    try:
        loaded = settings.load()
        yield AssetStep(context, loaded, warehouse.open(loaded))
    except (Unreachable, ServerFault, RateLimited) as error:
        if reading and SCHEDULE_TAG in context.run.tags and context.retry_number < _RETRIES:
            raise dg.RetryRequested(max_retries=_RETRIES, seconds_to_wait=_RETRY_AFTER_S) from error
        raise dg.Failure(str(error), allow_retries=False) from error
    except (PipelineError, OSError, MemoryError, duckdb.Error) as error:
        raise dg.Failure(error_sentences.to_sentence(error), allow_retries=False) from error
