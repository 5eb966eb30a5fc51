"""What the body of every asset has at hand, and how its failures look.

Here belongs: settings and warehouse of the run, telling people how far it is, turning a failure into one plain
sentence. Not here: any one asset.
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

# Whoever wants to see how far a run is listens to this logger (`orchestration.runs` does).
progress_log = logging.getLogger("pax8_pipeline.progress")

SCHEDULE_TAG = "dagster/schedule_name"
_RETRIES, _RETRY_AFTER_S = 2, 120
_SAY_EVERY_S = 5.0


@dataclass(frozen=True)
class AssetStep:
    """One asset at work. `run_id` is Dagster's."""

    context: dg.AssetExecutionContext
    settings: Settings
    warehouse: Warehouse
    clock: Callable[[], float] = field(default=time.monotonic, compare=False)

    @contextmanager
    def in_warehouse(self) -> Iterator[None]:
        """Keep the warehouse open over several steps that ask no vendor: opening and closing it is the dear part."""
        with self.warehouse.connect():
            yield

    @property
    def run_id(self) -> str:
        """The run this asset is made in."""
        return str(self.context.run.run_id)

    def log(self, text: str) -> None:
        """Tell people, in the run's log and to whoever listens."""
        self.context.log.info(text)
        progress_log.info(text)

    def progress(self, what: str) -> Callable[[int, int], None]:
        """Return a function (done, total) that says every few seconds how far `what` is."""
        said = self.clock()

        def tell(done: int, total: int) -> None:
            nonlocal said
            if self.clock() - said >= _SAY_EVERY_S:
                said = self.clock()
                self.log(f"{what}: {done} of {total}")

        return tell


@contextmanager
def asset_step(
    context: dg.AssetExecutionContext,
    settings: SettingsResource,
    warehouse: WarehouseResource,
    *,
    reading: bool = True,
) -> Iterator[AssetStep]:
    """Open what an asset needs; a failure raised on purpose comes out as dg.Failure with its plain sentence.

    When a vendor does not answer for the moment, a run that nobody watches (the schedule's) asks again a little
    later; any other run says so at once. What writes (`reading` false) is never begun again by itself.
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
